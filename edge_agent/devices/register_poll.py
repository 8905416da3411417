"""The values of a vendor's map that a poll needs, in as few requests as the device allows."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from edge_agent.devices.functions import read_space
from edge_agent.devices.link import Link
from edge_agent.devices.plan import Value
from edge_agent.devices.register_code import decode, encode, resolution
from firmware_profiles.conduct import Access
from firmware_profiles.registers import Block, Register, Space

_ONE_AND_A_HALF = 1.5
"""Counts by which a value read back elsewhere may differ: both registers round."""


class _Request(NamedTuple):
    space: Space
    address: int
    """On the wire."""
    length: int
    names: tuple[str, ...]


class RegisterPoll:
    """A set of registers by name, read block by block; the counterpart of ``Poll`` for SunSpec models.

    Args:
        registers: the profile's map.
        names: those that are wanted; the ones that they refer to are read with them.
        access: what one request may span.
    """

    def __init__(self, registers: Mapping[str, Register], names: Iterable[str], access: Access) -> None:
        self._registers = registers
        self._offset = access.address_offset
        self._wanted = frozenset(names) & registers.keys()
        self._requests = tuple(_requests(registers, _with_references(registers, self._wanted), access))
        self._raw: dict[str, bytes] = {}

    async def read(self, link: Link, unit: int) -> None:
        """Fetch all of them.

        Raises:
            DeviceFault: no answer, or the device does not have one of them.
        """
        for request in self._requests:
            await self._fetch(link, unit, request)

    async def read_point(self, link: Link, unit: int, point: str) -> Value:
        """Fetch one value in one request; its exponent is the last known one.

        Raises:
            DeviceFault: no answer.
        """
        register = self._registers[point]
        address = register.address + self._offset
        await self._fetch(link, unit, _Request(register.space, address, register.registers, (point,)))
        return self.value(point)

    def __contains__(self, point: str) -> bool:
        return point in self._wanted

    def value(self, point: str) -> Value:
        """A value as it was read last; ``None`` if it was not, or the device has nothing there."""
        if (raw := self._raw.get(point)) is None:
            return None
        register = self._registers[point]
        return decode(register, raw, self._exponent(register))

    def address(self, point: str) -> int:
        return self._registers[point].address + self._offset

    def encode(self, point: str, value: float) -> bytes:
        """A number as registers, by the exponent that was read last.

        Raises:
            Unencodable: the register cannot hold it.
        """
        register = self._registers[point]
        return encode(point, register, value, self._exponent(register))

    def unlike(self, point: str, value: float, coded: bytes) -> str | None:
        """What the device holds instead of a written value, as it was read last; nothing if it holds it."""
        register = self._registers[point]
        if register.readable:
            held = self._raw.get(point, b"")
            return None if held == coded else f"{held.hex()} at {point} instead of {coded.hex()}"
        elsewhere = register.read_back or ""
        seen = self._registers[elsewhere]
        coarse = max(resolution(register, self._exponent(register)), resolution(seen, self._exponent(seen)))
        shown = self.value(elsewhere)
        if isinstance(shown, float) and abs(shown - value) <= _ONE_AND_A_HALF * coarse:
            return None
        return f"{shown} at {elsewhere} instead of {value:g}"

    def can_show(self, point: str) -> bool:
        """Whether a written value can be seen again, there or elsewhere."""
        register = self._registers[point]
        return register.readable or register.read_back is not None

    def is_readable(self, point: str) -> bool:
        return self._registers[point].readable

    def _exponent(self, register: Register) -> Value:
        return self.value(register.exponent) if register.exponent is not None else None

    async def _fetch(self, link: Link, unit: int, request: _Request) -> None:
        answer = await read_space(link, unit, request.space, request.address, request.length)
        for name in request.names:
            register = self._registers[name]
            first = 2 * (register.address + self._offset - request.address)
            self._raw[name] = answer[first : first + 2 * register.registers]


def _with_references(registers: Mapping[str, Register], names: Iterable[str]) -> set[str]:
    """The readable ones of the names, and those that they refer to."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        register = registers[name := waiting.pop()]
        waiting += [
            other for other in (register.read_back, register.exponent) if other and other not in found
        ]
        if register.readable:
            found.add(name)
    return found


def _requests(registers: Mapping[str, Register], names: Iterable[str], access: Access) -> Iterable[_Request]:
    ordered = sorted(names, key=lambda name: (registers[name].space, registers[name].address))
    group: list[str] = []
    for name in ordered:
        if group and not _joins(registers[group[0]], registers[group[-1]], registers[name], access):
            yield _request(registers, group, access)
            group = []
        group.append(name)
    if group:
        yield _request(registers, group, access)


def _joins(first: Register, last: Register, register: Register, access: Access) -> bool:
    """Whether one request may fetch a register together with those before it."""
    if register.space is not first.space:
        return False
    span = Block(first=first.address, last=register.address + register.registers - 1, space=first.space)
    return (
        register.address - (last.address + last.registers) <= access.hole_registers_max
        and span.last - span.first < access.block_registers_max
        and not any(span.overlaps(block) for block in access.forbidden)
    )


def _request(registers: Mapping[str, Register], group: list[str], access: Access) -> _Request:
    first, last = registers[group[0]], registers[group[-1]]
    count = last.address + last.registers - first.address
    return _Request(first.space, first.address + access.address_offset, count, tuple(group))
