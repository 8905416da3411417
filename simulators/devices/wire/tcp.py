"""Modbus/TCP, and Modbus/TLS where a context is given."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Collection, Mapping

from simulators.devices.wire.connection import Connections
from simulators.devices.wire.fate import LineFaults, Responder
from simulators.devices.wire.mbap import MbapFramer
from simulators.devices.wire.station import LineSettings, Station
from vpp_core.faults import LocalFault


class ModbusServer:
    """Answers for several unit ids on one port (MODBUS Messaging on TCP/IP Implementation Guide 1.0b).

    Requests of a connection are answered in order, however their bytes are split or joined. An unknown
    unit gets exception 0x0B (gateway target device failed to respond). A frame with a foreign protocol
    number or an impossible length closes the connection, since nothing says where the next one begins.

    Args:
        units: register images by unit id.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        settings: the line's conduct.
        faults: what is wrong with the device.
        tls: serve TLS with this; plain TCP without.
    """

    def __init__(
        self,
        units: Mapping[int, Responder],
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        settings: LineSettings | None = None,
        faults: LineFaults | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._station = Station(units, settings, faults)
        self._connections = Connections(self._station)
        self._host, self._port = host, port
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._addresses: list[tuple[socket.AddressFamily, tuple[str, int]]] = []
        """Where the server listens, or would if it did not refuse."""
        self._held_ports: list[socket.socket] = []
        """Bound and not listening: nobody else takes the port while connections are refused."""
        self._turning: asyncio.Task[None] | None = None
        if faults is not None:
            faults.watch(self)

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def start(self) -> int:
        """Listen, and return the port.

        Raises:
            LocalFault: the address is in use, not one of this machine, or none at all.
        """
        if not self._host:
            raise LocalFault("Cannot listen without an address; 0.0.0.0 is every one of this machine.")
        try:
            await self._listen(self._port)
        except ValueError as error:  # before anybody was asked: a..b, or a NUL
            raise LocalFault(f"Cannot listen on {self._host!r}: no machine has such a name.") from error
        except OSError as error:
            reason = "it is in use" if error.errno == errno.EADDRINUSE else error.strerror
            raise LocalFault(
                f"Cannot listen on {self._host}:{self._port} ({reason}); "
                "choose another port, or 0 for a free one."
            ) from error
        assert self._server is not None  # noqa: S101
        self._addresses = [(each.family, each.getsockname()[:2]) for each in self._server.sockets]
        await self._turn()
        return self._addresses[0][1][1]

    async def stop(self) -> None:
        """Close the port and every connection; harmless where nothing was started."""
        turning, self._turning = self._turning, None
        self._addresses = []
        if turning is not None:
            await turning
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self._release_ports()
        self.drop()
        if server is not None:
            await server.wait_closed()

    @property
    def images(self) -> Collection[Responder]:
        return self._station.units.values()

    def refusal_changed(self) -> None:
        if self._addresses and (self._turning is None or self._turning.done()):
            self._turning = asyncio.get_running_loop().create_task(self._turn(), name=f"turn {self._host}")

    def drop(self) -> None:
        self._connections.drop()

    async def _turn(self) -> None:
        """Listen or refuse, as the faults would have it."""
        while self._addresses and self._station.refuses == (self._server is not None):
            if self._server is None:
                await self._listen(self._addresses[0][1][1])
                self._release_ports()
            else:
                self._server.close()
                self._server = None
                self._hold_ports()

    async def _listen(self, port: int) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: self._connections.make(MbapFramer()), self._host, port, ssl=self._tls
        )

    def _hold_ports(self) -> None:
        for family, address in self._addresses:
            held = socket.socket(family, socket.SOCK_STREAM)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.bind(address)
            self._held_ports.append(held)

    def _release_ports(self) -> None:
        while self._held_ports:
            self._held_ports.pop().close()
