"""In and out of service: trips, stop and start, disconnection, heartbeats, reboot; states and alarms."""

from dataclasses import replace

import pytest

from simulators.devices.functions.settings import EnterService, FunctionSettings
from simulators.devices.inverter.heartbeat import COUNTER_MODULUS, own_count
from simulators.devices.inverter.response import Response
from simulators.devices.inverter.snapshot import Alarm, State
from tests.simulators.devices.inverter.rig import BEGINS_S, QUICK_RETURN, Rig, config


def running(kind: str = "battery", **changes: object) -> Rig:
    """A unit at 4 kW for a second."""
    here = Rig(config(kind, **{"functions": QUICK_RETURN, **changes}))
    here.setpoint(4_000.0)
    assert here.to(1.0).state is State.RUNNING
    return here


@pytest.mark.parametrize(
    ("hz", "pu", "alarm"),
    [
        pytest.param(62.5, 1.0, Alarm.OVER_FREQUENCY, id="over-frequency"),
        pytest.param(56.0, 1.0, Alarm.UNDER_FREQUENCY, id="under-frequency"),
        pytest.param(60.0, 1.25, Alarm.OVER_VOLTAGE, id="over-voltage"),
        pytest.param(60.0, 0.3, Alarm.UNDER_VOLTAGE, id="under-voltage"),
    ],
)
def test_a_trip_stops_the_unit_until_the_grid_has_been_well_for_the_delay(
    hz: float, pu: float, alarm: Alarm
) -> None:
    here = running()
    here.world.hz, here.world.pu = hz, pu
    tripped = here.to(4.0)
    assert (tripped.power_w, tripped.state, tripped.connected) == (0.0, State.FAULT, False)
    assert tripped.alarms == alarm
    here.world.hz, here.world.pu = 60.0, 1.0
    waiting = here.to(5.9)
    assert waiting.power_w == 0.0
    assert waiting.enter_service_remaining_s == pytest.approx(0.1, abs=0.03)
    back = here.to(6.1)
    assert back.power_w == pytest.approx(4_000.0)
    assert back.alarms == alarm
    here.unit.reset_alarms()
    assert here.to(6.2).alarms == Alarm(0)


def test_momentary_cessation_gives_no_current_and_does_not_trip() -> None:
    here = running()
    here.world.pu = 0.45
    ceased = here.to(1.5)
    assert (ceased.power_w, ceased.state) == (0.0, State.STANDBY)
    here.world.pu = 1.0
    assert here.to(1.6).power_w == pytest.approx(4_000.0)


def test_disconnection_is_at_once_and_return_by_enter_service() -> None:
    here = running()
    here.command(here.unit.commands.connected, 0.0)
    away = here.to(1.02)
    assert (away.power_w, away.state, away.connected) == (0.0, State.STANDBY, False)
    here.command(here.unit.commands.connected, 1.0)
    assert here.to(2.9).state is State.STARTING
    assert here.to(3.2).power_w == pytest.approx(4_000.0)


def test_the_return_is_a_ramp() -> None:
    service = FunctionSettings(enter_service=EnterService(delay_s=2.0, ramp_s=10.0))
    here = running(functions=service)
    here.command(here.unit.commands.connected, 0.0)
    here.to(2.0)
    here.command(here.unit.commands.connected, 1.0)
    assert here.to(6.0).power_w == pytest.approx(2_000.0, abs=50.0)
    assert here.to(9.0).power_w == pytest.approx(4_000.0)


def test_stop_ramps_down_and_stays_off_until_start() -> None:
    here = running(response=Response(dead_time_s=0.0, lag_s=0.0, ramp_s=5.0))
    here.to(5.0)
    here.unit.stop()
    leaving = here.to(6.0)
    assert leaving.state is State.SHUTTING_DOWN
    assert leaving.power_w == pytest.approx(2_000.0, abs=1.0)
    off = here.to(60.0)
    assert (off.power_w, off.state) == (0.0, State.OFF)
    assert off.alarms == Alarm.MANUAL_SHUTDOWN
    here.unit.start()
    assert here.to(61.0).state is State.STARTING
    assert here.to(70.0).power_w == pytest.approx(4_000.0)
    here.unit.reset_alarms()
    assert here.to(71.0).alarms == Alarm(0)


def beats(here: Rig, until_s: int) -> None:
    """The controller counts once a second."""
    for second in range(int(here.at_s) + 1, until_s + 1):
        here.to(float(second))
        here.unit.beat(second)


