"""Setpoints in watts to the writes that a profile's recipe asks for, and back; pure."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from edge_agent.devices.nameplate import Nameplate
from edge_agent.devices.plan import Value
from edge_agent.devices.reading import ControlReadback
from firmware_profiles.control import Control, ReversionKind, SetpointUnit, Step, StepValue
from vpp_core.units import PERCENT

_RATING_TOLERANCE_W = 0.5
_LIMIT_TOLERANCE = 0.005
"""Part of the full limit below which a limit is one, where nothing else tells."""

Values = Callable[[str], Value]
"""A point's value by its name, as it was read last."""


class OutOfRange(ValueError):
    """A command that this device must not be given; the text says why."""


class Write(NamedTuple):
    """One value on its way to a device."""

    point: str
    value: float
    wait_ms: float = 0.0
    """Rest afterwards."""
    verify: bool = True


class Recipe:
    """How one device is commanded: the profile's control section with the device's own ratings."""

    def __init__(self, control: Control, nameplate: Nameplate) -> None:
        self.control = control
        self._nameplate = nameplate
        self._sign = control.sign.convention
        self._releases = [step.set for step in control.release if step.point == control.enable]
        self._direction = _direction(control)

    def register_value(self, setpoint_w: float) -> float:
        """What the setpoint point takes; a limit beyond the rating is no limit, so the rating.

        Raises:
            OutOfRange: an absolute setpoint beyond the ratings, a part of an unknown rating, or less or more
                than the device takes.
        """
        control = self.control
        value = self._counted(setpoint_w)
        if control.setpoint_max is not None and value > control.setpoint_max:
            if not control.setpoint_unit.is_limit:
                raise OutOfRange(f"the device takes at most {control.setpoint_max:g}, not {value:g}")
            value = control.setpoint_max
        if control.setpoint_min is not None and value < control.setpoint_min and not control.pause:
            raise OutOfRange(f"the device takes at least {control.setpoint_min:g}, not {value:g}")
        return value

    def pauses(self, register_value: float) -> bool:
        """Whether a limit is so low that nothing may flow."""
        least = self.control.setpoint_min
        return bool(self.control.pause) and least is not None and register_value < least

    def setpoint_w(self, register_value: float) -> float:
        """The inverse: W, injection positive; 0 where the rating is unknown."""
        unit = self.control.setpoint_unit
        value = register_value if unit.is_limit else self._sign.to_core(register_value)
        absorbs = unit.limits_absorption if unit.is_limit else value < 0.0
        if unit.is_percent:
            value = value / PERCENT * self._rating_w(absorbs=absorbs)
        elif unit is SetpointUnit.ABSORPTION_A:
            value *= self._nameplate.w_per_a
        return 0.0 - value if unit.limits_absorption else value

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

    def command_writes(self, register_value: float, timer_s: float | None, *, enabled: bool) -> list[Write]:
        """In the order of writing; settings that stay only if it was not enabled."""
        control = self.control
        if self.pauses(register_value):
            return self._writes(control.pause, 0.0, timer_s, enabled=enabled)
        return self._writes(control.command, register_value, timer_s, enabled=enabled)

    def release_writes(self) -> list[Write]:
        return self._writes(self.control.release, 0.0, None, enabled=False)

    def readback(self, value_of: Values) -> ControlReadback:
        """The control points as they stand."""
        control = self.control
        value = value_of(control.setpoint)
        held = self._signed(value, value_of) if isinstance(value, float) else None
        return ControlReadback(
            enabled=self._is_enabled(held, value_of),
            setpoint_w=None if held is None else self.setpoint_w(held),
            revert_s=_number(value_of(control.timer)) if control.timer else None,
            revert_remaining_s=_number(value_of(control.remaining)) if control.remaining else None,
        )

    def _is_enabled(self, held: float | None, value_of: Values) -> bool:
        """Somebody commands the device: it does not hold what a release leaves."""
        if self.control.enable is None:
            full = self._full()
            return held is not None and full is not None and held < full * (1.0 - _LIMIT_TOLERANCE)
        value = value_of(self.control.enable)
        released = self._value(self._releases[-1], 0.0, None) if self._releases else None
        return isinstance(value, float) and value != released

    def _full(self) -> float | None:
        """The setpoint that limits nothing, as the register counts."""
        absorbs = self.control.setpoint_unit.limits_absorption
        try:
            return self.register_value(-math.inf if absorbs else math.inf)
        except OutOfRange:
            return None

    def _counted(self, setpoint_w: float) -> float:
        """As the register counts, within the ratings."""
        unit = self.control.setpoint_unit
        value = self._limit(setpoint_w) if unit.is_limit else self._absolute(setpoint_w)
        absorbs = unit.limits_absorption if unit.is_limit else value < 0.0
        if unit.is_percent:
            rating_w = self._rating_w(absorbs=absorbs)
            value = PERCENT * value / rating_w if rating_w > 0.0 else 0.0
        elif unit is SetpointUnit.ABSORPTION_A:
            value /= self._nameplate.w_per_a
        return value if unit.is_limit else self._sign.from_core(value)

    def _rating_w(self, *, absorbs: bool) -> float:
        return self._nameplate.absorption_w_max if absorbs else self._nameplate.injection_w_max

    def _limit(self, setpoint_w: float) -> float:
        """What may flow, as a magnitude."""
        absorbs = self.control.setpoint_unit.limits_absorption
        rating_w = self._rating_w(absorbs=absorbs)
        if rating_w <= 0.0:
            raise OutOfRange("the device does not tell the rating that its limit refers to")
        return min(max(-setpoint_w if absorbs else setpoint_w, 0.0), rating_w)

    def _absolute(self, setpoint_w: float) -> float:
        low_w, high_w = -self._nameplate.absorption_w_max, self._nameplate.injection_w_max
        if not low_w - _RATING_TOLERANCE_W <= setpoint_w <= high_w + _RATING_TOLERANCE_W:
            raise OutOfRange(f"{setpoint_w:g} W is outside the ratings {low_w:g} .. {high_w:g} W")
        return min(max(setpoint_w, low_w), high_w)

    def _writes(
        self, steps: Sequence[Step], setpoint: float, timer_s: float | None, *, enabled: bool
    ) -> list[Write]:
        writes: list[Write] = []
        for step in steps:
            value = self._value(_chosen(step, setpoint), setpoint, timer_s)
            if value is not None and not (step.once and enabled):
                writes.append(Write(step.point, value, step.wait_ms, step.verify))
        return writes

    def _value(self, wanted: StepValue, setpoint: float, timer_s: float | None) -> float | None:
        match wanted:
            case "setpoint":
                return setpoint
            case "negated":
                return 0.0 - setpoint
            case "magnitude":
                return abs(setpoint)
            case "no_limit":
                return self._full()
            case "revert_s":
                return timer_s
            case float(value):
                return value

    def _signed(self, value: float, value_of: Values) -> float:
        """A magnitude with the direction that another register holds."""
        if self._direction is not None and value_of(self._direction.point) == self._direction.absorbing:
            return 0.0 - value
        return value


def _direction(control: Control) -> Step | None:
    """The step that tells charging from discharging, where the setpoint itself has no sign."""
    if not any(step.set == "magnitude" for step in control.command):
        return None
    return next((step for step in control.command if isinstance(step.absorbing, float)), None)


def _chosen(step: Step, setpoint: float) -> StepValue:
    if setpoint < 0.0 and step.absorbing is not None:
        return step.absorbing
    return step.resting if setpoint == 0.0 and step.resting is not None else step.set


def _number(value: Value) -> float | None:
    return value if isinstance(value, float) else None
