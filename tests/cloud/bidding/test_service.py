"""From expected prices to a plan that keeps the awards, over the market's own HTTP."""

from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
import msgspec
import numpy as np
import pytest
from fastapi import FastAPI

from cloud.api import problems
from cloud.bidding.router import router
from cloud.bidding.service import DAY_AHEAD, POST_AWARD
from cloud.chain.faults import NotReady
from cloud.chain.records import Award, Offer, Opportunity, Plan, Side
from cloud.markets.adapter import MarketAward
from cloud.markets.catalogue import ENERGY, RESERVE
from cloud.opportunity.router import router as opportunity_router
from vpp_core.faults import CounterpartyFault

DAY = date(2021, 8, 12)
TO_AFTERNOON_S = 5 * 3_600.0
"""From 09:00 to 14:00, when the results are out."""

Floor = Any
"""The trading floor of conftest.py."""


async def offered(floor: Floor) -> tuple[Plan, list[Offer]]:
    floor.forecast(sun_w=2_000.0)
    await floor.opportunity.identify(DAY)
    plan, offers = await floor.bidding.plan_and_offer(DAY)
    return plan, offers


async def awarded(floor: Floor) -> list[Award]:
    await offered(floor)
    floor.clock.advance(TO_AFTERNOON_S)
    awards: list[Award] = await floor.bidding.collect_awards(DAY)
    return awards


async def test_storage_is_offered_into_the_evening_peak(floor: Floor) -> None:
    plan, offers = await offered(floor)
    sales = {
        o.interval.start.hour: o.quantity_wh for o in offers if o.product_id == ENERGY and o.side is Side.SELL
    }
    assert sales == {17: 4_000, 18: 4_000, 19: 4_000, 20: 4_000, 22: 10_000, 23: 10_000}
    assert plan.purpose == DAY_AHEAD
    assert plan.status == "optimal"


async def test_the_plan_is_of_the_market_book_only(floor: Floor) -> None:
    plan, _ = await offered(floor)
    assert [device.der_id for device in plan.devices] == [
        "site-00.battery",
        "site-02.battery",
        "site-00.pv",
        "site-02.pv",
    ]


async def test_energy_and_reserve_of_an_hour_fit_the_same_power(floor: Floor) -> None:
    plan, _ = await offered(floor)
    for device in plan.devices[:2]:
        assert all(p + r <= 5_000.001 for p, r in zip(device.setpoint_w, device.reserve_w, strict=True))


async def test_every_offer_follows_from_its_plan_and_its_opportunity(floor: Floor) -> None:
    plan, offers = await offered(floor)
    for offer in offers:
        first, second = (floor.chain.get(link) for link in offer.predecessors)
        assert first == plan
        assert isinstance(second, Opportunity)
        assert (second.product_id, second.interval) == (offer.product_id, offer.interval)


async def test_offering_again_offers_the_same(floor: Floor) -> None:
    first = await offered(floor)
    assert await floor.bidding.plan_and_offer(DAY) == first
    assert len(floor.bidding.plans()) == 1


async def test_two_floors_plan_alike(floor: Floor) -> None:
    plan, _ = await offered(floor)
    await floor.opportunity.identify(DAY)
    again = floor.bidding._plan_and_quote(DAY)[0]
    assert again.devices == plan.devices
    assert again.objective == plan.objective


async def test_a_market_that_clears_as_expected_takes_everything(floor: Floor) -> None:
    awards = await awarded(floor)
    offers = floor.bidding.offers()
    assert [award.quantity_wh for award in awards] == [offer.quantity_wh for offer in offers]
    assert [award.predecessors for award in awards] == [(offer.id,) for offer in offers]


async def test_awards_are_collected_once(floor: Floor) -> None:
    awards = await awarded(floor)
    assert await floor.bidding.collect_awards(DAY) == awards
    assert floor.bidding.awards() == awards


async def test_the_second_plan_keeps_the_awards(floor: Floor) -> None:
    awards = await awarded(floor)
    plan = await floor.bidding.replan(DAY)
    hours = [piece.start for piece in plan.horizon.split(3_600)]
    net_w = np.sum([device.setpoint_w for device in plan.devices], axis=0)
    held_w = np.sum([device.reserve_w for device in plan.devices], axis=0)
    for award in awards:
        step = hours.index(award.interval.start)
        sign = 1 if award.side is Side.SELL else -1
        planned = held_w if award.product_id == RESERVE else net_w
        assert planned[step] == pytest.approx(sign * award.quantity_wh, abs=200.0)
    assert plan.purpose == POST_AWARD
    assert plan.status == "optimal"
    assert set(plan.predecessors) >= {award.id for award in awards}


