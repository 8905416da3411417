"""A line without a wire: a pipe in memory to the very connections that TCP and serial lines have.

It needs nothing of the host and nothing but the loop's own time, so it runs on a virtual-time loop and
repeats to the last bit.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import TypeVar

from simulators.devices.wire.connection import Connections
from simulators.devices.wire.fate import LineFaults, Responder
from simulators.devices.wire.framing import Framer
from simulators.devices.wire.mbap import MbapFramer
from simulators.devices.wire.rtu import RtuFramer
from simulators.devices.wire.station import LineSettings, Station

BUFFER_MAX = 65_536
"""Bytes on their way to a reader who has paused; more, and the writer is told to pause."""

Client = TypeVar("Client", bound=asyncio.Protocol)


class MemoryLine:
    """One device's line.

    Args:
        units: register images by unit id.
        settings: the line's conduct.
        faults: what is wrong with the device.
        latency_s: how long bytes travel, each way.
        rtu: frames of a serial line rather than of TCP.
    """

    def __init__(
        self,
        units: Mapping[int, Responder],
        *,
        settings: LineSettings | None = None,
        faults: LineFaults | None = None,
        latency_s: float = 0.0,
        rtu: bool = False,
    ) -> None:
        self._station = Station(units, settings, faults)
        self._connections = Connections(self._station)
        self._latency_s = latency_s
        self._rtu = rtu
        if faults is not None:
            faults.watch(self)

    async def connect(self, make_client: Callable[[], Client]) -> tuple[asyncio.Transport, Client]:
        """Connect a protocol, as ``loop.create_connection`` does.

        Raises:
            ConnectionRefusedError: the device refuses connections at the moment.
        """
        if self._station.refuses and not self._rtu:
            raise ConnectionRefusedError("the simulated device refuses connections")
        client = make_client()
        near, far = MemoryTransport.pair(client, self._connections.make(self._framer()), self._latency_s)
        far.begin()
        near.begin()
        return near, client

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect a pair of streams, as ``asyncio.open_connection`` does.

        Raises:
            ConnectionRefusedError: the device refuses connections at the moment.
        """
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        transport, protocol = await self.connect(lambda: asyncio.StreamReaderProtocol(reader, loop=loop))
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    @property
    def images(self) -> Collection[Responder]:
        return self._station.units.values()

    def refusal_changed(self) -> None:
        """Whoever connects sees for himself."""

    def drop(self) -> None:
        self._connections.drop()

    def close(self) -> None:
        """Lose every connection."""
        self._connections.drop()

    def _framer(self) -> Framer:
        return RtuFramer(self._station.units) if self._rtu else MbapFramer()


class MemoryTransport(asyncio.Transport):
    """One end of a pipe; what is written comes out at the other end, in order.

    Args:
        protocol: what this end speaks to.
        latency_s: how long bytes travel to the other end.
    """

    def __init__(self, protocol: asyncio.Protocol, latency_s: float) -> None:
        super().__init__({"peername": ("memory", 0), "sockname": ("memory", 0)})
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._latency_s = latency_s
        self._peer = self
        self._travelling: deque[bytes | None] = deque()
        """On the way to this end; nothing stands for the end of the stream."""
        self._inbox: deque[bytes | None] = deque()
        self._paused = self._closing = self._said_end = self._throttled = False
        self._unread_bytes = 0
        """Written here, and not yet taken in at the other end."""
        self._high_bytes = BUFFER_MAX

    @classmethod
    def pair(
        cls, one: asyncio.Protocol, other: asyncio.Protocol, latency_s: float
    ) -> tuple["MemoryTransport", "MemoryTransport"]:
        near, far = cls(one, latency_s), cls(other, latency_s)
        near._peer, far._peer = far, near
        return near, far

    def begin(self) -> None:
        """Tell the protocol of its transport."""
        self._protocol.connection_made(self)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.Protocol)  # noqa: S101
        self._protocol = protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return not self._paused and not self._closing

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self._loop.call_soon(self._take_in)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or self._said_end or not data:
            return
        self._unread_bytes += len(data)
        self._peer.expect(bytes(data), self._latency_s)
        if self._unread_bytes > self._high_bytes and not self._throttled:
            self._throttled = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        return self._unread_bytes

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._high_bytes // 4, self._high_bytes

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        del low
        self._high_bytes = BUFFER_MAX if high is None else high

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self._said_end:
            self._said_end = True
            self._peer.expect(None, self._latency_s)

    def close(self) -> None:
        """Hang up; what was written before still arrives."""
        if not self._closing:
            self.write_eof()
            self.hang_up(None)

    def abort(self) -> None:
        """Hang up at once: the other end sees its connection reset."""
        if not self._closing:
            self._peer.hang_up(ConnectionResetError("connection reset"))
            self.hang_up(None)

    def expect(self, data: bytes | None, latency_s: float) -> None:
        """Bytes, or the end of the stream, are on their way to this end."""
        # Timers of one instant fire in any order, so each lands what is first on its way.
        self._travelling.append(data)
        if latency_s == 0.0:
            self._loop.call_soon(self._land)
        else:
            self._loop.call_later(latency_s, self._land)

    def was_read(self, count: int) -> None:
        """The other end has taken in bytes that were written here."""
        self._unread_bytes -= count
        if self._throttled and not self._closing and self._unread_bytes <= self._high_bytes // 4:
            self._throttled = False
            self._protocol.resume_writing()

    def hang_up(self, error: Exception | None) -> None:
        """The connection is over for this end's protocol."""
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._protocol.connection_lost, error)

    def _land(self) -> None:
        self._inbox.append(self._travelling.popleft())
        self._take_in()

    def _take_in(self) -> None:
        while self._inbox and self.is_reading():
            data = self._inbox.popleft()
            if data is not None:
                self._peer.was_read(len(data))
                self._protocol.data_received(data)
            elif not self._protocol.eof_received():
                self.close()
