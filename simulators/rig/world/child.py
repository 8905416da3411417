"""The common part of every child program of the rig: its arguments, clock, line, signals and exit code."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulators.rig.world.line import Line
from simulators.rig.world.pace import PaceFile
from vpp_core.clock import PacedClock
from vpp_core.faults import EXIT_FAULT, ConfigurationFault, Fault, fault_in

_CHATTY = ("httpx", "httpcore", "aiohttp", "openleadr", "apscheduler", "alembic")
"""Libraries that log every request; their warnings are kept."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a child program starts with."""

    clock: PacedClock
    config: dict[str, Any]
    line: Line


def run_child(
    serve: Callable[[Setting], Awaitable[None]], purpose: str, arguments: Sequence[str] | None = None
) -> int:
    """Run ``serve`` until it ends or SIGTERM comes; an exit code.

    A fault is one sentence on standard error and exit code 2.
    """
    parser = argparse.ArgumentParser(description=purpose)
    parser.add_argument("--clock", type=Path, required=True, help="the rig's clock file")
    parser.add_argument("--line", type=int, required=True, help="inherited file descriptor of the rig's line")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        with asyncio.Runner() as runner:
            runner.run(_run(serve, options.clock, options.line))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 0
    except (Fault, BaseExceptionGroup) as error:
        if (fault := fault_in(error)) is None:
            raise
        sys.stderr.write(f"{fault}\n")
        return EXIT_FAULT
    return 0


async def _run(serve: Callable[[Setting], Awaitable[None]], clock_path: Path, descriptor: int) -> None:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101  (a coroutine that a runner runs is in a task)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    line = await Line.inherited(descriptor)
    try:
        pace = PaceFile.open(clock_path)
        config = await line.hear()
        if config is not None:
            await serve(Setting(pace.clock(), config, line))
    finally:
        await line.close()


def read_secret(path: Path) -> str:
    """The token in a file.

    Raises:
        ConfigurationFault: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationFault(f"The token file {path} cannot be read: {error.strerror}.") from error
