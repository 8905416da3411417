"""The registers of a device with a vendor's own map, apart from any transport."""

from collections.abc import Callable, Mapping

from simulators.devices.image import NotWritable, Values, WriteTarget
from simulators.devices.vendor.table import READ_INPUT, WRITE_MANY, WRITE_ONE, Access, Gaps, Row, Space, Table
from simulators.devices.wire.pdu import Refusal, Refused, answer, exception_response


class VendorImage:
    """Register image of one unit by a :class:`Table`; the same contract as the image of SunSpec models.

    A read begins and ends at the borders of points, and so does a write: half a value is refused.

    Args:
        table: the map.
        advance: brings the device up to the present and returns it (Unix seconds); called on every access.
        live: the values of all readable points by name, in their units; called after ``advance``.
        target: takes what is written; nothing where no point is writable.
    """

    def __init__(
        self,
        table: Table,
        advance: Callable[[], float],
        live: Callable[[], Values],
        target: WriteTarget | None = None,
    ) -> None:
        self.table = table
        self._spaces = {space: _Space(table, space, advance, live, target) for space in Space}

    def respond(self, pdu: bytes) -> bytes:
        """The response to a Modbus request PDU; any bytes get one, at worst an exception response."""
        function = pdu[0] if pdu else 0
        if function not in self.table.functions:
            return exception_response(pdu, Refusal.FUNCTION)
        return answer(pdu, self._spaces[Space.INPUT if function == READ_INPUT else Space.HOLDING])


class _Space:
    """The registers of one space."""

    def __init__(
        self,
        table: Table,
        space: Space,
        advance: Callable[[], float],
        live: Callable[[], Values],
        target: WriteTarget | None,
    ) -> None:
        self._table = table
        self._rows = table.of(space)
        self._begins = {row.address: row for row in self._rows}
        self._end = self._rows[-1].end if self._rows else 0
        self._advance, self._live, self._target = advance, live, target

    def read(self, address: int, count: int) -> bytes:
        """Registers as big-endian bytes.

        Raises:
            Refused: too many registers, a part of a point, a gap or a point that is only written.
        """
        if count > self._table.read_count_max:
            raise Refused(Refusal.VALUE)
        rows = self._touched(address, count)
        if any(row.access is Access.WRITE for row in rows):
            raise Refused(Refusal.ADDRESS)
        self._advance()
        values, memory = self._live(), bytearray()
        for row in rows:
            memory += bytes(2 * (row.address - address) - len(memory))
            memory += row.encode(values.get(row.name), self._table.words)
        return bytes(memory.ljust(2 * count, b"\0"))

    def write(self, address: int, registers: bytes) -> None:
        """Write big-endian register bytes: all of them, or nothing.

        Raises:
            Refused: a point may not be written, or a value is out of range.
        """
        count = len(registers) // 2
        if count > self._table.write_count_max:
            raise Refused(Refusal.VALUE)
        rows = self._touched(address, count)
        if sum(row.size for row in rows) != count or any(row.access is Access.READ for row in rows):
            raise Refused(Refusal.ADDRESS)
        changes = {row.name: self._decode(row, address, registers) for row in rows}
        now_s = self._advance()
        assert self._target is not None  # noqa: S101 - a table with writable points comes with a target
        self._check(changes)
        self._target.write(changes, now_s)

    def _touched(self, address: int, count: int) -> list[Row]:
        """The points in a range of registers, which must hold whole points.

        Raises:
            Refused: the range cuts a point, or has registers that are none.
        """
        end = address + count
        rows = [row for row in self._rows if row.address < end and address < row.end]
        whole = not rows or (rows[0].address >= address and rows[-1].end <= end)
        filled = sum(row.size for row in rows) == count
        may_gap = self._table.gaps is Gaps.ZERO and end <= self._end
        if not whole or not (filled or may_gap):
            raise Refused(Refusal.ADDRESS)
        return rows

    def _decode(self, row: Row, address: int, registers: bytes) -> float:
        first = 2 * (row.address - address)
        value = row.decode(registers[first : first + 2 * row.size], self._table.words)
        if not row.permits(value):
            raise Refused(Refusal.VALUE)
        return value

    def _check(self, changes: Mapping[str, float]) -> None:
        assert self._target is not None  # noqa: S101
        try:
            self._target.check(changes)
        except ValueError as error:
            raise Refused(Refusal.VALUE) from error
        except NotWritable as error:
            raise Refused(Refusal.ADDRESS) from error


def writes(table: Table) -> bool:
    """Whether a table has points that a controller can write."""
    return bool(table.functions & {WRITE_ONE, WRITE_MANY}) and any(
        row.access is not Access.READ for row in table.rows
    )
