"""Modbus over TCP, TLS and serial lines by pymodbus, the only module that imports it.

pymodbus frames and sends; everything that can go wrong on the wire is judged here, because its client
skips what it does not expect and then waits in silence.
"""

import asyncio
import logging
import random
import secrets
import ssl
import struct
from asyncio import Timeout
from collections.abc import Sequence
from typing import Any

from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient, AsyncModbusTlsClient
from pymodbus.pdu import ModbusPDU

from edge_agent.devices import frames
from edge_agent.devices.frames import (
    EXCEPTIONS,
    READ,
    READ_INPUT,
    WRITE,
    WRITE_ONE,
    Verdict,
    rtu_verdict,
    tcp_verdict,
)
from edge_agent.devices.link import (
    LinkSettings,
    Parity,
    RegisterRefused,
    Transport,
    checked_read,
    checked_write,
)
from edge_agent.devices.reconnect import Reconnect
from vpp_core.faults import ConfigurationFault, DeviceFault

Client = AsyncModbusTcpClient | AsyncModbusTlsClient | AsyncModbusSerialClient

_PARITY = {Parity.NONE: "N", Parity.EVEN: "E", Parity.ODD: "O"}
_HINT = {
    Transport.TCP: "check that the device is on, its address and its port",
    Transport.TLS: "check that the device is on, its address, its port and the certificates of both sides",
    Transport.RTU: "check that the serial port is there, that it may be used, and that nobody else has it",
}

