"""Child processes of a rig: started together, ready before use, none left behind.

Every child leads its own session, so that Ctrl-C reaches the rig alone, which then stops the children
in the reverse order of their start: SIGTERM, and SIGKILL after a bound. `bootstrap` binds each to the
rig's life, whatever ends it. Output goes to one log file a child.
"""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from simulators.rig.world import bootstrap
from simulators.rig.world.line import Facts, Line
from vpp_core.faults import LocalFault, fault_in

READY_S_MAX = 30.0
"""Real seconds that a child has to say that it is ready."""
STOP_S_MAX = 5.0
"""Real seconds between SIGTERM and SIGKILL."""
_QUOTED_LINES = 5
_QUOTED_BYTES = 8_192


class ChildFault(LocalFault):
    """A process of the rig could not start, was not ready in time, or ended by itself."""

    code = "child"


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: ``python -m module arguments`` with a line, or a foreign ``command`` without one.

    ``config`` is the first thing that is said over the line.
    """

    name: str
    module: str = ""
    arguments: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    config: Facts = field(default_factory=dict)


@dataclass(slots=True)
class Child:
    """A running program; ``ports`` is what it said when it was ready."""

    program: Program
    process: subprocess.Popen[bytes]
    log: Path
    line: Line | None = None
    ports: dict[str, Any] = field(default_factory=dict)
    stopping: bool = False

    @property
    def pid(self) -> int:
        return self.process.pid

    async def ask(self, question: Facts) -> dict[str, Any]:
        """Put a question to the child over its line.

        Raises:
            LocalFault: the child is gone or refuses.
        """
        if self.line is None:
            raise ChildFault(f"{self.program.name} has no line to be asked over.")
        return await self.line.ask(question)


@contextlib.asynccontextmanager
async def supervise(log_dir: Path, *, stop_s: float = STOP_S_MAX) -> AsyncIterator["Children"]:
    """Children that live as long as the block; a child that ends by itself ends the block.

    Raises:
        ChildFault: a child ended by itself; or whatever single fault the block raised.
    """
    _make(log_dir)
    try:
        async with asyncio.TaskGroup() as watchers:
            children = Children(log_dir, watchers, stop_s)
            try:
                yield children
            finally:
                await children.stop_all()
    except BaseExceptionGroup as group:
        if (fault := fault_in(group)) is not None:
            raise fault from group
        raise


class Children:
    """Starts, asks, kills, restarts and stops the children of one `supervise` block."""

    def __init__(self, log_dir: Path, watchers: asyncio.TaskGroup, stop_s: float) -> None:
        self._log_dir = log_dir
        self._watchers = watchers
        self._stop_s = stop_s
        self._tiers: list[list[Child]] = []

    def __getitem__(self, name: str) -> Child:
        """The running child of that name.

        Raises:
            KeyError: there is none.
        """
        for tier in self._tiers:
            for child in tier:
                if child.program.name == name:
                    return child
        raise KeyError(name)

    async def launch(self, *programs: Program) -> list[Child]:
        """Start programs that will be configured later, side by side; they will stop together.

        A child loads its code meanwhile, so what is launched early is ready sooner.

        Raises:
            ChildFault: one cannot be started at all.
        """
        tier: list[Child] = []
        self._tiers.append(tier)
        for program in programs:
            child, line_end = self._spawn(program)
            tier.append(child)
            if line_end is not None:
                child.line = await Line.over(line_end)
        return list(tier)

    async def configure(self, child: Child, config: Facts, ready_s: float = READY_S_MAX) -> Child:
        """Say to a launched child what to do, and return when it is ready.

        Raises:
            ChildFault: it ended early (quotes its log), or was not ready in time.
        """
        child.program = program = replace(child.program, config=config)
        if child.line is None:
            self._watch(child)
            return child
        ready = None
        try:
            async with asyncio.timeout(ready_s):
                with contextlib.suppress(ConnectionError):
                    await child.line.say(config)
                    ready = await child.line.hear()
        except TimeoutError:
            raise ChildFault(
                f"{program.name} was not ready within {ready_s:.0f} s; {_quote(child)}"
            ) from None
        if ready is None:
            child.stopping = True
            code = await _exited(child.process)
            raise ChildFault(f"{program.name} ended with {_how(code)} before it was ready; {_quote(child)}")
        child.ports = ready
        self._watch(child)
        return child

    async def start(self, *programs: Program, ready_s: float = READY_S_MAX) -> list[Child]:
        """Start programs side by side and return when all are ready; they will stop together.

        Raises:
            ChildFault: one did not start, ended early (quotes its log), or was not ready in time.
        """
        launched = await self.launch(*programs)
        try:
            async with asyncio.TaskGroup() as starts:
                for child in launched:
                    name = child.program.name
                    starts.create_task(
                        self.configure(child, child.program.config, ready_s), name=f"start {name}"
                    )
        except BaseExceptionGroup as group:
            await self._stop(launched)
            if (fault := fault_in(group)) is not None:
                raise fault from group
            raise
        return launched

    async def kill(self, name: str) -> Program:
        """End a child at once (SIGKILL), as a power cut would; gives what it ran, to start it again."""
        child = self[name]
        child.stopping = True
        _signal(child, signal.SIGKILL)
        await _exited(child.process)
        await self._forget(child)
        return child.program

    async def stop(self, name: str) -> Program:
        """End a child in order; gives what it ran, to start it again."""
        child = self[name]
        await self._stop([child])
        return child.program

    async def stop_all(self) -> None:
        """End all children, the last ones started first."""
        for tier in reversed(list(self._tiers)):
            await self._stop(list(tier))
        self._tiers.clear()

    def _spawn(self, program: Program) -> tuple[Child, socket.socket | None]:
        ours: socket.socket | None = None
        command: Sequence[str] = program.command
        inherited: tuple[int, ...] = ()
        theirs: socket.socket | None = None
        if program.module:
            ours, theirs = socket.socketpair()
            inherited = (theirs.fileno(),)
            line = ("--line", str(theirs.fileno()))
            command = (sys.executable, "-m", program.module, *line, *program.arguments)
        log = self._log_dir / f"{program.name}.log"
        bound = (sys.executable, "-I", "-S", str(bootstrap.__file__), str(os.getpid()), *command)
        try:
            with log.open("ab") as output:
                process = subprocess.Popen(  # noqa: S603  (no shell; the rig names the program)
                    bound,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    pass_fds=inherited,
                    start_new_session=True,
                )
        except OSError as error:
            raise ChildFault(f"{program.name} could not be started: {error}.") from error
        finally:
            if theirs is not None:
                theirs.close()
        return Child(program, process, log), ours

    def _watch(self, child: Child) -> None:
        self._watchers.create_task(_watch(child), name=f"watch {child.program.name}")

    async def _stop(self, children: Sequence[Child]) -> None:
        async with asyncio.TaskGroup() as stops:
            for child in children:
                stops.create_task(self._stop_one(child), name=f"stop {child.program.name}")

    async def _stop_one(self, child: Child) -> None:
        child.stopping = True
        _signal(child, signal.SIGTERM)
        try:
            async with asyncio.timeout(self._stop_s):
                await _exited(child.process)
        except TimeoutError:
            _signal(child, signal.SIGKILL)
            await _exited(child.process)
        await self._forget(child)

    async def _forget(self, child: Child) -> None:
        if child.line is not None:
            await child.line.close()
        for tier in self._tiers:
            if child in tier:
                tier.remove(child)


def _make(log_dir: Path) -> None:
    try:
        log_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LocalFault(f"The folder {log_dir} cannot be made: {error.strerror}.") from error


async def _watch(child: Child) -> None:
    code = await _exited(child.process)
    if not child.stopping:
        raise ChildFault(f"{child.program.name} ended by itself with {_how(code)}; {_quote(child)}")


async def _exited(process: subprocess.Popen[bytes]) -> int:
    """The exit code once the process has ended; does not block the loop."""
    if (code := process.poll()) is not None:
        return code
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    descriptor = os.pidfd_open(process.pid)
    try:
        loop.add_reader(descriptor, _settle, ended)
        await ended
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()


def _settle(ended: "asyncio.Future[None]") -> None:
    if not ended.done():
        ended.set_result(None)


def _signal(child: Child, number: signal.Signals) -> None:
    """Signal the child's own process group; it leads one, so nobody else is in it."""
    if child.process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _quote(child: Child) -> str:
    """The end of a child's log, for a human."""
    with child.log.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _QUOTED_BYTES))
        lines = [line for line in log.read().decode(errors="replace").splitlines() if line.strip()]
    if not lines:
        return f"it said nothing in {child.log}; check that the disk is not full."
    return "\n  ".join((f"its log {child.log} ends:", *lines[-_QUOTED_LINES:]))
