"""A vendor's register map as data, readable like the table in its data sheet."""

import struct
from dataclasses import dataclass
from enum import Enum, StrEnum
from itertools import pairwise

from simulators.devices.models import Value

READ_HOLDING, READ_INPUT, WRITE_ONE, WRITE_MANY = 3, 4, 6, 16


class Kind(Enum):
    """How a value is coded, big-endian: its struct format, and the registers that it takes."""

    U16 = ("H", 1)
    I16 = ("h", 1)
    U32 = ("I", 2)
    I32 = ("i", 2)
    F32 = ("f", 2)
    TEXT = ("", 0)


class Space(StrEnum):
    """The two spaces of registers: an address means something else in each."""

    HOLDING = "holding"
    INPUT = "input"


class Access(StrEnum):
    READ = "r"
    WRITE = "w"
    """Reading it is refused."""
    BOTH = "rw"


class Words(StrEnum):
    """Which register of a longer value comes first."""

    BIG = "big"
    LITTLE = "little"


class Gaps(StrEnum):
    """What a read gets for registers between the points."""

    REFUSED = "refused"
    """Exception 2."""
    ZERO = "zero"
    """Zero, up to the last point of the space."""


class ImpossibleTable(ValueError):
    """Points that no device can have; says which, and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One point.

    ``step`` is what one count stands for, in the unit of the point. ``least`` and ``most`` bound what may
    be written (in the unit of the point), and ``also`` names single values outside of those bounds.
    """

    address: int
    name: str
    kind: Kind
    unit: str = ""
    step: float = 1.0
    access: Access = Access.READ
    space: Space = Space.HOLDING
    least: float | None = None
    most: float | None = None
    also: tuple[float, ...] = ()
    registers: int = 0
    """Length of a text; numbers know theirs."""

    @property
    def size(self) -> int:
        return self.registers or self.kind.value[1]

    @property
    def end(self) -> int:
        """The first register behind it."""
        return self.address + self.size

    def permits(self, value: float) -> bool:
        """Whether a value may be written."""
        if value in self.also:
            return True
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def encode(self, value: Value, words: Words) -> bytes:
        """Register bytes. A number beyond the range saturates; one that is not there reads as zero."""
        if self.kind is Kind.TEXT:
            return str(value or "").encode("ascii", "replace")[: 2 * self.size].ljust(2 * self.size, b"\0")
        number = float(value or 0.0)
        code = self.kind.value[0]
        if self.kind is Kind.F32:
            coded = struct.pack(">f", number / self.step)
        else:
            low, high = _range(self.kind)
            coded = struct.pack(f">{code}", min(max(round(number / self.step), low), high))
        return coded if words is Words.BIG else _swapped(coded)

    def decode(self, registers: bytes, words: Words) -> float:
        """The number in register bytes, in the unit of the point."""
        coded = registers if words is Words.BIG else _swapped(registers)
        return float(struct.unpack(f">{self.kind.value[0]}", coded)[0]) * self.step


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The register map of one device.

    Raises:
        ImpossibleTable: two points share a register, or a text is writable.
    """

    product: str
    rows: tuple[Row, ...]
    functions: frozenset[int]
    """Function codes that it knows; others get exception 1."""
    unit_id: int = 1
    words: Words = Words.BIG
    gaps: Gaps = Gaps.REFUSED
    read_count_max: int = 125
    """Registers in one read; more get exception 3."""
    write_count_max: int = 123

    def __post_init__(self) -> None:
        for space in Space:
            rows = self.of(space)
            for row, following in pairwise(rows):
                if row.end > following.address:
                    raise ImpossibleTable(
                        f"{self.product}: {following.name} at {following.address} lies in {row.name}, "
                        f"which ends before {row.end}"
                    )
        for row in self.rows:
            if row.size < 1:
                raise ImpossibleTable(f"{self.product}: {row.name} has no length")
            if row.kind is Kind.TEXT and row.access is not Access.READ:
                raise ImpossibleTable(f"{self.product}: the text {row.name} cannot be written")

    def of(self, space: Space) -> tuple[Row, ...]:
        """The points of one space by address."""
        return tuple(sorted((row for row in self.rows if row.space is space), key=lambda row: row.address))


def _range(kind: Kind) -> tuple[int, int]:
    bits = 16 * kind.value[1]
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if kind.value[0].islower() else (0, (1 << bits) - 1)


def _swapped(coded: bytes) -> bytes:
    """The registers of a value in the other order."""
    return b"".join(coded[at : at + 2] for at in range(len(coded) - 2, -1, -2))
