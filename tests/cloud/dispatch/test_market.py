"""A market day: awards become commitments, the plan becomes one schedule a battery, receipts come back."""

import asyncio
from datetime import date, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from cloud.chain.records import Award, Command, CommandReceipt, Commitment, DevicePlan, Plan, Side
from cloud.dispatch.router import router
from cloud.markets.catalogue import ENERGY, RESERVE
from cloud.markets.local_day import local_day
from cloud.openadr.intake import Opt
from vpp_core.clock import Clock
from vpp_core.ids import DerId, ProgramId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import DispatchPriority, ReceiptStatus
from vpp_core.money import Price, zero

Fleet = Any
"""The fleet of conftest.py."""

DAY = date(2021, 8, 13)
LOCAL_DAY = local_day(DAY, "America/Chicago")
MARKET = ProgramId("market-storage")
SELLING_HOUR, BUYING_HOUR = 18, 3


@pytest.fixture
def market(fleet: Fleet) -> Fleet:
    """Two market sites beside the peak sites."""
    for number in (12, 14):
        fleet.enroll(number, MARKET)
        fleet.measure(number)
    return fleet


def hour(number: int) -> Interval:
    return Interval.of(LOCAL_DAY.start + timedelta(hours=number), 3_600)


def award(
    fleet: Fleet, interval: Interval, quantity_wh: int, product: str = ENERGY, side: Side = Side.SELL
) -> Award:
    record: Award = fleet.chain.append(
        Award(
            id=fleet.chain.new_id(),
            at=fleet.clock.now(),
            product_id=product,  # type: ignore[arg-type]
            interval=interval,
            side=side,
            quantity_wh=quantity_wh,
            clearing_price=Price.from_decimal("42.50"),
        )
    )
    return record


