"""What a procedure works with: it changes the grid, watches the response, and judges."""

import contextlib
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from simulators.rig.hil_bench.grid_source import GridSource
from simulators.rig.hil_bench.instruments import Instruments, Reading
from simulators.rig.hil_bench.ratings import Ratings
from simulators.rig.hil_bench.subject import Gateway
from simulators.rig.hil_bench.sunspec import SunSpecDevice
from simulators.rig.procedures.result import Check, CurvePoint, ProcedureResult, Step
from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault

CLOCK_TICK_S = 1e-6
"""Less than this is left of no waiting: clocks do not move by so little."""


class Sample(msgspec.Struct, frozen=True):
    """One look at the instruments, and what was demanded at that time."""

    at_s: float
    """Seconds since the procedure began, when the answer was there."""
    measured: float | None
    demanded: float | None
    low: float | None
    high: float | None
    stimulus: float | None
    reading: Mapping[str, float | None]


class Observer(Protocol):
    """Somebody who shows where the run is."""

    def on_step(self, name: str) -> None: ...


@dataclass(kw_only=True)
class Rig:
    """One procedure's hands, eyes and notebook.

    Attributes:
        quantity: the name of the reading that the procedure judges and draws.
        demanded, low, high, stimulus: what is noted with each sample from now on.
    """

    clock: Clock
    instruments: Instruments
    ratings: Ratings
    result: ProcedureResult
    poll_s: float = 0.1
    unit: SunSpecDevice | None = None
    source: GridSource | None = None
    gateway: Gateway | None = None
    restart: Callable[[], Awaitable[str]] | None = None
    """Restarts the device; says how."""
    observer: Observer | None = None
    quantity: str = "power_w"
    demanded: float | None = None
    low: float | None = None
    high: float | None = None
    stimulus: float | None = None
    samples: list[Sample] = field(default_factory=list)
    begins_s: float = 0.0
    lost: str = ""
    """Why nothing more can be done with the device."""

    def __post_init__(self) -> None:
        self.begins_s = self.clock.monotonic_s()

    @property
    def now_s(self) -> float:
        """Seconds since the procedure began."""
        return self.clock.monotonic_s() - self.begins_s

    @property
    def device(self) -> SunSpecDevice:
        """The device under test; only procedures that need one ask for it."""
        assert self.unit is not None  # noqa: S101
        return self.unit

    @property
    def blur_s(self) -> float:
        """How much later than it happened a change may be seen."""
        return self.instruments.refresh_s + self.poll_s

    @property
    def timed(self) -> bool:
        """Whether the instant of a change of the grid is known."""
        return self.source is None or self.source.exact

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator["Judge"]:
        """One step; what stops it is noted in it and goes on upwards."""
        step = Step(name=name, begins_s=self.now_s)
        self.result.steps.append(step)
        if self.observer is not None:
            self.observer.on_step(name)
        try:
            yield Judge(step)
        except DeviceFault as fault:
            step.fault = str(fault)
            raise
        finally:
            step.ends_s = self.now_s

    def judge(self) -> "Judge":
        """Of the step that was begun last."""
        return Judge(self.result.steps[-1])

    def expect(self, demanded: float | None, tolerance: float | None = None) -> None:
        """Note what is demanded from now on, with limits on both sides."""
        self.demanded = demanded
        within = demanded is not None and tolerance is not None
        self.low = demanded - tolerance if within else None  # type: ignore[operator]
        self.high = demanded + tolerance if within else None  # type: ignore[operator]

    def within(self, low: float | None, high: float | None) -> None:
        """Note limits without a demand."""
        self.demanded, self.low, self.high = None, low, high

    async def sample(self, more: Mapping[str, float | None] | None = None) -> Sample:
        """Look once, and keep what was seen.

        Args:
            more: other points that were read just now, by name.

        Raises:
            DeviceFault: the instruments do not answer.
        """
        reading: Reading = await self.instruments.read()
        if more:
            reading = {**reading, **more}
        sample = Sample(
            self.now_s, reading.get(self.quantity), self.demanded, self.low, self.high, self.stimulus, reading
        )
        self.samples.append(sample)
        return sample

    async def watch(
        self,
        duration_s: float,
        until: Callable[[Sample], bool] | None = None,
        poll_s: float | None = None,
    ) -> list[Sample]:
        """Samples over a time, or until something is seen (which is then the last of them)."""
        begins_s, seen = self.now_s, []
        pause_s = self.poll_s if poll_s is None else poll_s
        while True:
            sample = await self.sample()
            seen.append(sample)
            left_s = begins_s + duration_s - self.now_s
            if left_s <= CLOCK_TICK_S or (until is not None and until(sample)):
                return seen
            await self.clock.sleep(min(pause_s, left_s))

    async def settle(self, target: float, tolerance: float, duration_s: float) -> float | None:
        """Seconds until the measured quantity is near a target and stays there for the rest of the time."""
        begins_s = self.now_s
        settled_s: float | None = None
        for sample in await self.watch(duration_s):
            near = sample.measured is not None and abs(sample.measured - target) <= tolerance
            if not near:
                settled_s = None
            elif settled_s is None:
                settled_s = sample.at_s - begins_s
        return settled_s

    async def mean(self, duration_s: float) -> float | None:
        """The measured quantity over a time."""
        seen = [sample.measured for sample in await self.watch(duration_s) if sample.measured is not None]
        return sum(seen) / len(seen) if seen else None

    async def set_grid(
        self, *, frequency_hz: float | None = None, voltage_pu: float | None = None, ramp_s: float = 0.0
    ) -> float:
        """Change the grid; when it was done, in seconds since the procedure began.

        Raises:
            DeviceFault: the source does not do it.
        """
        assert self.source is not None  # noqa: S101
        await self.source.apply(frequency_hz=frequency_hz, voltage_pu=voltage_pu, ramp_s=ramp_s)
        self.stimulus = frequency_hz if frequency_hz is not None else voltage_pu
        return self.now_s

    async def source_voltage(self, voltage_pu: float) -> None:
        """Change the voltage where the frequency is what is drawn."""
        assert self.source is not None  # noqa: S101
        await self.source.apply(voltage_pu=voltage_pu)

    async def calm_grid(self) -> None:
        """Back to nominal frequency and voltage."""
        if self.source is not None:
            await self.source.apply(frequency_hz=self.ratings.frequency_hz, voltage_pu=1.0)
            if self.stimulus is not None:
                self.stimulus = self.ratings.frequency_hz if self.result.stimulus_unit == "Hz" else 1.0

    def plot_point(self, at: float, demanded: float, tolerance: float, measured: float | None) -> None:
        """A settled point for the drawing of a characteristic."""
        self.result.curve.append(
            CurvePoint(
                at=at,
                demanded=demanded,
                low=demanded - tolerance,
                high=demanded + tolerance,
                measured=measured,
            )
        )

    def note(self, text: str) -> None:
        """A sentence for the report that is no verdict."""
        self.result.notes.append(text)


