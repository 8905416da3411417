"""Setpoints over time: steps that do not overlap, and nothing outside them."""

from datetime import datetime
from itertools import pairwise

import msgspec

from vpp_core.interval import Interval


class ScheduleStep(msgspec.Struct, frozen=True):
    """One setpoint (W, injection positive) for one interval."""

    interval: Interval
    setpoint_w: float


class Schedule(msgspec.Struct, frozen=True):
    """Steps in order of time.

    Raises:
        ValueError: two steps overlap or are out of order.
    """

    steps: tuple[ScheduleStep, ...] = ()

    def __post_init__(self) -> None:
        for earlier, later in pairwise(self.steps):
            if later.interval.start < earlier.interval.end:
                raise ValueError(f"schedule steps overlap at {later.interval.start.isoformat()}")

    def step_at(self, now: datetime) -> ScheduleStep | None:
        """The step in force, or nothing: a schedule is never extrapolated beyond its end."""
        return next((step for step in self.steps if step.interval.contains(now)), None)

    @property
    def end(self) -> datetime | None:
        return self.steps[-1].interval.end if self.steps else None
