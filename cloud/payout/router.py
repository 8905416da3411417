"""Payout over HTTP: pay a day, read a statement, read the books."""

from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response, status
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse

from cloud.api.bodies import Day, DayRequest
from cloud.payout.export import payments_csv
from cloud.payout.rendering import as_html, as_text
from cloud.payout.service import PayoutService
from vpp_core.ids import OwnerId


class CsvResponse(PlainTextResponse):
    media_type = "text/csv"


def router(service: PayoutService) -> APIRouter:
    """Endpoints of stage 7's money."""
    routes = APIRouter(prefix="/api/v1", tags=["7 payout"])

    @routes.post("/payments", summary="Pay the owners of an invoiced day and issue their statements")
    async def pay(order: DayRequest) -> dict[str, list[dict[str, Any]]]:
        payments = service.run(order.day)
        statements = service.statements(order.day)
        return {
            "payments": [msgspec.to_builtins(payment) for payment in payments],
            "statements": [msgspec.to_builtins(statement) for statement in statements],
        }

    @routes.get("/payments", summary="The payments of a day")
    async def payments(day: Day) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(payment) for payment in service.payments(day)]

    @routes.get("/payments.csv", summary="The payments of a day as CSV", response_class=CsvResponse)
    async def export(day: Day) -> Response:
        return CsvResponse(payments_csv(service.payments(day)))

    @routes.get(
        "/statements/{owner_id}",
        summary="An owner's statement: JSON, or HTML or plain text where the request accepts it first",
        responses={status.HTTP_404_NOT_FOUND: {"description": "No statement was issued."}},
    )
    async def statement(owner_id: str, day: Day, request: Request) -> Response:
        found = service.statement(OwnerId(owner_id), day)
        if found is None:
            detail = f"no statement of {owner_id} for {day} was issued; pay the day first"
            raise HTTPException(status.HTTP_404_NOT_FOUND, detail)
        accepted = request.headers.get("accept", "")
        if accepted.startswith("text/html"):
            return HTMLResponse(as_html(found))
        if accepted.startswith("text/plain"):
            return PlainTextResponse(as_text(found))
        return JSONResponse(msgspec.to_builtins(found))

    @routes.get("/ledger", summary="The trial balance of the verified ledger, in cents")
    async def ledger() -> list[dict[str, Any]]:
        return [balance._asdict() for balance in service.trial_balance()]

    return routes
