"""What is read off a unit at one instant, and how instruments show it."""

import math
from typing import NamedTuple

from simulators.devices.functions.decision import Mode
from simulators.devices.inverter.config import InverterConfig
from simulators.devices.inverter.phases import Phases, power_factor
from simulators.devices.inverter.snapshot import Alarm, Counters, Snapshot, State

OPEN_CIRCUIT = 0.2
"""By how much the voltage of modules that give nothing is above that of their best point."""
DARK_PU = 0.01
"""With less sun than this the modules' voltage falls away."""
EMPTY_TO_FULL = 0.1
"""Change of the cells' voltage between empty and full, of that half full."""
RUNS = frozenset({Mode.CONTINUOUS, Mode.MANDATORY, Mode.PERMISSIVE, Mode.NOT_DEFINED, Mode.ENTERING_SERVICE})


class Reading(NamedTuple):
    """Raw figures of one instant, in the units of :class:`Snapshot`."""

    at_s: float
    booting: bool
    stopped: bool
    shutting_down: bool
    connected: bool
    """By command."""
    asleep: bool
    mode: Mode
    alarms: int
    """Present ones, as bits."""
    latched: int
    """Those since the latest reset."""
    power_w: float
    reactive_var: float
    wanted_w: float
    """What the unit would give if no function, limit or heat held it back."""
    decided_w: float
    """What the functions made of it."""
    frequency_hz: float
    voltage_pu: float
    available_w: float
    sunny_w: float
    pv_w: float
    cells_w: float
    energy_wh: float | None
    temperature_c: float
    remaining_s: float
    counters: Counters

    @property
    def state(self) -> State:
        if self.booting:
            return State.OFF
        if self.shutting_down:
            return State.SHUTTING_DOWN
        if self.stopped:
            return State.OFF
        if not self.connected:
            return State.STANDBY
        return self._state_by_itself()

    def _state_by_itself(self) -> State:
        if self.mode is Mode.TRIP:
            return State.FAULT if self.alarms & GRID_ALARMS else State.STARTING
        if self.mode not in RUNS:
            return State.STANDBY
        if self.asleep:
            return State.SLEEPING
        return State.THROTTLED if self.throttled_pct > THROTTLED_PCT else State.RUNNING

    @property
    def throttled_pct(self) -> float:
        """Of the sun where there is some, else of the wanted power."""
        if self.booting or self.asleep:
            return 0.0
        if self.sunny_w > 0.0:
            return 100.0 * max(0.0, 1.0 - self.pv_w / self.sunny_w)
        if self.wanted_w == 0.0:
            return 0.0
        return 100.0 * min(max(0.0, 1.0 - self.decided_w / self.wanted_w), 1.0)


GRID_ALARMS = int(Alarm.OVER_VOLTAGE | Alarm.UNDER_VOLTAGE | Alarm.OVER_FREQUENCY | Alarm.UNDER_FREQUENCY)
THROTTLED_PCT = 0.5
"""Less than this is what any control leaves."""


def show(reading: Reading, config: InverterConfig, phases: Phases, *, blind_when_idle: bool) -> Snapshot:
    """The reading as a snapshot; ``blind_when_idle``: frequency and voltage read 0 while no power flows."""
    power_w, reactive_var = reading.power_w, reading.reactive_var
    idle = power_w == 0.0 == reactive_var
    blind = blind_when_idle and idle
    on_phases = phases.values(power_w, reactive_var, 0.0 if blind else reading.voltage_pu)
    energy_wh, capacity_wh = reading.energy_wh, config.nameplate.energy_capacity_wh
    charged = energy_wh / capacity_wh if energy_wh is not None else None
    return Snapshot(
        at_s=reading.at_s,
        state=reading.state,
        connected=reading.state in CONNECTED,
        alarms=Alarm(reading.alarms | reading.latched),
        power_w=power_w,
        reactive_var=reactive_var,
        apparent_va=math.hypot(power_w, reactive_var),
        power_factor=power_factor(power_w, reactive_var),
        frequency_hz=0.0 if blind else reading.frequency_hz,
        phase_voltage_v=on_phases.voltage_v,
        phase_current_a=on_phases.current_a,
        phase_power_w=on_phases.power_w,
        phase_reactive_var=on_phases.reactive_var,
        available_w=reading.available_w,
        throttled_pct=reading.throttled_pct,
        pv_w=reading.pv_w,
        pv_voltage_v=_pv_voltage_v(reading, config),
        battery_w=reading.cells_w,
        battery_voltage_v=_battery_voltage_v(charged, config),
        state_of_charge=charged,
        energy_wh=energy_wh if energy_wh is not None else 0.0,
        temperature_c=reading.temperature_c,
        counters=reading.counters,
        enter_service_remaining_s=reading.remaining_s,
    )


CONNECTED = frozenset({State.RUNNING, State.THROTTLED, State.SHUTTING_DOWN})


def _pv_voltage_v(reading: Reading, config: InverterConfig) -> float:
    """Near the best point; towards open circuit where the modules are held back, and gone in the dark."""
    if reading.sunny_w <= 0.0:
        return 0.0
    lit = min(1.0, reading.sunny_w / (DARK_PU * config.nameplate.pv_w_max))
    return config.pv_voltage_v * lit * (1.0 + OPEN_CIRCUIT * (1.0 - reading.pv_w / reading.sunny_w))


def _battery_voltage_v(charged: float | None, config: InverterConfig) -> float:
    if charged is None:
        return 0.0
    return config.battery_voltage_v * (1.0 + EMPTY_TO_FULL * (charged - 0.5))
