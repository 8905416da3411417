"""Modbus without a wire: requests go straight to a simulated device's register image."""

import struct
from collections.abc import Mapping
from typing import Protocol

from edge_agent.devices.link import RegisterRefused
from vpp_core.faults import DeviceFault

_READ = 3
_WRITE = 16
_EXCEPTION = 0x80


class Responder(Protocol):
    """A device's registers behind the Modbus application protocol."""

    def respond(self, pdu: bytes) -> bytes:
        """The answer to one request: function code and data, no header and no unit."""
        ...


class MemoryLink:
    """One endpoint with its units; satisfies the edge's `Link`.

    ``broken`` makes every request fail, as a pulled cable does.
    """

    def __init__(self, units: Mapping[int, Responder], name: str = "memory") -> None:
        self._units = units
        self._name = name
        self.broken = False

    def __str__(self) -> str:
        return self._name

    async def read(self, unit: int, address: int, count: int) -> bytes:
        answer = self._ask(unit, address, struct.pack(">BHH", _READ, address, count))
        if answer[:2] != bytes((_READ, 2 * count)) or len(answer) != 2 + 2 * count:
            raise self._fault(unit, address, "answered with something else than was asked")
        return answer[2:]

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        count = len(registers) // 2
        head = struct.pack(">BHHB", _WRITE, address, count, len(registers))
        answer = self._ask(unit, address, head + registers)
        if answer != struct.pack(">BHH", _WRITE, address, count):
            raise self._fault(unit, address, "acknowledged another write than ours")

    async def close(self) -> None:
        """Nothing is open."""

    def _ask(self, unit: int, address: int, pdu: bytes) -> bytes:
        if self.broken or unit not in self._units:
            raise self._fault(unit, address, "does not answer")
        answer = self._units[unit].respond(pdu)
        if answer and answer[0] == pdu[0] | _EXCEPTION:
            raise RegisterRefused(
                f"{self._name} unit {unit} answers with Modbus exception {answer[1]} (register {address})"
            )
        return answer

    def _fault(self, unit: int, address: int, reason: str) -> DeviceFault:
        return DeviceFault(f"{self._name} unit {unit} {reason} (register {address})")
