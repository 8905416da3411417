"""Faults inside a unit: seen by what the hybrid does, by its registers and by its true power."""

import pytest

from simulators.devices.faults.faults import Faults
from simulators.devices.inverter.snapshot import State
from tests.simulators.devices.faults.faulty import Faulty
from vpp_core.faults import ConfigurationFault

INSIDE = (
    "zero-hertz-when-idle",
    "clock-skew",
    "second-master",
    "no-reversion",
    "vendor-cloud",
    "slow-firmware",
)


@pytest.fixture
def device() -> Faulty:
    return Faulty()


def test_an_idle_unit_shows_0_hz(device: Faulty) -> None:
    device.sky.sun_pu = 0.0
    device.command(0.0)
    device.wait(60.0)
    device.faults.raise_("zero-hertz-when-idle")
    assert device.number(701, "Hz") == 0.0
    device.command(1_000.0)
    device.wait(10.0)
    assert device.number(701, "Hz") == pytest.approx(60.0)
    device.command(0.0)
    device.wait(10.0)
    assert device.number(701, "Hz") == 0.0
    device.faults.clear("zero-hertz-when-idle")
    assert device.number(701, "Hz") == pytest.approx(60.0)


@pytest.mark.parametrize(
    ("rate", "reverts_after_s"),
    [pytest.param(1.25, 16.0, id="fast"), pytest.param(0.8, 25.0, id="slow")],
)
def test_a_skewed_clock_reverts_at_the_wrong_time(
    device: Faulty, rate: float, reverts_after_s: float
) -> None:
    device.faults.raise_("clock-skew", {"rate": rate})
    device.command(2_000.0, revert_after_s=20.0)
    device.wait(reverts_after_s - 0.5)
    assert device.unit.commands.setpoint_w.enabled
    device.wait(1.0)
    assert not device.unit.commands.setpoint_w.enabled


def test_a_timer_that_does_nothing_counts_down_all_the_same(device: Faulty) -> None:
    device.faults.raise_("no-reversion")
    device.command(2_000.0, revert_after_s=20.0)
    device.wait(15.0)
    assert device.number(704, "WSetRvrtRem") == pytest.approx(5.0, abs=1.0)
    device.wait(60.0)
    assert device.number(704, "WSetRvrtRem") == 0.0
    assert device.power_w == pytest.approx(2_000.0, abs=1.0)
    device.faults.clear("no-reversion")
    device.command(2_000.0, revert_after_s=20.0)
    device.wait(21.0)
    assert not device.unit.commands.setpoint_w.enabled


def test_a_second_master_takes_the_setpoint_back_again_and_again(device: Faulty) -> None:
    device.faults.raise_("second-master", {"power_pu": -0.25, "period_s": 5.0})
    device.command(2_000.0)
    assert device.number(704, "WSet") == 2_000.0
    device.wait(4.9)
    assert device.number(704, "WSet") == 2_000.0
    device.wait(0.2)
    assert device.number(704, "WSet") == -2_500.0
    device.command(2_000.0)
    device.wait(5.0)
    assert device.number(704, "WSet") == -2_500.0
    device.wait(60.0)
    assert device.power_w == pytest.approx(-2_500.0, abs=1.0)


def test_a_second_master_writes_in_time_although_nobody_looks(device: Faulty) -> None:
    """The energy of a minute is that of the rival's power from its first write on."""
    device.command(2_000.0)
    device.wait(60.0)
    device.faults.raise_("second-master", {"power_pu": 0.1, "period_s": 10.0})
    before_wh = device.unit.truth().counters.injected_wh
    device.clock.advance(3_600.0)
    device.faults.advance()
    device.unit.advance(device.clock.now().timestamp())
    assert device.unit.truth().counters.injected_wh - before_wh == pytest.approx(1_000.0, rel=0.01)


def test_a_second_master_may_limit(device: Faulty) -> None:
    device.faults.raise_("second-master", {"control": "limit", "power_pu": 0.3})
    assert device.number(704, "WMaxLimPct") == pytest.approx(30.0)
    assert device.number(704, "WMaxLimPctEna") == 1.0


