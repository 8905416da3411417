"""The scorecard over HTTP."""

from typing import Any

import msgspec
from fastapi import APIRouter

from cloud.api.bodies import Day, DayRequest
from cloud.reporting.service import ReportingService


def router(service: ReportingService) -> APIRouter:
    """``/scorecard``: publish a day's figures, or read what is published."""
    routes = APIRouter(prefix="/api/v1", tags=["reporting"])

    @routes.post("/scorecard", summary="Compute and publish the figures of a day")
    async def publish(order: DayRequest) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(figure) for figure in service.publish(order.day)]

    @routes.get("/scorecard", summary="The newest published figures of a day")
    async def scorecard(day: Day) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(figure) for figure in service.figures(day)]

    return routes
