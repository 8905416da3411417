"""What sets frequency and voltage at the device's terminals: a simulator, a real source, or a person."""

import asyncio
import json
import math
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

from simulators.rig.hil_bench.settings import BenchGridSettings, ScpiGrid
from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault

_ANSWER_S_MAX = 5.0


class GridSource(Protocol):
    """Somebody who can be told frequency and voltage.

    Attributes:
        name: for the report.
        exact: whether the instant of a change is known; a person's is not, and response times are then
            not judged.
    """

    name: str
    exact: bool

    async def apply(
        self, *, frequency_hz: float | None = None, voltage_pu: float | None = None, ramp_s: float = 0.0
    ) -> None:
        """Go there; returns when it is there, or when its ramp has begun where the source ramps by itself.

        Raises:
            DeviceFault: the source does not do it.
        """
        ...

    async def close(self) -> None: ...


Tell = Callable[[dict[str, object]], Awaitable[dict[str, object]]]
"""Gives one command to a simulation's control desk, and brings its answer."""


class BenchGridSource:
    """The grid of a simulated device, told by commands to its control desk.

    Args:
        tell: the way to the desk.
        name: for the report.
    """

    exact = True

    def __init__(self, tell: Tell, name: str) -> None:
        self.name = name
        self._tell = tell

    async def apply(
        self, *, frequency_hz: float | None = None, voltage_pu: float | None = None, ramp_s: float = 0.0
    ) -> None:
        order: dict[str, object] = {"command": "grid", "ramp_s": ramp_s}
        if frequency_hz is not None:
            order["frequency_hz"] = frequency_hz
        if voltage_pu is not None:
            order["voltage_pu"] = voltage_pu
        await self._order(order)

    async def restart(self) -> str:
        """Restart the device; says how.

        Raises:
            DeviceFault: the simulation cannot.
        """
        await self._order({"command": "reboot"})
        return f"The device was restarted by {self.name}."

    async def close(self) -> None:
        """Whoever made the way to the desk closes it."""

    async def _order(self, order: dict[str, object]) -> None:
        told = await self._tell(order)
        if not told.get("ok"):
            raise DeviceFault(f"{self.name} refuses: {told.get('error', told)}")


class ControlDeskLine:
    """The control port of a running ``vpp-sim device``: a line of JSON for each order, one for the answer."""

    def __init__(self, settings: BenchGridSettings) -> None:
        self.name = f"vpp-sim device, control port {settings.host}:{settings.port}"
        self._line = _TextLine(settings.host, settings.port, _ANSWER_S_MAX)

    async def tell(self, order: dict[str, object]) -> dict[str, object]:
        """Raises DeviceFault where nobody answers, or nothing that could be an answer."""
        answer = await self._line.ask(json.dumps(order))
        try:
            told = json.loads(answer)
        except ValueError as error:
            raise DeviceFault(f"{self.name} answers {answer!r}, which is no JSON.") from error
        if not isinstance(told, dict):
            raise DeviceFault(f"{self.name} answers {answer!r}.")
        return told

    def close(self) -> None:
        self._line.close()


