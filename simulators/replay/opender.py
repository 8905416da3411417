"""Setting names of the common file format, as OpenDER takes them, in terms of our settings.

The oracle's own defaults hold for what a case does not name. What stands for a delay or a limit that our
functions do not have is accepted at its neutral value only: a case is refused rather than compared with
something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from simulators.devices.functions.capability import Capability
from simulators.devices.functions.checks import ImpossibleSettings, check
from simulators.devices.functions.settings import (
    Category,
    EnterService,
    FrequencyDroop,
    FunctionSettings,
    Points,
    Priority,
    Threshold,
    Trips,
    VoltVar,
    VoltWatt,
    WattVar,
)
from simulators.replay.vectors import Setting, Settings

Kind = TypeVar("Kind")

CATEGORIES = {"CAT_I": Category.ONE, "CAT_II": Category.TWO, "CAT_III": Category.THREE}
PRIORITIES = {"REACTIVE": Priority.REACTIVE, "ACTIVE": Priority.ACTIVE}
SWITCH = {"ENABLED": True, "DISABLED": False, "ON": True, "OFF": False}
CURRENT_PU_MIN = 2.0
"""A current limit from here on binds nowhere within what has to be ridden through."""

NEUTRAL: dict[str, tuple[Setting, ...]] = {
    "NP_INV_DELAY": (0.0,),
    "NP_REACT_TIME": (0.0,),
    "NP_V_MEAS_DELAY": (0.0,),
    "NP_SET_EXE_TIME": (0.0,),
    "NP_RT_RAMP_UP_TIME": (0.0,),
    "NP_MODE_TRANSITION_TIME": (0.0,),
    "MC_RESP_T": (0.0,),
    "MC_LVRT_V1": (0.5,),
    "MC_HVRT_V1": (1.1,),
    "NP_EFFICIENCY": (1.0,),
    "DVS_MODE_ENABLE": ("DISABLED",),
    "NP_V_MEAS_UNBALANCE": ("AVG", "POS"),
    "NP_PHASE": ("THREE", "SINGLE"),
    "NP_NORMAL_OP_CAT": ("CAT_A", "CAT_B"),
    "ES_RANDOMIZED_DELAY_ACTUAL": (0.0,),
}


class UnknownSetting(ValueError):
    """A setting that the replay cannot honour; says which, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSettings:
    """Everything that a case says about its unit; powers per unit."""

    functions: FunctionSettings
    capability: Capability
    in_service: bool
    charge_max_pu: float
    limit_pu: float
    """Active power limit; 1 while none is enabled."""
    limit_response_s: float
    reactive_pu: float
    """Constant reactive power; 0 while none is enabled."""
    reactive_per_active: float
    """Constant power factor as reactive over active power; 0 while none is enabled."""
    reactive_response_s: float

    @property
    def slowest_response_s(self) -> float:
        """The longest open-loop response time of what is enabled."""
        functions = self.functions
        parts = (functions.frequency_droop, functions.volt_var, functions.volt_watt, functions.watt_var)
        enabled_s = [part.response_s for part in parts if part.enabled]
        if self.limit_pu != 1.0:
            enabled_s.append(self.limit_response_s)
        if self.reactive_pu or self.reactive_per_active:
            enabled_s.append(self.reactive_response_s)
        return max(enabled_s, default=0.0)


def unit_settings(named: Settings, der: str, nominal_hz: float) -> UnitSettings:
    """Settings of a unit by their names in a file.

    Raises:
        UnknownSetting: a name or a value that cannot be honoured.
    """
    names = _Names(named)
    settings = _unit(names, der)
    names.refuse_the_rest()
    try:
        check(settings.functions, nominal_hz)
    except ImpossibleSettings as error:
        raise UnknownSetting(str(error)) from error
    return settings


