"""A lean Modbus/TCP server (MODBUS Messaging on TCP/IP Implementation Guide 1.0b)."""

import asyncio
import errno
import struct
from collections.abc import Mapping

from simulators.devices.image import RegisterImage
from simulators.devices.wire.pdu import Refusal, exception_response
from vpp_core.faults import LocalFault

_HEADER = struct.Struct(">HHHB")
"""Transaction, protocol, length of what follows the length field, unit."""
_LENGTH_MIN, _LENGTH_MAX = 2, 254


class ModbusServer:
    """Answers for several unit ids on one port.

    Requests of a connection are answered in order, however their bytes are split or joined. An unknown
    unit gets exception 0x0B (gateway target device failed to respond). A frame with a foreign protocol
    number or an impossible length closes the connection, since nothing says where the next one begins.

    Args:
        units: register images by unit id.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
    """

    def __init__(self, units: Mapping[int, RegisterImage], host: str = "127.0.0.1", port: int = 0) -> None:
        self._units = dict(units)
        self._host, self._port = host, port
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Transport] = set()

    async def start(self) -> int:
        """Listen, and return the port.

        Raises:
            LocalFault: the address is in use, or not one of this machine.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: _Connection(self._units, self._connections), self._host, self._port
            )
        except OSError as error:
            reason = "it is in use" if error.errno == errno.EADDRINUSE else error.strerror
            raise LocalFault(
                f"Cannot listen on {self._host}:{self._port} ({reason}); "
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
        for transport in list(self._connections):
            transport.abort()
        await server.wait_closed()


class _Connection(asyncio.Protocol):
    def __init__(self, units: Mapping[int, RegisterImage], connections: set[asyncio.Transport]) -> None:
        self._units = units
        self._connections = connections
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._transport = transport
        self._connections.add(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._transport is not None:
            self._connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None  # noqa: S101
        self._received += data
        while len(self._received) >= _HEADER.size:
            transaction, protocol, length, unit = _HEADER.unpack_from(self._received)
            if protocol != 0 or not _LENGTH_MIN <= length <= _LENGTH_MAX:
                self._received.clear()
                self._transport.close()
                return
            end = _HEADER.size - 1 + length
            if len(self._received) < end:
                return
            pdu = bytes(self._received[_HEADER.size : end])
            del self._received[:end]
            response = self._respond(unit, pdu)
            self._transport.write(_HEADER.pack(transaction, 0, len(response) + 1, unit) + response)

    def _respond(self, unit: int, pdu: bytes) -> bytes:
        image = self._units.get(unit)
        return image.respond(pdu) if image else exception_response(pdu, Refusal.GATEWAY_TARGET)
