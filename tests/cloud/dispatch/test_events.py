"""A utility event from notice to end: opt, commitments, orders, loss and re-split, return, change of mind."""

from datetime import timedelta
from typing import Any

import pytest

from cloud.chain.records import Book, Commitment, GridEvent, Loss
from cloud.openadr.intake import EventStatus, Opt
from vpp_core.der import OwnerLimits
from vpp_core.ids import ProgramId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import DispatchPriority, ReceiptStatus
from vpp_core.money import Price

Fleet = Any
"""The fleet of conftest.py."""


async def test_an_event_is_committed_by_the_quarter_hour_and_ordered_from_every_battery(fleet: Fleet) -> None:
    assert await fleet.call(9_000.0) is Opt.IN
    commitments = fleet.chain.of_kind(Commitment)
    assert [c.interval for c in commitments] == list(fleet.event.split(900))
    assert {c.power_w for c in commitments} == {9_000.0}
    assert {c.book for c in commitments} == {Book.REGULATED}
    assert {c.price for c in commitments} == {Price.from_decimal(1_000)}
    assert all(sum(c.sites.values()) == pytest.approx(9_000.0) for c in commitments)
    orders = fleet.sink.newest()
    assert len(orders) == 5
    for order in orders.values():
        assert order.priority is DispatchPriority.EVENT
        assert order.expires_at == fleet.event.end
        (step,) = order.schedule.steps
        assert step.interval == fleet.event
        assert step.setpoint_w == pytest.approx(1_800.0)


async def test_commands_follow_from_the_event_and_its_commitments(fleet: Fleet) -> None:
    await fleet.call()
    (event,) = fleet.chain.of_kind(GridEvent)
    commitments = {c.id for c in fleet.chain.of_kind(Commitment)}
    for command in fleet.commands():
        assert set(command.predecessors) == {event.id} | commitments
    assert all(event.id in c.predecessors for c in fleet.chain.of_kind(Commitment))
    kinds = {type(record).__name__ for record in fleet.chain.ancestors(fleet.commands()[0].id)}
    assert kinds == {"GridEvent", "Commitment", "EnrolledSite"}


async def test_messages_expire_with_their_command(fleet: Fleet) -> None:
    await fleet.call()
    assert {sent.expiry_s for sent in fleet.sink.sent} == {4 * 3_600}
    assert not any(sent.retain for sent in fleet.sink.sent)


async def test_the_split_follows_the_energy_above_the_owners_reserve(fleet: Fleet) -> None:
    fleet.measure(1, charge=30.0)
    assert await fleet.call(9_000.0) is Opt.IN
    shares = fleet.chain.of_kind(Commitment)[0].sites
    assert shares["site-01"] <= 500.0 + 1e-6
    assert shares["site-02"] == pytest.approx((9_000.0 - shares["site-01"]) / 4)


async def test_a_battery_charges_ahead_only_if_the_event_needs_it(fleet: Fleet) -> None:
    for number in range(1, 6):
        fleet.measure(number, charge=40.0)
    assert await fleet.call(9_000.0) is Opt.IN
    for order in fleet.sink.newest().values():
        charge, discharge = order.schedule.steps
        assert charge.setpoint_w < 0.0
        assert charge.interval.start == fleet.event.start - timedelta(hours=1)
        assert charge.interval.end <= fleet.event.start
        gained_wh = -charge.setpoint_w * charge.interval.duration_s / 3_600.0
        assert 2_000.0 + gained_wh == pytest.approx(discharge.setpoint_w * 2.0)


async def test_evs_of_the_program_charge_at_their_owners_least(fleet: Fleet) -> None:
    fleet.enroll(6, evse=True, limits=OwnerLimits(evse_charge_w_min=1_440.0))
    fleet.measure(6)
    await fleet.call()
    order = fleet.sink.newest()["site-06.evse"]
    assert [step.setpoint_w for step in order.schedule.steps] == [-1_440.0]
    assert order.schedule.steps[0].interval == fleet.event


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"target_w": 60_000.0}, "capable of", id="more-than-the-fleet-can"),
        pytest.param({"program_id": ProgramId("unknown")}, "no event product", id="unknown-program"),
        pytest.param({"level": 0}, "asked for 0 W", id="level-of-normal-operation"),
        pytest.param({"shift_s": 60.0}, "does not fit", id="not-on-the-quarter-hour"),
        pytest.param({"shift_s": -86_400.0}, "is over", id="arrived-after-its-end"),
    ],
)
async def test_what_cannot_be_kept_is_opted_out_of(
    fleet: Fleet, changes: dict[str, Any], reason: str
) -> None:
    shift = timedelta(seconds=changes.pop("shift_s", 0.0))
    interval = Interval(fleet.event.start + shift, fleet.event.end + shift)
    assert await fleet.call(interval=interval, **changes) is Opt.OUT
    (event,) = fleet.chain.of_kind(GridEvent)
    assert event.opt == "optOut"
    assert reason in event.reason
    assert fleet.sink.sent == []
    assert fleet.chain.of_kind(Commitment) == []