class ScpiSource:
    """A programmable AC source; the words that it understands are in the configuration.

    Args:
        settings: of the source.
        clock: for ramps, which are played in steps.
        nominal: frequency (Hz) and voltage (V) where ramps start.
    """

    exact = True

    def __init__(self, settings: ScpiGrid, clock: Clock, nominal: tuple[float, float]) -> None:
        self.name = f"AC source at {settings.host}:{settings.port}"
        self._settings, self._clock = settings, clock
        self._frequency_hz, self._nominal_v = nominal
        self._voltage_pu = 1.0
        self._line = _TextLine(settings.host, settings.port, settings.answer_s_max)
        self._opened = False

    async def apply(
        self, *, frequency_hz: float | None = None, voltage_pu: float | None = None, ramp_s: float = 0.0
    ) -> None:
        if not self._opened:
            self._opened = True
            await self._tell(self._settings.on_open)
        start = self._frequency_hz, self._voltage_pu
        end = (
            start[0] if frequency_hz is None else frequency_hz,
            start[1] if voltage_pu is None else voltage_pu,
        )
        for share in self._shares(ramp_s):
            templates: tuple[str, ...] = ()
            if frequency_hz is not None:
                self._frequency_hz = start[0] + share * (end[0] - start[0])
                templates += self._settings.set_frequency
            if voltage_pu is not None:
                self._voltage_pu = start[1] + share * (end[1] - start[1])
                templates += self._settings.set_voltage
            await self._tell(templates, ramp_s)
            if share < 1.0:
                await self._clock.sleep(self._settings.ramp_step_s)

    async def close(self) -> None:
        if self._opened:
            try:
                await self._tell(self._settings.on_close)
            finally:
                self._line.close()

    def _shares(self, ramp_s: float) -> Iterator[float]:
        steps = max(1, math.ceil(ramp_s / self._settings.ramp_step_s))
        return ((step + 1) / steps for step in range(steps))

    async def _tell(self, templates: tuple[str, ...], ramp_s: float = 0.0) -> None:
        values = {
            "frequency_hz": self._frequency_hz,
            "voltage_pu": self._voltage_pu,
            "voltage_v": self._voltage_pu * self._nominal_v,
            "ramp_s": ramp_s,
        }
        for template in templates:
            await self._line.tell(template.format(**values))
        if templates and self._settings.ask_error:
            answer = await self._line.ask(self._settings.ask_error)
            if not answer.startswith(self._settings.no_error_prefixes):
                raise DeviceFault(f"{self.name} reports {answer!r} after {templates[-1]!r}; see its manual.")


class ManualSource:
    """A person at the source.

    Args:
        ask: shows a sentence and returns when the person says that it is done; blocks.
    """

    name = "by hand"
    exact = False

    def __init__(self, ask: Callable[[str], object] = input) -> None:
        self._ask = ask

    async def apply(
        self, *, frequency_hz: float | None = None, voltage_pu: float | None = None, ramp_s: float = 0.0
    ) -> None:
        wishes = []
        if frequency_hz is not None:
            wishes.append(f"frequency to {frequency_hz:.3f} Hz")
        if voltage_pu is not None:
            wishes.append(f"voltage to {voltage_pu:.4f} per unit")
        over = f" over {ramp_s:g} s" if ramp_s else ""
        sentence = f"Set the {' and the '.join(wishes)}{over}, then press Enter: "
        await asyncio.to_thread(self._ask, sentence)

    async def close(self) -> None:
        """Nothing is open."""


class _TextLine:
    """Lines of text over TCP; opened when it is first needed."""

    def __init__(self, host: str, port: int, answer_s_max: float) -> None:
        self._host, self._port, self._answer_s_max = host, port, answer_s_max
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def tell(self, text: str) -> None:
        _, writer = await self._open()
        try:
            writer.write(text.encode() + b"\n")
            await writer.drain()
        except OSError as error:
            raise DeviceFault(f"The grid source at {self._host}:{self._port} has hung up.") from error

    async def ask(self, text: str) -> str:
        reader, _ = await self._open()
        await self.tell(text)
        try:
            async with asyncio.timeout(self._answer_s_max):
                answer = await reader.readline()
        except (OSError, TimeoutError) as error:
            raise DeviceFault(
                f"The grid source at {self._host}:{self._port} does not answer {text!r}."
            ) from error
        if not answer:
            raise DeviceFault(f"The grid source at {self._host}:{self._port} has hung up.")
        return answer.decode(errors="replace").strip()

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            try:
                async with asyncio.timeout(self._answer_s_max):
                    self._streams = await asyncio.open_connection(self._host, self._port)
            except (OSError, TimeoutError, UnicodeError) as error:  # the last: what is no name
                raise DeviceFault(
                    f"No grid source at {self._host}:{self._port}; check [grid] in the configuration."
                ) from error
        return self._streams