def test_the_vendors_cloud_overrides_a_minute_later_and_no_sooner(device: Faulty) -> None:
    device.faults.raise_("vendor-cloud")
    device.wait(300.0)
    device.command(2_000.0)
    device.wait(59.0)
    assert device.power_w == pytest.approx(2_000.0, abs=1.0)
    device.wait(2.0)
    assert device.number(704, "WSet") == 0.0
    assert device.number(704, "WSetEna") == 1.0
    device.wait(10.0)
    assert device.power_w == pytest.approx(0.0, abs=1.0)


def test_the_vendors_cloud_overrides_whoever_keeps_writing_too(device: Faulty) -> None:
    device.faults.raise_("vendor-cloud")
    overridden = 0
    for _ in range(30):
        device.command(2_000.0)
        device.wait(10.0)
        overridden += device.number(704, "WSet") != 2_000.0
    assert overridden == 5


def test_the_vendors_cloud_does_not_answer_itself(device: Faulty) -> None:
    device.faults.raise_("vendor-cloud", {"after_s": 10.0})
    device.command(2_000.0)
    device.wait(11.0)
    device.unit.commands.setpoint_w.value = 1_234.0
    device.wait(600.0)
    assert device.number(704, "WSet") == 1_234.0


def test_slow_firmware_acts_late_and_shows_seldom(device: Faulty) -> None:
    device.command(0.0)
    device.wait(60.0)
    device.faults.raise_("slow-firmware", {"lag_s": 3.0, "refresh_s": 2.0})
    device.command(2_000.0)
    device.wait(2.9)
    assert device.power_w == pytest.approx(0.0, abs=1.0)
    device.wait(3.0)
    assert device.power_w == pytest.approx(2_000.0, abs=1.0)
    seen = set()
    for _ in range(100):
        device.wait(0.1)
        seen.add(device.unit.snapshot().at_s)
    assert 5 <= len(seen) <= 6


def test_frozen_instruments_stand_still_while_the_unit_works(device: Faulty) -> None:
    device.faults.raise_("frozen")
    before_w = device.number(701, "W")
    device.command(-2_000.0)
    device.wait(60.0)
    assert device.number(701, "W") == before_w
    assert device.power_w == pytest.approx(-2_000.0, abs=1.0)


def test_a_reboot_loses_connections_and_commands_and_refuses_for_a_while(device: Faulty) -> None:
    device.command(2_000.0)
    device.wait(60.0)
    device.faults.raise_("reboot", {"off_s": 25.0})
    assert device.happened == ["drops", "refuses"]
    device.wait(15.0)
    assert (device.unit.truth().state, device.power_w) == (State.OFF, 0.0)
    device.wait(9.0)
    assert device.faults.refuses
    device.wait(2.0)
    assert device.happened == ["drops", "refuses", "accepts"]
    assert device.faults.active == ()
    assert not device.unit.commands.setpoint_w.enabled


@pytest.mark.parametrize("name", [*INSIDE, "frozen"])
def test_what_is_cleared_leaves_the_unit_as_it_was(device: Faulty, name: str) -> None:
    quirks, listeners = repr(device.unit.quirks), list(device.unit.on_command)
    device.faults.raise_(name)
    device.faults.raise_(name)
    device.faults.clear(name)
    assert repr(device.unit.quirks) == quirks
    assert device.unit.on_command == listeners


@pytest.mark.parametrize("name", [*INSIDE, "frozen", "reboot"])
@pytest.mark.parametrize(
    ("unit", "why"),
    [
        pytest.param(None, "there is no unit", id="no-unit"),
        pytest.param(object(), "the unit has no ", id="another-unit"),
    ],
)
def test_a_device_that_cannot_carry_a_fault_says_so(name: str, unit: object, why: str) -> None:
    faults = Faults(unit=unit)
    with pytest.raises(ConfigurationFault, match=f"fault {name} cannot be raised on this device: {why}"):
        faults.raise_(name)
    assert faults.active == ()
