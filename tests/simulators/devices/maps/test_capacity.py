"""Ratings and ceilings in registers: 702, 120 and 121; and model 1."""

import pytest

from simulators.devices.functions.settings import Category, FunctionSettings, Trips
from simulators.devices.inverter.nameplate import Kind
from simulators.devices.maps.unit import exponent
from tests.simulators.devices.maps.unit_bench import UnitBench, plate


def test_the_plate_stands_in_either_series(bench: UnitBench) -> None:
    for new, old in (("WMaxRtg", "WRtg"), ("VAMaxRtg", "VARtg"), ("VarMaxInjRtg", "VArRtgQ1")):
        assert bench.read(702, new) == bench.read(120, old)
    assert bench.read(702, "WMaxRtg") == 10_000.0
    assert bench.read(702, "VNomRtg") == bench.read(701, "LNV") == bench.read(121, "VRef") == 240.0
    assert bench.number(702, "AMaxRtg") == pytest.approx(10_000.0 / 3.0 / 240.0, abs=0.01)
    assert (bench.read(120, "VArRtgQ4"), bench.read(120, "DERTyp")) == (-4_400.0, 82.0)


def test_pv_leaves_out_what_only_a_battery_has() -> None:
    bench = UnitBench(plate(Kind.PV))
    assert bench.read(702, "WChaRteMaxRtg") == 0.0
    assert bench.read(702, "WDisChaRteMaxRtg") is None
    assert bench.read(120, "DERTyp") == 4.0
    for name in ("WHRtg", "WHRtg_SF", "MaxChaRte", "VArRtgQ2"):
        assert bench.read(120, name) is None


@pytest.mark.parametrize(("category", "value"), [(Category.ONE, 0), (Category.TWO, 1), (Category.THREE, 2)])
def test_the_category_is_that_of_the_trips(category: Category, value: int) -> None:
    bench = UnitBench(functions=FunctionSettings(trips=Trips.of(category)))
    assert bench.read(702, "AbnOpCatRtg") == value


@pytest.mark.parametrize("number", [702, 121])
def test_a_ceiling_of_injection_acts_and_keeps_the_percentage_of_a_limit(
    bench: UnitBench, number: int
) -> None:
    bench.write(704, WMaxLimPct=50, WMaxLimPctEna=1, WSet=10_000, WSetEna=1)
    bench.write(number, WMax=8_000)
    bench.wait(60.0)
    assert bench.read(704, "WMaxLimPct") == bench.read(123, "WMaxLimPct") == 50.0
    assert bench.read(701, "W") == 4_000.0
    bench.write(704, WMaxLimPctEna=0)
    bench.wait(60.0)
    assert bench.read(701, "W") == 8_000.0
    assert bench.read(702, "WMaxRtg") == 10_000.0


def test_a_ceiling_of_charging_acts(bench: UnitBench) -> None:
    bench.sky.sun_pu = 0.0
    bench.write(702, WChaRteMax=2_000)
    bench.write(704, WSet=-6_000, WSetEna=1)
    bench.wait(60.0)
    assert bench.read(701, "W") == -2_000.0


@pytest.mark.parametrize(
    ("name", "sign"),
    [pytest.param("VarMaxInj", 1.0, id="injected"), pytest.param("VarMaxAbs", -1.0, id="absorbed")],
)
def test_a_ceiling_of_reactive_power_acts(bench: UnitBench, name: str, sign: float) -> None:
    bench.write(702, **{name: 1_500})
    bench.write(704, VarSet=sign * 4_000, VarSetEna=1)
    bench.wait(60.0)
    assert bench.number(701, "Var") == pytest.approx(sign * 1_500.0, abs=1.0)


def test_a_ceiling_of_apparent_power_acts(bench: UnitBench) -> None:
    bench.write(702, VAMax=5_000)
    bench.write(704, WSet=9_000, WSetEna=1)
    bench.wait(60.0)
    assert bench.number(701, "VA") <= 5_000.0


@pytest.mark.parametrize(
    ("number", "name", "value"),
    [
        (702, "WMax", 10_001),
        (702, "WMax", 99),
        (702, "VAMax", 10_001),
        (702, "VarMaxInj", 4_401),
        (702, "WChaRteMax", 8_001),
        (121, "VArMaxQ4", 10),
    ],
)
def test_a_ceiling_stays_under_its_rating(bench: UnitBench, number: int, name: str, value: float) -> None:
    assert bench.try_write(number, name, value) == "03"


@pytest.mark.parametrize(
    ("number", "name"), [(702, "WMaxRtg"), (702, "VNom"), (120, "WRtg"), (1, "Mn"), (1, "DA")]
)
def test_what_is_fixed_is_read_only(bench: UnitBench, number: int, name: str) -> None:
    address, size = bench.image.locate(number, name)
    assert bench.send(address, bytes(2 * size)) == "9002"


def test_a_unit_says_who_it_is(bench: UnitBench) -> None:
    assert bench.read(1, "Mn") == "Gridchorus Simulators"
    assert bench.read(1, "SN") == "B-1"
    assert bench.read(1, "Opt") is None


@pytest.mark.parametrize(
    ("greatest", "finest", "expected"),
    [(100.0, -2, -2), (1_000.0, -2, -1), (32_767.0, 0, 0), (32_768.0, 0, 1), (5e6, 0, 3), (0.0, -3, -3)],
)
def test_a_scale_factor_is_as_fine_as_its_figure_allows(greatest: float, finest: int, expected: int) -> None:
    assert exponent(greatest, finest=finest) == expected
