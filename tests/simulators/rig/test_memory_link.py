import struct

import pytest

from edge_agent.devices.link import Link
from simulators.rig.virtual.memory_link import MemoryLink
from vpp_core.faults import DeviceFault


class FourRegisters:
    """Registers 40000 to 40003 behind functions 3 and 16."""

    def __init__(self) -> None:
        self.registers = [1, 2, 3, 4]

    def respond(self, pdu: bytes) -> bytes:
        function, address, count = struct.unpack_from(">BHH", pdu)
        first = address - 40_000
        if first < 0 or first + count > len(self.registers):
            return bytes((function | 0x80, 2))
        if function == 3:
            return struct.pack(f">BB{count}H", 3, 2 * count, *self.registers[first : first + count])
        self.registers[first : first + count] = struct.unpack_from(f">{count}H", pdu, 6)
        return struct.pack(">BHH", 16, address, count)


class Garbage:
    def respond(self, pdu: bytes) -> bytes:
        del pdu
        return b"\x2a\x00"


async def test_what_is_written_is_read_back() -> None:
    link: Link = MemoryLink({1: FourRegisters()})
    await link.write(1, 40_001, struct.pack(">2H", 20, 30))
    assert struct.unpack(">4H", await link.read(1, 40_000, 4)) == (1, 20, 30, 4)
    await link.close()


@pytest.mark.parametrize(
    ("unit", "address", "reason"),
    [(1, 50_000, "Modbus exception 2"), (2, 40_000, "something else"), (9, 40_000, "does not answer")],
    ids=["no-such-register", "a-device-that-answers-garbage", "no-such-unit"],
)
async def test_every_failure_is_a_device_fault(unit: int, address: int, reason: str) -> None:
    link = MemoryLink({1: FourRegisters(), 2: Garbage()}, "house 7")
    with pytest.raises(DeviceFault, match=f"house 7 unit {unit} .*{reason}"):
        await link.read(unit, address, 2)


async def test_a_write_that_is_not_acknowledged_is_a_fault() -> None:
    with pytest.raises(DeviceFault, match="another write"):
        await MemoryLink({1: Garbage()}).write(1, 40_000, b"\x00\x01")


async def test_a_pulled_cable_is_a_fault_until_it_is_back() -> None:
    link = MemoryLink({1: FourRegisters()})
    link.broken = True
    with pytest.raises(DeviceFault, match="does not answer"):
        await link.read(1, 40_000, 1)
    link.broken = False
    assert await link.read(1, 40_000, 1) == b"\x00\x01"
