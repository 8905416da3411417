"""The four functions with curves in registers: 705 volt-var, 706 volt-watt, 711 droop, 712 watt-var."""

from collections.abc import Callable
from dataclasses import replace
from math import nan

from simulators.devices.functions.settings import FunctionSettings, Priority
from simulators.devices.image import ModelInstance
from simulators.devices.inverter.nameplate import Kind
from simulators.devices.maps.capacity import Ceilings
from simulators.devices.maps.curves import CurveModel, CurveSet, Impossible, Row, corners, rows
from simulators.devices.maps.unit import PERCENT, Unit

CURVES = 3
"""Stored by each function, the one in force included."""
VOLT_VAR_POINTS, VOLT_WATT_POINTS, WATT_VAR_POINTS = 6, 4, 6
_RESPONSE_SF, _DEADBAND_SF, _DROOP_SF = -2, -3, -4
_OF_W_MAX, _OF_VAR_MAX, _OF_VA_MAX = 0, 1, 3
_REFERENCES = (0, 1, 2, 3)
"""Any may be written; 2 (of what is available at the moment) is not adopted."""
_SWITCH = (0, 1)
_PRIORITIES = (Priority.ACTIVE, Priority.REACTIVE)
_PERCENT_MAX = 100.0
_DEADBAND_HZ_MAX, _DROOP_MAX, _RESPONSE_S_MAX = 5.0, 1.0, 1_000.0
_VOLTAGE_PERCENT_MAX = 200.0


def volt_var(unit: Unit) -> ModelInstance:
    """Model 705. VRefAuto is not implemented while the reference follows the voltage."""
    percent = _ReactivePercent(unit)

    def show(settings: FunctionSettings) -> Row:
        function = settings.volt_var
        points = [(100.0 * voltage, percent.show(reactive)) for voltage, reactive in function.points]
        return {
            **rows(points, "V", "Var", VOLT_VAR_POINTS),
            "DeptRef": percent.reference,
            "Pri": float(_PRIORITIES.index(function.priority)),
            "VRef": 100.0 * function.reference_pu,
            "VRefAuto": nan if function.tracks_voltage else 100.0 * function.reference_pu,
            "VRefAutoEna": float(function.tracks_voltage),
            "VRefAutoTms": function.tracking_s,
            "RspTms": function.response_s,
        }

    def adopt(settings: FunctionSettings, row: Row) -> FunctionSettings:
        points = [(_voltage_pu(voltage), percent.take(row, var)) for voltage, var in corners(row, "V", "Var")]
        function = replace(
            settings.volt_var,
            points=tuple(points),
            reference_pu=_voltage_pu(row["VRef"]),
            tracks_voltage=row["VRefAutoEna"] > 0.0,
            tracking_s=row["VRefAutoTms"],
            response_s=_response_s(row),
            priority=_PRIORITIES[int(row["Pri"])],
        )
        return replace(settings, volt_var=function)

    kind = CurveModel(
        number=705,
        group="Crv",
        counts={"NCrv": CURVES, "NPt": VOLT_VAR_POINTS},
        scale_factors={"V_SF": PERCENT, "DeptRef_SF": PERCENT, "RspTms_SF": _RESPONSE_SF},
        read_only=frozenset({"VRefAuto"}),
        choices={"DeptRef": _REFERENCES, "Pri": _SWITCH, "VRefAutoEna": _SWITCH},
        show=show,
        enabled=lambda settings: settings.volt_var.enabled,
        enable=lambda settings, on: replace(settings, volt_var=replace(settings.volt_var, enabled=on)),
        adopt=adopt,
        none_allowed=False,
        adopted=percent.refer,
    )
    return CurveSet(unit, kind).instance()


def volt_watt(unit: Unit) -> ModelInstance:
    """Model 706."""
    commands = unit.commands

    def show(settings: FunctionSettings) -> Row:
        function = settings.volt_watt
        points = [
            (100.0 * voltage, 100.0 * power / commands.injection_max_pu) for voltage, power in function.points
        ]
        return {
            **rows(points, "V", "W", VOLT_WATT_POINTS),
            "DeptRef": _OF_W_MAX,
            "RspTms": function.response_s,
        }

    def adopt(settings: FunctionSettings, row: Row) -> FunctionSettings:
        if row["DeptRef"] != _OF_W_MAX:
            raise Impossible("power in percent of what is available at the moment")
        points = [
            (_voltage_pu(voltage), _percent(power) * commands.injection_max_pu)
            for voltage, power in corners(row, "V", "W")
        ]
        function = replace(settings.volt_watt, points=tuple(points), response_s=_response_s(row))
        return replace(settings, volt_watt=function)

    kind = CurveModel(
        number=706,
        group="Crv",
        counts={"NCrv": CURVES, "NPt": VOLT_WATT_POINTS},
        scale_factors={"V_SF": PERCENT, "DeptRef_SF": PERCENT, "RspTms_SF": _RESPONSE_SF},
        read_only=frozenset(),
        choices={"DeptRef": _SWITCH},
        show=show,
        enabled=lambda settings: settings.volt_watt.enabled,
        enable=lambda settings, on: replace(settings, volt_watt=replace(settings.volt_watt, enabled=on)),
        adopt=adopt,
        none_allowed=False,
    )
    return CurveSet(unit, kind).instance()