def test_commands_last_while_the_heart_beats() -> None:
    here = running(heartbeat_timeout_s=5.0)
    beats(here, 30)
    assert here.to(34.9).power_w == pytest.approx(4_000.0)
    lost = here.to(35.1)
    assert (lost.power_w, lost.alarms) == (0.0, Alarm.HEARTBEAT_LOST)
    assert not here.unit.commands.setpoint_w.enabled


def test_a_counter_that_stands_still_is_no_beat() -> None:
    here = running(heartbeat_timeout_s=5.0)
    beats(here, 3)
    for second in range(4, 10):
        here.to(float(second))
        here.unit.beat(3)
    assert here.to(10.0).alarms == Alarm.HEARTBEAT_LOST


def test_without_a_first_beat_nothing_is_lost() -> None:
    assert running(heartbeat_timeout_s=5.0).to(600.0).power_w == pytest.approx(4_000.0)


def test_a_cosmetic_heartbeat_warns_and_drops_nothing() -> None:
    here = running(heartbeat_timeout_s=5.0, heartbeat_acts=False)
    beats(here, 3)
    lost = here.to(60.0)
    assert lost.power_w == pytest.approx(4_000.0)
    assert lost.alarms == Alarm.HEARTBEAT_LOST


def test_the_alarm_can_be_reset_once_the_controller_is_back() -> None:
    here = running(heartbeat_timeout_s=5.0)
    beats(here, 3)
    here.to(60.0)
    here.unit.reset_alarms()
    assert here.to(61.0).alarms == Alarm.HEARTBEAT_LOST
    here.unit.beat(4)
    here.unit.reset_alarms()
    assert here.to(62.0).alarms == Alarm(0)


def test_a_lost_controller_reconnects_nobody() -> None:
    here = running(heartbeat_timeout_s=5.0)
    beats(here, 3)
    here.command(here.unit.commands.connected, 0.0)
    assert here.to(60.0).state is State.STANDBY


def test_the_unit_counts_seconds_itself() -> None:
    here = running()
    here.to(12.5)
    assert here.unit.heartbeat == 12
    here.unit.quirks.clock_rate = 2.0
    here.to(14.5)
    assert here.unit.heartbeat == 16
    assert own_count(COUNTER_MODULUS + 3.2) == 3


def test_reboot_forgets_what_is_volatile_and_keeps_what_is_not() -> None:
    here = running(boot_s=10.0)
    here.unit.adopt(replace(QUICK_RETURN, enter_service=EnterService(delay_s=100.0)))
    here.unit.commands.reserve_pu, here.unit.commands.injection_max_pu = 0.4, 0.5
    before = here.to(600.0)
    here.unit.reboot()
    dark = here.to(605.0)
    assert (dark.state, dark.power_w, dark.battery_w, dark.connected) == (State.OFF, 0.0, 0.0, False)
    booted = here.to(611.0)
    assert booted.state is State.STARTING
    assert here.unit.settings == QUICK_RETURN
    assert not here.unit.commands.setpoint_w.enabled
    assert (here.unit.commands.reserve_pu, here.unit.commands.injection_max_pu) == (0.0, 1.0)
    assert here.to(613.0).state is State.RUNNING
    assert booted.counters.injected_wh == pytest.approx(before.counters.injected_wh, rel=1e-6)
    assert booted.state_of_charge == pytest.approx(before.state_of_charge)


def test_a_unit_says_while_it_boots() -> None:
    here = running(boot_s=10.0)
    here.unit.reboot()
    said = [(here.to(at_s).state, here.unit.booting) for at_s in (1.02, 10.9, 11.1)]
    assert said == [(State.OFF, True), (State.OFF, True), (State.STARTING, False)]


def test_the_return_after_a_reboot_is_the_same_for_the_same_seed() -> None:
    service = FunctionSettings(enter_service=EnterService(delay_s=1.0, random_delay_s=100.0, ramp_s=0.0))

    def remaining_s(seed: int) -> float:
        here = Rig(config("battery", functions=service, seed=seed, boot_s=1.0))
        here.unit.reboot()
        return here.to(1.5).enter_service_remaining_s

    assert remaining_s(1) == remaining_s(1)
    assert remaining_s(1) != remaining_s(2)


def test_an_adopted_curve_that_is_impossible_leaves_the_former_one() -> None:
    here = running()
    with pytest.raises(ValueError, match="delay"):
        here.unit.adopt(FunctionSettings(enter_service=EnterService(delay_s=-1.0)))
    assert here.unit.settings == QUICK_RETURN
    assert here.unit.now_s == BEGINS_S + 1.0
