"""Stage 2 over HTTP."""

from fastapi import APIRouter, Response

from cloud.forecasting.answers import CREATED, DayRequest, as_json, reasons
from cloud.forecasting.service import ForecastingService


def router(service: ForecastingService) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["2 forecasting"])

    @routes.post("/forecasts", status_code=CREATED, summary="Issue the forecast of a market day")
    async def issue(request: DayRequest) -> Response:
        with reasons():
            return as_json(service.issue(request.day, service.now()), CREATED)

    @routes.get("/forecasts", summary="All forecasts, oldest first")
    async def forecasts() -> Response:
        return as_json(service.forecasts())

    @routes.get("/histories", summary="Steps of meter history that utilities delivered, by site")
    async def histories() -> dict[str, int]:
        return {str(site_id): steps for site_id, steps in service.history_steps().items()}

    return routes
