"""A meter's counters, its SunSpec models, and the vendor's registers, from one and the same power."""

import math
import struct
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.image import RegisterImage
from simulators.devices.meters.energy import Energy, Power
from simulators.devices.meters.sunspec import (
    MODELS,
    MeterDialect,
    Sign,
    UnfitModel,
    meter_model,
    meter_models,
)
from simulators.devices.meters.unit import (
    Counting,
    ImpossibleMeter,
    MeterEvent,
    MeterUnit,
    MeterUnitConfig,
    Source,
    Wiring,
    shared,
    together,
)
from simulators.devices.models import model
from simulators.devices.vendor.eastron import SDM630, eastron_image, values

HOUR_S = 3_600.0
COMMON = {"Mn": "Gridchorus", "Md": "Meter", "Vr": "1", "SN": "1"}
PHASES = (Power(1_000.0, 300.0), Power(-2_500.0, -400.0), Power(-800.0, 100.0))
"""The first exports both, the second imports both, the third imports active and exports reactive power."""


class Grid:
    def __init__(self, voltage_pu: float = 1.0) -> None:
        self.voltage = voltage_pu

    def frequency_hz(self, at_s: float) -> float:
        del at_s
        return 50.02

    def voltage_pu(self, at_s: float) -> float:
        del at_s
        return self.voltage


def steady(*powers: Power) -> Source:
    def source(at_s: float) -> tuple[Power, ...]:
        del at_s
        return powers

    return source


def an_hour(
    source: Source | None = None, config: MeterUnitConfig | None = None, grid: Grid | None = None
) -> MeterUnit:
    unit = MeterUnit(config or MeterUnitConfig(step_s=1.0), source or steady(*PHASES), grid or Grid(), 0.0)
    unit.advance(HOUR_S)
    return unit


def test_each_phase_counts_by_direction_and_quadrant() -> None:
    first, second, third = an_hour().readings().phase_energies
    assert [first.exported_wh, first.imported_wh] == pytest.approx([1_000.0, 0.0])
    assert [second.exported_wh, second.imported_wh] == pytest.approx([0.0, 2_500.0])
    assert first.quadrant_3_varh == pytest.approx(300.0)
    assert second.quadrant_1_varh == pytest.approx(400.0)
    assert third.quadrant_4_varh == pytest.approx(100.0)
    assert third.imported_vah == pytest.approx(math.hypot(800.0, 100.0))


def test_exporting_under_excited_is_quadrant_2() -> None:
    energy = Energy()
    energy.count(Power(500.0, -200.0), Power(500.0, -200.0), HOUR_S)
    apparent_vah = math.hypot(500.0, 200.0)
    assert energy == Energy(exported_wh=500.0, exported_vah=apparent_vah, quadrant_2_varh=200.0)


@pytest.mark.parametrize(
    ("counting", "exported_wh", "imported_wh"),
    [
        pytest.param(Counting.NET, 0.0, 2_300.0, id="net-of-the-phases"),
        pytest.param(Counting.SUM, 1_000.0, 3_300.0, id="sum-of-the-phases"),
    ],
)
def test_all_phases_together(counting: Counting, exported_wh: float, imported_wh: float) -> None:
    energy = an_hour(config=MeterUnitConfig(step_s=1.0, counting=counting)).readings().energy
    assert [energy.exported_wh, energy.imported_wh] == pytest.approx([exported_wh, imported_wh])


def test_a_line_through_zero_is_split_where_it_crosses() -> None:
    energy = Energy()
    energy.count(Power(3_000.0, 0.0), Power(-1_000.0, 0.0), HOUR_S)
    assert energy.exported_wh == pytest.approx(0.5 * 3_000.0 * 0.75)
    assert energy.imported_wh == pytest.approx(0.5 * 1_000.0 * 0.25)


powers = st.builds(Power, st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))


