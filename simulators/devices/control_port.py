"""Commands to a running simulation: newline-delimited JSON on a port of this machine.

Each line is one object with its ``command``; each gets one line back: ``{"ok": true, ...}``, or
``{"ok": false, "error": "a sentence"}``. It reaches what no register map does: the grid, the sun, faults, and
the truth inside the unit.
"""

import asyncio
import errno
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from simulators.devices.faults.faults import Faults
from vpp_core.faults import ConfigurationFault, Fault, LocalFault

LINE_BYTES_MAX = 16_384
CONNECTIONS_MAX = 16

Seconds = Annotated[float, Meta(ge=0.0, le=86_400.0)]
PerUnit = Annotated[float, Meta(ge=0.0, le=2.0)]


class _Order(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="command"):
    """One command, as it travels."""


class SetGrid(_Order, frozen=True, tag="grid"):
    """Frequency and voltage from now on; what is left out stays."""

    frequency_hz: Annotated[float, Meta(ge=0.0, le=100.0)] | None = None
    voltage_pu: PerUnit | None = None
    ramp_s: Seconds = 0.0
    """From the present values to the new ones; 0 steps."""


class SetSun(_Order, frozen=True, tag="sun"):
    """What the modules could give, per unit of their rating."""

    power_pu: PerUnit


class SetLoad(_Order, frozen=True, tag="load"):
    """What the house takes behind the meter; negative: what it gives."""

    power_w: Annotated[float, Meta(ge=-1e9, le=1e9)]


class SetStateOfCharge(_Order, frozen=True, tag="soc"):
    state_of_charge: Annotated[float, Meta(ge=0.0, le=1.0)]


class Disturb(_Order, frozen=True, tag="disturb"):
    """Generation that the area loses from now on; negative: load."""

    lost_mw: Annotated[float, Meta(ge=-1e6, le=1e6)]
    for_s: Annotated[float, Meta(gt=0.0, le=1e9)] | None = None
    """For good without."""


class RaiseFault(_Order, frozen=True, tag="fault"):
    name: str
    parameters: dict[str, float | int | str] = {}
    for_s: float | None = None


class ClearFault(_Order, frozen=True, tag="clear"):
    name: str = "all"


class Reboot(_Order, frozen=True, tag="reboot"):
    off_s: Seconds | None = None


class AskStatus(_Order, frozen=True, tag="status"):
    """The truth inside the unit, and the faults that are raised."""


class AskCounters(_Order, frozen=True, tag="counters"):
    """What has been counted so far."""


Order = (
    SetGrid
    | SetSun
    | SetLoad
    | SetStateOfCharge
    | Disturb
    | RaiseFault
    | ClearFault
    | Reboot
    | AskStatus
    | AskCounters
)
Told = Mapping[str, object]