def plan(
    fleet: Fleet, *, selling_w: float = 2_000.0, reserve_w: float = 1_000.0, purpose: str = "post-award"
) -> Plan:
    """Both batteries sell in one hour, charge in another, and hold reserve at noon."""
    steps = len(list(LOCAL_DAY.split(900)))

    def column(at: dict[int, float]) -> tuple[float, ...]:
        return tuple(at.get(step // 4, 0.0) for step in range(steps))

    devices = tuple(
        DevicePlan(
            der_id=der_id,
            site_id=SiteId(der_id[:7]),
            setpoint_w=column(powers),
            energy_wh=column({}),
            reserve_w=column({12: reserve_w} if battery else {}),
        )
        for der_id, powers, battery in (
            (fleet.battery(14), {SELLING_HOUR: selling_w, BUYING_HOUR: -2_000.0}, True),
            (fleet.battery(12), {SELLING_HOUR: 2 * selling_w, BUYING_HOUR: -2_000.0}, True),
            (DerId("site-12.pv"), {SELLING_HOUR: 500.0}, False),
        )
    )
    record: Plan = fleet.chain.append(
        Plan(
            id=fleet.chain.new_id(),
            at=fleet.clock.now(),
            purpose=purpose,
            horizon=LOCAL_DAY,
            step_s=900,
            devices=devices,
            objective=zero(),
            solver="test",
            status="optimal",
            gap=0.0,
            solve_s=0.0,
            binding=(),
        )
    )
    return record


def test_awards_become_commitments_with_every_sites_part(market: Fleet) -> None:
    sold = award(market, hour(SELLING_HOUR), 6_500)
    bought = award(market, hour(BUYING_HOUR), 4_000, side=Side.BUY)
    the_plan = plan(market)
    commitments = {c.interval: c for c in market.service.commit_awards(DAY)}
    selling, buying = commitments[sold.interval], commitments[bought.interval]
    assert (selling.power_w, buying.power_w) == (6_500.0, -4_000.0)
    assert selling.sites == pytest.approx({"site-12": 4_500.0, "site-14": 2_000.0})
    assert buying.sites == pytest.approx({"site-12": -2_000.0, "site-14": -2_000.0})
    assert selling.price == sold.clearing_price
    assert {sold.id, the_plan.id} < set(selling.predecessors)


def test_what_the_award_differs_from_the_plan_is_spread_by_rating(market: Fleet) -> None:
    award(market, hour(SELLING_HOUR), 6_300)
    plan(market)
    (commitment,) = market.service.commit_awards(DAY)
    assert commitment.sites == pytest.approx({"site-12": 4_400.0, "site-14": 1_900.0})


def test_reserve_is_committed_as_it_is_held(market: Fleet) -> None:
    award(market, hour(12), 2_000, RESERVE)
    plan(market)
    (commitment,) = market.service.commit_awards(DAY)
    assert commitment.power_w == 2_000.0
    assert commitment.sites == pytest.approx({"site-12": 1_000.0, "site-14": 1_000.0})


def test_without_a_plan_the_ratings_decide(market: Fleet) -> None:
    award(market, hour(SELLING_HOUR), 3_000)
    (commitment,) = market.service.commit_awards(DAY)
    assert commitment.sites == pytest.approx({"site-12": 1_500.0, "site-14": 1_500.0})


def test_awards_are_committed_once_and_lost_offers_never(market: Fleet) -> None:
    award(market, hour(SELLING_HOUR), 6_000)
    award(market, hour(19), 0)
    award(market, Interval.of(LOCAL_DAY.end, 3_600), 1_000)
    assert len(market.service.commit_awards(DAY)) == 1
    assert market.service.commit_awards(DAY) == []
    assert len(market.chain.of_kind(Commitment)) == 1


async def test_the_plan_is_one_schedule_a_battery_that_expires_with_the_day(market: Fleet) -> None:
    award(market, hour(SELLING_HOUR), 6_500)
    the_plan = plan(market)
    (commitment,) = market.service.commit_awards(DAY)
    commands = await market.service.dispatch_plan(the_plan)
    assert [command.der_id for command in commands] == ["site-12.battery", "site-14.battery"]
    first = commands[0]
    assert first.priority is DispatchPriority.MARKET
    assert first.expires_at == LOCAL_DAY.end
    assert [(step.interval, step.setpoint_w) for step in first.schedule.steps if step.setpoint_w] == [
        (hour(BUYING_HOUR), -2_000.0),
        (hour(SELLING_HOUR), 4_000.0),
    ]
    assert len(first.schedule.steps) == 5
    assert set(first.predecessors) == {the_plan.id, commitment.id}


async def test_the_same_plan_sends_nothing_and_a_new_one_is_the_next_revision(market: Fleet) -> None:
    first = await market.service.dispatch_plan(plan(market))
    same = await market.service.dispatch_plan(plan(market))
    assert same == first
    changed = await market.service.dispatch_plan(plan(market, selling_w=1_000.0))
    assert [(c.command_id, c.revision) for c in changed] == [(c.command_id, 1) for c in first]
    market.restarted()
    again = await market.service.dispatch_plan(plan(market, selling_w=500.0))
    assert [(c.command_id, c.revision) for c in again] == [(c.command_id, 2) for c in first]


async def test_reserve_is_configured_retained_and_by_growing_revisions(market: Fleet) -> None:
    the_plan = plan(market)
    await market.service.dispatch_plan(the_plan)
    await market.service.dispatch_plan(the_plan)
    configs = [config for config in market.sink.configs() if config.site_id == "site-12"]
    assert configs[1].revision > configs[0].revision
    response = configs[0].frequency_response
    assert (response.nominal_hz, response.deadband_hz, response.full_activation_hz) == (60.0, 0.036, 0.5)
    assert [(s.interval, s.der_id, s.reserve_w) for s in response.steps] == [
        (hour(12), "site-12.battery", 1_000.0)
    ]
    assert configs[0].expires_at == LOCAL_DAY.end
    assert all(sent.retain for sent in market.sink.sent if sent.topic.endswith("/config"))


async def test_a_battery_that_follows_a_market_schedule_is_not_sold_to_an_event(market: Fleet) -> None:
    market.enroll(12)
    market.enroll(14)
    await market.service.dispatch_plan(plan(market))
    tomorrow = Interval(market.event.start + timedelta(days=1), market.event.end + timedelta(days=1))
    assert await market.call(9_000.0, interval=tomorrow) is Opt.IN
    assert set(market.chain.of_kind(Commitment)[-1].sites) == {f"site-{n:02}" for n in range(1, 6)}


async def test_receipts_are_recorded_once_and_follow_from_their_revision(market: Fleet) -> None:
    (first, _) = await market.service.dispatch_plan(plan(market))
    market.clock.advance(0.5)
    receipt = await market.receive(12, ReceiptStatus.ACCEPTED)
    await market.service.on_receipt(receipt)
    await market.service.dispatch_plan(plan(market, selling_w=1_000.0))
    await market.receive(12, ReceiptStatus.STARTED, revision=0)
    records = market.chain.of_kind(CommandReceipt)
    assert [record.status for record in records] == [ReceiptStatus.ACCEPTED, ReceiptStatus.STARTED]
    assert {record.predecessors for record in records} == {(first.id,)}
    assert (records[0].reported_at - first.at).total_seconds() == 0.5
    market.restarted()
    await market.service.on_receipt(receipt)
    assert len(market.chain.of_kind(CommandReceipt)) == 2


async def test_receipts_of_unknown_commands_or_revisions_leave_no_record(market: Fleet) -> None:
    await market.service.dispatch_plan(plan(market))
    receipt = await market.receive(12, ReceiptStatus.ACCEPTED, revision=7)
    for change in ({"command_id": "unknown"}, {"site_id": "site-14"}):
        await market.service.on_receipt(msgspec.structs.replace(receipt, revision=0, **change))
    assert market.chain.of_kind(CommandReceipt) == []


async def test_what_the_broker_does_not_take_is_sent_when_it_is_back(market: Fleet) -> None:
    market.sink.down = True
    await market.service.dispatch_plan(plan(market))
    await market.service.dispatch_plan(plan(market, selling_w=1_000.0))
    await market.service.tick()
    assert market.sink.sent == []
    market.sink.down = False
    await market.service.tick()
    assert {(d.der_id, d.revision) for d in market.sink.dispatches()} == {
        ("site-12.battery", 1),
        ("site-14.battery", 1),
    }
    sent = len(market.sink.sent)
    await market.service.tick()
    assert len(market.sink.sent) == sent


async def test_what_expired_while_the_broker_was_down_is_not_sent(market: Fleet) -> None:
    market.sink.down = True
    await market.service.dispatch_plan(plan(market))
    market.sink.down = False
    market.advance_to(LOCAL_DAY.end)
    await market.service.tick()
    assert market.sink.sent == []


async def test_the_emergency_stop_cancels_every_live_command(market: Fleet) -> None:
    await market.service.dispatch_plan(plan(market))
    await market.running()
    cancelled = await market.service.stop_all("fire brigade")
    assert len(cancelled) == 7
    assert all(command.schedule.steps == () for command in cancelled)
    assert {command.priority for command in cancelled} == {DispatchPriority.EMERGENCY}
    sent = len(market.sink.sent)
    await market.gateway(3, online=False)
    assert len(market.sink.sent) == sent
    assert await market.service.stop_all("again") == []


class StoppingClock:
    """Counts the loop's sleeps and ends the test after a few."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.slept_s: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clock, name)

    async def sleep(self, duration_s: float) -> None:
        self.slept_s.append(duration_s)
        await self._clock.sleep(duration_s + 90.0 * (len(self.slept_s) == 2))
        if len(self.slept_s) == 4:
            raise asyncio.CancelledError


async def test_the_loop_keeps_to_the_minute_and_skips_what_it_missed(market: Fleet) -> None:
    market.clock.advance(12.0)
    clock = StoppingClock(market.clock)
    market.service._clock = clock
    with pytest.raises(asyncio.CancelledError):
        await market.service.run()
    assert clock.slept_s == [48.0, 60.0, 30.0, 60.0]


async def test_the_http_interface_shows_orders_and_sends_the_day(market: Fleet) -> None:
    app = FastAPI()
    app.include_router(router(market.service))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:
        missing = await client.post("/dispatch/day", json={"day": DAY.isoformat()})
        assert (missing.status_code, "no plan covers" in missing.text) == (409, True)
        award(market, hour(SELLING_HOUR), 6_500)
        plan(market)
        sent = await client.post("/dispatch/day", json={"day": DAY.isoformat()})
        assert sent.json() == {"commitments": 1, "commands": 2}
        await market.call()
        await market.receive(1, ReceiptStatus.ACCEPTED)
        commands = (await client.get("/commands")).json()
        assert [row["status"] for row in commands].count("accepted") == 1
        assert len(commands) == len({row["command_id"] for row in commands}) == 7
        events = (await client.get("/events")).json()
        assert [(row["event_id"], row["opt"]) for row in events] == [("peak-1", "optIn")]
        assert (await client.post("/dispatch/stop", json={"reason": ""})).status_code == 422
        stopped = await client.post("/dispatch/stop", json={"reason": "test"})
        assert stopped.json() == {"cancelled": 7}
    assert len(market.chain.of_kind(Command)) == 14