@settings(deadline=None)
@given(powers, powers, st.floats(0.01, 1e4))
def test_counters_balance_and_apparent_energy_covers_the_others(
    start: Power, end: Power, duration_s: float
) -> None:
    energy = Energy()
    energy.count(start, end, duration_s)
    hours = duration_s / HOUR_S
    scale = 1e-9 * (1.0 + hours * (sum(map(abs, start)) + sum(map(abs, end))))
    net_wh, net_varh = energy.exported_wh - energy.imported_wh, energy.exported_varh - energy.imported_varh
    assert net_wh == pytest.approx(0.5 * (start.power_w + end.power_w) * hours, abs=scale)
    assert net_varh == pytest.approx(0.5 * (start.reactive_var + end.reactive_var) * hours, abs=scale)
    assert all(getattr(energy, name) >= 0.0 for name in Energy.__slots__)
    assert energy.exported_vah >= energy.exported_wh - scale
    assert energy.imported_vah >= energy.imported_wh - scale


@settings(deadline=None)
@given(st.lists(st.floats(0.01, 3.0), min_size=1, max_size=20))
def test_it_does_not_matter_how_often_the_meter_is_read(pauses: list[float]) -> None:
    wave = shared(lambda at_s: Power(1_000.0 * math.sin(at_s), 500.0 * math.cos(at_s)), (0.5, 0.3, 0.2))
    often, once = (MeterUnit(MeterUnitConfig(), wave, Grid(), 0.0) for _ in range(2))
    at_s = 0.0
    for pause_s in pauses:
        at_s += pause_s
        often.advance(at_s)
    once.advance(at_s)
    assert once.readings() == often.readings()


def test_the_counters_are_the_integral_of_the_power() -> None:
    unit = MeterUnit(
        MeterUnitConfig(step_s=0.1), shared(lambda at_s: Power(900.0 - at_s), (1.0, 0.0, 0.0)), Grid(), 0.0
    )
    unit.advance(1_200.0)
    energy = unit.readings().energy
    assert energy.exported_wh == pytest.approx(0.5 * 900.0**2 / HOUR_S)
    assert energy.imported_wh == pytest.approx(0.5 * 300.0**2 / HOUR_S)


def test_sources_add_up_behind_one_meter() -> None:
    source = together(steady(*PHASES), steady(*[Power(-100.0)] * 3))
    assert [power.power_w for power in source(0.0)] == [900.0, -2_600.0, -900.0]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda: shared(Power, (0.5, 0.4)), "add up to 0.9", id="shares"),
        pytest.param(
            lambda: an_hour(steady(Power(1.0))), "3 phases was given the power of 1", id="too-few-phases"
        ),
        pytest.param(lambda: MeterUnitConfig(step_s=0.0), "above zero", id="no-step"),
        pytest.param(lambda: meter_model(an_hour(), 201), "take 203 or 213", id="a-model-of-another-wiring"),
        pytest.param(
            lambda: eastron_image(an_hour(steady(Power(1.0)), MeterUnitConfig(wiring=Wiring.SINGLE)), float),
            "three phases",
            id="a-three-phase-meter-with-one",
        ),
    ],
)
def test_an_impossible_meter_says_why(make: Callable[[], object], reason: str) -> None:
    with pytest.raises((ImpossibleMeter, UnfitModel, ValueError), match=reason):
        make()


@pytest.mark.parametrize(
    ("grid", "source", "events"),
    [
        pytest.param(Grid(0.0), steady(*[Power(0.0)] * 3), {"POWER_FAILURE", "UNDER_VOLTAGE"}, id="dead"),
        pytest.param(Grid(1.2), steady(*[Power(0.0)] * 3), {"OVER_VOLTAGE"}, id="over-voltage"),
        pytest.param(Grid(), steady(*[Power(10_000.0)] * 3), {"OVER_CURRENT"}, id="over-current"),
        pytest.param(Grid(), steady(*[Power(10.0, 900.0)] * 3), {"LOW_POWER_FACTOR"}, id="reactive"),
        pytest.param(Grid(), steady(*PHASES), set(), id="nothing"),
    ],
)
def test_events(grid: Grid, source: Source, events: set[str]) -> None:
    found = an_hour(source, grid=grid).readings().events
    assert {event.name for event in MeterEvent if event in found} == events


