"""What the instruments show, in 701 and in the older 101-103, 111-113, 122: one truth in every model."""

import math

import pytest

from simulators.devices.inverter.nameplate import Kind
from tests.simulators.devices.maps.unit_bench import BEGINS_S, UnitBench, plate


@pytest.fixture
def loaded(bench: UnitBench) -> UnitBench:
    """5 kW out, 2 kvar injected, after a minute."""
    bench.write(704, WSet=5_000, WSetEna=1, VarSet=2_000, VarSetEna=1)
    bench.wait(60.0)
    return bench


def test_power_is_that_of_the_unit(loaded: UnitBench) -> None:
    assert loaded.read(701, "W") == 5_000.0
    assert loaded.read(701, "Var") == 2_000.0
    assert loaded.number(701, "VA") == round(math.hypot(5_000.0, 2_000.0))
    assert loaded.number(701, "PF") == pytest.approx(5_000.0 / math.hypot(5_000.0, 2_000.0), abs=0.0006)


def test_phases_add_up_to_the_total(loaded: UnitBench) -> None:
    for total, phase in (("W", "WL{}"), ("Var", "VarL{}"), ("A", "AL{}")):
        parts = [loaded.number(701, phase.format(number)) for number in (1, 2, 3)]
        assert sum(parts) == pytest.approx(loaded.number(701, total), abs=1.6)


def test_current_is_apparent_power_by_voltage(loaded: UnitBench) -> None:
    for phase in (1, 2, 3):
        va = loaded.number(701, f"VAL{phase}")
        assert va == pytest.approx(
            loaded.number(701, f"AL{phase}") * loaded.number(701, f"VL{phase}"), rel=0.002
        )


def test_lines_are_120_degrees_apart(loaded: UnitBench) -> None:
    assert loaded.read(701, "LNV") == 240.0
    assert loaded.number(701, "LLV") == pytest.approx(240.0 * math.sqrt(3.0), abs=0.051)
    assert loaded.read(701, "VL1L2") == loaded.read(701, "LLV")


def test_a_single_phase_unit_has_no_voltage_between_lines() -> None:
    bench = UnitBench(plate(phases=1))
    assert bench.read(701, "ACType") == 0.0
    assert bench.read(701, "LLV") is None
    assert bench.read(701, "WL2") is None
    assert bench.read(701, "TotWhInjL1") == bench.read(701, "TotWhInj")


def test_absorbed_power_is_negative_and_so_is_its_power_factor(bench: UnitBench) -> None:
    bench.sky.sun_pu = 0.0
    bench.write(704, WSet=-4_000, WSetEna=1)
    bench.wait(3_600.0)
    assert bench.read(701, "W") == -4_000.0
    assert bench.read(701, "PF") == -1.0
    assert bench.number(701, "TotWhAbs") == pytest.approx(4_000.0, rel=0.01)
    assert bench.number(701, "TotWhInj") < 0.1


@pytest.mark.parametrize(
    ("frequency_hz", "voltage_pu", "alarm_bit"),
    [
        pytest.param(63.0, 1.0, 8, id="over-frequency"),
        pytest.param(56.0, 1.0, 9, id="under-frequency"),
        pytest.param(60.0, 1.25, 10, id="over-voltage"),
        pytest.param(60.0, 0.4, 11, id="under-voltage"),
    ],
)
def test_a_trip_is_an_alarm_in_either_series(
    bench: UnitBench, frequency_hz: float, voltage_pu: float, alarm_bit: int
) -> None:
    """701 Alrm and 103 Evt1 give these the same bits."""
    bench.wait(1.0)
    bench.grid.apply(bench.now_s, frequency_hz=frequency_hz, voltage_pu=voltage_pu)
    bench.wait(5.0)
    for number, name in ((701, "Alrm"), (103, "Evt1")):
        assert int(bench.number(number, name)) & 1 << alarm_bit
    assert bench.read(701, "ConnSt") == 0.0
    assert bench.number(122, "ECPConn") == 1.0


def test_limited_sun_is_throttling(bench: UnitBench) -> None:
    bench.wait(5.0)
    assert (bench.read(701, "InvSt"), bench.read(103, "St")) == (3.0, 4.0)
    bench.write(704, WMaxLimPct=20, WMaxLimPctEna=1)
    bench.write(124, InWRte=0, StorCtl_Mod=1)
    bench.wait(5.0)
    assert (bench.read(701, "InvSt"), bench.read(103, "St")) == (4.0, 5.0)
    assert int(bench.number(701, "ThrotSrc")) & 1
    assert bench.number(701, "ThrotPct") > 50.0


@pytest.mark.parametrize(("phases", "number"), [(3, 103), (3, 113), (1, 101), (1, 102), (1, 111), (1, 112)])
def test_older_models_show_what_701_shows(phases: int, number: int) -> None:
    bench = UnitBench(plate(phases=phases), (1, number, 701, 704, 122))
    bench.write(704, WSet=5_000, WSetEna=1, VarSet=-2_000, VarSetEna=1)
    bench.wait(3_600.0)
    for old, new in (("W", "W"), ("VAr", "Var"), ("VA", "VA"), ("Hz", "Hz"), ("TmpSnk", "TmpSnk")):
        assert bench.number(number, old) == pytest.approx(bench.number(701, new), abs=0.51), old
    assert bench.number(number, "WH") == pytest.approx(bench.number(701, "TotWhInj"), abs=0.6)
    assert bench.number(122, "ActWh") == pytest.approx(bench.number(701, "TotWhInj"), abs=0.6)
    assert bench.number(number, "PF") == pytest.approx(100.0 * bench.number(701, "PF"), abs=0.06)