def frequency_droop(unit: Unit) -> ModelInstance:
    """Model 711. PMin shows the floor in force: without one of its own, what the unit can absorb."""
    plate = unit.config.nameplate
    least_pct = 0.0
    if plate.kind is not Kind.PV:
        least_pct = max(-_PERCENT_MAX, -100.0 * plate.absorption_w_max / plate.injection_w_max)

    def show(settings: FunctionSettings) -> Row:
        function = settings.frequency_droop
        return {
            "DbOf": function.deadband_over_hz,
            "DbUf": function.deadband_under_hz,
            "KOf": function.droop_over,
            "KUf": function.droop_under,
            "RspTms": function.response_s,
            "PMin": least_pct if function.floor_pu is None else 100.0 * function.floor_pu,
        }

    def adopt(settings: FunctionSettings, row: Row) -> FunctionSettings:
        for name in ("DbOf", "DbUf"):
            _require(name, row[name], 0.0, _DEADBAND_HZ_MAX)
        for name in ("KOf", "KUf"):
            _require(name, row[name], 10.0**_DROOP_SF, _DROOP_MAX)
        _require("PMin", row["PMin"], -_PERCENT_MAX, _PERCENT_MAX)
        function = replace(
            settings.frequency_droop,
            deadband_over_hz=row["DbOf"],
            deadband_under_hz=row["DbUf"],
            droop_over=row["KOf"],
            droop_under=row["KUf"],
            response_s=_response_s(row),
            floor_pu=None if row["PMin"] <= round(least_pct) else row["PMin"] / 100.0,
        )
        return replace(settings, frequency_droop=function)

    kind = CurveModel(
        number=711,
        group="Ctl",
        counts={"NCtl": CURVES},
        scale_factors={"Db_SF": _DEADBAND_SF, "K_SF": _DROOP_SF, "RspTms_SF": _RESPONSE_SF},
        read_only=frozenset(),
        choices={},
        show=show,
        enabled=lambda settings: settings.frequency_droop.enabled,
        enable=lambda settings, on: replace(
            settings, frequency_droop=replace(settings.frequency_droop, enabled=on)
        ),
        adopt=adopt,
        none_allowed=True,
    )
    return CurveSet(unit, kind).instance()


def watt_var(unit: Unit) -> ModelInstance:
    """Model 712. Reactive power has priority."""
    percent = _ReactivePercent(unit)
    commands = unit.commands

    def show(settings: FunctionSettings) -> Row:
        points = [
            (100.0 * power / commands.injection_max_pu, percent.show(reactive))
            for power, reactive in settings.watt_var.points
        ]
        return {
            **rows(points, "W", "Var", WATT_VAR_POINTS),
            "DeptRef": percent.reference,
            "Pri": float(_PRIORITIES.index(Priority.REACTIVE)),
        }

    def adopt(settings: FunctionSettings, row: Row) -> FunctionSettings:
        points = [
            (_percent(power) * commands.injection_max_pu, percent.take(row, var))
            for power, var in corners(row, "W", "Var")
        ]
        return replace(settings, watt_var=replace(settings.watt_var, points=tuple(points)))

    kind = CurveModel(
        number=712,
        group="Crv",
        counts={"NCrv": CURVES, "NPt": WATT_VAR_POINTS},
        scale_factors={"W_SF": PERCENT, "DeptRef_SF": PERCENT},
        read_only=frozenset({"Pri"}),
        choices={"DeptRef": _REFERENCES},
        show=show,
        enabled=lambda settings: settings.watt_var.enabled,
        enable=lambda settings, on: replace(settings, watt_var=replace(settings.watt_var, enabled=on)),
        adopt=adopt,
        none_allowed=True,
        adopted=percent.refer,
    )
    return CurveSet(unit, kind).instance()


class _ReactivePercent:
    """Reactive power of a curve: percent of a reference in registers, per unit of the rating inside."""

    def __init__(self, unit: Unit) -> None:
        self._ceilings, self._rated_va = Ceilings(unit), unit.config.nameplate.apparent_va_max
        self.reference = float(_OF_VAR_MAX)
        """DeptRef of the curve in force."""

    def show(self, reactive_pu: float) -> float:
        base_pu = self._base_pu(self.reference, reactive_pu)
        return 100.0 * reactive_pu / base_pu if base_pu else 0.0

    def refer(self, row: Row) -> None:
        self.reference = row["DeptRef"]

    def take(self, row: Row, value: float) -> float:
        return _percent(value) * self._base_pu(row["DeptRef"], value)

    def _base_pu(self, reference: float, sign: float) -> float:
        bases: dict[float, Callable[[], float]] = {
            _OF_W_MAX: lambda: self._ceilings.injection_w,
            _OF_VAR_MAX: lambda: self._ceilings.reactive_var(sign),
            _OF_VA_MAX: lambda: self._ceilings.apparent_va,
        }
        if reference not in bases:
            raise Impossible("reactive power in percent of what is available at the moment")
        return bases[reference]() / self._rated_va


def _percent(value: float) -> float:
    _require("percentage", value, -_PERCENT_MAX, _PERCENT_MAX)
    return value / 100.0


def _voltage_pu(value: float) -> float:
    _require("voltage", value, 0.0, _VOLTAGE_PERCENT_MAX)
    return value / 100.0


def _response_s(row: Row) -> float:
    _require("RspTms", row["RspTms"], 0.0, _RESPONSE_S_MAX)
    return row["RspTms"]


def _require(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise Impossible(f"{name} takes {low} .. {high}, not {value}")