class Reader:
    """Reads points of one model out of an image, as a client would."""

    def __init__(self, unit: MeterUnit, number: int, dialect: MeterDialect | None = None) -> None:
        self.number = number
        self.image = RegisterImage(
            meter_models(unit, (1, number), COMMON, dialect), lambda: unit.advance(HOUR_S)
        )

    def count(self, name: str) -> float:
        """A counter: it reads as "not implemented" before it has counted anything (SunSpec's acc32)."""
        return self(name) or 0.0

    def __call__(self, name: str) -> float | None:
        point = model(self.number).points[name]
        exponent = int(self._read(point.scale_factor) or 0) if point.scale_factor else 0
        return self._read(name, exponent)

    def _read(self, name: str, exponent: int = 0) -> float | None:
        point = model(self.number).points[name]
        address, size = self.image.locate(self.number, name)
        response = self.image.respond(struct.pack(">BHH", 3, address, size))
        return point.decode(response[2:], exponent)


WIRINGS = {
    Wiring.SINGLE: (Power(-4_321.0, 123.0),),
    Wiring.SPLIT: (Power(-3_000.0, 100.0), Power(500.0, -200.0)),
    Wiring.WYE: PHASES,
    Wiring.DELTA: PHASES,
}


@pytest.mark.parametrize(
    ("wiring", "number"),
    [
        pytest.param(wiring, number, id=f"model-{number}")
        for wiring, numbers in MODELS.items()
        for number in numbers
    ],
)
def test_registers_say_what_the_meter_says(wiring: Wiring, number: int) -> None:
    config = MeterUnitConfig(wiring=wiring, step_s=1.0, current_a_max=60.0)
    unit = an_hour(steady(*WIRINGS[wiring]), config)
    read, tolerance = Reader(unit, number), 10.0 if number < 211 else 0.01
    shown = unit.readings()
    assert read("W") == pytest.approx(-shown.total.power_w, abs=tolerance)
    assert read("VAR") == pytest.approx(-shown.total.reactive_var, abs=tolerance)
    assert read("VA") == pytest.approx(math.hypot(*shown.total), abs=tolerance)
    assert read.count("TotWhImp") == pytest.approx(shown.energy.imported_wh, abs=1.0)
    assert read.count("TotWhExp") == pytest.approx(shown.energy.exported_wh, abs=1.0)
    letters = "ABC"[: config.phases]
    for letter, power, energy in zip(letters, shown.phase_powers, shown.phase_energies, strict=True):
        assert read(f"Wph{letter}") == pytest.approx(-power.power_w, abs=tolerance)
        assert read(f"Aph{letter}") == pytest.approx(math.hypot(*power) / 230.0, abs=0.01)
        assert read.count(f"TotWhImpPh{letter}") == pytest.approx(energy.imported_wh, abs=1.0)
        ph = "Ph" if number < 211 else "ph"
        assert read.count(f"TotVArhExpQ4{ph}{letter}") == pytest.approx(energy.quadrant_4_varh, abs=1.0)
    assert read("Hz") == pytest.approx(50.02, abs=0.01)
    line = {Wiring.SPLIT: 460.0, Wiring.WYE: 398.4, Wiring.DELTA: 398.4}.get(wiring)
    assert read("PPV") == (None if line is None else pytest.approx(line, abs=0.05))
    assert read("PhV") == (None if wiring is Wiring.DELTA else pytest.approx(230.0, abs=0.05))


@pytest.mark.parametrize(
    ("number", "factor"),
    [pytest.param(203, 100.0, id="integers-in-percent"), pytest.param(213, 1.0, id="floats-as-a-ratio")],
)
def test_the_power_factor_has_the_sign_of_w(number: int, factor: float) -> None:
    read = Reader(an_hour(), number)
    assert read("PFphA") == pytest.approx(-factor * 1_000.0 / math.hypot(1_000.0, 300.0), abs=factor * 1e-4)
    assert read("PFphB") == pytest.approx(factor * 2_500.0 / math.hypot(2_500.0, 400.0), abs=factor * 1e-4)


