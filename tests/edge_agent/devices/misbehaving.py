"""A Modbus TCP server that behaves as it is told."""

import asyncio
import struct
from collections.abc import Callable, Iterable

Behaviour = Callable[[bytes], Iterable[bytes] | None]
"""Bytes to send for a request, packet by packet; ``None`` closes the connection."""


def right(request: bytes) -> list[bytes]:
    """The answer of a device whose registers hold their own addresses."""
    transaction, _, _, unit, function, address, count = struct.unpack_from(">HHHBBHH", request)
    if function in {3, 4}:
        data = struct.pack(f">BB{count}H", function, 2 * count, *range(address, address + count))
    else:
        data = struct.pack(">BHH", function, address, count)
    return [struct.pack(">HHHB", transaction, 0, len(data) + 1, unit) + data]


def altered(change: Callable[[bytearray], None]) -> Behaviour:
    def behave(request: bytes) -> list[bytes]:
        answer = bytearray(right(request)[0])
        change(answer)
        return [bytes(answer)]

    return behave


def replaced(at: int, value: int) -> Behaviour:
    return altered(lambda answer: answer.__setitem__(at, value))


def exception(code: int, *extra: int) -> Behaviour:
    def behave(request: bytes) -> list[bytes]:
        data = bytes((request[7] | 0x80, code, *extra))
        return [request[:4] + struct.pack(">HB", len(data) + 1, request[6]) + data]

    return behave


class Server:
    """A Modbus TCP server that behaves as it is told, and notes when two requests are in flight."""

    def __init__(self) -> None:
        self.behave: Behaviour = right
        self.requests: list[bytes] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self.transports: list[asyncio.Transport] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Connection(self), "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for transport in self.transports:
            transport.abort()
        await self._server.wait_closed()

    def adopt(self, transport: asyncio.Transport) -> None:
        self.transports.append(transport)


class Connection(asyncio.Protocol):
    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.adopt(transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._server.requests.append(data)
        packets = self._server.behave(data)
        if packets is None:
            self._transport.close()
            return
        for packet in packets:
            self._transport.write(packet)