async def test_a_plan_is_worth_its_sales_less_wear(floor: Floor) -> None:
    plan, _ = await offered(floor)
    net_w = np.sum([device.setpoint_w for device in plan.devices], axis=0)
    held_w = np.sum([device.reserve_w for device in plan.devices], axis=0)
    discharged_w = np.clip([device.setpoint_w for device in plan.devices[:2]], 0, None).sum()
    peak = np.isin([piece.start.hour for piece in plan.horizon.split(3_600)], [22, 23])
    price, reserve_price = np.where(peak, 120.0, 20.0), np.where(peak, 36.0, 6.0)
    worth = (net_w @ price + held_w @ reserve_price - 20.0 * discharged_w) / 1e6
    assert float(plan.objective.to_decimal()) == pytest.approx(worth, abs=0.001)


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        pytest.param(
            lambda f: f.opportunity.identify(DAY), "No forecast of 2021-08-12", id="value without forecast"
        ),
        pytest.param(
            lambda f: f.bidding.plan_and_offer(DAY), "No forecast of 2021-08-12", id="plan without forecast"
        ),
        pytest.param(
            lambda f: f.bidding.collect_awards(DAY), "Nothing was offered", id="collect without offers"
        ),
    ],
)
async def test_a_step_out_of_turn_says_what_comes_first(
    floor: Floor, step: Callable[[Floor], Any], sentence: str
) -> None:
    with pytest.raises(NotReady, match=sentence):
        await step(floor)


async def test_a_plan_needs_valued_opportunities(floor: Floor) -> None:
    floor.forecast()
    with pytest.raises(NotReady, match="not valued"):
        await floor.bidding.plan_and_offer(DAY)


async def test_after_the_gate_nothing_new_is_offered(floor: Floor) -> None:
    floor.forecast()
    await floor.opportunity.identify(DAY)
    floor.clock.advance(3_600.0)
    with pytest.raises(NotReady, match="The gate for 2021-08-12 closed"):
        await floor.bidding.plan_and_offer(DAY)
    assert floor.bidding.offers() == []


async def test_results_before_publication_are_not_ready(floor: Floor) -> None:
    await offered(floor)
    with pytest.raises(NotReady, match="no results for 2021-08-12 yet"):
        await floor.bidding.collect_awards(DAY)
    with pytest.raises(NotReady, match="not collected"):
        await floor.bidding.replan(DAY)


async def test_a_day_without_awards_is_planned_at_published_prices_only(floor: Floor) -> None:
    floor.forecast()
    with pytest.raises(NotReady, match="no prices of 2021-08-12 yet"):
        await floor.bidding.replan(DAY)
    floor.clock.advance(TO_AFTERNOON_S)
    assert not any(any(device.setpoint_w) for device in (await floor.bidding.replan(DAY)).devices)


@pytest.mark.parametrize(
    "falsify",
    [
        pytest.param(lambda awards: awards[1:], id="one award is missing"),
        pytest.param(lambda awards: [*awards, awards[0]], id="one award comes twice"),
        pytest.param(
            lambda awards: [msgspec.structs.replace(awards[0], quantity_wh=10**9), *awards[1:]],
            id="more is awarded than was offered",
        ),
        pytest.param(
            lambda awards: [msgspec.structs.replace(awards[0], interval=awards[1].interval), *awards[1:]],
            id="another hour is awarded",
        ),
    ],
)
async def test_awards_that_do_not_fit_are_refused(
    floor: Floor,
    monkeypatch: pytest.MonkeyPatch,
    falsify: Callable[[list[MarketAward]], list[MarketAward]],
) -> None:
    await offered(floor)
    floor.clock.advance(TO_AFTERNOON_S)
    true_awards = floor.market.awards

    async def false_awards(day: date) -> list[MarketAward]:
        return falsify(await true_awards(day))

    monkeypatch.setattr(floor.market, "awards", false_awards)
    with pytest.raises(CounterpartyFault, match="do not fit our"):
        await floor.bidding.collect_awards(DAY)
    assert floor.bidding.awards() == []


async def test_the_stages_answer_over_http(floor: Floor) -> None:
    app = FastAPI()
    problems.install(app)
    app.include_router(opportunity_router(floor.opportunity))
    app.include_router(router(floor.bidding))
    body = {"day": DAY.isoformat()}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cloud") as client:
        early = await client.post("/api/v1/plans", json=body)
        assert (early.status_code, early.json()["detail"][:11]) == (409, "No forecast")
        floor.forecast()
        valued = await client.post("/api/v1/opportunities", json=body)
        planned = await client.post("/api/v1/plans", json=body)
        floor.clock.advance(TO_AFTERNOON_S)
        settled = await client.post("/api/v1/awards", json=body)
        assert [answer.status_code for answer in (valued, planned, settled)] == [201, 201, 201]
        assert {record["kind"] for record in planned.json()} == {"plan", "offer"}
        assert {record["kind"] for record in settled.json()} == {"award", "plan"}
        listed = {
            path: (await client.get(f"/api/v1/{path}")).json()
            for path in ("opportunities", "plans", "awards")
        }
        assert listed["opportunities"] == valued.json()
        assert listed["plans"] == [planned.json()[0], settled.json()[-1]]
        assert listed["awards"] == settled.json()[:-1]
        assert (await client.get("/api/v1/offers")).json() == sorted(
            planned.json()[1:], key=lambda offer: (offer["at"], planned.json().index(offer))
        )
        assert (await client.post("/api/v1/plans", json={"day": "9999-12-31"})).status_code == 422


async def test_a_market_that_fails_is_a_bad_gateway(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(*_: object) -> None:
        raise CounterpartyFault("The day-ahead market is down.")

    monkeypatch.setattr(floor.market, "prices", down)
    floor.forecast()
    app = FastAPI()
    problems.install(app)
    app.include_router(opportunity_router(floor.opportunity))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cloud") as client:
        answer = await client.post("/api/v1/opportunities", json={"day": DAY.isoformat()})
    assert (answer.status_code, answer.json()["detail"]) == (502, "The day-ahead market is down.")