def test_the_sign_is_a_matter_of_dialect_and_counters_are_not() -> None:
    unit = an_hour()
    ours, theirs = Reader(unit, 213), Reader(unit, 213, MeterDialect(sign=Sign.EXPORT_POSITIVE))
    for name in ("W", "VAR", "WphA", "VARphB", "PFphA"):
        value = ours(name)
        assert value is not None
        assert theirs(name) == pytest.approx(-value)
    for name in ("TotWhImp", "TotWhExpPhA", "VA", "AphA"):
        assert theirs(name) == ours(name)


def test_currents_may_be_signed() -> None:
    read = Reader(an_hour(), 213, MeterDialect(signed_currents=True))
    first, second = read("AphA"), read("AphB")
    assert first is not None
    assert second is not None
    assert first < 0.0 < second


def test_a_big_meter_scales_its_power() -> None:
    config = MeterUnitConfig(current_a_max=200.0, step_s=1.0)
    unit = an_hour(steady(*[Power(-40_000.0)] * 3), config)
    assert Reader(unit, 203)("W") == pytest.approx(120_000.0, abs=10.0)
    assert Reader(unit, 203)("AphA") == pytest.approx(40_000.0 / 230.0, abs=0.05)


def eastron(address: int) -> float:
    unit = MeterUnit(MeterUnitConfig(step_s=1.0), steady(*PHASES), Grid(), 0.0)
    response = eastron_image(unit, lambda: HOUR_S).respond(struct.pack(">BHH", 4, address, 2))
    value: float = struct.unpack(">f", response[2:])[0]
    return value


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        pytest.param(0x0000, 230.0, id="voltage-of-phase-1"),
        pytest.param(0x0006, math.hypot(1_000.0, 300.0) / 230.0, id="current-of-phase-1"),
        pytest.param(0x000C, -1_000.0, id="power-of-phase-1-exports"),
        pytest.param(0x000E, 2_500.0, id="power-of-phase-2-imports"),
        pytest.param(0x0034, 2_300.0, id="total-power"),
        pytest.param(0x003C, 0.0, id="total-reactive-power"),
        pytest.param(0x0046, 50.02, id="frequency"),
        pytest.param(0x0048, 2.3, id="imported-kWh"),
        pytest.param(0x004A, 0.0, id="exported-kWh"),
        pytest.param(0x00C8, 230.0 * math.sqrt(3.0), id="voltage-between-lines"),
        pytest.param(0x015C, 2.5, id="imported-kWh-of-phase-2"),
        pytest.param(0x0160, 1.0, id="exported-kWh-of-phase-1"),
        pytest.param(0x0054, 0.0, id="demand-is-not-there"),
    ],
)
def test_an_sdm630_has_floats_in_input_registers(address: int, expected: float) -> None:
    assert eastron(address) == pytest.approx(expected, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize(
    ("pdu", "answer"),
    [
        pytest.param(struct.pack(">BHH", 3, 0x0A, 2), b"\x03\x04" + struct.pack(">f", 3.0), id="system-type"),
        pytest.param(struct.pack(">BHH", 4, 0, 82), b"\x84\x03", id="more-than-forty-values"),
        pytest.param(struct.pack(">BHH", 4, 1, 2), b"\x84\x02", id="an-odd-address"),
        pytest.param(struct.pack(">BHH", 4, 0x17E, 2), b"\x84\x02", id="beyond-the-last-value"),
        pytest.param(struct.pack(">BHH", 6, 0x0A, 1), b"\x86\x01", id="no-writing-of-one-register"),
    ],
)
def test_what_an_sdm630_answers(pdu: bytes, answer: bytes) -> None:
    unit = MeterUnit(MeterUnitConfig(), steady(*PHASES), Grid(), 0.0)
    assert eastron_image(unit, lambda: 1.0).respond(pdu) == answer


def test_every_row_of_the_sdm630_has_a_value() -> None:
    assert {row.name for row in SDM630.rows} == set(values(an_hour().readings()))
