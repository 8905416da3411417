"""Stage 2 over HTTP."""

from fastapi import APIRouter, Response

from cloud.forecasting.answers import DayRequest, as_json, reasons
from cloud.forecasting.service import ForecastingService


def router(service: ForecastingService) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/forecasts", tags=["2 forecasting"])

    @routes.post("", status_code=201, summary="Issue the forecast of a market day")
    async def issue(request: DayRequest) -> Response:
        with reasons():
            return as_json(service.issue(request.day, service.now()))

    @routes.get("", summary="All forecasts, oldest first")
    async def forecasts() -> Response:
        return as_json(service.forecasts())

    return routes