async def test_owners_who_opted_out_and_gateways_off_line_are_not_counted_on(fleet: Fleet) -> None:
    await fleet.gateway(1, online=False)
    fleet.enroll(2, limits=OwnerLimits(opted_out=True))
    fleet.measure(3, quality=Quality.SUSPECT)
    fleet.clock.advance(1_200.0)
    fleet.measure(4)
    fleet.measure(5)
    assert await fleet.call(6_000.0) is Opt.IN
    assert set(fleet.chain.of_kind(Commitment)[0].sites) == {"site-04", "site-05"}


async def test_one_capacity_is_not_promised_to_two_events_at_once(fleet: Fleet) -> None:
    assert await fleet.call(9_000.0) is Opt.IN
    later = Interval(fleet.event.start + timedelta(hours=1), fleet.event.end)
    assert await fleet.call(1_000.0, event_id="peak-2", interval=later) is Opt.OUT
    assert "peak-1" in fleet.chain.of_kind(GridEvent)[-1].reason


@pytest.mark.parametrize(
    ("level", "target_w"),
    [
        pytest.param(1, 8_750.0, id="moderate-is-half-the-capability"),
        pytest.param(2, 14_000.0, id="high-is-eighty-percent"),
        pytest.param(3, 17_500.0, id="special-is-all"),
    ],
)
async def test_a_simple_level_asks_for_a_part_of_the_capability(
    fleet: Fleet, level: int, target_w: float
) -> None:
    for number in range(1, 6):
        fleet.measure(number, charge=90.0)
    full = [
        fleet.enroll(n, limits=OwnerLimits(reserve_fraction=0.2, ceiling_fraction=0.9)) for n in range(1, 6)
    ]
    assert len(full) == 5
    assert await fleet.call(0.0, level=level) is Opt.IN
    assert fleet.chain.of_kind(GridEvent)[-1].target_w == pytest.approx(target_w)


async def test_a_repeated_notice_gets_the_same_answer_and_changes_nothing(fleet: Fleet) -> None:
    await fleet.call()
    records, sent = len(fleet.chain.of_kind(GridEvent)), len(fleet.sink.sent)
    assert await fleet.call() is Opt.IN
    assert (len(fleet.chain.of_kind(GridEvent)), len(fleet.sink.sent)) == (records, sent)


async def test_a_fleet_that_responds_is_left_alone(fleet: Fleet) -> None:
    await fleet.running()
    sent = len(fleet.sink.sent)
    await fleet.minutes(30)
    assert len(fleet.sink.sent) == sent
    assert fleet.chain.of_kind(Loss) == []


async def test_a_last_will_splits_the_lost_share_over_the_others_at_once(fleet: Fleet) -> None:
    await fleet.running(9_000.0)
    await fleet.gateway(3, online=False)
    (loss,) = fleet.chain.of_kind(Loss)
    assert loss.site_id == "site-03"
    assert loss.lost_w == pytest.approx(1_800.0)
    assert loss.reason == "gateway offline"
    assert loss.unserved_w == pytest.approx(0.0, abs=1e-6)
    assert sum(loss.resplit.values()) == pytest.approx(1_800.0)
    assert set(loss.resplit) == {"site-01", "site-02", "site-04", "site-05"}
    setpoints = fleet.setpoints_w()
    assert sum(watts for number, watts in setpoints.items() if number != 3) == pytest.approx(9_000.0)
    revisions = {order.site_id: order.revision for order in fleet.sink.newest().values()}
    assert revisions == {"site-01": 1, "site-02": 1, "site-03": 0, "site-04": 1, "site-05": 1}


async def test_a_loss_is_recorded_once(fleet: Fleet) -> None:
    await fleet.running()
    await fleet.gateway(3, online=False)
    await fleet.gateway(3, online=False)
    await fleet.minutes(20, without=(3,))
    assert len(fleet.chain.of_kind(Loss)) == 1


