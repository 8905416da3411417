"""Setpoints in watts to the writes that a profile's recipe asks for, and back; pure."""

import math
from collections.abc import Callable

from edge_agent.devices.nameplate import Nameplate
from firmware_profiles.profile import Control, Persistence, PersistenceKind, ReversionKind, SetpointUnit
from vpp_core.units import PERCENT

_RATING_TOLERANCE_W = 0.5


class OutOfRange(ValueError):
    """A command that this device must not be given; the text says why."""


class Recipe:
    """How one device is commanded: the profile's control section with the device's own ratings."""

    def __init__(self, control: Control, nameplate: Nameplate) -> None:
        self.control = control
        self._nameplate = nameplate
        self._sign = control.sign.convention

    def register_value(self, setpoint_w: float) -> float:
        """What the setpoint point takes; a limit beyond the rating is no limit, so 100 %.

        Raises:
            OutOfRange: an absolute setpoint beyond the ratings, or a percentage of an unknown rating.
        """
        plate = self._nameplate
        match self.control.setpoint_unit:
            case SetpointUnit.WATTS:
                low_w, high_w = -plate.absorption_w_max, plate.injection_w_max
                if not low_w - _RATING_TOLERANCE_W <= setpoint_w <= high_w + _RATING_TOLERANCE_W:
                    raise OutOfRange(f"{setpoint_w:g} W is outside the ratings {low_w:g} .. {high_w:g} W")
                return self._sign.from_core(min(max(setpoint_w, low_w), high_w))
            case SetpointUnit.INJECTION_PCT:
                return self._percent(setpoint_w, plate.injection_w_max)
            case SetpointUnit.ABSORPTION_PCT:
                return self._percent(-setpoint_w, plate.absorption_w_max)

    def setpoint_w(self, register_value: float) -> float:
        """The inverse: W, injection positive; 0 where the rating is unknown."""
        match self.control.setpoint_unit:
            case SetpointUnit.WATTS:
                return self._sign.to_core(register_value)
            case SetpointUnit.INJECTION_PCT:
                return register_value / PERCENT * self._nameplate.injection_w_max
            case SetpointUnit.ABSORPTION_PCT:
                return 0.0 - register_value / PERCENT * self._nameplate.absorption_w_max

    def timer_s(self, revert_s: float) -> float | None:
        """The timer that the device will be given: whole seconds within its range; ``None``: it has none.

        Raises:
            OutOfRange: the device cannot wait that short or that long, or the time is not positive.
        """
        reversion = self.control.reversion
        if not 0.0 < revert_s < math.inf:
            raise OutOfRange(f"a setpoint needs a positive time to revert, not {revert_s} s")
        if reversion.kind is ReversionKind.ABSENT:
            return None
        timer_s = float(math.ceil(revert_s))
        if not reversion.timer_s_min <= timer_s <= reversion.timer_s_max:
            raise OutOfRange(
                f"the device's timer takes {reversion.timer_s_min:g} .. {reversion.timer_s_max:g} s, "
                f"not {timer_s:g} s"
            )
        return timer_s

    def command_writes(
        self, register_value: float, timer_s: float | None, *, enabled: bool
    ) -> list[tuple[str, float]]:
        """Points and values in the order of writing; settings that stay only if it was not enabled."""
        writes: list[tuple[str, float]] = []
        for step in self.control.command:
            if step.once and enabled:
                continue
            match step.set:
                case "setpoint":
                    writes.append((step.point, register_value))
                case "revert_s":
                    if timer_s is not None:
                        writes.append((step.point, timer_s))
                case float(value):
                    writes.append((step.point, value))
        return writes

    def release_writes(self) -> list[tuple[str, float]]:
        return [(step.point, step.set) for step in self.control.release if isinstance(step.set, float)]

    def _percent(self, allowed_w: float, rating_w: float) -> float:
        if rating_w <= 0.0:
            raise OutOfRange("the device does not tell the rating that its limit refers to")
        return min(max(PERCENT * allowed_w / rating_w, 0.0), PERCENT)


class WriteBudget:
    """Keeps a register that may wear out from being written too often."""

    def __init__(self, persistence: Persistence, monotonic_s: Callable[[], float]) -> None:
        self._interval_s = persistence.write_interval_s_min
        self._limited = persistence.kind is not PersistenceKind.RAM
        self._monotonic_s = monotonic_s
        self._last_s = -math.inf

    def spend(self) -> None:
        """Take one write from the budget.

        Raises:
            OutOfRange: it is too early.
        """
        now_s = self._monotonic_s()
        if self._limited and (left_s := self._last_s + self._interval_s - now_s) > 0.0:
            raise OutOfRange(
                f"the device may be written every {self._interval_s:g} s only; {left_s:.0f} s are left"
            )
        self._last_s = now_s
