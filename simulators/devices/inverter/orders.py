"""What all commands together ask of the unit at one instant, in watts and shares."""

import math
from typing import NamedTuple

from simulators.devices.functions.settings import Priority
from simulators.devices.inverter.commands import Command, Commands
from simulators.devices.inverter.config import InverterConfig

POWER_FACTOR_MIN = 0.01


class Orders(NamedTuple):
    """The outcome of arbitration among the commands (W, injection and discharging positive)."""

    setpoint_w: float | None
    """At the terminals."""
    forced_w: float | None
    """Of the battery; counts without a set-point."""
    limit_pu: float
    """Upper bound of injection."""
    charge_w_max: float
    discharge_w_max: float
    """Of the battery, as magnitudes."""
    reactive_pu: float | None
    """Of the apparent power rating; without it the ratios count."""
    ratio_injecting: float
    ratio_absorbing: float
    """Reactive power by the magnitude of active power, for a constant power factor."""
    ramp_s: float
    limit_ramp_s: float
    reactive_ramp_s: float
    """From nothing to the rating; 0 at once."""
    connected: bool
    reserve_pu: float
    charges_from_grid: bool
    priority: Priority
    injection_w_max: float
    absorption_w_max: float
    apparent_va_max: float
    injected_var_max: float
    absorbed_var_max: float
    """Ceilings as the owner has set them, as magnitudes."""


def orders(commands: Commands, config: InverterConfig, *, obeys: bool) -> Orders:
    """Join the commands; a unit that does not obey (local control) keeps only what is a setting.

    A set-point goes before a forced flow of the battery, constant reactive power before a power factor.
    Flows that are forced both ways leave the battery none.
    """
    if not obeys:
        commands = _settings_of(commands)
    plate = config.nameplate
    charge, discharge = commands.charge_limit, commands.discharge_limit
    charge_pu = charge.value if charge.enabled else 1.0
    discharge_pu = discharge.value if discharge.enabled else 1.0
    setpoint, limit, reactive = commands.setpoint_w, commands.limit, commands.reactive_pu
    forced_w = _forced_w(charge_pu, discharge_pu, config)
    leads = charge if charge_pu < 0.0 else discharge if discharge_pu < 0.0 else setpoint
    return Orders(
        setpoint_w=setpoint.value if setpoint.enabled else None,
        forced_w=forced_w,
        limit_pu=min(max(limit.value, 0.0), 1.0) if limit.enabled else 1.0,
        charge_w_max=min(max(charge_pu, 0.0), 1.0) * config.charge_w_max,
        discharge_w_max=min(max(discharge_pu, 0.0), 1.0) * config.discharge_w_max,
        reactive_pu=reactive.value if reactive.enabled else None,
        ratio_injecting=_ratio(commands.power_factor_injecting),
        ratio_absorbing=_ratio(commands.power_factor_absorbing),
        ramp_s=setpoint.ramp_s if setpoint.enabled else leads.ramp_s,
        limit_ramp_s=limit.ramp_s,
        reactive_ramp_s=reactive.ramp_s,
        connected=commands.connected.value != 0.0 or not commands.connected.enabled,
        reserve_pu=commands.reserve_pu,
        charges_from_grid=commands.charges_from_grid,
        priority=commands.priority,
        injection_w_max=plate.injection_w_max * commands.injection_max_pu,
        absorption_w_max=plate.absorption_w_max * commands.absorption_max_pu,
        apparent_va_max=plate.apparent_va_max * commands.apparent_max_pu,
        injected_var_max=plate.reactive_var_max * commands.reactive_injecting_max_pu,
        absorbed_var_max=plate.reactive_var_max * commands.reactive_absorbing_max_pu,
    )


def signature(commands: Commands) -> tuple[float | None, ...]:
    """Everything that :func:`orders` reads, and the timers: while it stays the same, nobody has written."""
    setpoint, limit, reactive = commands.setpoint_w, commands.limit, commands.reactive_pu
    charge, discharge = commands.charge_limit, commands.discharge_limit
    injecting, absorbing = commands.power_factor_injecting, commands.power_factor_absorbing
    connected = commands.connected
    return (
        setpoint.value, setpoint.enabled, setpoint.ramp_s, setpoint.expires_s,
        limit.value, limit.enabled, limit.ramp_s, limit.expires_s,
        charge.value, charge.enabled, charge.ramp_s, charge.expires_s,
        discharge.value, discharge.enabled, discharge.ramp_s, discharge.expires_s,
        reactive.value, reactive.enabled, reactive.ramp_s, reactive.expires_s,
        injecting.value, injecting.enabled, injecting.expires_s,
        absorbing.value, absorbing.enabled, absorbing.expires_s,
        connected.value, connected.enabled, connected.expires_s,
        commands.priority is Priority.ACTIVE, commands.reserve_pu, commands.charges_from_grid,
        commands.injection_max_pu, commands.absorption_max_pu, commands.apparent_max_pu,
        commands.reactive_injecting_max_pu, commands.reactive_absorbing_max_pu,
        *([each.at_s for each in commands.appointments] if commands.appointments else ()),
    )  # fmt: skip


def _settings_of(commands: Commands) -> Commands:
    return Commands(
        reserve_pu=commands.reserve_pu,
        charges_from_grid=commands.charges_from_grid,
        injection_max_pu=commands.injection_max_pu,
        absorption_max_pu=commands.absorption_max_pu,
        apparent_max_pu=commands.apparent_max_pu,
        reactive_injecting_max_pu=commands.reactive_injecting_max_pu,
        reactive_absorbing_max_pu=commands.reactive_absorbing_max_pu,
    )


def _forced_w(charge_pu: float, discharge_pu: float, config: InverterConfig) -> float | None:
    """A negative limit of one direction is a demand for the other one (model 124)."""
    if charge_pu < 0.0 and discharge_pu < 0.0:
        return None
    if charge_pu < 0.0:
        return min(-charge_pu * config.charge_w_max, max(discharge_pu, 0.0) * config.discharge_w_max)
    if discharge_pu < 0.0:
        return -min(-discharge_pu * config.discharge_w_max, charge_pu * config.charge_w_max)
    return None


def _ratio(command: Command) -> float:
    if not command.enabled:
        return 0.0
    factor = min(max(abs(command.value), POWER_FACTOR_MIN), 1.0)
    return math.copysign(math.sqrt(1.0 / (factor * factor) - 1.0), command.value)