async def test_what_nobody_can_take_over_is_unserved(fleet: Fleet) -> None:
    await fleet.running(17_000.0)
    await fleet.gateway(3, online=False)
    (loss,) = fleet.chain.of_kind(Loss)
    assert loss.unserved_w > 0.0
    assert loss.lost_w == pytest.approx(sum(loss.resplit.values()) + loss.unserved_w)
    remaining_h = 1.75
    for number, watts in fleet.setpoints_w().items():
        assert number == 3 or watts <= min(5_000.0, 7_000.0 / remaining_h) + 1e-6


async def test_a_gateway_that_returns_gets_its_part_of_the_rest(fleet: Fleet) -> None:
    await fleet.running(9_000.0)
    await fleet.gateway(3, online=False)
    await fleet.minutes(30, without=(3,))
    await fleet.gateway(3, online=True)
    assert fleet.sink.newest()[fleet.battery(3)].reason.endswith("restored")
    setpoints = fleet.setpoints_w()
    assert sum(setpoints.values()) == pytest.approx(9_000.0)
    assert setpoints[3] > 0.0
    assert len(fleet.chain.of_kind(Loss)) == 1


@pytest.mark.parametrize("status", [ReceiptStatus.REJECTED, ReceiptStatus.FAILED])
async def test_a_refused_command_is_a_lost_share(fleet: Fleet, status: ReceiptStatus) -> None:
    await fleet.running()
    await fleet.receive(2, status)
    (loss,) = fleet.chain.of_kind(Loss)
    assert (loss.site_id, loss.reason) == ("site-02", "command refused")


async def test_a_clamped_command_leaves_the_difference_to_the_others(fleet: Fleet) -> None:
    await fleet.running(9_000.0)
    await fleet.receive(2, ReceiptStatus.CLAMPED, setpoint_w=1_000.0)
    (loss,) = fleet.chain.of_kind(Loss)
    assert (loss.site_id, loss.reason) == ("site-02", "measured power below setpoint")
    assert loss.lost_w == pytest.approx(800.0)
    assert fleet.setpoints_w()[2] == pytest.approx(1_000.0)
    assert sum(fleet.setpoints_w().values()) == pytest.approx(9_000.0)


async def test_a_battery_that_gives_less_is_limited_to_what_it_shows(fleet: Fleet) -> None:
    await fleet.running(9_000.0)
    fleet.clock.advance(60.0)
    fleet.obey()
    fleet.measure(4, power_w=1_500.0)
    await fleet.service.tick()
    assert fleet.setpoints_w()[4] == pytest.approx(1_500.0)
    assert sum(fleet.setpoints_w().values()) == pytest.approx(9_000.0)


async def test_a_battery_that_does_nothing_is_lost_and_counts_again_when_it_wakes(fleet: Fleet) -> None:
    await fleet.call(9_000.0)
    fleet.advance_to(fleet.event.start)
    fleet.measure(5, power_w=0.0)
    for _ in range(10):
        fleet.clock.advance(60.0)
        fleet.obey(without=(5,))
        fleet.measure(5, power_w=0.0)
        await fleet.service.tick()
    (loss,) = fleet.chain.of_kind(Loss)
    assert (loss.site_id, loss.reason) == ("site-05", "measured power far from setpoint")
    assert fleet.setpoints_w()[1] > 1_800.0
    await fleet.minutes(5)
    setpoints = fleet.setpoints_w()
    assert sum(setpoints.values()) == pytest.approx(9_000.0)
    assert setpoints[5] > 0.0


