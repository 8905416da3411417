"""The form of how a device is commanded and released, and what its registers can bear."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from firmware_profiles.points import Part, PointName, SignName
from vpp_core.der import NonNegative

UNKNOWN_PERSISTENCE_S_MIN = 60.0
"""Shortest pause between two writes where nobody knows whether a register wears out flash memory."""

Positive = Annotated[float, msgspec.Meta(gt=0.0)]
StepValue = float | Literal["setpoint", "negated", "magnitude", "no_limit", "revert_s"]


class ReversionKind(StrEnum):
    """What the device's own reversion timer is worth."""

    WORKS = "works"
    COSMETIC = "cosmetic"
    """It counts down, and nothing happens."""
    ABSENT = "absent"


class PersistenceKind(StrEnum):
    """Where the device keeps a setpoint."""

    RAM = "ram"
    FLASH = "flash"
    UNKNOWN = "unknown"


class SetpointUnit(StrEnum):
    """What the setpoint register counts."""

    WATTS = "watts"
    """Absolute power, in the sign of ``control.sign``."""
    RATING_PCT = "rating_pct"
    """Absolute power: percent of the injection rating above zero, of the absorption rating below."""
    INJECTION_PCT = "injection_pct"
    """A limit on injection, in percent of the injection rating."""
    INJECTION_W = "injection_w"
    """A limit on injection in watts."""
    ABSORPTION_PCT = "absorption_pct"
    """A limit on absorption, in percent of the absorption rating."""
    ABSORPTION_W = "absorption_w"
    """A limit on absorption in watts."""
    ABSORPTION_A = "absorption_a"
    """A limit on absorption in amperes a phase; ``ratings`` say phases and voltage."""

    @property
    def is_limit(self) -> bool:
        return self not in {SetpointUnit.WATTS, SetpointUnit.RATING_PCT}

    @property
    def limits_absorption(self) -> bool:
        return self in {SetpointUnit.ABSORPTION_PCT, SetpointUnit.ABSORPTION_W, SetpointUnit.ABSORPTION_A}

    @property
    def is_percent(self) -> bool:
        return self in {SetpointUnit.RATING_PCT, SetpointUnit.INJECTION_PCT, SetpointUnit.ABSORPTION_PCT}


class Step(Part, frozen=True, kw_only=True):
    """One write of a recipe."""

    point: PointName
    set: StepValue
    """A number; or ``setpoint``, as the register counts it; ``negated``, the same times -1; ``magnitude``,
    without its sign; ``no_limit``, the setpoint at the full rating; ``revert_s``, the timer."""
    absorbing: StepValue | None = None
    """Instead, where the setpoint is below zero."""
    resting: StepValue | None = None
    """Instead, where it is zero."""
    once: bool = False
    """Only when the control was not enabled before: settings that then stay."""
    wait_ms: NonNegative = 0.0
    """Rest after this write: the device takes so long before the next one counts."""
    verify: bool = True
    """Read back afterwards; off for a register that does not keep what it was given (a commit)."""


class Reversion(Part, frozen=True, kw_only=True):
    """The device's own timer."""

    kind: ReversionKind
    timer_s_min: NonNegative = 1.0
    timer_s_max: NonNegative = 3_600.0
    measured: str = ""
    """What was seen of it, on what; empty: nobody of this project has seen it, so it is not trusted."""

    def __post_init__(self) -> None:
        if self.timer_s_min > self.timer_s_max:
            raise ValueError("timer_s_min lies above timer_s_max")


class Persistence(Part, frozen=True, kw_only=True):
    """Where setpoints are kept, and how often they may be written."""

    kind: PersistenceKind
    """Of every point that a recipe writes and ``points`` does not name."""
    points: dict[PointName, PersistenceKind] = msgspec.field(default_factory=dict)
    """Points that differ. What does not lie in RAM is written only if it does not hold the value already."""
    write_interval_s_min: NonNegative = 0.0
    """The budget: between two commands that change anything outside of RAM."""

    def __post_init__(self) -> None:
        kinds = {self.kind, *self.points.values()}
        if kinds != {PersistenceKind.RAM} and self.write_interval_s_min < UNKNOWN_PERSISTENCE_S_MIN:
            worst = next(kind for kind in sorted(kinds) if kind is not PersistenceKind.RAM)
            raise ValueError(
                f"write_interval_s_min must be at least {UNKNOWN_PERSISTENCE_S_MIN:g} "
                f"where persistence is {worst}"
            )

    def of(self, point: str) -> PersistenceKind:
        return self.points.get(point, self.kind)


class Heartbeat(Part, frozen=True, kw_only=True):
    """A counter that the device wants to see move."""

    point: PointName
    """Written, one more each time."""
    period_s: Positive
    timeout_s: Positive
    """The device gives up on us after so long."""
    echo: PointName | None = None
    """The device's own counter, which tells that it lives."""
    highest: Annotated[int, msgspec.Meta(ge=1)] = 0xFFFE
    """Then it starts again at 0."""


class Control(Part, frozen=True, kw_only=True):
    """How a device is commanded and released."""

    setpoint: PointName
    """Where the setpoint is read back."""
    setpoint_unit: SetpointUnit
    setpoint_min: float | None = None
    """Lowest value that the device takes, as the register counts; below it, ``pause``, or a refusal."""
    setpoint_max: float | None = None
    enable: PointName | None = None
    """What tells that somebody commands the device: it does not hold what a release writes. Nothing: a limit
    below the rating tells."""
    timer: PointName | None = None
    """Where the timer is read back."""
    remaining: PointName | None = None
    sign: SignName = SignName.INJECTION_POSITIVE
    command: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]
    """In the order of writing; enable last, so that no stale value flashes."""
    pause: tuple[Step, ...] = ()
    """Instead of ``command``, for a limit below ``setpoint_min``: nothing may flow."""
    release: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]
    settle_ms: NonNegative = 0.0
    """Wait between the last write and the read-back."""
    reversion: Reversion
    persistence: Persistence
    heartbeat: Heartbeat | None = None

    def __post_init__(self) -> None:
        values = [value for step in self.command for value in (step.set, step.absorbing, step.resting)]
        if not any(value in {"setpoint", "magnitude"} for value in values):
            raise ValueError(f"no step of command writes the setpoint {self.setpoint}")
        if (self.timer is None) != (self.reversion.kind is ReversionKind.ABSENT):
            raise ValueError("timer and reversion.kind disagree about whether there is a timer")
        if self.enable is None and not self.setpoint_unit.is_limit:
            raise ValueError("without enable, an absolute setpoint does not tell whether it is in force")
        if self.pause and self.setpoint_min is None:
            raise ValueError("pause needs setpoint_min, below which it is used")

    @property
    def steps(self) -> tuple[Step, ...]:
        """Of all recipes."""
        return (*self.command, *self.pause, *self.release)
