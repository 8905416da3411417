"""The writes of a recipe as requests: encoded, and whole groups in one."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from edge_agent.devices.points import Points
from edge_agent.devices.recipe import Write
from firmware_profiles.conduct import Access


class Coded(NamedTuple):
    """A write with its registers, by the scale factor that was known before it."""

    write: Write
    registers: bytes


class WriteRequest(NamedTuple):
    """One request to write."""

    address: int
    registers: bytes
    wait_ms: float
    """Rest afterwards."""


def coded(writes: Iterable[Write], points: Points) -> list[Coded]:
    """Writes with their registers.

    Raises:
        Unencodable: a register cannot hold its value.
    """
    return [Coded(write, points.encode(write.point, write.value)) for write in writes]


def write_requests(writes: Iterable[Coded], points: Points, access: Access) -> list[WriteRequest]:
    """In the order of writing; registers of one atomic group that follow one another share a request."""
    requests: list[WriteRequest] = []
    before = ""
    for write, registers in writes:
        address, wait_ms = points.address(write.point), max(write.wait_ms, access.write_gap_ms_min)
        last = requests[-1] if requests and _together(before, write.point, access.atomic) else None
        if last is not None and last.address + len(last.registers) // 2 == address:
            requests[-1] = WriteRequest(last.address, last.registers + registers, max(wait_ms, last.wait_ms))
        else:
            requests.append(WriteRequest(address, registers, wait_ms))
        before = write.point
    return requests


def difference(writes: Iterable[Coded], points: Points) -> str | None:
    """The first write that the device does not hold, as its points were read last."""
    for write, registers in writes:
        if write.verify and points.can_show(write.point):
            reason = points.unlike(write.point, write.value, registers)
            if reason is not None:
                return reason
    return None


def _together(left: str, right: str, groups: Sequence[Sequence[str]]) -> bool:
    return any(left in group and right in group for group in groups)
