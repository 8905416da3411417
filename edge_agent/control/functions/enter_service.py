"""Enter service (IEEE 1547-2018, 4.10): when a device may start, and how fast it may rise."""

from enum import Enum
from typing import NamedTuple

import msgspec

from edge_agent.control.functions.whole import microseconds, per_million
from vpp_core.units import millihertz


class EnterService(msgspec.Struct, frozen=True, kw_only=True):
    """Settings at 60 Hz nominal; scale the frequencies for another one (:meth:`at_nominal`)."""

    voltage_low_pu: float = 0.917
    voltage_high_pu: float = 1.05
    frequency_low_hz: float = 59.5
    frequency_high_hz: float = 60.1
    delay_s: float = 300.0
    """How long voltage and frequency must be good without a break, 0 to 600 s."""
    random_delay_s: float = 0.0
    """What the caller has drawn for this device (allowed below 500 kVA instead of a ramp)."""
    ramp_s: float = 300.0
    """From nothing to the rating, 1 to 1,000 s; 0 is a step."""

    @staticmethod
    def at_nominal(nominal_hz: float) -> "EnterService":
        """The defaults, with the frequencies in proportion."""
        scale = nominal_hz / 60.0
        return EnterService(frequency_low_hz=59.5 * scale, frequency_high_hz=60.1 * scale)


class Phase(Enum):
    CEASED = "ceased"
    """Tripped or not permitted; waits for good voltage and frequency."""
    ENTERING = "entering"
    IN_SERVICE = "in-service"


class ServiceState(NamedTuple):
    phase: Phase = Phase.IN_SERVICE
    good_us: int = 0
    """How long voltage and frequency have been good (microseconds)."""
    ramp_pu: float = 1.0
    """The most that may be injected or absorbed while entering."""


CEASED = ServiceState(Phase.CEASED, 0, 0.0)
IN_SERVICE = ServiceState()


def advance(
    settings: EnterService, state: ServiceState, voltage_ppm: int, frequency_mhz: int, dt_s: float
) -> ServiceState:
    """One step of a device that is permitted and not tripped.

    A sample outside the window restarts the delay. While entering it only holds the ramp: what such a
    sample means for a device in service is for trips and ride-through to say.
    """
    if state.phase is Phase.IN_SERVICE:
        return state
    if not _good(settings, voltage_ppm, frequency_mhz):
        return state if state.phase is Phase.ENTERING else CEASED
    if state.phase is Phase.CEASED:
        good_us = state.good_us + microseconds(dt_s)
        if good_us < microseconds(settings.delay_s + settings.random_delay_s):
            return ServiceState(Phase.CEASED, good_us, 0.0)
    elif state.ramp_pu >= 1.0:
        return IN_SERVICE
    return ServiceState(Phase.ENTERING, 0, _risen(settings, state.ramp_pu, dt_s))


def _good(settings: EnterService, voltage_ppm: int, frequency_mhz: int) -> bool:
    in_voltage = per_million(settings.voltage_low_pu) <= voltage_ppm <= per_million(settings.voltage_high_pu)
    in_frequency = (
        millihertz(settings.frequency_low_hz) <= frequency_mhz <= millihertz(settings.frequency_high_hz)
    )
    return in_voltage and in_frequency


def _risen(settings: EnterService, ramp_pu: float, dt_s: float) -> float:
    # The last step may miss 1 by a rounding error only; it must not cost another step.
    risen_pu = ramp_pu + dt_s / settings.ramp_s if settings.ramp_s > 0.0 else 1.0
    return 1.0 if risen_pu > 1.0 - 1e-9 else risen_pu
