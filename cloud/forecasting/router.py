"""Stage 2 over HTTP."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from cloud.api.bodies import DayRequest, as_json
from cloud.forecasting.service import ForecastingService


def router(service: ForecastingService) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["2 forecasting"])

    @routes.post("/forecasts", status_code=HTTPStatus.CREATED, summary="Issue the forecast of a market day")
    async def issue(request: DayRequest) -> Response:
        return as_json(service.issue(request.day, service.now()), HTTPStatus.CREATED)

    @routes.get("/forecasts", summary="All forecasts, oldest first")
    async def forecasts() -> Response:
        return as_json(service.forecasts())

    @routes.get("/histories", summary="Steps of meter history that utilities delivered, by site")
    async def histories() -> dict[str, int]:
        return {str(site_id): steps for site_id, steps in service.history_steps().items()}

    return routes
