"""How a program serves: until Ctrl-C or SIGTERM, and a fault inside its tasks comes out as itself."""

import asyncio
import signal
from collections.abc import Coroutine

from vpp_core.clock import Pace, PacedClock, SystemClock, monotonic_host_s
from vpp_core.faults import fault_in


def stop_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set from now on, in place of what they did to the running loop."""
    stopped = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stopped.set)
    return stopped


def steady_clock() -> PacedClock:
    """True time as it is now, counted on: it does not stand still where the host's is set back."""
    pace = Pace(SystemClock().now().timestamp(), monotonic_host_s(), 1.0)
    return PacedClock(lambda: pace)


def serve(program: Coroutine[object, object, None]) -> None:
    """Run a program to its end.

    Raises:
        Fault: what ended it, also from within a group of tasks.
        BrokenPipeError: nobody reads what it prints, likewise.
    """
    try:
        asyncio.run(program)
    except BaseExceptionGroup as group:
        if fault := fault_in(group):
            raise fault from group
        if not group.split(BrokenPipeError)[1]:
            raise BrokenPipeError from group
        raise
