"""What the functions are told each step, and what they decide."""

import math
from enum import IntFlag, StrEnum
from typing import NamedTuple

from simulators.devices.functions.settings import Priority


class Mode(StrEnum):
    """Operating mode under normal and abnormal conditions, in the standard's words (6.4.2, 6.5.2)."""

    CONTINUOUS = "Continuous Operation"
    MANDATORY = "Mandatory Operation"
    PERMISSIVE = "Permissive Operation"
    MOMENTARY_CESSATION = "Momentary Cessation"
    CEASE_TO_ENERGIZE = "Cease to Energize"
    NOT_DEFINED = "Not Defined"
    """Beyond what has to be ridden through: it goes on until an element trips."""
    TRIP = "Trip"
    ENTERING_SERVICE = "Entering Service"


class Excursion(IntFlag):
    """Which quantity is beyond a threshold, or was when it tripped the unit."""

    OVER_VOLTAGE = 1
    UNDER_VOLTAGE = 2
    OVER_FREQUENCY = 4
    UNDER_FREQUENCY = 8


class Sensed(NamedTuple):
    """One sample of the grid and of what the unit is asked for.

    Active power is per unit of its rating, reactive power per unit of the apparent power rating, injection
    positive; voltage per unit of nominal. The sample holds for the ``dt_s`` seconds that end with it.
    """

    dt_s: float
    frequency_hz: float
    voltage_pu: float
    demand_pu: float
    """Wanted power: a set-point, or what there is."""
    available_pu: float = 1.0
    """The most that the unit could inject now."""
    floor_pu: float = 0.0
    """The least that it could: 0 for PV, -1 for a battery that may charge at its rating."""
    reactive_demand_pu: float = 0.0
    """Constant reactive power, or what a constant power factor asks for; counts while no curve is enabled."""
    priority: Priority = Priority.REACTIVE
    """What gives way to the demanded reactive power, or to which it gives way; a curve brings its own."""
    limit_pu: float = math.inf
    """Active power limit (clause 4.6.2): bounds injection whatever a function wants."""
    permitted: bool = True
    """A controller's permission of service, beside that of the settings; without it the unit ceases."""
    voltage_low_pu: float | None = None
    """Lowest phase, for protection; nothing: the voltage."""
    voltage_high_pu: float | None = None
    """Highest phase, for protection; nothing: the voltage."""


class Decided(NamedTuple):
    """What the unit shall do now."""

    power_pu: float
    reactive_pu: float
    mode: Mode
    alarms: Excursion
    """Quantities beyond a trip threshold now, and what has tripped the unit until it enters service again."""
    enter_service_remaining_s: float
    """Of the delay, if all stays well from now on; 0 in service."""
    throttled: bool
    """A function or a limit holds injection below what is wanted and available."""
    droop_active: bool

    @property
    def ceased(self) -> bool:
        """Whether the unit keeps from energizing the grid."""
        return self.mode in CEASED


CEASED = frozenset({Mode.MOMENTARY_CESSATION, Mode.CEASE_TO_ENERGIZE, Mode.TRIP})
EXCURSIONS = tuple(Excursion(bits) for bits in range(16))
"""Every combination, by its bits: to combine flags anew at each step costs more than to look them up."""
