"""A three-phase meter with the registers of an Eastron SDM630: floats in input registers from 0.

Facts (addresses, types, units, at most 40 values in one read, import counts as forward and positive) are
those of Eastron's "SDM630-Modbus" protocol document, read in public copies of it and in the register lists
of libraries that read this meter. Power demand and harmonics read as zero.
"""

from collections.abc import Callable
from math import acos, copysign, degrees, hypot

from simulators.devices.image import Values
from simulators.devices.meters.energy import Energy, Power
from simulators.devices.meters.unit import MeterReadings, MeterUnit
from simulators.devices.vendor.image import VendorImage
from simulators.devices.vendor.table import READ_HOLDING, READ_INPUT, Gaps, Kind, Row, Space, Table


def _each(address: int, name: str, unit: str, one_count: float = 1.0) -> tuple[Row, ...]:
    """One value for each phase, one behind the other."""
    return tuple(
        Row(address + 2 * phase, f"{name}_l{phase + 1}", Kind.F32, unit, one_count, space=Space.INPUT)
        for phase in range(3)
    )


def _one(address: int, name: str, unit: str, one_count: float = 1.0) -> Row:
    return Row(address, name, Kind.F32, unit, one_count, space=Space.INPUT)


_KILO = 1_000.0

SDM630 = Table(
    product="SDM630-Modbus",
    functions=frozenset({READ_HOLDING, READ_INPUT}),
    gaps=Gaps.ZERO,
    read_count_max=80,
    rows=(
        *_each(0x0000, "voltage", "V"),
        *_each(0x0006, "current", "A"),
        *_each(0x000C, "power", "W"),
        *_each(0x0012, "apparent", "VA"),
        *_each(0x0018, "reactive", "var"),
        *_each(0x001E, "factor", ""),
        *_each(0x0024, "angle", "deg"),
        _one(0x002A, "voltage", "V"),
        _one(0x002E, "current_mean", "A"),
        _one(0x0030, "current", "A"),
        _one(0x0034, "power", "W"),
        _one(0x0038, "apparent", "VA"),
        _one(0x003C, "reactive", "var"),
        _one(0x003E, "factor", ""),
        _one(0x0042, "angle", "deg"),
        _one(0x0046, "frequency", "Hz"),
        _one(0x0048, "imported", "Wh", _KILO),
        _one(0x004A, "exported", "Wh", _KILO),
        _one(0x004C, "imported_reactive", "varh", _KILO),
        _one(0x004E, "exported_reactive", "varh", _KILO),
        _one(0x0050, "apparent_energy", "VAh", _KILO),
        *_each(0x00C8, "line_voltage", "V"),
        _one(0x00CE, "line_voltage", "V"),
        _one(0x0156, "energy", "Wh", _KILO),
        _one(0x0158, "energy_reactive", "varh", _KILO),
        *_each(0x015A, "imported", "Wh", _KILO),
        *_each(0x0160, "exported", "Wh", _KILO),
        *_each(0x0166, "energy", "Wh", _KILO),
        *_each(0x016C, "imported_reactive", "varh", _KILO),
        *_each(0x0172, "exported_reactive", "varh", _KILO),
        *_each(0x0178, "energy_reactive", "varh", _KILO),
        Row(0x000A, "system_type", Kind.F32),
        Row(0x0014, "node_address", Kind.F32),
    ),
)
_THREE_PHASES_FOUR_WIRES = 3.0
PHASES = 3


def eastron_image(unit: MeterUnit, clock_s: Callable[[], float]) -> VendorImage:
    """A meter behind the registers of an SDM630.

    Args:
        unit: a meter of three phases.
        clock_s: the present in Unix seconds.

    Raises:
        ValueError: the meter has not three phases.
    """
    if unit.config.phases != PHASES:
        raise ValueError(f"An SDM630 measures three phases; this meter is wired {unit.config.wiring.name}.")

    def advance() -> float:
        now_s = clock_s()
        unit.advance(now_s)
        return now_s

    return VendorImage(SDM630, advance, lambda: values(unit.readings()))


def values(shown: MeterReadings) -> Values:
    """All points by name; import positive."""
    currents_a = [shown.current_a(power) for power in shown.phase_powers]
    found = {
        "voltage": shown.voltage_v,
        "line_voltage": shown.line_voltage_v,
        "current": sum(currents_a),
        "current_mean": sum(currents_a) / PHASES,
        "frequency": shown.frequency_hz,
        "system_type": _THREE_PHASES_FOUR_WIRES,
        "node_address": float(SDM630.unit_id),
        "apparent_energy": shown.energy.imported_vah + shown.energy.exported_vah,
        **_power(shown.total, ""),
        **_energy(shown.energy, ""),
    }
    for number, power in enumerate(shown.phase_powers, start=1):
        suffix = f"_l{number}"
        found |= {
            f"voltage{suffix}": shown.voltage_v,
            f"line_voltage{suffix}": shown.line_voltage_v,
            f"current{suffix}": currents_a[number - 1],
        }
        found |= _power(power, suffix) | _energy(shown.phase_energies[number - 1], suffix)
    return found


def _power(power: Power, suffix: str) -> dict[str, float]:
    power_w, reactive_var, apparent_va = -power.power_w, -power.reactive_var, hypot(*power)
    factor = power_w / apparent_va if apparent_va else 1.0
    return {
        f"power{suffix}": power_w,
        f"reactive{suffix}": reactive_var,
        f"apparent{suffix}": apparent_va,
        f"factor{suffix}": factor,
        f"angle{suffix}": copysign(degrees(acos(min(1.0, max(-1.0, factor)))), reactive_var),
    }


def _energy(energy: Energy, suffix: str) -> dict[str, float]:
    """What goes in, what goes out, and their sum, as this meter calls "total"."""
    return {
        f"imported{suffix}": energy.imported_wh,
        f"exported{suffix}": energy.exported_wh,
        f"energy{suffix}": energy.imported_wh + energy.exported_wh,
        f"imported_reactive{suffix}": energy.imported_varh,
        f"exported_reactive{suffix}": energy.exported_varh,
        f"energy_reactive{suffix}": energy.imported_varh + energy.exported_varh,
    }
