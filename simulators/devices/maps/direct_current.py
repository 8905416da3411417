"""The DC side: models 714 (ports) and 160 (trackers)."""

from collections.abc import Callable
from dataclasses import dataclass

from simulators.devices.image import ModelInstance, Values
from simulators.devices.inverter.nameplate import Kind
from simulators.devices.inverter.snapshot import Snapshot
from simulators.devices.maps.unit import Unit, exponent, ratio

_PV, _STORAGE = 0, 1
_OFF, _ON = 0, 1
_TRACKS, _SLEEPS = 4, 2
_VOLTAGE, _CURRENT, _ENERGY_714, _ENERGY_160 = -1, -2, -1, 0
_HEADROOM = 1.3
_STILL_W = 1.0


@dataclass(frozen=True, slots=True)
class _Source:
    """One DC input. Power and energy are positive from it to the inverter."""

    name: str
    kind: int
    power_w: Callable[[Snapshot], float]
    voltage_v: Callable[[Snapshot], float]
    given_wh: Callable[[Snapshot], float]
    taken_wh: Callable[[Snapshot], float]

    def current_a(self, shown: Snapshot) -> float:
        return ratio(self.power_w(shown), self.voltage_v(shown))


_MODULES = _Source(
    "MPPT 1",
    _PV,
    lambda shown: shown.pv_w,
    lambda shown: shown.pv_voltage_v,
    lambda shown: shown.counters.pv_wh,
    lambda _: 0.0,
)
_BATTERY = _Source(
    "Battery",
    _STORAGE,
    lambda shown: shown.battery_w,
    lambda shown: shown.battery_voltage_v,
    lambda shown: shown.counters.battery_out_wh,
    lambda shown: shown.counters.battery_in_wh,
)


def dc_measurement(unit: Unit) -> ModelInstance:
    """Model 714: PV before the battery."""
    kind = unit.config.nameplate.kind
    sources = [_MODULES] * (kind is not Kind.BATTERY) + [_BATTERY] * (kind is not Kind.PV)
    fixed: dict[str, float | str | None] = {
        "PrtAlrms": 0,
        "DCA_SF": _current_scale(unit),
        "DCV_SF": _VOLTAGE,
        "DCW_SF": _power_scale(unit),
        "DCWH_SF": _ENERGY_714,
        "Tmp_SF": 0,
    }
    for index, source in enumerate(sources, start=1):
        fixed |= {
            f"Prt[{index}].PrtTyp": source.kind,
            f"Prt[{index}].ID": index,
            f"Prt[{index}].IDStr": source.name,
            f"Prt[{index}].DCAlrm": 0,
        }

    def live() -> Values:
        shown = unit.snapshot()
        values: dict[str, float | str | None] = {
            "DCA": sum(source.current_a(shown) for source in sources),
            "DCW": sum(source.power_w(shown) for source in sources),
            "DCWhInj": sum(source.given_wh(shown) for source in sources),
            "DCWhAbs": sum(source.taken_wh(shown) for source in sources),
        }
        for index, source in enumerate(sources, start=1):
            power_w = source.power_w(shown)
            values |= {
                f"Prt[{index}].DCA": source.current_a(shown),
                f"Prt[{index}].DCV": source.voltage_v(shown),
                f"Prt[{index}].DCW": power_w,
                f"Prt[{index}].DCWhInj": source.given_wh(shown),
                f"Prt[{index}].DCWhAbs": source.taken_wh(shown),
                f"Prt[{index}].DCSta": _ON if abs(power_w) > _STILL_W else _OFF,
            }
        return values

    return ModelInstance(
        number=714, counts={"NPrt": len(sources)}, fixed=fixed, live=live, stamp=unit.snapshot
    )


def trackers(unit: Unit) -> ModelInstance:
    """Model 160. Its figures have no sign: a battery has one module for each direction, as in the field."""
    kind = unit.config.nameplate.kind
    rows: list[tuple[str, Callable[[Snapshot], float], Callable[[Snapshot], float], _Source]] = []
    if kind is not Kind.BATTERY:
        rows.append(("MPPT 1", _MODULES.power_w, _MODULES.given_wh, _MODULES))
    if kind is not Kind.PV:
        number = len(rows) + 1
        rows.append((f"StCha {number}", _charging_w, _BATTERY.taken_wh, _BATTERY))
        rows.append((f"StDisCha {number + 1}", _discharging_w, _BATTERY.given_wh, _BATTERY))
    fixed: dict[str, float | str | None] = {
        "DCA_SF": _current_scale(unit),
        "DCV_SF": _VOLTAGE,
        "DCW_SF": _power_scale(unit),
        "DCWH_SF": _ENERGY_160,
        "Evt": 0,
        "N": len(rows),
    }
    for index, (name, *_) in enumerate(rows, start=1):
        fixed |= {
            f"module[{index}].ID": index,
            f"module[{index}].IDStr": name,
            f"module[{index}].DCEvt": 0,
        }

    def live() -> Values:
        shown = unit.snapshot()
        values: dict[str, float | str | None] = {}
        for index, (_, power, energy, source) in enumerate(rows, start=1):
            power_w = power(shown)
            values |= {
                f"module[{index}].DCA": ratio(power_w, source.voltage_v(shown)),
                f"module[{index}].DCV": source.voltage_v(shown),
                f"module[{index}].DCW": power_w,
                f"module[{index}].DCWH": energy(shown),
                f"module[{index}].DCSt": _TRACKS if power_w > _STILL_W else _SLEEPS,
            }
        return values

    return ModelInstance(
        number=160, counts={"module": len(rows)}, fixed=fixed, live=live, stamp=unit.snapshot
    )


def _charging_w(shown: Snapshot) -> float:
    return max(0.0, -shown.battery_w)


def _discharging_w(shown: Snapshot) -> float:
    return max(0.0, shown.battery_w)


def dc_w_max(unit: Unit) -> float:
    """What the DC side can carry, with some room."""
    plate, config = unit.config.nameplate, unit.config
    return _HEADROOM * max(plate.pv_w_max, plate.injection_w_max, config.charge_w_max, config.discharge_w_max)


def _power_scale(unit: Unit) -> int:
    return exponent(dc_w_max(unit), finest=-1)


def _current_scale(unit: Unit) -> int:
    lowest_v = unit.config.battery_voltage_v / 2.0
    return exponent(dc_w_max(unit) / lowest_v, finest=_CURRENT)