async def test_a_silent_battery_is_lost_when_its_telemetry_is_stale(fleet: Fleet) -> None:
    await fleet.running()
    stale_s = fleet.rules[1].stale_s
    await fleet.minutes(int(stale_s // 60) + 1, without=(1,))
    (loss,) = fleet.chain.of_kind(Loss)
    assert (loss.site_id, loss.reason) == ("site-01", "telemetry stale")


async def test_a_device_that_its_gateway_has_lost_is_lost_to_us(fleet: Fleet) -> None:
    await fleet.running()
    await fleet.gateway(1, online=True, battery=False)
    (loss,) = fleet.chain.of_kind(Loss)
    assert (loss.site_id, loss.reason) == ("site-01", "device does not answer")


async def test_a_battery_that_runs_low_gives_what_lasts(fleet: Fleet) -> None:
    await fleet.running(9_000.0)
    fleet.clock.advance(60.0)
    fleet.obey()
    fleet.measure(1, power_w=1_800.0, charge=25.0)
    await fleet.service.tick()
    remaining_h = (fleet.event.end - fleet.clock.now()).total_seconds() / 3_600.0
    assert fleet.setpoints_w()[1] == pytest.approx(500.0 / remaining_h)
    assert fleet.chain.of_kind(Loss)[0].reason == "energy does not last"


async def test_a_gateway_lost_before_the_event_is_replaced_at_its_start(fleet: Fleet) -> None:
    await fleet.call(9_000.0)
    await fleet.gateway(3, online=False)
    assert fleet.chain.of_kind(Loss) == []
    fleet.advance_to(fleet.event.start)
    for number in (1, 2, 4, 5):
        fleet.measure(number)
    await fleet.service.tick()
    assert [loss.site_id for loss in fleet.chain.of_kind(Loss)] == ["site-03"]


async def test_a_modification_replaces_what_is_owed_from_now_on(fleet: Fleet) -> None:
    await fleet.running(9_000.0)
    fleet.clock.advance(300.0)
    assert await fleet.call(6_000.0, modification=1) is Opt.IN
    newest = {c.interval: c.power_w for c in fleet.chain.of_kind(Commitment)}
    first, second, *rest = (newest[interval] for interval in sorted(newest))
    assert first == 9_000.0
    assert second == pytest.approx((9_000.0 + 2 * 6_000.0) / 3)
    assert set(rest) == {6_000.0}
    assert sum(fleet.setpoints_w().values()) == pytest.approx(6_000.0)
    assert {order.revision for order in fleet.sink.newest().values()} == {1}


async def test_a_shortened_event_owes_nothing_after_its_new_end(fleet: Fleet) -> None:
    await fleet.call(9_000.0)
    shorter = Interval(fleet.event.start, fleet.event.end - timedelta(minutes=30))
    assert await fleet.call(9_000.0, modification=1, interval=shorter) is Opt.IN
    newest = {c.interval: c.power_w for c in fleet.chain.of_kind(Commitment)}
    assert [newest[interval] for interval in sorted(newest)][-3:] == [9_000.0, 0.0, 0.0]
    assert {order.expires_at for order in fleet.sink.newest().values()} == {shorter.end}


async def test_a_cancellation_ends_the_orders_and_the_debt(fleet: Fleet) -> None:
    await fleet.running(9_000.0)
    assert await fleet.call(modification=1, status=EventStatus.CANCELLED) is Opt.IN
    newest = {c.interval: c.power_w for c in fleet.chain.of_kind(Commitment)}
    assert [newest[interval] for interval in sorted(newest)] == [9_000.0] + [0.0] * 7
    assert all(order.schedule.steps == () for order in fleet.sink.newest().values())
    assert fleet.chain.of_kind(GridEvent)[-1].target_w == 0.0
    await fleet.gateway(3, online=False)
    assert fleet.chain.of_kind(Loss) == []


async def test_a_cancellation_of_an_unknown_event_is_answered_and_does_nothing(fleet: Fleet) -> None:
    assert await fleet.call(status=EventStatus.CANCELLED) is Opt.IN
    assert fleet.sink.sent == []


async def test_an_older_modification_does_not_undo_a_newer_one(fleet: Fleet) -> None:
    await fleet.call(9_000.0, modification=2)
    assert await fleet.call(1_000.0, modification=1) is Opt.IN
    assert fleet.chain.of_kind(GridEvent)[-1].target_w == 9_000.0


async def test_a_modification_that_cannot_be_kept_ends_the_event(fleet: Fleet) -> None:
    await fleet.call(9_000.0)
    assert await fleet.call(60_000.0, modification=1) is Opt.OUT
    assert all(order.schedule.steps == () for order in fleet.sink.newest().values())


async def test_a_restarted_service_goes_on_with_the_event(fleet: Fleet) -> None:
    await fleet.running(9_000.0)
    await fleet.gateway(3, online=False)
    await fleet.minutes(5, without=(3,))
    sent = len(fleet.sink.sent)
    service = fleet.restarted()
    await fleet.gateway(3, online=False)
    assert len(fleet.sink.sent) == sent
    assert len(fleet.chain.of_kind(Loss)) == 1
    assert [event.event_id for event in service.events()] == ["peak-1"]
    await fleet.gateway(2, online=False)
    assert [loss.site_id for loss in fleet.chain.of_kind(Loss)] == ["site-03", "site-02"]
    assert await fleet.call() is Opt.IN


async def test_nothing_is_ordered_after_the_end(fleet: Fleet) -> None:
    await fleet.running()
    fleet.advance_to(fleet.event.end)
    await fleet.service.tick()
    sent = len(fleet.sink.sent)
    await fleet.gateway(3, online=False)
    assert len(fleet.sink.sent) == sent
    assert fleet.chain.of_kind(Loss) == []
