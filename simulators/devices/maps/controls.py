"""Model 704: commanded power factor, limit, active and reactive power, each with its reversion."""

from simulators.devices.functions.settings import Priority
from simulators.devices.image import ModelInstance
from simulators.devices.inverter.commands import Command
from simulators.devices.maps.block import Block, Stored, Writable, switch, timer
from simulators.devices.maps.capacity import Ceilings, power_factor_min
from simulators.devices.maps.quantity import Mode, Quantity
from simulators.devices.maps.unit import FACTOR, PERCENT, Scales, Unit, whole_s

_REVERSION_S_MAX = 0xFFFF_FFFE
_PERCENT_OF_W_MAX, _WATTS = 0, 1
_PERCENT_OF_VAR_MAX, _PERCENT_OF_VA_MAX, _VARS = 1, 3, 4
_VAR_PERCENT_MAX = 100.0
_RAMP_PERCENT_MAX = 0xFFFE
_FULL_PERCENT = 100.0
_RAMPS_BY_POWER = 1
_PRIORITIES = (Priority.ACTIVE, Priority.REACTIVE)


def controls(unit: Unit, scales: Scales) -> ModelInstance:
    """Reactive power in percent of what is available at the moment (VarSetMod 2) is not offered."""
    commands, plate = unit.commands, unit.config.nameplate
    active, reactive = _active(unit), _reactive(unit)
    timed = {
        "PFWInj": commands.power_factor_injecting,
        "PFWAbs": commands.power_factor_absorbing,
        "WMaxLimPct": commands.limit,
        "WSet": commands.setpoint_w,
        "VarSet": commands.reactive_pu,
    }
    points: dict[str, Writable] = {
        **_power_factor("PFWInj", commands.power_factor_injecting, power_factor_min(plate)),
        **_power_factor("PFWAbs", commands.power_factor_absorbing, power_factor_min(plate)),
        **_limit(unit),
        "WSetMod": active.mode_point(),
        **_setpoint(unit, active),
        "VarSetMod": reactive.mode_point(),
        "VarSetPri": _priority(unit),
        **_reactive_setpoint(unit, reactive),
        "WRmp": _ramp(commands.setpoint_w, commands.limit),
        "WRmpRef": Stored(_RAMPS_BY_POWER).writable(_RAMPS_BY_POWER, _RAMPS_BY_POWER),
        "VarRmp": _ramp(commands.reactive_pu),
        "AntiIslEna": Stored(1.0).writable(1.0, 1.0),
    }
    for name, command in timed.items():
        points[f"{name}RvrtTms"] = timer(command, _REVERSION_S_MAX)
        points[f"{name}EnaRvrt"] = switch(command, "enabled_after")
        points[f"{name}Ena"] = switch(command)

    block = Block(unit, points)
    scale_factors = {
        "PF_SF": FACTOR,
        "WMaxLimPct_SF": PERCENT,
        "WSet_SF": min(scales.power_sf, 0),
        "WSetPct_SF": PERCENT,
        "VarSet_SF": min(scales.reactive_sf, 0),
        "VarSetPct_SF": PERCENT,
    }
    return ModelInstance(
        number=704,
        fixed=scale_factors,
        live=lambda: {
            **block.read(),
            **{f"{name}RvrtRem": whole_s(command.remaining_s(unit.now_s)) for name, command in timed.items()},
        },
        writable=block.names,
        target=block,
    )


def _active(unit: Unit) -> Quantity:
    ceilings = Ceilings(unit)
    modes = {
        _PERCENT_OF_W_MAX: Mode(point="WSetPct", base=lambda _: ceilings.injection_w / 100.0),
        _WATTS: Mode(point="WSet", base=lambda _: 1.0),
    }
    return Quantity(unit.commands.setpoint_w, modes, _WATTS)


def _setpoint(unit: Unit, active: Quantity) -> dict[str, Writable]:
    plate = unit.config.nameplate
    low_pct = max(-100.0 * plate.absorption_w_max / plate.injection_w_max, -0x7FFF * 10.0**PERCENT)
    points = {}
    for suffix, after in (("", False), ("Rvrt", True)):
        points[f"WSet{suffix}"] = active.point(
            "WSet", -plate.absorption_w_max, plate.injection_w_max, after=after
        )
        points[f"WSetPct{suffix}"] = active.point("WSetPct", low_pct, 100.0, after=after)
    return points


