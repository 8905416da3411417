"""Stage 4 over HTTP."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from cloud.api.bodies import DayRequest, as_json
from cloud.bidding.service import BiddingService


def router(service: BiddingService) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["4 bidding"])

    @routes.post("/plans", status_code=HTTPStatus.CREATED, summary="Plan a market day and hand its offers in")
    async def plan_and_offer(request: DayRequest) -> Response:
        plan, offers = await service.plan_and_offer(request.day)
        return as_json([plan, *offers], HTTPStatus.CREATED)

    @routes.post(
        "/awards", status_code=HTTPStatus.CREATED, summary="Collect a day's awards and plan to keep them"
    )
    async def collect_and_replan(request: DayRequest) -> Response:
        awards = await service.collect_awards(request.day)
        return as_json([*awards, await service.replan(request.day)], HTTPStatus.CREATED)

    @routes.get("/plans", summary="All plans, oldest first")
    async def plans() -> Response:
        return as_json(service.plans())

    @routes.get("/offers", summary="All offers, oldest first")
    async def offers() -> Response:
        return as_json(service.offers())

    @routes.get("/awards", summary="All awards, oldest first")
    async def awards() -> Response:
        return as_json(service.awards())

    return routes
