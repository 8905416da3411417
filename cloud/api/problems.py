"""Errors as ``application/problem+json`` (RFC 9457): one form for whatever goes wrong."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from cloud.chain.faults import NotReady
from vpp_core.faults import CounterpartyFault, Fault

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """What went wrong, in a form that a program can read and a person can act on."""

    title: str
    status: int
    detail: str
    code: str = ""
    """The fault's kind, where it is one of ours."""


def _documented(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


RESPONSES: dict[int | str, dict[str, Any]] = {
    400: _documented("The request cannot be read."),
    401: _documented("No token, or a wrong one."),
    404: _documented("There is no such thing."),
    409: _documented("Not possible now; the detail says what has to come first."),
    413: _documented("The request is too large."),
    422: _documented("A value is missing or out of range; the detail names it."),
    502: _documented("A counterparty did not answer as agreed."),
    503: _documented("The storage or the broker cannot be used at the moment."),
}
"""What every endpoint may answer besides its own."""


def install(app: FastAPI) -> None:
    """Answer every error of an application as a problem."""
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(Fault, _on_fault)


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    return _answer(error.status_code, str(error.detail), headers=dict(error.headers or {}))


async def _on_validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    found = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, found)


async def _on_fault(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Fault)  # noqa: S101 - registered for this class only
    if isinstance(error, NotReady):
        status = HTTPStatus.CONFLICT
    elif isinstance(error, CounterpartyFault):
        status = HTTPStatus.BAD_GATEWAY
    else:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    return _answer(status, str(error), code=error.code)


def _answer(
    status: int, detail: str, *, code: str = "", headers: dict[str, str] | None = None
) -> JSONResponse:
    problem = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, code=code)
    return JSONResponse(problem.model_dump(), status, headers=headers, media_type=MEDIA_TYPE)
