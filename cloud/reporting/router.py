"""The scorecard over HTTP."""

from datetime import date
from typing import Any

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel

from cloud.reporting.service import ReportingService


class ScorecardOrder(BaseModel, extra="forbid"):
    """A local delivery day."""

    day: date


def router(service: ReportingService) -> APIRouter:
    """``/scorecard``: publish a day's figures, or read what is published."""
    routes = APIRouter(prefix="/api/v1", tags=["reporting"])

    @routes.post("/scorecard", summary="Compute and publish the figures of a day")
    async def publish(order: ScorecardOrder) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(figure) for figure in service.publish(order.day)]

    @routes.get("/scorecard", summary="The newest published figures of a day")
    async def scorecard(day: date) -> list[dict[str, Any]]:
        return [msgspec.to_builtins(figure) for figure in service.figures(day)]

    return routes
