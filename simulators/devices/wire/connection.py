"""One connection of whatever transport: requests in, answers out, in order and within bounds."""

import asyncio
from collections import deque
from collections.abc import Callable

from simulators.devices.wire.fate import HONEST, Fate
from simulators.devices.wire.framing import BROADCAST, Derailed, Framer, Request
from simulators.devices.wire.station import Station

UNDERWAY_MAX = 64
"""Requests of a connection that are carried out or answered later; more are not read."""

_Held = tuple[Request, bytes, Fate]


class Connections:
    """The open connections of one line."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self._open: set[Connection] = set()

    def __len__(self) -> int:
        return len(self._open)

    def make(self, framer: Framer) -> "Connection":
        """A protocol for a transport that is about to be made."""
        return Connection(framer, self.station, self._admit, self._open.discard)

    def drop(self) -> None:
        """Lose every connection; what was underway is forgotten."""
        for each in list(self._open):
            each.drop()

    def _admit(self, connection: "Connection") -> bool:
        if (self.station.refuses and not connection.is_bus) or len(
            self._open
        ) >= self.station.settings.connections_max:
            return False
        self._open.add(connection)
        return True


class Connection(asyncio.Protocol):
    """Carries out the requests of one client.

    Requests are carried out and answered in the order in which they came, however long a fault holds
    one up. Nothing more is read while the client does not read, or while too many requests are underway.
    """

    def __init__(
        self,
        framer: Framer,
        station: Station,
        admit: Callable[["Connection"], bool],
        leave: Callable[["Connection"], None],
    ) -> None:
        self._framer = framer
        self._station = station
        self._admit, self._leave = admit, leave
        self._transport: asyncio.Transport | None = None
        self._mute = False
        self._writable = True
        self._reading = True
        self._waiting: deque[tuple[Request, Fate]] = deque()
        self._held: deque[_Held | None] = deque()
        self._last_wait_s = self._last_hold_s = 0.0
        self._quiet: asyncio.TimerHandle | None = None
        self._idle: asyncio.TimerHandle | None = None

    @property
    def is_bus(self) -> bool:
        return self._framer.is_bus

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        if not self._admit(self):
            transport.abort()
            return
        self._mute = self._station.mutes
        self._watch_idleness()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        # What the device has taken in is still carried out; there is nobody left to answer.
        for timer in (self._quiet, self._idle):
            if timer is not None:
                timer.cancel()
        self._leave(self)

    def drop(self) -> None:
        """Lose the client, and forget what was underway; nobody hangs up a bus."""
        self._waiting.clear()
        self._held.clear()
        if self._transport is not None and not self.is_bus:
            self._transport.abort()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._pump()

    def data_received(self, data: bytes) -> None:
        self._watch_idleness()
        if self._is_deaf():
            return
        self._framer.feed(data)
        self._pump()
        if self._framer.silence_s is not None:
            self._await_silence(self._framer.silence_s)

    def _is_deaf(self) -> bool:
        if self.is_bus:
            return self._station.mutes or self._station.refuses
        # A connection once struck dumb stays dumb; only a new one finds the device again.
        self._mute = self._mute or self._station.mutes
        return self._mute

    @property
    def _blocked(self) -> bool:
        return not self._writable or len(self._waiting) + len(self._held) >= UNDERWAY_MAX

    def _pump(self) -> None:
        """Begin the requests that are there, as far as there is room for their answers."""
        assert self._transport is not None  # noqa: S101
        if self._transport.is_closing():
            return
        try:
            while not self._blocked and (request := self._framer.take()) is not None:
                self._begin(request)
        except Derailed:
            self._transport.close()
            return
        self._read(not self._blocked)

    def _read(self, wanted: bool) -> None:  # noqa: FBT001
        if self._transport is None or wanted == self._reading or self._transport.is_closing():
            return
        self._reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _begin(self, request: Request) -> None:
        fate = self._station.fate(request.pdu)
        if fate.at_once and not self._waiting and not self._held:
            if (answer := self._carry_out(request, fate)) is not None:
                self._write(request, answer, fate)
            return
        loop = asyncio.get_running_loop()
        self._last_wait_s = max(self._last_wait_s, loop.time() + fate.wait_s)
        self._waiting.append((request, fate))
        loop.call_at(self._last_wait_s, self._carry_out_next)

    def _carry_out_next(self) -> None:
        # Timers of one instant fire in any order, so each takes the request whose turn it is.
        if not self._waiting:
            return
        request, fate = self._waiting.popleft()
        answer = self._carry_out(request, fate)
        loop = asyncio.get_running_loop()
        self._last_hold_s = max(self._last_hold_s, loop.time() + fate.hold_s)
        self._held.append(None if answer is None else (request, answer, fate))
        loop.call_at(self._last_hold_s, self._answer_next)

    def _answer_next(self) -> None:
        if not self._held:
            return
        if (held := self._held.popleft()) is not None:
            self._write(*held)
        self._pump()

    def _carry_out(self, request: Request, fate: Fate) -> bytes | None:
        if not fate.carried_out:
            return None
        if self.is_bus and request.unit == BROADCAST:
            self._station.broadcast(request.pdu)
            return None
        answer = self._station.answer(request.unit, request.pdu)
        return answer if fate.answered else None

    def _write(self, request: Request, answer: bytes, fate: Fate = HONEST) -> None:
        assert self._transport is not None  # noqa: S101
        if not self._transport.is_closing():
            self._transport.write(self._framer.wrap(request, answer, fate))

    def _await_silence(self, silence_s: float) -> None:
        if self._quiet is not None:
            self._quiet.cancel()
        self._quiet = asyncio.get_running_loop().call_later(silence_s, self._on_silence, silence_s)

    def _on_silence(self, silence_s: float) -> None:
        if self._blocked:
            self._await_silence(silence_s)
            return
        self._framer.silence()
        self._pump()

    def _watch_idleness(self) -> None:
        idle_close_s = self._station.settings.idle_close_s
        if idle_close_s is None or self._transport is None:
            return
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(idle_close_s, self._transport.close)
