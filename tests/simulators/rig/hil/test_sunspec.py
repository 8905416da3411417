"""Maps that no device should show end in a sentence, not in a rig that hangs."""

import asyncio
import struct
from collections.abc import Mapping

import pytest

from simulators.rig.hil_bench.sunspec import SunSpecDevice
from vpp_core.faults import DeviceFault

pytestmark = pytest.mark.hil

BASE = 40_000
MARKER = {BASE: 0x5375, BASE + 1: 0x6E53}


class Registers:
    """A client of a device whose registers are 0 unless they are said."""

    name = "device"

    def __init__(self, registers: Mapping[int, int]) -> None:
        self._registers = {**MARKER, **registers}

    async def read(self, address: int, count: int) -> bytes:
        return struct.pack(f">{count}H", *(self._registers.get(address + at, 0) for at in range(count)))


def device(registers: Mapping[int, int]) -> SunSpecDevice:
    return SunSpecDevice(Registers(registers))  # type: ignore[arg-type]


@pytest.mark.parametrize("length", [25_533, 65_535])
def test_a_model_that_goes_beyond_the_last_register_is_a_map_without_end(length: int) -> None:
    with pytest.raises(DeviceFault, match="without end: model 1 goes beyond the last"):
        asyncio.run(device({BASE + 2: 1, BASE + 3: length}).scan())


def test_models_without_length_are_a_map_without_end() -> None:
    with pytest.raises(DeviceFault, match="more than 64 models"):
        asyncio.run(device(dict.fromkeys(range(BASE + 2, BASE + 400, 2), 1)).scan())


@pytest.mark.parametrize(("curves", "points"), [(60_000, 60_000), (3, 1_000), (1_000, 0)])
def test_curves_that_the_length_of_a_model_cannot_hold_are_refused(curves: int, points: int) -> None:
    plan_705 = {BASE + 2: 705, BASE + 3: 64, BASE + 7: points, BASE + 8: curves, BASE + 68: 0xFFFF}

    async def plan() -> None:
        unit = device(plan_705)
        await unit.scan()
        await unit.plan(705)

    with pytest.raises(DeviceFault, match="more than its 64 registers hold"):
        asyncio.run(plan())
