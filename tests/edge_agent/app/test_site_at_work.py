"""A whole agent against simulated registers, on virtual time: what the cloud sees of it."""

from datetime import timedelta
from pathlib import Path

import pytest

from edge_agent.settings import ControlSettings, DroopSection, OwnerSettings
from simulators.devices.battery import BatteryConfig
from simulators.grid.script import Dip
from tests.edge_agent.app.rig import BATTERY, CODE, EVSE, PV, Rig, play
from vpp_core.ids import DerId
from vpp_core.measurement import Quality
from vpp_core.messages import (
    ControlState,
    DispatchPriority,
    Enrollment,
    EventRecord,
    GatewayState,
    Receipt,
    ReceiptStatus,
    Telemetry,
)

CALM = ControlSettings(fast_s=1.0)
ACCEPTED, STARTED, COMPLETED = ReceiptStatus.ACCEPTED, ReceiptStatus.STARTED, ReceiptStatus.COMPLETED
START_S = 30.0
"""Discovery, commissioning with its reversion tests, and the first samples."""


def test_a_first_start_commissions_enrolls_and_is_ready(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            [enrollment] = rig.of(Enrollment)
            assert enrollment.enrollment_code == CODE
            assert [der.der_id for der in enrollment.ders] == ["site-01.meter", BATTERY, PV]
            assert all(check.passed for check in enrollment.checks)
            assert rig.state.online
            assert rig.state.control_state is ControlState.READY
            assert rig.state.available == {DerId("site-01.meter"): True, BATTERY: True, PV: True}
            assert rig.state.faults == ()

    play(story, tmp_path, control=CALM)


def test_enrollment_is_repeated_until_the_cloud_answers_with_a_configuration(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S + 361.0)
            assert len(rig.of(Enrollment)) == 2
            rig.configure()
            await rig.wait(1.0)
            rig.broker.cut("gateway-01")
            await rig.wait(601.0)
            assert len(rig.of(Enrollment)) == 2

    play(story, tmp_path, control=CALM)


def test_without_a_code_the_gateway_says_so_and_does_not_enroll(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            assert rig.of(Enrollment) == []
            [fault] = rig.state.faults
            assert "enrollment code" in fault.text

    play(story, tmp_path, control=CALM, enrollment_code_file=tmp_path / "nowhere.txt")


def test_telemetry_comes_on_the_borders_of_the_minute_numbered_without_gaps(tmp_path: Path) -> None:
    rig = play(_ten_minutes, tmp_path, control=CALM)
    telemetry = rig.of(Telemetry)
    assert [message.seq for message in telemetry] == list(range(1, len(telemetry) + 1))
    assert len(telemetry) == 10
    for message in telemetry:
        assert [reading.der_id for reading in message.readings] == ["site-01.meter", BATTERY, PV]
        for reading in message.readings:
            assert reading.quality is Quality.GOOD
            assert reading.at.second == 0
            assert reading.power_w is not None
            assert reading.energy_injected_wh is not None


async def _ten_minutes(rig: Rig) -> None:
    async with rig.running():
        await rig.wait(601.0)


def test_the_same_seed_gives_the_same_messages_to_the_byte(tmp_path: Path) -> None:
    one, other = (play(_ten_minutes, tmp_path / name, control=CALM) for name in ("a", "b"))
    assert one.received == other.received


# --- commands ----------------------------------------------------------------------------------


def test_a_command_is_accepted_started_and_completed(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("c", [1_000.0, -2_000.0], starts_in_s=10.0, step_s=120.0)
            await rig.wait(5.0)
            assert rig.statuses("c") == [ACCEPTED]
            await rig.wait(60.0)
            assert rig.statuses("c") == [ACCEPTED, STARTED]
            assert rig.power_w("battery") == pytest.approx(1_000.0)
            states = [rig.state.control_state]
            await rig.wait(120.0)
            assert rig.power_w("battery") == pytest.approx(-2_000.0)
            await rig.wait(150.0)
            assert rig.statuses("c") == [ACCEPTED, STARTED, COMPLETED]
            assert rig.power_w("battery") == 0.0
            states.append(rig.state.control_state)
            assert states == [ControlState.FOLLOWING, ControlState.READY]

    play(story, tmp_path, control=CALM)


def test_an_event_interrupts_the_market_and_the_market_resumes(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("market", [-1_000.0], step_s=600.0)
            rig.dispatch("event", [3_000.0], starts_in_s=60.0, step_s=120.0, priority=DispatchPriority.EVENT)
            await rig.wait(30.0)
            powers_w = [rig.power_w("battery")]
            for pause_s in (60.0, 150.0):
                await rig.wait(pause_s)
                powers_w.append(rig.power_w("battery"))
            assert powers_w == pytest.approx([-1_000.0, 3_000.0, -1_000.0])

    play(story, tmp_path, control=CALM)


def test_a_replayed_command_is_answered_once(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            command = rig.dispatch("c", [1_000.0])
            await rig.wait(20.0)
            rig.send(command, "command")
            await rig.wait(20.0)
            assert rig.statuses("c") == [ACCEPTED, STARTED]

    play(story, tmp_path, control=CALM)


def test_what_cannot_be_done_is_answered_with_a_reason(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("late", [1_000.0], ttl_s=0.0)
            rig.dispatch("foreign", [1_000.0], der_id=DerId("site-02.battery"))
            rig.dispatch("meter", [1_000.0], der_id=DerId("site-01.meter"))
            rig.dispatch("strong", [99_000.0])
            await rig.wait(5.0)
            answers = {
                receipt.command_id: receipt for receipt in rig.of(Receipt) if receipt.status is not STARTED
            }
            assert answers["late"].status is ReceiptStatus.EXPIRED
            assert answers["foreign"].status is answers["meter"].status is ReceiptStatus.REJECTED
            assert "no device" in answers["foreign"].reason
            assert (answers["strong"].status, answers["strong"].setpoint_w) == (
                ReceiptStatus.CLAMPED,
                5_000.0,
            )

    play(story, tmp_path, control=CALM)


def test_an_owner_who_opted_out_is_left_alone(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("c", [1_000.0])
            await rig.wait(30.0)
            assert rig.statuses("c") == [ReceiptStatus.REJECTED]
            assert rig.power_w("battery") == 0.0

    play(story, tmp_path, control=CALM, owner=OwnerSettings(opted_out=True))


def test_an_evse_is_curtailed_but_never_below_the_owners_least_charge(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("c", [0.0], der_id=EVSE)
            await rig.wait(30.0)
            clamped = rig.of(Receipt)[0]
            assert (clamped.status, clamped.setpoint_w) == (ReceiptStatus.CLAMPED, -1_440.0)
            assert rig.statuses("c")[1:] == [STARTED]

    play(story, tmp_path, control=CALM, evse=True)


def test_the_owners_reserve_outlasts_any_dispatch(tmp_path: Path) -> None:
    """13.5 kWh at 22 %: 270 Wh above the reserve, asked for 5 kW during an hour."""

    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("c", [5_000.0], step_s=3_600.0)
            await rig.wait(3_000.0)
            assert 0.199 <= rig.site.state_of_charge() <= 0.202

    play(story, tmp_path, control=CALM, battery=BatteryConfig(state_of_charge=0.22))


# --- frequency ---------------------------------------------------------------------------------


def test_a_frequency_dip_is_answered_recorded_and_over(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.configure(reserve_w=2_000.0)
            rig.dispatch("c", [500.0], step_s=600.0)
            await rig.wait(20.0)
            rig.grid.add_dip(Dip(at=rig.clock.now() + timedelta(seconds=5)))
            await rig.wait(8.0)
            assert rig.power_w("battery") == pytest.approx(2_500.0, abs=15.0)
            assert rig.state.control_state is ControlState.RESPONDING
            await rig.wait(20.0)
            assert rig.power_w("battery") == pytest.approx(500.0, abs=15.0)
            [record] = rig.of(EventRecord)
            trace = record.trace
            assert max(trace.demanded_w) == pytest.approx(2_000.0, abs=1.0)
            assert max(trace.measured_w) == pytest.approx(2_000.0, abs=15.0)
            assert trace.offset_s[0] <= -9.5
            assert trace.offset_s[-1] >= 10.0
            assert min(trace.frequency_hz) == 59.5

    play(story, tmp_path)


def test_over_frequency_makes_the_battery_absorb(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.grid.add_dip(Dip(at=rig.clock.now(), nadir_hz=60.5))
            await rig.wait(3.0)
            assert rig.power_w("battery") == pytest.approx(-5_000.0 * 0.464 / 3.0, abs=15.0)
            await rig.wait(15.0)
            assert rig.power_w("battery") == 0.0

    play(story, tmp_path)


def test_a_slow_droop_reaches_90_percent_in_its_response_time(tmp_path: Path) -> None:
    whole_w = -5_000.0 * 0.464 / 3.0

    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.grid.add_dip(Dip(at=rig.clock.now(), nadir_hz=60.5, hold_s=12.0))
            await rig.wait(1.0)
            assert 0.0 > rig.power_w("battery") > 0.5 * whole_w
            await rig.wait(4.5)
            # Frequency takes a second to fall, which delays the response by half of it.
            assert rig.power_w("battery") == pytest.approx(0.9 * whole_w, abs=20.0)
            await rig.wait(40.0)
            assert rig.power_w("battery") == 0.0

    play(story, tmp_path, control=ControlSettings(droop=DroopSection(response_s=5.0)))


# --- pace --------------------------------------------------------------------------------------


def test_at_high_speed_rare_ticks_still_follow_the_schedule_and_keep_the_timer_armed(tmp_path: Path) -> None:
    """A sleeper wakes every three minutes: a day of hourly steps, without one reversion."""

    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.clock.coarsen(180.0, until=rig.clock.now() + timedelta(days=1))
            setpoints_w = [400.0, -400.0] * 6
            rig.dispatch("day", setpoints_w, step_s=3_600.0)
            for expected_w in setpoints_w:
                await rig.wait(1_800.0)
                assert rig.power_w("battery") == pytest.approx(expected_w)
                await rig.wait(1_800.0)
            await rig.wait(900.0)
            assert rig.statuses("day") == [ACCEPTED, STARTED, COMPLETED]
            assert rig.state.faults == ()

    play(story, tmp_path)


def test_the_state_is_repeated_every_five_minutes_and_not_more_often(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(60.0)
            before = len(rig.of(GatewayState))
            await rig.wait(1_500.0)
            assert 4 <= len(rig.of(GatewayState)) - before <= 5

    play(story, tmp_path, control=CALM)
