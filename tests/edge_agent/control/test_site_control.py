"""The whole decision of a site as tables of (time, input, expected)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from edge_agent.control.arbiter import Decision, Rule
from edge_agent.control.commands import CommandTable
from edge_agent.control.envelope_rules import ratings
from edge_agent.control.fail_safe import Trust
from edge_agent.control.functions.frequency_droop import FrequencyDroop
from edge_agent.control.site_control import ControlTiming, Sample, SiteControl
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.ids import CommandId, DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import Dispatch, DispatchPriority, FrequencyResponse, ReserveStep, SiteConfig
from vpp_core.schedule import Schedule, ScheduleStep

T0 = datetime(2021, 8, 12, 19, tzinfo=UTC)
BATTERY, PV, EVSE = DerId("battery"), DerId("pv"), DerId("evse")
SITE = SiteId("site")


def der(
    der_id: DerId, kind: DerKind, injection_w: float, absorption_w: float, capacity_wh: float = 0.0
) -> DerDescription:
    return DerDescription(
        der_id=der_id,
        kind=kind,
        name=der_id,
        manufacturer="m",
        model="m",
        serial="1",
        firmware="1",
        profile="p",
        injection_w_max=injection_w,
        absorption_w_max=absorption_w,
        energy_capacity_wh=capacity_wh,
    )


DERS = (
    der(BATTERY, DerKind.BATTERY, 5_000.0, 5_000.0, 10_000.0),
    der(PV, DerKind.PV, 6_000.0, 0.0),
    der(EVSE, DerKind.EVSE, 0.0, 7_200.0),
)


class Desk:
    """A site control with its table, moved by one clock."""

    def __init__(
        self,
        limits: OwnerLimits | None = None,
        *,
        droop_enabled: bool = True,
        deadband_hz: float = 0.036,
        response_s: float = 0.0,
    ) -> None:
        limits = limits or OwnerLimits()
        self.table = CommandTable({device.der_id: ratings(device, limits) for device in DERS})
        self.control = SiteControl(
            DERS,
            limits,
            droop=FrequencyDroop.symmetric(deadband_hz=deadband_hz, response_s=response_s),
            droop_enabled=droop_enabled,
            timing=ControlTiming(poll_s=60.0, fast_s=0.05, stale_s=900.0, recover_s=0.0),
            table=self.table,
        )
        self.now_s = 0.0

    def poll(
        self, charge_pct: float | None = 50.0, *, pv_w: float | None = 3_000.0, good: bool = True
    ) -> None:
        self.control.on_sample(
            BATTERY, Sample(good=good, power_w=0.0, state_of_charge_pct=charge_pct), self.now_s
        )
        self.control.on_sample(PV, Sample(good=good, power_w=pv_w), self.now_s)
        self.control.on_sample(EVSE, Sample(good=good, power_w=-7_200.0), self.now_s)

    def command(
        self, setpoint_w: float, der_id: DerId = BATTERY, priority: DispatchPriority = DispatchPriority.MARKET
    ) -> None:
        now = T0 + timedelta(seconds=self.now_s)
        step = ScheduleStep(Interval.of(now, 3_600.0), setpoint_w)
        self.table.offer(
            Dispatch(
                command_id=CommandId(f"{der_id}-{priority}-{setpoint_w}"),
                revision=1,
                site_id=SITE,
                der_id=der_id,
                issued_at=now,
                expires_at=now + timedelta(hours=2),
                priority=priority,
                schedule=Schedule((step,)),
            ),
            now,
        )

    def contract(self, reserve_w: float, *, deadband_hz: float = 0.036, expires_s: float = 86_400.0) -> None:
        step = ReserveStep(interval=Interval.of(T0, 86_400.0), der_id=BATTERY, reserve_w=reserve_w)
        self.control.on_config(
            SiteConfig(
                site_id=SITE,
                revision=1,
                issued_at=T0,
                expires_at=T0 + timedelta(seconds=expires_s),
                frequency_response=FrequencyResponse(deadband_hz=deadband_hz, steps=(step,)),
            )
        )

    def tick(self, frequency_hz: float | None = 60.0, after_s: float = 0.05) -> dict[DerId, Decision | None]:
        """One fast tick, and the devices do what was decided."""
        self.now_s += after_s
        self.control.on_frequency(frequency_hz, self.now_s)
        decisions = self.control.decide(T0 + timedelta(seconds=self.now_s), self.now_s)
        for der_id, decision in decisions.items():
            if decision is not None:
                self.control.on_setpoint(der_id, decision.setpoint_w)
        return decisions

    def battery(self, frequency_hz: float | None = 60.0, after_s: float = 0.05) -> Any:
        """What was decided for the battery: (setpoint, rule), or nothing while control holds."""
        decision = self.tick(frequency_hz, after_s)[BATTERY]
        return None if decision is None else (decision.setpoint_w, decision.rule)


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.poll()
    return desk


def test_without_commands_every_device_is_its_owners(desk: Desk) -> None:
    assert [decision and decision.setpoint_w for decision in desk.tick().values()] == [None, None, None]


def test_a_schedule_is_followed_and_an_event_outranks_it(desk: Desk) -> None:
    desk.command(1_000.0)
    assert desk.battery() == (1_000.0, Rule.MARKET)
    desk.command(2_500.0, priority=DispatchPriority.EVENT)
    assert desk.battery() == (2_500.0, Rule.EVENT)


def test_at_the_end_of_the_schedule_the_setpoint_is_withdrawn(desk: Desk) -> None:
    desk.command(1_000.0)
    assert desk.battery() == (1_000.0, Rule.MARKET)
    desk.now_s += 3_600.0
    desk.poll()
    assert desk.battery() == (None, Rule.OWNER)


# --- grid code ---------------------------------------------------------------------------------


def test_under_frequency_raises_an_idle_battery_and_its_return_lets_it_go(desk: Desk) -> None:
    assert desk.battery(59.5) == (pytest.approx(5_000.0 * 0.464 / 3.0), Rule.GRID_CODE)
    assert desk.battery(60.0) == (None, Rule.OWNER)


def test_droop_counts_from_the_power_before_the_excursion(desk: Desk) -> None:
    desk.command(1_000.0)
    desk.battery()
    droop_w = 5_000.0 * 0.464 / 3.0
    for _ in range(3):
        assert desk.battery(59.5) == (pytest.approx(1_000.0 + droop_w), Rule.GRID_CODE)
    assert desk.battery(60.5) == (pytest.approx(1_000.0 - droop_w), Rule.GRID_CODE)
    assert desk.battery(60.0) == (1_000.0, Rule.MARKET)


def test_over_frequency_lowers_pv_from_what_it_produced(desk: Desk) -> None:
    decision = desk.tick(60.5)[PV]
    assert decision is not None
    assert decision.setpoint_w == pytest.approx(3_000.0 - 6_000.0 * 0.464 / 3.0)


def test_under_frequency_asks_nothing_of_pv_or_of_an_evse(desk: Desk) -> None:
    decisions = desk.tick(59.5)
    for der_id in (PV, EVSE):
        decision = decisions[der_id]
        assert decision is not None
        assert decision.setpoint_w is None


def test_a_device_that_performs_droop_itself_is_left_to_it() -> None:
    desk = Desk(droop_enabled=False)
    desk.poll()
    assert desk.battery(59.5) == (None, Rule.OWNER)


# --- contracted response -----------------------------------------------------------------------


@pytest.fixture
def slow() -> Desk:
    desk = Desk(response_s=5.0)
    desk.poll()
    desk.tick()
    return desk


def test_an_open_loop_response_reaches_90_percent_in_its_time_and_comes_back(slow: Desk) -> None:
    whole_w = 5_000.0 * 0.464 / 3.0
    rising = [slow.battery(59.5)[0] for _ in range(100)]
    assert rising[0] < 0.05 * whole_w
    assert rising == sorted(rising)
    assert rising[-1] == pytest.approx(0.9 * whole_w, rel=0.01)
    falling = [slow.battery(60.0) for _ in range(250)]
    assert falling[0] == (pytest.approx(rising[-1], rel=0.05), Rule.GRID_CODE), "no jump at the dead-band"
    assert falling[-1] == (None, Rule.OWNER)


def test_a_slow_response_keeps_the_power_before_until_it_has_returned(slow: Desk) -> None:
    slow.command(1_000.0)
    slow.battery()
    lowest_w = 1_000.0 - 5_000.0 * 0.014 / 3.0
    for _ in range(200):
        for frequency_hz in (60.05, 60.03):
            setpoint_w, _ = slow.battery(frequency_hz)
            assert lowest_w - 1e-6 <= setpoint_w <= 1_000.0, "noise at the edge carries nothing away"


def test_a_slow_response_is_withdrawn_with_its_frequency_and_begins_anew(slow: Desk) -> None:
    for _ in range(200):
        slow.battery(59.5)
    assert [slow.battery(None), slow.battery(None)][-1] == (None, Rule.OWNER)
    again = [slow.battery(59.5) for _ in range(3)][-1]
    assert 0.0 <= (again[0] or 0.0) < 0.05 * 5_000.0


def test_all_reserve_is_active_at_the_full_deviation(desk: Desk) -> None:
    desk.contract(2_000.0)
    desk.command(500.0)
    desk.battery()
    assert desk.battery(59.5) == (pytest.approx(2_500.0), Rule.FREQUENCY_RESPONSE)
    assert desk.control.responders() == {BATTERY: 500.0}


def test_the_grid_code_is_the_floor_of_a_small_contract(desk: Desk) -> None:
    desk.contract(100.0)
    assert desk.battery(59.5) == (pytest.approx(5_000.0 * 0.464 / 3.0), Rule.GRID_CODE)


def test_a_response_follows_the_schedule_when_that_moves_meanwhile(desk: Desk) -> None:
    desk.contract(2_000.0)
    desk.battery(59.5)
    desk.command(500.0)
    assert desk.battery(59.5) == (pytest.approx(2_500.0), Rule.FREQUENCY_RESPONSE)


def test_an_expired_contract_is_silent() -> None:
    desk = Desk(droop_enabled=False)
    desk.poll()
    desk.contract(2_000.0, expires_s=0.01)
    assert desk.battery(59.5) == (None, Rule.OWNER)


def test_a_contract_with_a_narrower_dead_band_answers_earlier() -> None:
    desk = Desk(deadband_hz=0.1)
    desk.poll()
    desk.contract(1_000.0, deadband_hz=0.015)
    setpoint = desk.battery(59.95)
    assert setpoint == (pytest.approx(1_000.0 * 35.0 / 485.0), Rule.FREQUENCY_RESPONSE)


# --- the owner ---------------------------------------------------------------------------------


def test_the_owners_reserve_stops_a_dispatch(desk: Desk) -> None:
    desk.command(5_000.0)
    desk.poll(20.0)
    assert desk.battery() == (0.0, Rule.PROTECTION)


def test_between_polls_the_energy_is_counted_so_that_the_reserve_holds(desk: Desk) -> None:
    """The battery is polled once at 21 % (100 Wh above the reserve) and never again."""
    desk.command(5_000.0)
    desk.poll(21.0)
    drawn_wh = 0.0
    for _ in range(800):
        setpoint_w, _ = desk.battery(after_s=1.0)
        drawn_wh += setpoint_w / 3_600.0
    assert 80.0 <= drawn_wh <= 100.0 + 1e-6


def test_rare_polls_widen_the_horizon(desk: Desk) -> None:
    desk.command(5_000.0)
    desk.poll(50.0)
    desk.now_s += 180.0
    desk.poll(21.0)
    assert desk.battery() == (pytest.approx(100.0 * 3_600.0 / 180.0, rel=1e-3), Rule.PROTECTION)


def test_an_owner_who_opted_out_keeps_the_grid_code_only() -> None:
    desk = Desk(OwnerLimits(opted_out=True))
    desk.poll()
    desk.contract(3_000.0)
    desk.command(1_000.0)
    assert desk.battery() == (None, Rule.OWNER)
    assert desk.battery(59.5) == (pytest.approx(5_000.0 * 0.464 / 3.0), Rule.GRID_CODE)


def test_an_evse_keeps_the_owners_least_charge(desk: Desk) -> None:
    desk.command(0.0, EVSE)
    decision = desk.tick()[EVSE]
    assert decision is not None
    assert decision.setpoint_w == -1_440.0


# --- fail-safe ---------------------------------------------------------------------------------


def test_before_the_first_poll_nothing_is_commanded() -> None:
    desk = Desk()
    desk.command(1_000.0)
    assert desk.battery() == (None, Rule.PROTECTION)


def test_a_failed_poll_holds_and_a_second_one_lets_go(desk: Desk) -> None:
    desk.command(1_000.0)
    assert desk.battery() == (1_000.0, Rule.MARKET)
    desk.poll(good=False)
    assert desk.control.trust(BATTERY) is Trust.HOLD
    assert desk.battery() is None
    desk.now_s += 60.0
    desk.poll(good=False)
    assert desk.control.trust(BATTERY) is Trust.LOST
    assert desk.battery() == (None, Rule.PROTECTION)
    desk.poll()
    assert desk.battery() == (1_000.0, Rule.MARKET)


def test_a_battery_without_its_state_of_charge_is_not_commanded(desk: Desk) -> None:
    desk.command(1_000.0)
    desk.poll(None)
    assert desk.battery() is None


def test_a_poll_loop_that_stands_still_lets_go(desk: Desk) -> None:
    desk.command(1_000.0)
    assert desk.battery(after_s=900.0) == (1_000.0, Rule.MARKET)
    assert desk.battery(after_s=1.0) == (None, Rule.PROTECTION)


@pytest.mark.parametrize("frequency_hz", [None, 0.0, 50.0], ids=["missing", "parked-at-zero", "another-grid"])
def test_a_lost_frequency_holds_the_response_one_period_then_withdraws_it(
    desk: Desk, frequency_hz: float | None
) -> None:
    desk.contract(2_000.0)
    desk.command(500.0)
    desk.battery()
    response = desk.battery(59.5)
    assert response == (pytest.approx(2_500.0), Rule.FREQUENCY_RESPONSE)
    trusts = []
    for expected in (response, (500.0, Rule.MARKET)):
        assert desk.battery(frequency_hz) == expected
        trusts.append(desk.control.frequency_trust)
    assert trusts == [Trust.HOLD, Trust.LOST]
    assert not desk.control.outside_deadband()
    assert desk.battery(59.5) == response


def test_rare_ticks_change_nothing_but_the_time_of_the_answer(desk: Desk) -> None:
    """At high speed a tick comes every three minutes; every one is decided by the present alone."""
    desk.command(1_000.0)
    desk.contract(2_000.0)
    answers = []
    for frequency_hz in (60.0, 59.5, 60.0):
        desk.poll()
        answers.append(desk.battery(frequency_hz, after_s=180.0))
    assert answers == [
        (1_000.0, Rule.MARKET),
        (pytest.approx(3_000.0), Rule.FREQUENCY_RESPONSE),
        (1_000.0, Rule.MARKET),
    ]
