"""A vendor's registers in memory, as a link: holding and input, read and written by all four functions."""

import struct
from collections.abc import Collection

from edge_agent.devices.link import RegisterRefused

UNIT = 1
Asked = tuple[int, int, int]
"""Function, address, number of registers."""


class FakeRegisters:
    """``holding`` and ``inputs`` are registers by address on the wire; others are refused.

    ``frozen`` registers acknowledge writes and do nothing.
    """

    def __init__(self, holding: dict[int, int], inputs: dict[int, int] | None = None) -> None:
        self.holding, self.inputs = dict(holding), dict(inputs or {})
        self.asked: list[Asked] = []
        self.frozen: Collection[int] = ()

    def __str__(self) -> str:
        return "registers:1"

    @property
    def writes(self) -> list[Asked]:
        return [asked for asked in self.asked if asked[0] in {6, 16}]

    async def read(self, unit: int, address: int, count: int) -> bytes:
        return self._read(3, unit, address, count, self.holding)

    async def read_input(self, unit: int, address: int, count: int) -> bytes:
        return self._read(4, unit, address, count, self.inputs)

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        self._write(16, unit, address, registers)

    async def write_one(self, unit: int, address: int, register: bytes) -> None:
        self._write(6, unit, address, register)

    async def close(self) -> None:
        """Nothing is open."""

    def put(self, address: int, raw: bytes, *, inputs: bool = False) -> None:
        """Lay bytes from an address on."""
        space = self.inputs if inputs else self.holding
        for place, value in enumerate(struct.unpack(f">{len(raw) // 2}H", raw)):
            space[address + place] = value

    def get(self, address: int, count: int = 1) -> bytes:
        return struct.pack(f">{count}H", *(self.holding[address + place] for place in range(count)))

    def _read(self, function: int, unit: int, address: int, count: int, space: dict[int, int]) -> bytes:
        self.asked.append((function, address, count))
        wanted = range(address, address + count)
        if unit != UNIT or any(place not in space for place in wanted):
            raise RegisterRefused(f"{self} unit {unit} has no such register ({address})")
        return struct.pack(f">{count}H", *(space[place] for place in wanted))

    def _write(self, function: int, unit: int, address: int, registers: bytes) -> None:
        count = len(registers) // 2
        self.asked.append((function, address, count))
        if unit != UNIT or any(place not in self.holding for place in range(address, address + count)):
            raise RegisterRefused(f"{self} unit {unit} has no such register ({address})")
        if address not in self.frozen:
            self.put(address, registers)
