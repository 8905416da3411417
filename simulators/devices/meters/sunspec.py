"""SunSpec's meter models: 201-204 (integers with scale factors) and 211-214 (floats).

The model definitions do not say what a positive W is. Meters in the field (WattNode, Fronius) count import
positive, and readers such as evcc take that for granted; SolarEdge shows a meter at the point of connection
the other way round, export positive. So it is a setting, :class:`Sign`, and import positive is the default.
VAR, PF and, where they are signed, currents go with it. Counters do not: export is what leaves the site.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil, copysign, hypot, log10

from simulators.devices.image import ModelInstance, Values
from simulators.devices.meters.energy import Energy, Power
from simulators.devices.meters.unit import MeterReadings, MeterUnit, Wiring
from simulators.devices.models import Value, model

MODELS: Mapping[Wiring, tuple[int, int]] = {
    Wiring.SINGLE: (201, 211),
    Wiring.SPLIT: (202, 212),
    Wiring.WYE: (203, 213),
    Wiring.DELTA: (204, 214),
}
"""By wiring: the integer model and the float model."""
_FLOATS_FROM = 211
_INT16_MAX = 32_767
_LETTERS = "ABC"


class Sign(Enum):
    """What positive power is in the registers, times our own sign (injection positive)."""

    IMPORT_POSITIVE = -1.0
    EXPORT_POSITIVE = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterDialect:
    """How a meter writes down what it measures."""

    sign: Sign = Sign.IMPORT_POSITIVE
    signed_currents: bool = False
    """Currents carry the sign of their phase's W (Fronius); else they are magnitudes."""


class UnfitModel(ValueError):
    """A meter model that does not suit the wiring; says which do."""


_COMMON = 1


def meter_models(
    unit: MeterUnit, numbers: Sequence[int], common: Values, dialect: MeterDialect | None = None
) -> list[ModelInstance]:
    """A meter as a row of models; ``common`` fills model 1 (``Mn``, ``Md``, ``Vr``, ``SN``).

    Raises:
        UnfitModel: a model is for another wiring, or none of a meter.
    """
    return [
        ModelInstance(number=_COMMON, fixed=common)
        if number == _COMMON
        else meter_model(unit, number, dialect)
        for number in numbers
    ]


def meter_model(unit: MeterUnit, number: int, dialect: MeterDialect | None = None) -> ModelInstance:
    """A meter as one of its two models.

    Raises:
        UnfitModel: the model is for another wiring.
    """
    if number not in MODELS[unit.config.wiring]:
        fitting = " or ".join(str(each) for each in MODELS[unit.config.wiring])
        raise UnfitModel(
            f"Model {number} does not suit a meter wired {unit.config.wiring.name.lower()}; take {fitting}."
        )
    spelled = frozenset(model(number).points)
    used = dialect or MeterDialect()
    floats = number >= _FLOATS_FROM

    def live() -> Values:
        shown = _values(unit.readings(), used, unit.config.wiring, floats=floats)
        return {name: value for name, value in _spell(shown).items() if name in spelled}

    return ModelInstance(
        number=number,
        fixed={} if floats else _scales(unit),
        live=live,
        stamp=lambda: unit.now_s,
    )


def _scales(unit: MeterUnit) -> Values:
    """The finest scale factors by which the ratings fit 16 bits."""
    power = _exponent(unit.config.power_w_max)
    return {
        "A_SF": _exponent(1.2 * unit.config.current_a_max * unit.config.phases),
        "V_SF": -1,
        "Hz_SF": -2,
        "W_SF": power,
        "VA_SF": power,
        "VAR_SF": power,
        "PF_SF": -2,
        "TotWh_SF": 0,
        "TotVAh_SF": 0,
        "TotVArh_SF": 0,
    }


def _exponent(greatest: float) -> int:
    return max(-2, ceil(log10(greatest / _INT16_MAX)))


def _values(shown: MeterReadings, dialect: MeterDialect, wiring: Wiring, *, floats: bool) -> dict[str, Value]:
    """All points by name, with phases as ``ph`` and a letter, and voltages between lines as ``PPVph``."""
    values: dict[str, Value] = {
        "Hz": shown.frequency_hz,
        "Evt": int(shown.events),
        **_voltages(shown, wiring),
        **_powers(shown.total, dialect, "", floats=floats),
        **_energies(shown.energy, ""),
    }
    currents_a = []
    for letter, power, energy in zip(_LETTERS, shown.phase_powers, shown.phase_energies, strict=False):
        magnitude_a = shown.current_a(power)
        signed = dialect.signed_currents
        current_a = copysign(magnitude_a, dialect.sign.value * power.power_w) if signed else magnitude_a
        currents_a.append(current_a)
        values |= {f"Aph{letter}": current_a}
        values |= _powers(power, dialect, f"ph{letter}", floats=floats)
        values |= _energies(energy, f"Ph{letter}")
    return values | {"A": sum(currents_a)}


def _voltages(shown: MeterReadings, wiring: Wiring) -> dict[str, Value]:
    phases, line_v = wiring.value.phases, shown.line_voltage_v
    values: dict[str, Value] = {}
    if wiring.value.has_neutral:
        values |= {"PhV": shown.voltage_v}
        values |= {f"PhVph{letter}": shown.voltage_v for letter in _LETTERS[:phases]}
    pairs = {1: (), 2: ("AB",), 3: ("AB", "BC", "CA")}[phases]
    if pairs:
        values |= {"PPV": line_v} | {f"PPVph{pair}": line_v for pair in pairs}
    return values


def _powers(power: Power, dialect: MeterDialect, phase: str, *, floats: bool) -> dict[str, Value]:
    apparent_va = hypot(*power)
    power_w = dialect.sign.value * power.power_w
    factor = power_w / apparent_va if apparent_va else 1.0
    return {
        f"W{phase}": power_w,
        f"VA{phase}": apparent_va,
        f"VAR{phase}": dialect.sign.value * power.reactive_var,
        f"PF{phase}": factor if floats else 100.0 * factor,
    }


def _energies(energy: Energy, phase: str) -> dict[str, Value]:
    return {
        f"TotWhExp{phase}": energy.exported_wh,
        f"TotWhImp{phase}": energy.imported_wh,
        f"TotVAhExp{phase}": energy.exported_vah,
        f"TotVAhImp{phase}": energy.imported_vah,
        f"TotVArhImpQ1{phase}": energy.quadrant_1_varh,
        f"TotVArhImpQ2{phase}": energy.quadrant_2_varh,
        f"TotVArhExpQ3{phase}": energy.quadrant_3_varh,
        f"TotVArhExpQ4{phase}": energy.quadrant_4_varh,
    }


def _spell(values: Mapping[str, Value]) -> dict[str, Value]:
    """The values under every spelling that the models have: they do not agree with one another."""
    spelled = dict(values)
    for name, value in values.items():
        if name.startswith("PPVph"):
            spelled[name.replace("PPVph", "PhVph")] = value
        if name.startswith("TotVArh") and "Ph" in name:
            spelled[name.replace("Ph", "ph")] = value
    return spelled
