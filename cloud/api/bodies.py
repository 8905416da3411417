"""What the stages' routers share: the day that a request means, and records as JSON."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Annotated

import msgspec
from fastapi import Response
from pydantic import BaseModel, Field

from cloud.chain.records import Record

Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2100, 1, 1))]
"""A local delivery day, far enough from the ends of the calendar to be an interval in any zone."""


class DayRequest(BaseModel, extra="forbid"):
    """Which local delivery day is meant."""

    day: Day


def as_json(answer: Record | Sequence[Record], status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(msgspec.json.encode(answer), status, media_type="application/json")
