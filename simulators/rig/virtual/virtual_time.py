"""An event loop on virtual time: when every task waits, time jumps to the next timer.

A day passes in seconds and nothing depends on the host: what runs on it alone (in-memory links, broker
and HTTP) repeats to the last bit. Blocking work handed to an executor runs on the spot, since a thread
would bring the host's own order back.
"""

import asyncio
import math
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, TypeVar, TypeVarTuple

from vpp_core.clock import SystemClock, VirtualClock

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

_MICROS_PER_S = 1_000_000
_WAKE_S = 0.05
"""Granularity of sleep in real seconds that a paced clock has, kept here so that both run alike."""


class VirtualDeadlock(RuntimeError):
    """Every task waits and no timer is set: nothing can ever happen again. Names the tasks."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Time counts whole microseconds from zero and moves only by jumps.

    A jump is rounded up to the microsecond, so that a sleeper never wakes a hair before its instant.
    """

    def __init__(self) -> None:
        self._micros = 0
        super().__init__(_JumpSelector(self))

    def time(self) -> float:
        return self._micros / _MICROS_PER_S

    def jump(self, duration_s: float) -> None:
        """Move time on by at least ``duration_s`` and at least a microsecond."""
        self._micros += max(1, math.ceil(duration_s * _MICROS_PER_S - 1e-3))

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Arguments], Result], *args: *Arguments
    ) -> asyncio.Future[Result]:
        """Run ``func`` now, in this thread; what it raises comes out of this call."""
        del executor
        outcome: asyncio.Future[Result] = self.create_future()
        outcome.set_result(func(*args))
        return outcome


class VirtualTempo:
    """Moves a `VirtualClock` on; ``speed`` only sets how coarse the sleepers' ticks are."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    async def run_until(self, instant: datetime, speed: float) -> None:
        self._clock.coarsen(_WAKE_S * speed if speed > 1.0 else 0.0, instant)
        await SystemClock().sleep((instant - self._clock.now()).total_seconds())


def run_virtual(main: Callable[[VirtualClock], Coroutine[Any, Any, Result]], epoch: datetime) -> Result:
    """Run ``main`` from ``epoch`` on until it ends, on a fresh virtual-time loop.

    Raises:
        VirtualDeadlock: every task waits and no timer is set.
    """
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main(VirtualClock(epoch)))


class _JumpSelector(selectors.DefaultSelector):
    """Where the loop would block it jumps; what is ready on a socket of the loop's own goes first."""

    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout_s: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout_s is not None and timeout_s <= 0.0:
            return []
        ready = super().select(0)
        if ready:
            return ready
        if timeout_s is None:
            raise VirtualDeadlock(_who_waits(self._loop))
        self._loop.jump(timeout_s)
        return []


def _who_waits(loop: asyncio.AbstractEventLoop) -> str:
    waiting = sorted(f"{task.get_name()} in {_where(task)}" for task in asyncio.all_tasks(loop))
    return f"every task waits and no timer is set: {'; '.join(waiting) or 'there is no task'}"


def _where(task: asyncio.Task[Any]) -> str:
    frames = task.get_stack(limit=1)
    if not frames:
        return "no frame"
    code = frames[-1].f_code
    return f"{code.co_qualname}, line {frames[-1].f_lineno}"
