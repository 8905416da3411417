"""Stage 3 over HTTP."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from cloud.api.bodies import DayRequest, as_json
from cloud.opportunity.service import OpportunityService


def router(service: OpportunityService) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/opportunities", tags=["3 opportunities"])

    @routes.post(
        "", status_code=HTTPStatus.CREATED, summary="Value every product in every interval of a market day"
    )
    async def identify(request: DayRequest) -> Response:
        return as_json(await service.identify(request.day), HTTPStatus.CREATED)

    @routes.get("", summary="All valued opportunities, oldest first")
    async def opportunities() -> Response:
        return as_json(service.opportunities())

    return routes
