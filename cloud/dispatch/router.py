"""Dispatch over HTTP: what was ordered, which events there are, and the emergency stop."""

from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException, status
from pydantic import BaseModel, Field

from cloud.api.bodies import DayRequest
from cloud.dispatch.ledger import Entry
from cloud.dispatch.service import DispatchService


class StopOrder(BaseModel, extra="forbid"):
    reason: str = Field(min_length=1, max_length=200)


def router(service: DispatchService) -> APIRouter:
    """Endpoints of stage 5."""
    routes = APIRouter(prefix="/api/v1", tags=["5 dispatch"])

    @routes.get("/commands", summary="Every command at its newest revision, oldest first")
    async def commands() -> list[dict[str, Any]]:
        return [_entry(entry) for entry in service.commands()]

    @routes.get("/events", summary="Every utility event at its newest modification")
    async def events() -> list[dict[str, Any]]:
        return [msgspec.to_builtins(event) for event in service.events()]

    @routes.post("/dispatch/stop", summary="Fleet emergency stop: cancel every live command")
    async def stop(order: StopOrder) -> dict[str, int]:
        return {"cancelled": len(await service.stop_all(order.reason))}

    @routes.post(
        "/dispatch/day",
        summary="Commit a day's awards and send its newest plan",
        responses={status.HTTP_409_CONFLICT: {"description": "No plan covers the day."}},
    )
    async def day(order: DayRequest) -> dict[str, int]:
        plan = service.latest_plan(order.day)
        if plan is None:
            raise HTTPException(status.HTTP_409_CONFLICT, f"no plan covers {order.day}; plan the day first")
        commitments = service.commit_awards(order.day, plan)
        sent = await service.dispatch_plan(plan)
        return {"commitments": len(commitments), "commands": len(sent)}

    return routes


def _entry(entry: Entry) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(entry.command)
    return fields | {
        "status": entry.status.value,
        "status_reason": entry.reason,
        "clamped_to_w": entry.setpoint_w,
        "acknowledged_at": entry.acknowledged_at,
    }
