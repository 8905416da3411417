"""Modbus TCP by pymodbus, the only module that imports it.

pymodbus frames and sends; everything that can go wrong on the wire is judged here, because its client
skips what it does not expect and then waits in silence.
"""

import asyncio
import logging
import struct
from asyncio import Timeout
from collections.abc import Sequence

from pymodbus import FramerType, ModbusException
from pymodbus.client import AsyncModbusTcpClient

from edge_agent.devices.link import REGISTERS_MAX, LinkSettings, RegisterRefused
from vpp_core.faults import DeviceFault

READ = 3
WRITE = 16
WRITE_REGISTERS_MAX = 123

_HEADER = struct.Struct(">HHHB")
_EXCEPTION = 0x80
_EXCEPTION_BYTES = 2
_LENGTH_MIN = 3
_LENGTH_MAX = 254
_RECONNECT_S_MIN = 0.1
_EXCEPTIONS = {
    1: "does not know this function",
    2: "has no such register",
    3: "refuses this value",
    4: "failed while it tried",
    5: "needs longer",
    6: "is busy",
    10: "cannot route to this unit",
    11: "gets no answer from this unit",
}

# Every failure becomes a DeviceFault; pymodbus's own log would say it a second time, with frames.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class ModbusLink:
    """A :class:`edge_agent.devices.link.Link` over TCP: connects when it is asked, one request at a time.

    After any failure the connection is dropped, so a late answer can never be taken for the next one.
    """

    def __init__(self, settings: LinkSettings) -> None:
        self._settings = settings
        self._turn = asyncio.Lock()
        self._client: AsyncModbusTcpClient | None = None
        self._deadline: Timeout | None = None
        self._sent = b""
        self._complaint = ""
        self._received = 0
        self._pause_s = 0.0
        self._retry_at_s = 0.0

    def __str__(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    async def read(self, unit: int, address: int, count: int) -> bytes:
        if not 1 <= count <= REGISTERS_MAX:
            raise ValueError(f"one read takes 1 to {REGISTERS_MAX} registers, not {count}")
        async with self._turn:
            answer = await self._request(unit, READ, address, [0] * count)
        return struct.pack(f">{count}H", *answer)

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        count = len(registers) // 2
        if not 1 <= count <= WRITE_REGISTERS_MAX or len(registers) % 2:
            raise ValueError(f"one write takes 1 to {WRITE_REGISTERS_MAX} registers, not {count}")
        async with self._turn:
            await self._request(unit, WRITE, address, struct.unpack(f">{count}H", registers))

    async def close(self) -> None:
        async with self._turn:
            self._drop()

    async def _request(
        self, unit: int, function: int, address: int, registers: Sequence[int]
    ) -> Sequence[int]:
        client = await self._connected()
        self._complaint = ""
        answered = False
        try:
            async with asyncio.timeout(self._settings.timeout_s) as self._deadline:
                if function == READ:
                    response = await client.read_holding_registers(
                        address, count=len(registers), device_id=unit
                    )
                else:
                    response = await client.write_registers(address, list(registers), device_id=unit)
            answered = True
        except (TimeoutError, ModbusException, OSError) as error:
            raise self._fault(unit, address, self._complaint or self._silence()) from error
        finally:
            self._deadline = None
            if not answered:
                self._drop()
        if response.isError():
            reason = _EXCEPTIONS.get(response.exception_code, "answers with an error")
            raise RegisterRefused(
                f"{self} unit {unit} {reason} (register {address}, Modbus exception "
                f"{response.exception_code})"
            )
        return response.registers

    async def _connected(self) -> AsyncModbusTcpClient:
        if self._client is not None and self._client.connected:
            return self._client
        loop_s = asyncio.get_running_loop().time
        if (wait_s := self._retry_at_s - loop_s()) > 0.0:
            raise DeviceFault(f"{self} cannot be reached; the next attempt is in {wait_s:.1f} s")
        client = AsyncModbusTcpClient(
            self._settings.host,
            port=self._settings.port,
            framer=FramerType.SOCKET,
            timeout=self._settings.timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_packet=self._on_packet,
            trace_connect=self._on_connection,
        )
        if not await client.connect():
            client.close()
            self._pause_s = min(max(2.0 * self._pause_s, _RECONNECT_S_MIN), self._settings.reconnect_s_max)
            self._retry_at_s = loop_s() + self._pause_s
            raise DeviceFault(
                f"{self} cannot be reached; check that the device is on, its address and its port"
            )
        self._pause_s = 0.0
        self._client = client
        return client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _on_packet(self, sending: bool, packet: bytes) -> bytes:  # noqa: FBT001
        """See every packet; an answer that cannot be right ends the waiting at once."""
        if sending:
            self._sent, self._received = packet, 0
            return packet
        self._received = len(packet)
        if (complaint := complaint_about(self._sent, packet)) is None:
            return packet
        self._give_up(complaint)
        return b""

    def _on_connection(self, connected: bool) -> None:  # noqa: FBT001
        if not connected:
            self._give_up("closed the connection instead of answering")

    def _give_up(self, complaint: str) -> None:
        self._complaint = self._complaint or complaint
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())

    def _silence(self) -> str:
        timeout_s = self._settings.timeout_s
        if self._received:
            return f"sent only {self._received} bytes of an answer within {timeout_s:g} s"
        return f"did not answer within {timeout_s:g} s"

    def _fault(self, unit: int, address: int, reason: str) -> DeviceFault:
        return DeviceFault(f"{self} unit {unit} {reason} (register {address})")


def complaint_about(request: bytes, answer: bytes) -> str | None:
    """What is wrong with the bytes received so far, or nothing if they are, or may become, the answer.

    Both are Modbus TCP frames (MODBUS Messaging on TCP/IP V1.0b, 3.1.3): transaction, protocol 0, length,
    unit, function, data.
    """
    if len(answer) <= _HEADER.size:
        return None
    transaction, protocol, length, unit = _HEADER.unpack_from(answer)
    asked_transaction, _, _, asked_unit = _HEADER.unpack_from(request)
    whole = _HEADER.size - 1 + length
    if protocol != 0 or not _LENGTH_MIN <= length <= _LENGTH_MAX:
        return "answered with something that is not Modbus"
    if transaction != asked_transaction or unit != asked_unit:
        return (
            f"answered another question, transaction {transaction} of unit {unit} "
            f"instead of {asked_transaction} of unit {asked_unit}"
        )
    if len(answer) > whole:
        return "answered more than once"
    if len(answer) < whole:
        return None
    return _complaint_about_data(request[_HEADER.size :], answer[_HEADER.size :])


def _complaint_about_data(asked: bytes, data: bytes) -> str | None:
    """The same for the whole answer, from the function on."""
    if data[0] == asked[0] | _EXCEPTION:
        return None if len(data) == _EXCEPTION_BYTES else "answered with a malformed exception"
    if data[0] != asked[0]:
        return f"answered with function {data[0]} instead of {asked[0]}"
    if asked[0] == WRITE:
        return None if data[1:] == asked[1:5] else "acknowledged another write than ours"
    count = int.from_bytes(asked[3:5])
    if len(data) != 2 + 2 * count or data[1] != 2 * count:
        return f"answered with {max(len(data) - 2, 0) // 2} registers instead of {count}"
    return None
