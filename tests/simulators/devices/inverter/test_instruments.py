"""What instruments show, when they are refreshed, and how they may err."""

import pytest

from simulators.devices.inverter.snapshot import State
from tests.simulators.devices.inverter.rig import BEGINS_S, rig


@pytest.mark.parametrize("refresh_s", [0.02, 0.1, 0.25, 0.6])
def test_the_snapshot_is_held_between_refreshes(refresh_s: float) -> None:
    here = rig("battery", refresh_s=refresh_s)
    here.setpoint(9_000.0, ramp_s=10.0)
    shown = []
    for number in range(1, 301):
        truth = here.to(number * 0.02)
        snapshot = here.unit.snapshot()
        shown.append(snapshot.at_s - BEGINS_S)
        assert truth.at_s - refresh_s - 0.021 < snapshot.at_s <= truth.at_s
        if snapshot.at_s == truth.at_s:
            assert snapshot == truth
    refreshes = sorted(set(shown))
    assert len(refreshes) == pytest.approx(6.0 / refresh_s, abs=2)
    assert all(value % refresh_s < 0.021 or refresh_s - value % refresh_s < 1e-3 for value in refreshes)


def test_a_long_stride_shows_the_same_as_short_ones() -> None:
    short, long = rig("battery", refresh_s=0.25), rig("battery", refresh_s=0.25)
    for here in (short, long):
        here.setpoint(9_000.0, ramp_s=10.0)
    short.each_step(3.9)
    long.to(3.9)
    assert long.unit.snapshot() == short.unit.snapshot()


def test_frozen_instruments_show_what_they_showed() -> None:
    here = rig("battery")
    here.to(1.0)
    here.unit.quirks.frozen = True
    here.setpoint(5_000.0)
    assert here.to(9.0).power_w == pytest.approx(5_000.0)
    assert here.unit.snapshot().power_w == 0.0
    assert here.unit.snapshot().at_s == pytest.approx(BEGINS_S + 1.0)
    here.unit.quirks.frozen = False
    here.to(9.2)
    assert here.unit.snapshot().power_w == pytest.approx(5_000.0)


def test_slow_firmware_refreshes_seldom() -> None:
    here = rig("battery")
    here.unit.quirks.refresh_s = 3.0
    here.setpoint(5_000.0)
    here.to(2.9)
    assert here.unit.snapshot().power_w == 0.0
    here.to(3.1)
    assert here.unit.snapshot().power_w == pytest.approx(5_000.0)


def test_frequency_may_read_zero_when_idle() -> None:
    here = rig("battery")
    here.unit.quirks.zero_frequency_when_idle = True
    here.to(1.0)
    idle = here.unit.snapshot()
    assert (idle.frequency_hz, idle.phase_voltage_v) == (0.0, (0.0, 0.0, 0.0))
    assert here.unit.truth().frequency_hz == 60.0
    here.setpoint(100.0)
    here.to(2.0)
    assert here.unit.snapshot().frequency_hz == 60.0


def test_time_never_goes_backwards() -> None:
    here = rig("battery")
    here.setpoint(5_000.0)
    later = here.to(5.0)
    assert here.to(1.0) == later
    assert here.unit.now_s == BEGINS_S + 5.0


def test_the_clock_of_the_device_is_returned() -> None:
    here = rig("battery")
    assert here.unit.advance(BEGINS_S + 1.234) == BEGINS_S + 1.234
    here.unit.quirks.clock_rate = 1.5
    assert here.unit.advance(BEGINS_S + 3.234) == pytest.approx(BEGINS_S + 4.234)
    here.unit.quirks.clock_rate = 1.0
    assert here.unit.advance(BEGINS_S + 4.234) == pytest.approx(BEGINS_S + 5.234)


def test_held_back_is_said_in_percent() -> None:
    here = rig("pv", sun_pu=0.5)
    free = here.to(1.0)
    assert (free.throttled_pct, free.state) == (0.0, State.RUNNING)
    assert free.available_w == pytest.approx(free.power_w)
    here.command(here.unit.commands.limit, 0.5 * free.power_w / 10_000.0)
    held = here.to(2.0)
    assert held.state is State.THROTTLED
    assert held.throttled_pct == pytest.approx(50.0, abs=1.0)
    assert held.available_w == pytest.approx(free.power_w)


def test_powers_can_be_had_without_a_snapshot() -> None:
    here = rig("battery")
    here.setpoint(-3_000.0)
    here.command(here.unit.commands.reactive_pu, 0.2)
    truth = here.to(1.0)
    assert (here.unit.power_w, here.unit.reactive_var) == (truth.power_w, truth.reactive_var)
    assert truth.power_w == pytest.approx(-3_000.0)
