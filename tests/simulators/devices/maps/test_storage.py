"""The battery in registers: 713, 802 and 124."""

import pytest

from simulators.devices.inverter.nameplate import Kind
from tests.simulators.devices.maps.unit_bench import UnitBench, plate

OFF, EMPTY, DISCHARGING, CHARGING, FULL, HOLDING = 1.0, 2.0, 3.0, 4.0, 5.0, 6.0


@pytest.fixture
def battery() -> UnitBench:
    return UnitBench(plate(Kind.BATTERY), state_of_charge=0.4)


def test_the_three_models_tell_one_state_of_charge(battery: UnitBench) -> None:
    battery.write(704, WSet=-5_000, WSetEna=1)
    battery.wait(1_800.0)
    charge_pct = 100.0 * (battery.unit.snapshot().state_of_charge or 0.0)
    assert charge_pct > 50.0
    for number, name in ((713, "SoC"), (802, "SoC"), (124, "ChaState")):
        assert battery.number(number, name) == pytest.approx(charge_pct, abs=0.006)
    assert battery.number(713, "WHAvail") == pytest.approx(200.0 * charge_pct, abs=1.0)
    assert battery.number(802, "DoD") == pytest.approx(100.0 - charge_pct, abs=0.006)


@pytest.mark.parametrize(
    ("setpoint_w", "charge", "state"),
    [
        pytest.param(-3_000, 0.4, CHARGING, id="charging"),
        pytest.param(3_000, 0.4, DISCHARGING, id="discharging"),
        pytest.param(0, 0.4, HOLDING, id="holding"),
        pytest.param(0, 0.0, EMPTY, id="empty"),
        pytest.param(0, 1.0, FULL, id="full"),
    ],
)
def test_the_state_of_charging(setpoint_w: int, charge: float, state: float) -> None:
    bench = UnitBench(plate(Kind.BATTERY), state_of_charge=charge)
    bench.write(704, WSet=setpoint_w, WSetEna=1)
    bench.wait(30.0)
    assert bench.read(802, "ChaSt") == bench.read(124, "ChaSt") == state


def test_power_is_positive_while_discharging(battery: UnitBench) -> None:
    battery.write(704, WSet=4_000, WSetEna=1)
    battery.wait(30.0)
    power_w, voltage_v = battery.number(802, "W"), battery.number(802, "V")
    assert power_w > 4_000.0
    assert battery.number(802, "A") == pytest.approx(power_w / voltage_v, abs=0.06)
    assert battery.number(714, "Prt[1].DCW") == pytest.approx(power_w, abs=1.0)


def test_a_charge_limit_holds_and_reverts(battery: UnitBench) -> None:
    """124 without a setpoint: an OutWRte under zero forces charging (the field's reading of the model)."""
    battery.write(124, OutWRte=-50, InOutWRte_RvrtTms=20, StorCtl_Mod=2)
    battery.wait(15.0)
    assert battery.read(802, "ChaSt") == CHARGING
    assert battery.number(701, "W") == pytest.approx(-5_000.0, rel=0.1)
    battery.wait(5.2)
    assert battery.read(124, "StorCtl_Mod") == 0.0
    battery.wait(30.0)
    assert battery.read(802, "ChaSt") == HOLDING


@pytest.mark.parametrize(
    ("bits", "enabled"), [(0, (False, False)), (1, (True, False)), (2, (False, True)), (3, (True, True))]
)
def test_the_bits_switch_the_limits(battery: UnitBench, bits: int, enabled: tuple[bool, bool]) -> None:
    battery.write(124, StorCtl_Mod=bits)
    commands = battery.unit.commands
    assert (commands.charge_limit.enabled, commands.discharge_limit.enabled) == enabled
    assert battery.read(124, "StorCtl_Mod") == bits


def test_a_reserve_is_not_discharged(battery: UnitBench) -> None:
    battery.write(124, MinRsvPct=39)
    battery.write(704, WSet=10_000, WSetEna=1)
    battery.wait(3_600.0)
    assert battery.number(713, "SoC") == pytest.approx(39.0, abs=0.1)
    assert battery.read(124, "StorAval") == pytest.approx(0.0, abs=0.5)


def test_charging_from_the_grid_can_be_forbidden(battery: UnitBench) -> None:
    battery.write(124, ChaGriSet=0)
    battery.write(704, WSet=-3_000, WSetEna=1)
    battery.wait(60.0)
    assert battery.number(701, "W") == pytest.approx(0.0, abs=20.0)
    battery.write(124, ChaGriSet=1)
    battery.wait(60.0)
    assert battery.read(701, "W") == -3_000.0


@pytest.mark.parametrize(
    ("number", "name", "value"),
    [
        (124, "StorCtl_Mod", 4),
        (124, "InWRte", 100.01),
        (124, "OutWRte", -100.01),
        (124, "MinRsvPct", 101),
        (124, "InOutWRte_WinTms", 1),
        (124, "ChaGriSet", 2),
        (802, "SetOp", 3),
        (802, "SetOp", 0),
        (802, "SetInvState", 2),
        (802, "SoCRsvMin", 100.01),
    ],
)
def test_what_makes_no_sense_is_refused(battery: UnitBench, number: int, name: str, value: float) -> None:
    assert battery.try_write(number, name, value) == "03"


@pytest.mark.parametrize(
    ("number", "name"), [(124, "WChaMax"), (124, "ChaState"), (802, "SoC"), (713, "SoC")]
)
def test_what_is_read_only_says_so(battery: UnitBench, number: int, name: str) -> None:
    assert battery.try_write(number, name, 1.0) == "02"


def test_ratings_agree(battery: UnitBench) -> None:
    for number, name in ((713, "WHRtg"), (802, "WHRtg"), (120, "WHRtg")):
        assert battery.read(number, name) == 20_000.0
    for number, name in ((702, "WChaRteMaxRtg"), (120, "MaxChaRte"), (802, "WChaRteMax"), (124, "WChaMax")):
        assert battery.read(number, name) == 8_000.0
