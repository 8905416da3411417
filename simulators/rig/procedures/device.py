"""The device under test: a small SunSpec client over Modbus/TCP, for procedures only."""

import asyncio
import struct
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from simulators.devices.models import Model, model
from vpp_core.faults import DeviceFault

ANSWER_S_MAX = 3.0
"""Real seconds that one request may take."""
_BASE = 40_000
_MARKER = b"SunS"
_END = 0xFFFF
_MODELS_MAX = 64
_HEADER = struct.Struct(">HHHB")
_READ, _WRITE = 3, 16
_EXCEPTION_BIT = 0x80


class DeviceUnderTest:
    """Reads and writes points by model and name. An asynchronous context manager."""

    def __init__(self, host: str, port: int, unit: int) -> None:
        self._name = f"{host}:{port} unit {unit}"
        self._host, self._port, self._unit = host, port, unit
        self._starts: dict[int, int] = {}
        self._transaction = 0

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise DeviceFault(f"No connection to {self._name}; check address and port.") from error
        try:
            await self._scan()
        except DeviceFault:
            self._writer.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    @property
    def models(self) -> list[int]:
        return list(self._starts)

    async def read(self, number: int, name: str) -> float:
        """The value of a point in its unit.

        Raises:
            DeviceFault: no answer, no such model, or the point is not implemented.
        """
        point = self._plan(number).points[name]
        exponent = await self._exponent(number, name)
        coded = await self._read_registers(self._starts[number] + point.offset, point.size)
        value = point.decode(coded, exponent)
        if value is None:
            raise DeviceFault(f"{self._name} does not implement {number}.{name}; choose another device.")
        return value

    async def read_text(self, name: str) -> str:
        """A text of model 1."""
        point = self._plan(1).points[name]
        coded = await self._read_registers(self._starts[1] + point.offset, point.size)
        return coded.rstrip(b"\0").decode(errors="replace")

    async def write(self, number: int, values: Mapping[str, float]) -> None:
        """Write points one after the other, in the order given.

        Raises:
            DeviceFault: no answer, or a write was refused.
        """
        for name, value in values.items():
            point = self._plan(number).points[name]
            registers = point.encode(value, await self._exponent(number, name))
            start = self._starts[number] + point.offset
            head = struct.pack(">BHHB", _WRITE, start, point.size, len(registers))
            await self._ask(head + registers, f"writing {number}.{name}")

    async def _scan(self) -> None:
        if await self._read_registers(_BASE, 2) != _MARKER:
            raise DeviceFault(f"{self._name} shows no SunSpec map at register {_BASE}; check the unit id.")
        start = _BASE + 2
        for _ in range(_MODELS_MAX):
            number, length = struct.unpack(">HH", await self._read_registers(start, 2))
            if number == _END:
                return
            self._starts[number] = start
            start += 2 + length
        raise DeviceFault(f"{self._name} shows more than {_MODELS_MAX} models; its map has no end.")

    def _plan(self, number: int) -> Model:
        if number not in self._starts:
            raise DeviceFault(f"{self._name} has no SunSpec model {number}; choose another device.")
        return model(number)

    async def _exponent(self, number: int, name: str) -> int:
        factor = self._plan(number).points[name].scale_factor
        return int(await self.read(number, factor)) if factor else 0

    async def _read_registers(self, address: int, count: int) -> bytes:
        answer = await self._ask(struct.pack(">BHH", _READ, address, count), f"reading register {address}")
        if len(answer) != 2 + 2 * count:
            raise DeviceFault(f"{self._name} answers with {len(answer) - 2} bytes for {count} registers.")
        return answer[2:]

    async def _ask(self, pdu: bytes, doing: str) -> bytes:
        self._transaction = (self._transaction + 1) % 0x1_0000
        self._writer.write(_HEADER.pack(self._transaction, 0, len(pdu) + 1, self._unit) + pdu)
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                header = await self._reader.readexactly(_HEADER.size)
                transaction, _, length, _ = _HEADER.unpack(header)
                answer = await self._reader.readexactly(length - 1)
        except (OSError, EOFError, TimeoutError) as error:
            raise DeviceFault(f"{self._name} does not answer {doing}.") from error
        if transaction != self._transaction or answer[:1] not in {pdu[:1], bytes((pdu[0] | _EXCEPTION_BIT,))}:
            raise DeviceFault(f"{self._name} answers something else while {doing}.")
        if answer[0] != pdu[0]:
            raise DeviceFault(f"{self._name} refuses {doing} (Modbus exception {answer[1]}).")
        return answer
