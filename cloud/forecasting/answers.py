"""How the stages answer over HTTP: records as JSON, and a reason where there is nothing to answer with."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import msgspec
from fastapi import HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from cloud.chain.records import Record
from vpp_core.faults import CounterpartyFault, LocalFault

OK = 200
CREATED = 201
CONFLICT = 409
BAD_GATEWAY = 502


class NotReady(LocalFault):
    """An earlier step of the day is missing; the text says which one to do first."""

    code = "not_ready"


class DayRequest(BaseModel):
    """Which local delivery day is meant."""

    model_config = ConfigDict(extra="forbid")

    day: date = Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))


def as_json(answer: Record | Sequence[Record], status: int = OK) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type="application/json")


@contextmanager
def reasons() -> Iterator[None]:
    """A step that is not possible yet answers 409, a counterparty that fails us 502, with the sentence."""
    try:
        yield
    except NotReady as fault:
        raise HTTPException(CONFLICT, str(fault)) from fault
    except CounterpartyFault as fault:
        raise HTTPException(BAD_GATEWAY, str(fault)) from fault
