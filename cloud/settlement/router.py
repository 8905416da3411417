"""Settlement over HTTP."""

from datetime import date
from typing import Any

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from cloud.settlement.service import SettlementService


class DayRequest(BaseModel):
    """A local delivery day."""

    model_config = ConfigDict(extra="forbid")

    day: date


def router(service: SettlementService) -> APIRouter:
    """``/settlements``: settle a day and reconcile it, or read what is settled."""
    routes = APIRouter(prefix="/api/v1", tags=["settlement"])

    @routes.post("/settlements")
    async def settle(request: DayRequest) -> dict[str, Any]:
        settlements = service.settle(request.day)
        await service.submit_meter_data(request.day)
        invoices = await service.invoices(request.day)
        return {"settlements": as_json(settlements), "invoices": as_json(invoices)}

    @routes.get("/settlements")
    async def settled(day: date) -> list[dict[str, Any]]:
        return as_json(service.recorded(day))

    return routes


def as_json(records: list[Any]) -> list[dict[str, Any]]:
    """Records as plain JSON values."""
    return [msgspec.to_builtins(record) for record in records]
