"""Settlement over HTTP."""

from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import APIRouter

from cloud.api.bodies import Day, DayRequest
from cloud.chain.records import Record
from cloud.settlement.service import SettlementService


def router(service: SettlementService) -> APIRouter:
    """Endpoints of stage 6."""
    routes = APIRouter(prefix="/api/v1", tags=["6 settlement"])

    @routes.post("/settlements", summary="Settle a day and reconcile it with the counterparties")
    async def settle(order: DayRequest) -> dict[str, list[dict[str, Any]]]:
        settlements = service.settle(order.day)
        await service.submit_meter_data(order.day)
        invoices = await service.invoices(order.day)
        return {"settlements": _json(settlements), "invoices": _json(invoices)}

    @routes.get("/settlements", summary="The recorded settlements of a day")
    async def settled(day: Day) -> list[dict[str, Any]]:
        return _json(service.recorded(day))

    return routes


def _json(records: Sequence[Record]) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(record) for record in records]