def test_three_phases_in_either_series(loaded: UnitBench) -> None:
    for index, name in enumerate("ABC", start=1):
        assert loaded.read(103, f"PhVph{name}") == loaded.read(701, f"VL{index}")
        assert loaded.number(103, f"Aph{name}") == loaded.number(701, f"AL{index}")
    assert loaded.read(103, "PPVphCA") == loaded.read(701, "VL3L1")


def test_split_phase_halves_the_voltage_between_two_legs() -> None:
    bench = UnitBench(plate(phases=1), (1, 102, 701, 704))
    bench.write(704, WSet=6_000, WSetEna=1)
    bench.wait(30.0)
    assert bench.read(102, "PPVphAB") == 240.0
    assert bench.read(102, "PhVphA") == bench.read(102, "PhVphB") == 120.0
    legs_va = sum(bench.number(102, f"PhVph{leg}") * bench.number(102, f"Aph{leg}") for leg in "AB")
    assert legs_va == pytest.approx(6_000.0, rel=0.002)


@pytest.mark.parametrize(
    ("power_w", "reactive_var", "sign"),
    [
        pytest.param(5_000, 2_000, -1.0, id="injecting-and-over-excited-is-negative"),
        pytest.param(5_000, -2_000, 1.0, id="injecting-and-under-excited-is-positive"),
        pytest.param(-5_000, 2_000, 1.0, id="absorbing-and-over-excited-is-positive"),
        pytest.param(-5_000, -2_000, -1.0, id="absorbing-and-under-excited-is-negative"),
    ],
)
def test_the_older_power_factor_is_signed_as_in_eei(
    bench: UnitBench, power_w: int, reactive_var: int, sign: float
) -> None:
    bench.sky.sun_pu = 0.0 if power_w < 0 else 0.5
    bench.write(704, WSet=power_w, WSetEna=1, VarSet=reactive_var, VarSetEna=1)
    bench.wait(60.0)
    assert math.copysign(1.0, bench.number(103, "PF")) == sign


def test_the_devices_time_counts_from_2000(bench: UnitBench) -> None:
    """Source: model 122 Tms; 1 January 2000 UTC is Unix second 946 684 800."""
    bench.wait(42.0)
    assert bench.read(122, "Tms") == BEGINS_S + 42.0 - 946_684_800.0


def test_active_controls_are_named(bench: UnitBench) -> None:
    assert bench.read(122, "StActCtl") == 0.0
    bench.write(704, WMaxLimPctEna=1, VarSetEna=1, PFWInjEna=1)
    bench.write(705, Ena=1)
    bench.write(711, Ena=1)
    bench.write(706, Ena=1)
    assert int(bench.number(122, "StActCtl")) == 1 << 0 | 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 10


def test_direct_current_balances_and_is_shown_by_port(bench: UnitBench) -> None:
    bench.write(704, WSet=2_000, WSetEna=1)
    bench.wait(600.0)
    pv_w, battery_w = bench.number(714, "Prt[1].DCW"), bench.number(714, "Prt[2].DCW")
    assert bench.read(714, "NPrt") == 2.0
    assert (bench.read(714, "Prt[1].PrtTyp"), bench.read(714, "Prt[2].PrtTyp")) == (0.0, 1.0)
    assert pv_w > 5_000.0
    assert battery_w < -2_000.0
    assert bench.number(714, "DCW") == pytest.approx(pv_w + battery_w, abs=1.5)
    assert bench.number(160, "module[1].DCW") == pv_w
    assert bench.number(160, "module[2].DCW") == -battery_w
    assert bench.read(160, "module[3].DCW") == 0.0
    assert bench.number(160, "module[2].DCWH") == pytest.approx(bench.number(714, "Prt[2].DCWhAbs"), abs=1.0)
    current_a = bench.number(714, "Prt[1].DCA")
    assert current_a * bench.number(714, "Prt[1].DCV") == pytest.approx(pv_w, rel=0.001)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (Kind.PV, ["MPPT 1"]),
        (Kind.BATTERY, ["StCha 1", "StDisCha 2"]),
        (Kind.HYBRID, ["MPPT 1", "StCha 2", "StDisCha 3"]),
    ],
)
def test_trackers_are_named_as_in_the_field(kind: Kind, names: list[str]) -> None:
    bench = UnitBench(plate(kind))
    assert bench.read(160, "N") == len(names)
    assert [bench.read(160, f"module[{index}].IDStr") for index in range(1, len(names) + 1)] == names


def test_a_megawatt_fits_its_registers() -> None:
    bench = UnitBench(
        plate(
            injection_w_max=2e6,
            absorption_w_max=2e6,
            apparent_va_max=2e6,
            reactive_var_max=8.8e5,
            pv_w_max=2e6,
            energy_capacity_wh=4e6,
        )
    )
    bench.write(704, WSet=1_900_000, WSetEna=1)
    bench.wait(60.0)
    assert bench.number(701, "W") == pytest.approx(1.9e6, abs=100.0)
    assert bench.number(103, "W") == pytest.approx(1.9e6, abs=100.0)
    assert bench.read(702, "WMaxRtg") == 2e6
    assert bench.number(713, "WHRtg") == 4e6


def test_a_frozen_unit_shows_what_it_showed(bench: UnitBench) -> None:
    bench.wait(10.0)
    before = bench.registers(bench.image.locate(701, "ID")[0], 100)
    bench.unit.quirks.frozen = True
    bench.write(704, WSet=1_000, WSetEna=1)
    bench.wait(10.0)
    assert bench.registers(bench.image.locate(701, "ID")[0], 100) == before