class _Names:
    """Settings by name, and which of them have been asked for."""

    def __init__(self, named: Settings) -> None:
        self._named = named
        self._asked: set[str] = {"NP_AC_V_NOM"}

    def number(self, name: str, otherwise: float) -> float:
        self._asked.add(name)
        value = self._named.get(name, otherwise)
        if isinstance(value, str):
            raise UnknownSetting(f"{name} = {value!r} is not a number")
        return value

    def positive(self, name: str, otherwise: float) -> float:
        value = self.number(name, otherwise)
        if value <= 0.0:
            raise UnknownSetting(f"{name} = {value:g} is not above zero")
        return value

    def choice(self, name: str, choices: Mapping[str, Kind], otherwise: str) -> Kind:
        self._asked.add(name)
        value = self._named.get(name, otherwise)
        if not isinstance(value, str) or value not in choices:
            raise UnknownSetting(f"{name} = {value!r} is none of {', '.join(choices)}")
        return choices[value]

    def on(self, name: str, otherwise: str = "DISABLED") -> bool:
        return self.choice(name, SWITCH, otherwise)

    def refuse_the_rest(self) -> None:
        for name in sorted(self._named.keys() - self._asked):
            value = self._named[name]
            if name not in NEUTRAL:
                raise UnknownSetting(f"{name} is no setting that this replay knows")
            if value not in NEUTRAL[name]:
                only = ", ".join(str(each) for each in NEUTRAL[name])
                raise UnknownSetting(f"{name} = {value!r} cannot be honoured, only {only}")


def _unit(names: _Names, der: str) -> UnitSettings:
    power_w = names.positive("NP_P_MAX", 100_000.0)
    apparent_va = names.positive("NP_VA_MAX", power_w)
    charge_w = names.number("NP_P_MAX_CHARGE", power_w)
    if names.positive("NP_APPARENT_POWER_CHARGE_MAX", apparent_va) != apparent_va:
        raise UnknownSetting("NP_APPARENT_POWER_CHARGE_MAX cannot be honoured, only NP_VA_MAX")
    if names.number("NP_CURRENT_PU", CURRENT_PU_MIN) < CURRENT_PU_MIN:
        raise UnknownSetting(f"NP_CURRENT_PU cannot be honoured below {CURRENT_PU_MIN:g}")
    low_power = names.choice("NP_Q_CAPABILITY_LOW_P", {"REDUCED": True, "SAME": False}, "REDUCED")
    fixed_q = names.on("CONST_Q_MODE_ENABLE")
    fixed_pf = names.on("CONST_PF_MODE_ENABLE")
    reactive_pu = names.number("CONST_Q", 0.0)
    per_active = _reactive_per_active(names)
    pf_response_s, q_response_s = names.number("CONST_PF_RT", 5.0), names.number("CONST_Q_RT", 5.0)
    limited = names.on("AP_LIMIT_ENABLE")
    limit_pu = names.number("AP_LIMIT", 1.0)
    return UnitSettings(
        functions=_functions(names),
        capability=Capability(
            apparent_per_power=apparent_va / power_w,
            injected_max_pu=names.number("NP_Q_MAX_INJ", 0.44 * apparent_va) / apparent_va,
            absorbed_max_pu=names.number("NP_Q_MAX_ABS", 0.44 * apparent_va) / apparent_va,
            reduced_at_low_power=low_power and der == "pv",
        ),
        in_service=names.on("STATUS_INIT", "ON"),
        charge_max_pu=charge_w / power_w,
        limit_pu=limit_pu if limited else 1.0,
        limit_response_s=names.number("AP_RT", 15.0),
        reactive_pu=reactive_pu if fixed_q else 0.0,
        reactive_per_active=per_active if fixed_pf else 0.0,
        reactive_response_s=pf_response_s if fixed_pf else q_response_s,
    )


def _reactive_per_active(names: _Names) -> float:
    factor = names.positive("CONST_PF", 1.0)
    if factor > 1.0:
        raise UnknownSetting(f"CONST_PF = {factor:g} is above 1")
    sign = names.choice("CONST_PF_EXCITATION", {"INJ": 1.0, "ABS": -1.0}, "ABS")
    return float(sign * (1.0 - factor * factor) ** 0.5 / factor)


def _functions(names: _Names) -> FunctionSettings:
    return FunctionSettings(
        frequency_droop=_droop(names),
        volt_var=_volt_var(names),
        volt_watt=_volt_watt(names),
        watt_var=_watt_var(names),
        enter_service=_enter_service(names),
        trips=_trips(names),
    )


