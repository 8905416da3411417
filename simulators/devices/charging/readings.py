"""What the instruments of a charging station show at one instant."""

from dataclasses import dataclass
from enum import StrEnum


class Pilot(StrEnum):
    """State of the control pilot (IEC 61851-1, Annex A)."""

    A = "A"
    """No vehicle."""
    B = "B"
    """A vehicle that takes nothing: no offer, or no wish."""
    C = "C"
    """A vehicle that takes what is offered."""
    D = "D"
    """As C, and it needs ventilation."""
    E = "E"
    """The station has no mains."""
    F = "F"
    """The station is out of order."""


class Phase(StrEnum):
    """What the station is busy with, beyond its pilot."""

    STARTING = "starting"
    IDLE = "idle"
    """No vehicle."""
    OFFERING = "offering"
    """A vehicle is offered current and draws none, yet or any more."""
    CHARGING = "charging"
    SUSPENDED = "suspended"
    """A vehicle is offered nothing: disabled, under 6 A, or the phases are being switched."""
    ENDED = "ended"
    """The session has had the energy to which it was limited."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseReadings:
    """Everything at one instant; powers at the terminals, injection positive, so charging is negative."""

    at_s: float
    """Unix seconds."""
    pilot: Pilot
    phase: Phase
    error: int
    """0 is none."""
    plugged: bool
    locked: bool
    enabled: bool
    limit_a: float
    """A phase, as commanded or by the fail-safe, within what the hardware carries."""
    offered_a: float
    """What the pilot says; 0 pauses the vehicle."""
    failsafe: bool
    """The fail-safe current is in force: nobody has been heard for too long."""
    phases: int
    """That the contactor connects: 1 or 3."""
    switching: bool
    phase_voltage_v: tuple[float, float, float]
    """Line to neutral."""
    phase_current_a: tuple[float, float, float]
    """RMS magnitudes."""
    phase_power_w: tuple[float, float, float]
    power_w: float
    reactive_var: float
    """Negative: absorbed, the vehicle is inductive."""
    power_factor: float
    """0 .. 1; 1 where no power flows."""
    session_wh: float
    """Drawn by the vehicle that is there, or by the last one."""
    total_wh: float
    """Drawn since the unit was made."""
