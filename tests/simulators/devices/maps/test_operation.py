"""Starting, stopping, heartbeats and alarms: 715 and 802; and entering service: 703."""

import pytest

from simulators.devices.inverter.nameplate import Kind
from tests.simulators.devices.maps.unit_bench import UnitBench, plate

COMMUNICATION_ERROR = 1 << 0
MANUFACTURER_ALARM = 1 << 16
OFF, STARTED = 0.0, 1.0


def test_the_units_own_heartbeat_moves_once_a_second(bench: UnitBench) -> None:
    first = bench.number(715, "DERHb")
    assert bench.number(802, "Hb") == first
    bench.wait(7.0)
    assert bench.number(715, "DERHb") == first + 7.0
    assert bench.number(802, "Hb") == first + 7.0


@pytest.mark.parametrize(("number", "name"), [(715, "ControllerHb"), (802, "CtrlHb")])
def test_a_controller_that_falls_silent_is_an_alarm(number: int, name: str) -> None:
    bench = UnitBench(heartbeat_timeout_s=10.0)
    bench.write(704, WSet=3_000, WSetEna=1)
    for beat in range(1, 6):
        bench.write(number, **{name: beat})
        bench.wait(5.0)
    assert bench.read(number, name) == 5.0
    assert bench.read(704, "WSetEna") == 1.0
    bench.wait(6.0)
    assert bench.read(704, "WSetEna") == 0.0
    assert int(bench.number(701, "Alrm")) & MANUFACTURER_ALARM
    assert bench.read(701, "MnAlrmInfo") == "The controller has fallen silent"
    assert int(bench.number(802, "Evt1")) & COMMUNICATION_ERROR
    bench.write(number, **{name: 6})
    bench.write(715, AlarmReset=1)
    bench.wait(0.2)
    assert bench.read(701, "Alrm") == 0.0
    assert bench.read(715, "AlarmReset") == 0.0


def test_a_controller_that_never_beat_is_not_missed() -> None:
    bench = UnitBench(heartbeat_timeout_s=10.0)
    bench.wait(100.0)
    assert bench.read(701, "Alrm") == 0.0


@pytest.mark.parametrize(
    ("number", "name", "stop", "start"), [(715, "OpCtl", 0, 1), (802, "SetInvState", 1, 3)]
)
def test_stopping_and_starting(bench: UnitBench, number: int, name: str, stop: int, start: int) -> None:
    bench.wait(5.0)
    bench.write(number, **{name: stop})
    bench.wait(60.0)
    assert (bench.read(701, "St"), bench.read(701, "W"), bench.read(103, "St")) == (0.0, 0.0, 1.0)
    assert bench.read(number, name) == stop
    bench.write(number, **{name: start})
    bench.wait(60.0)
    assert bench.read(701, "St") == 1.0
    assert bench.number(701, "W") > 1_000.0


def test_stopping_from_elsewhere_is_told_in_either_model(bench: UnitBench) -> None:
    bench.unit.stop()
    assert (bench.read(715, "OpCtl"), bench.read(802, "SetInvState")) == (0.0, 1.0)
    bench.unit.start()
    assert (bench.read(715, "OpCtl"), bench.read(802, "SetInvState")) == (1.0, 3.0)


@pytest.mark.parametrize("value", [2, 3])
def test_standby_is_no_mode_of_its_own(bench: UnitBench, value: int) -> None:
    assert bench.try_write(715, "OpCtl", value) == "03"


def test_settings_of_entering_service_are_those_of_the_unit(bench: UnitBench) -> None:
    bench.write(703, ESVHi=104, ESVLo=93.5, ESHzHi=60.2, ESHzLo=59.1, ESDlyTms=20, ESRndTms=3, ESRmpTms=40)
    service = bench.unit.settings.enter_service
    assert (service.voltage_high_pu, service.voltage_low_pu) == (1.04, 0.935)
    assert (service.frequency_high_hz, service.frequency_low_hz) == (60.2, 59.1)
    assert (service.delay_s, service.random_delay_s, service.ramp_s) == (20.0, 3.0, 40.0)


def test_the_unit_waits_before_it_comes_back_and_says_how_long() -> None:
    bench = UnitBench(plate(Kind.PV))
    bench.write(703, ESDlyTms=60, ESRmpTms=0)
    bench.grid.apply(bench.now_s, voltage_pu=0.3)
    bench.wait(5.0)
    bench.grid.apply(bench.now_s, voltage_pu=1.0)
    bench.wait(20.0)
    assert bench.number(703, "ESDlyRemTms") == pytest.approx(40.0, abs=1.0)
    assert bench.read(701, "W") == 0.0
    bench.wait(45.0)
    assert bench.read(703, "ESDlyRemTms") == 0.0
    assert bench.number(701, "W") > 5_000.0


def test_without_permission_the_unit_stays_out(bench: UnitBench) -> None:
    bench.write(703, ES=0)
    bench.wait(30.0)
    assert bench.read(701, "W") == 0.0
    bench.write(703, ES=1)
    bench.wait(30.0)
    assert bench.number(701, "W") > 1_000.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ES", 2),
        ("ESVHi", 99.0),
        ("ESVLo", 101.0),
        ("ESHzHi", 59.9),
        ("ESHzLo", 50.0),
        ("ESDlyTms", 90_000.0),
        ("ESRmpTms", None),
    ],
)
def test_impossible_conditions_are_refused(bench: UnitBench, name: str, value: float | None) -> None:
    assert bench.try_write(703, name, value) == "03"


def test_a_window_that_never_opens_is_refused(bench: UnitBench) -> None:
    bench.write(703, ESVLo=100)
    assert bench.try_write(703, "ESVHi", 100.0) == "03"