def _droop(names: _Names) -> FrequencyDroop:
    return FrequencyDroop(
        enabled=names.on("PF_MODE_ENABLE", "ENABLED"),
        deadband_over_hz=names.number("PF_DBOF", 0.036),
        deadband_under_hz=names.number("PF_DBUF", 0.036),
        droop_over=names.number("PF_KOF", 0.05),
        droop_under=names.number("PF_KUF", 0.05),
        response_s=names.number("PF_OLRT", 5.0),
        floor_pu=None if (floor_pu := names.number("NP_P_MIN_PU", 0.0)) == 0.0 else floor_pu,
    )


def _volt_var(names: _Names) -> VoltVar:
    corners = (("1", 0.92, 0.44), ("2", 0.98, 0.0), ("3", 1.02, 0.0), ("4", 1.08, -0.44))
    return VoltVar(
        enabled=names.on("QV_MODE_ENABLE"),
        points=_points(names, "QV_CURVE_V{}", "QV_CURVE_Q{}", corners),
        reference_pu=names.number("QV_VREF", 1.0),
        tracks_voltage=names.on("QV_VREF_AUTO_MODE"),
        tracking_s=names.number("QV_VREF_TIME", 300.0),
        response_s=names.number("QV_OLRT", 5.0),
        priority=names.choice("NP_PRIO_OUTSIDE_MIN_Q_REQ", PRIORITIES, "REACTIVE"),
    )


def _volt_watt(names: _Names) -> VoltWatt:
    return VoltWatt(
        enabled=names.on("PV_MODE_ENABLE"),
        points=_points(names, "PV_CURVE_V{}", "PV_CURVE_P{}", (("1", 1.06, 1.0), ("2", 1.10, 0.0))),
        response_s=names.number("PV_OLRT", 10.0),
    )


def _watt_var(names: _Names) -> WattVar:
    corners = (
        ("3_LOAD", -1.0, 0.44),
        ("2_LOAD", -0.5, 0.0),
        ("1_LOAD", 0.0, 0.0),
        ("1_GEN", 0.0, 0.0),
        ("2_GEN", 0.5, 0.0),
        ("3_GEN", 1.0, -0.44),
    )
    return WattVar(
        enabled=names.on("QP_MODE_ENABLE"),
        points=_points(names, "QP_CURVE_P{}", "QP_CURVE_Q{}", corners),
        response_s=names.number("QP_RT", 5.0),
    )


def _points(names: _Names, x: str, y: str, corners: tuple[tuple[str, float, float], ...]) -> Points:
    return tuple(
        (names.number(x.format(suffix), at), names.number(y.format(suffix), value))
        for suffix, at, value in corners
    )


def _enter_service(names: _Names) -> EnterService:
    return EnterService(
        permitted=names.on("ES_PERMIT_SERVICE", "ENABLED"),
        voltage_low_pu=names.number("ES_V_LOW", 0.917),
        voltage_high_pu=names.number("ES_V_HIGH", 1.05),
        frequency_low_hz=names.number("ES_F_LOW", 59.5),
        frequency_high_hz=names.number("ES_F_HIGH", 60.1),
        delay_s=names.number("ES_DELAY", 300.0),
        random_delay_s=names.number("ES_RANDOMIZED_DELAY", 0.0),
        ramp_s=names.number("ES_RAMP_RATE", 300.0),
    )


def _trips(names: _Names) -> Trips:
    trips = Trips.of(names.choice("NP_ABNORMAL_OP_CAT", CATEGORIES, "CAT_III"))
    return replace(
        trips,
        over_voltage=_elements(names, ("OV2", "OV1"), "V", trips.over_voltage),
        under_voltage=_elements(names, ("UV1", "UV2"), "V", trips.under_voltage),
        over_frequency=_elements(names, ("OF2", "OF1"), "F", trips.over_frequency),
        under_frequency=_elements(names, ("UF1", "UF2"), "F", trips.under_frequency),
        momentary_cessation=names.on("MC_ENABLE", "ENABLED"),
    )


def _elements(
    names: _Names, elements: tuple[str, ...], quantity: str, otherwise: tuple[Threshold, ...]
) -> tuple[Threshold, ...]:
    return tuple(
        Threshold(
            at=names.number(f"{element}_TRIP_{quantity}", default.at),
            clearing_s=names.number(f"{element}_TRIP_T", default.clearing_s),
        )
        for element, default in zip(elements, otherwise, strict=True)
    )