def _reactive(unit: Unit) -> Quantity:
    ceilings, rated_va = Ceilings(unit), unit.config.nameplate.apparent_va_max
    modes = {
        _PERCENT_OF_W_MAX: Mode(point="VarSetPct", base=lambda _: ceilings.injection_w / rated_va / 100.0),
        _PERCENT_OF_VAR_MAX: Mode(
            point="VarSetPct", base=lambda value: ceilings.reactive_var(value) / rated_va / 100.0
        ),
        _PERCENT_OF_VA_MAX: Mode(point="VarSetPct", base=lambda _: ceilings.apparent_va / rated_va / 100.0),
        _VARS: Mode(point="VarSet", base=lambda _: 1.0 / rated_va),
    }
    return Quantity(unit.commands.reactive_pu, modes, _VARS)


def _reactive_setpoint(unit: Unit, reactive: Quantity) -> dict[str, Writable]:
    rated_var = unit.config.nameplate.reactive_var_max
    points = {}
    for suffix, after in (("", False), ("Rvrt", True)):
        points[f"VarSet{suffix}"] = reactive.point("VarSet", -rated_var, rated_var, after=after)
        points[f"VarSetPct{suffix}"] = reactive.point(
            "VarSetPct", -_VAR_PERCENT_MAX, _VAR_PERCENT_MAX, after=after
        )
    return points


def _limit(unit: Unit) -> dict[str, Writable]:
    limit = unit.commands.limit
    return {
        "WMaxLimPct": limit_percent(unit, limit, "value"),
        "WMaxLimPctRvrt": limit_percent(unit, limit, "value_after"),
    }


def limit_percent(unit: Unit, limit: Command, name: str) -> Writable:
    """A limit in percent of WMax."""
    commands = unit.commands
    return Writable(
        read=lambda: 100.0 * float(getattr(limit, name)) / commands.injection_max_pu,
        write=lambda value: setattr(limit, name, value / 100.0 * commands.injection_max_pu),
        high=_FULL_PERCENT,
        commands=(limit,),
    )


def _power_factor(name: str, command: Command, least: float) -> dict[str, Writable]:
    """Magnitude and excitation of a signed power factor, now and after the reversion."""
    points = {}
    for suffix, attribute in (("", "value"), ("Rvrt", "value_after")):
        points[f"{name}{suffix}.PF"] = _magnitude(command, attribute, least)
        points[f"{name}{suffix}.Ext"] = _excitation(command, attribute)
    return points


def _magnitude(command: Command, attribute: str, least: float) -> Writable:
    def write(value: float) -> None:
        sign = -1.0 if getattr(command, attribute) < 0.0 else 1.0
        setattr(command, attribute, sign * value)

    return Writable(
        read=lambda: abs(float(getattr(command, attribute))),
        write=write,
        low=int(least / 10.0**FACTOR) * 10.0**FACTOR,
        commands=(command,),
    )


def _excitation(command: Command, attribute: str) -> Writable:
    def write(value: float) -> None:
        magnitude = abs(getattr(command, attribute))
        setattr(command, attribute, -magnitude if value > 0.0 else magnitude)

    return Writable(read=lambda: float(getattr(command, attribute) < 0.0), write=write, commands=(command,))


def _priority(unit: Unit) -> Writable:
    def write(value: float) -> None:
        unit.commands.priority = _PRIORITIES[int(value)]

    return Writable(
        read=lambda: float(_PRIORITIES.index(unit.commands.priority)),
        write=write,
        commands=(unit.commands.reactive_pu,),
    )


def _ramp(*commands: Command) -> Writable:
    """Percent of the rating a second; not implemented while the unit moves as fast as it can."""

    def read() -> float | None:
        ramp_s = commands[0].ramp_s
        return _FULL_PERCENT / ramp_s if ramp_s > 0.0 else None

    def write(value: float) -> None:
        for command in commands:
            command.ramp_s = _FULL_PERCENT / value

    return Writable(read=read, write=write, low=1.0, high=_RAMP_PERCENT_MAX)