# Every failure becomes a DeviceFault; pymodbus's own log would say it a second time, with frames.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class ModbusLink:
    """A :class:`edge_agent.devices.link.Link`: connects when it is asked, one request at a time.

    Over TCP and TLS the connection is dropped after any failure, so a late answer can never be taken for
    the next one. A serial line has nothing to drop: a unit that did not answer is left alone for as long
    again, and what it still says is passed over.

    Args:
        settings: where the endpoint is.
        chance: of the pauses between two attempts to connect.

    Raises:
        ConfigurationFault: a certificate cannot be used.
    """

    def __init__(self, settings: LinkSettings, chance: random.Random | None = None) -> None:
        self._settings = settings
        self._tls = _tls_context(settings) if settings.transport is Transport.TLS else None
        self._turn = asyncio.Lock()
        self._client: Client | None = None
        self._deadline: Timeout | None = None
        self._sent = b""
        self._complaint = ""
        self._received = 0
        self._reconnect = Reconnect(settings.reconnect_s_max, chance or secrets.SystemRandom())
        self._overdue: dict[int, float] = {}
        """Units of a serial line that may still answer a request that was given up, and until when."""

    def __str__(self) -> str:
        return self._settings.endpoint

    async def read(self, unit: int, address: int, count: int) -> bytes:
        return await self._read(unit, READ, address, count)

    async def read_input(self, unit: int, address: int, count: int) -> bytes:
        """Input registers (function 4), else as ``read``."""
        return await self._read(unit, READ_INPUT, address, count)

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        count = checked_write(registers)
        async with self._turn:
            await self._request(unit, WRITE, address, struct.unpack(f">{count}H", registers))

    async def write_one(self, unit: int, address: int, register: bytes) -> None:
        """One register (function 6), else as ``write``."""
        async with self._turn:
            await self._request(unit, WRITE_ONE, address, struct.unpack(">H", register))

    async def close(self) -> None:
        async with self._turn:
            self._drop()

    async def _read(self, unit: int, function: int, address: int, count: int) -> bytes:
        checked_read(count)
        async with self._turn:
            answer = await self._request(unit, function, address, [0] * count)
        return struct.pack(f">{count}H", *answer)

    async def _request(
        self, unit: int, function: int, address: int, registers: Sequence[int]
    ) -> Sequence[int]:
        client = await self._connected()
        self._check_overdue(unit)
        self._complaint = ""
        answered = False
        try:
            async with asyncio.timeout(self._settings.timeout_s) as self._deadline:
                response = await _sent(client, unit, function, address, registers)
            answered = True
        except (TimeoutError, ModbusException, OSError) as error:
            raise self._fault(unit, address, self._complaint or self._silence()) from error
        finally:
            self._deadline = None
            if not answered:
                self._give_up(unit)
        if response.isError():
            reason = EXCEPTIONS.get(response.exception_code, "answers with an error")
            raise RegisterRefused(
                f"{self} unit {unit} {reason} (register {address}, Modbus exception "
                f"{response.exception_code})"
            )
        return response.registers

    async def _connected(self) -> Client:
        if self._client is not None and self._client.connected:
            return self._client
        loop_s = asyncio.get_running_loop().time
        if (wait_s := self._reconnect.wait_s(loop_s())) > 0.0:
            raise DeviceFault(f"{self} cannot be reached; the next attempt is in {wait_s:.1f} s")
        client = self._make_client()
        try:
            connected = await client.connect()
        except ValueError:  # pyserial, of a rate that the port does not have
            connected = False
        except BaseException:
            client.close()
            raise
        if not connected:
            client.close()
            self._reconnect.failed(loop_s())
            raise DeviceFault(f"{self} cannot be reached; {_HINT[self._settings.transport]}")
        self._reconnect.succeeded()
        self._client = client
        return client

    def _make_client(self) -> Client:
        settings = self._settings
        common: dict[str, Any] = {
            "timeout": settings.timeout_s,
            "retries": 0,
            "reconnect_delay": 0,
            "trace_packet": self._on_packet,
            "trace_connect": self._on_connection,
        }
        match settings.transport:
            case Transport.TCP:
                return AsyncModbusTcpClient(
                    settings.host, port=settings.port, framer=FramerType.SOCKET, **common
                )
            case Transport.TLS:
                assert self._tls is not None  # noqa: S101 - made at the beginning
                return AsyncModbusTlsClient(settings.host, port=settings.port, sslctx=self._tls, **common)
            case Transport.RTU:
                return AsyncModbusSerialClient(
                    settings.port_path,
                    framer=FramerType.RTU,
                    baudrate=settings.baud,
                    parity=_PARITY[settings.parity],
                    **common,
                )

    def _give_up(self, unit: int) -> None:
        if self._settings.transport is Transport.RTU:
            now_s = asyncio.get_running_loop().time()
            self._overdue[unit] = now_s + self._settings.timeout_s
        else:
            self._drop()

    def _check_overdue(self, unit: int) -> None:
        """Forget who has had time enough to answer.

        Raises:
            DeviceFault: the unit itself has not.
        """
        if not self._overdue:
            return
        now_s = asyncio.get_running_loop().time()
        self._overdue = {other: until_s for other, until_s in self._overdue.items() if until_s > now_s}
        if (until_s := self._overdue.get(unit)) is not None:
            raise DeviceFault(
                f"{self} unit {unit} may still answer its last request; the next one is in "
                f"{until_s - now_s:.1f} s"
            )

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        transport = client.ctx.transport
        client.close()
        if self._tls is not None and isinstance(transport, asyncio.Transport):
            # A device that says nothing would not say goodbye either, and TLS would wait for it.
            transport.abort()

    def _on_packet(self, sending: bool, packet: bytes) -> bytes:  # noqa: FBT001
        """See every packet; pymodbus gets whole right answers only."""
        if sending:
            self._sent, self._received = packet, 0
            return packet
        self._received = len(packet)
        if self._deadline is None:
            return b""
        verdict = self._verdict(packet)
        if verdict.complaint is not None:
            self._complain(verdict.complaint)
        return verdict.answer

    def _verdict(self, packet: bytes) -> Verdict:
        if self._settings.transport is Transport.RTU:
            return rtu_verdict(self._sent, packet, self._overdue)
        return tcp_verdict(self._sent, packet)

    def _on_connection(self, connected: bool) -> None:  # noqa: FBT001
        if not connected:
            self._complaint = self._complaint or "closed the connection instead of answering"
            self._end_waiting()

    def _complain(self, complaint: str) -> None:
        self._complaint = self._complaint or complaint
        # A serial line is left to fall silent: whoever speaks now may not have finished.
        if self._settings.transport is not Transport.RTU:
            self._end_waiting()

    def _end_waiting(self) -> None:
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())

    def _silence(self) -> str:
        timeout_s = self._settings.timeout_s
        if self._received:
            return f"sent only {self._received} bytes of an answer within {timeout_s:g} s"
        return f"did not answer within {timeout_s:g} s"

    def _fault(self, unit: int, address: int, reason: str) -> DeviceFault:
        return DeviceFault(f"{self} unit {unit} {reason} (register {address})")


async def _sent(
    client: Client, unit: int, function: int, address: int, registers: Sequence[int]
) -> ModbusPDU:
    match function:
        case frames.READ:
            return await client.read_holding_registers(address, count=len(registers), device_id=unit)
        case frames.READ_INPUT:
            return await client.read_input_registers(address, count=len(registers), device_id=unit)
        case frames.WRITE_ONE:
            return await client.write_register(address, registers[0], device_id=unit)
        case _:
            return await client.write_registers(address, list(registers), device_id=unit)


def _tls_context(settings: LinkSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except OSError as error:
        files = ", ".join(
            str(file) for file in (settings.ca_file, settings.cert_file, settings.key_file) if file
        )
        raise ConfigurationFault(
            f"{settings.endpoint} needs TLS, and {files} cannot be used: {error.strerror or error}"
        ) from error
    return context
