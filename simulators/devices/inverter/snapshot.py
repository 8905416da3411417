"""What the instruments of a unit show at one instant."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag, auto


class State(IntEnum):
    """Operating state (the order of model 701 InvSt)."""

    OFF = 0
    SLEEPING = 1
    STARTING = 2
    RUNNING = 3
    THROTTLED = 4
    SHUTTING_DOWN = 5
    FAULT = 6
    STANDBY = 7


class Alarm(IntFlag):
    """What is wrong, apart from any register map."""

    OVER_VOLTAGE = auto()
    UNDER_VOLTAGE = auto()
    OVER_FREQUENCY = auto()
    UNDER_FREQUENCY = auto()
    OVER_TEMPERATURE = auto()
    HEARTBEAT_LOST = auto()
    MANUAL_SHUTDOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Energies since the unit was made, as magnitudes that only grow."""

    injected_wh: float
    absorbed_wh: float
    reactive_injected_varh: float
    reactive_absorbed_varh: float
    pv_wh: float
    battery_in_wh: float
    battery_out_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything at one instant; powers at the terminals, injection positive."""

    at_s: float
    """Unix seconds of the device's clock."""
    state: State
    connected: bool
    alarms: Alarm
    power_w: float
    reactive_var: float
    apparent_va: float
    power_factor: float
    """Signed: positive is over-excited; 1 where no power flows."""
    frequency_hz: float
    phase_voltage_v: tuple[float, ...]
    """Line to neutral, one a phase."""
    phase_current_a: tuple[float, ...]
    """RMS magnitudes."""
    phase_power_w: tuple[float, ...]
    phase_reactive_var: tuple[float, ...]
    available_w: float
    """What the unit could inject now if nothing held it back."""
    throttled_pct: float
    """How much of the available power is held back."""
    pv_w: float
    pv_voltage_v: float
    battery_w: float
    """DC side, discharging positive."""
    battery_voltage_v: float
    state_of_charge: float | None
    """0 .. 1; nothing without a battery."""
    energy_wh: float
    temperature_c: float
    """Of the heat sink."""
    counters: Counters
    enter_service_remaining_s: float
    """Until the unit may come back; 0 in service."""