class Judge:
    """Collects the checks of one step."""

    def __init__(self, step: Step) -> None:
        self._step = step

    @property
    def failed(self) -> bool:
        return not all(check.passed for check in self._step.checks)

    def check(  # noqa: PLR0913 - the limits of one figure
        self,
        name: str,
        measured: float | None,
        unit: str,
        *,
        low: float | None = None,
        high: float | None = None,
        clause: str = "",
        why: str = "",
    ) -> bool:
        """Hold a measured number (``None``: it never came) against its limits; whether it passed."""
        check = Check(name=name, measured=measured, unit=unit, low=low, high=high, clause=clause, why=why)
        self._step.checks.append(check)
        return check.passed

    def near(
        self, name: str, measured: float | None, target: float, tolerance: float, unit: str, **words: str
    ) -> bool:
        """The same for a target with a tolerance on both sides."""
        return self.check(name, measured, unit, low=target - tolerance, high=target + tolerance, **words)

    def require(self, name: str, holds: bool, *, clause: str = "", why: str = "") -> bool:  # noqa: FBT001
        """Hold a statement against the facts; whether it holds."""
        self._step.checks.append(Check(name=name, holds=holds, clause=clause, why=why))
        return holds


def latest(samples: list[Sample], share: float = 0.25) -> float | None:
    """The mean of what was measured in the last part of a watch."""
    tail = samples[-max(1, round(share * len(samples))) :]
    seen = [sample.measured for sample in tail if sample.measured is not None]
    return sum(seen) / len(seen) if seen else None


def first_reach(samples: list[Sample], start: float, end: float, share: float) -> float | None:
    """When (``at_s``) this share of the way from start to end has been gone for the first time."""
    if start == end:
        return None
    for sample in samples:
        if sample.measured is not None and (sample.measured - start) / (end - start) >= share - 1e-9:
            return sample.at_s
    return None