_COMMANDS = ("grid", "sun", "load", "soc", "disturb", "fault", "clear", "reboot", "status", "counters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What the port reaches in its simulation; nothing where there is none.

    A call refuses by a `Fault` or a `ValueError`, whose sentence travels back.
    """

    grid: Callable[[SetGrid], None] | None = None
    sun: Callable[[SetSun], None] | None = None
    load: Callable[[SetLoad], None] | None = None
    state_of_charge: Callable[[SetStateOfCharge], None] | None = None
    disturb: Callable[[Disturb], None] | None = None
    status: Callable[[], Told] | None = None
    counters: Callable[[], Told] | None = None
    faults: Faults | None = None


class ControlDesk:
    """Carries out commands; any bytes get an answer.

    Args:
        controls: what the commands reach.
    """

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def answer(self, line: bytes) -> bytes:
        """The answer to one line, both without their newline."""
        try:
            order = msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return _coded(_refusal("The line is not JSON."))
        except RecursionError:
            return _coded(_refusal("The line has brackets in brackets too deep to be a command."))
        return _coded(self.tell(order))

    def tell(self, order: object) -> dict[str, object]:
        """Carry out one command, as the port does."""
        if not isinstance(order, dict):
            return _refusal("A command is a JSON object.")
        command = order.get("command")
        if not isinstance(command, str | None):
            return _refusal("The command is a text.")
        if command not in _COMMANDS:
            return _refusal(f"There is no command {command!r}; known are {', '.join(_COMMANDS)}.")
        try:
            return {"ok": True, **self._carry_out(msgspec.convert(order, Order))}
        except msgspec.ValidationError as error:
            return _refusal(f"{command}: {error}.")
        except (Fault, ValueError) as error:
            return _refusal(str(error))

    def _carry_out(self, order: Order) -> Told:  # noqa: C901
        controls = self._controls
        match order:
            case SetGrid(frequency_hz=None, voltage_pu=None):
                raise ConfigurationFault("grid: give frequency_hz, voltage_pu or both.")
            case SetGrid():
                _there(controls.grid, "grid")(order)
            case SetSun():
                _there(controls.sun, "sun")(order)
            case SetLoad():
                _there(controls.load, "load")(order)
            case SetStateOfCharge():
                _there(controls.state_of_charge, "battery")(order)
            case Disturb():
                _there(controls.disturb, "area")(order)
            case RaiseFault(name=name, parameters=parameters, for_s=for_s):
                self._faults.raise_(name, parameters, for_s)
            case ClearFault(name="all"):
                self._faults.clear_all()
            case ClearFault(name=name):
                self._faults.clear(name)
            case Reboot(off_s=off_s):
                self._faults.raise_("reboot", {} if off_s is None else {"off_s": off_s})
            case AskStatus():
                return self._status()
            case AskCounters():
                return _there(controls.counters, "counter")()
        return {}

    @property
    def _faults(self) -> Faults:
        if self._controls.faults is None:
            raise ConfigurationFault("This simulation has no faults.")
        return self._controls.faults

    def _status(self) -> Told:
        told = dict(self._controls.status()) if self._controls.status is not None else {}
        faults = self._controls.faults
        if faults is not None:
            told["faults"] = [each._asdict() for each in faults.active]
            told["mishaps"] = list(faults.mishaps)
        return told


class ControlPort:
    """Listens for commands.

    Whoever reaches the port may do anything to the simulation, so it stays on this machine unless told
    otherwise.

    Args:
        controls: what the commands reach.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        remote: admit an address that others reach.

    Raises:
        ConfigurationFault: the address is none of this machine's own, and ``remote`` was not said.
    """

    def __init__(
        self, controls: Controls, host: str = "127.0.0.1", port: int = 0, *, remote: bool = False
    ) -> None:
        if not remote and not _is_loopback(host):
            raise ConfigurationFault(
                f"The control port would be open to others on {host}; "
                "use 127.0.0.1, or admit others expressly."
            )
        self.desk = ControlDesk(controls)
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()

    async def start(self) -> int:
        """Listen, and return the port.

        Raises:
            LocalFault: the address is in use, or not one of this machine.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: _Lines(self.desk, self._open), self._host, self._port
            )
        except OSError as error:
            reason = "it is in use" if error.errno == errno.EADDRINUSE else error.strerror
            raise LocalFault(
                f"Cannot listen for commands on {self._host}:{self._port} ({reason}); "
                "choose another port, or 0 for a free one."
            ) from error
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close the port and every connection; harmless where nothing was started."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for transport in list(self._open):
            transport.abort()
        await server.wait_closed()


class _Lines(asyncio.Protocol):
    def __init__(self, desk: ControlDesk, others: set[asyncio.Transport]) -> None:
        self._desk = desk
        self._others = others
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        if len(self._others) >= CONNECTIONS_MAX:
            transport.abort()
        self._others.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._transport is not None:
            self._others.discard(self._transport)

    def pause_writing(self) -> None:
        self._writable = False
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._writable = True
        if self._transport is not None:
            self._transport.resume_reading()
        self._answer()

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._answer()

    def _answer(self) -> None:
        assert self._transport is not None  # noqa: S101
        taken = 0
        while self._writable and not self._transport.is_closing():
            end = self._received.find(b"\n", taken)
            if (len(self._received) if end < 0 else end) - taken > LINE_BYTES_MAX:
                sentence = f"A line is longer than {LINE_BYTES_MAX} bytes; the connection ends."
                self._transport.write(_coded(_refusal(sentence)) + b"\n")
                self._transport.close()
            elif end < 0:
                break
            else:
                self._transport.write(self._desk.answer(bytes(self._received[taken:end])) + b"\n")
                taken = end + 1
        del self._received[:taken]


Control = TypeVar("Control")


def _there(control: Control | None, what: str) -> Control:
    if control is None:
        raise ConfigurationFault(f"This simulation has no {what} to reach.")
    return control


def _refusal(sentence: str) -> dict[str, object]:
    return {"ok": False, "error": sentence}


def _coded(told: Told) -> bytes:
    return msgspec.json.encode(told, enc_hook=str)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
