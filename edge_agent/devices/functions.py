"""The functions of Modbus that not every device needs: reading input registers, writing one register."""

from typing import Protocol, runtime_checkable

from edge_agent.devices.link import Link
from firmware_profiles.registers import Space
from vpp_core.faults import DeviceFault


@runtime_checkable
class MoreFunctions(Protocol):
    """A link that knows functions 4 and 6; failures are those of :class:`edge_agent.devices.link.Link`."""

    async def read_input(self, unit: int, address: int, count: int) -> bytes:
        """Input registers as big-endian bytes (function 4); ``count`` from 1 to 125."""
        ...

    async def write_one(self, unit: int, address: int, register: bytes) -> None:
        """Write one holding register, given as two big-endian bytes (function 6)."""
        ...


async def read_space(link: Link, unit: int, space: Space, address: int, count: int) -> bytes:
    """Registers of one of the two spaces.

    Raises:
        DeviceFault: as for ``Link.read``, or the link does not know function 4.
    """
    if space is Space.HOLDING:
        return await link.read(unit, address, count)
    return await _more(link, 4).read_input(unit, address, count)


async def write_registers(link: Link, unit: int, address: int, registers: bytes, function: int) -> None:
    """Write holding registers; one register alone by the function that the device prefers.

    Raises:
        DeviceFault: as for ``Link.write``, or the link does not know function 6.
    """
    if function == 6 and len(registers) == 2:  # noqa: PLR2004 - bytes of one register
        await _more(link, function).write_one(unit, address, registers)
    else:
        await link.write(unit, address, registers)


def _more(link: Link, function: int) -> MoreFunctions:
    if not isinstance(link, MoreFunctions):
        raise DeviceFault(f"{link} cannot use Modbus function {function}, which this device needs")
    return link
