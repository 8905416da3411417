"""The form of a vendor's own register map, for what a device has beside or instead of SunSpec models."""

from enum import StrEnum
from typing import Annotated, Self

import msgspec

Address = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]
RegisterName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$")]
TEXT_REGISTERS_MAX = 32

_SIZES = {
    "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "int64": 4, "uint64": 4, "float32": 2, "float64": 4,
}  # fmt: skip
_TO_CORE = {
    "kW": ("W", 1e3), "kWh": ("Wh", 1e3), "MWh": ("Wh", 1e6), "kvar": ("var", 1e3), "kVA": ("VA", 1e3),
    "mA": ("A", 1e-3), "mV": ("V", 1e-3), "mHz": ("Hz", 1e-3), "mW": ("W", 1e-3), "ms": ("s", 1e-3),
    "min": ("s", 60.0),
}  # fmt: skip
CORE_UNITS = frozenset({"", "W", "Wh", "var", "VA", "V", "A", "Hz", "s", "%"})


class RegisterType(StrEnum):
    """How a value is coded in its registers."""

    INT16 = "int16"
    UINT16 = "uint16"
    INT32 = "int32"
    UINT32 = "uint32"
    INT64 = "int64"
    UINT64 = "uint64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    TEXT = "text"


class Space(StrEnum):
    """Which of the two spaces of registers; the same address means another value in each."""

    HOLDING = "holding"
    """Read by function 3."""
    INPUT = "input"
    """Read by function 4; never written."""


class Order(StrEnum):
    """What comes first: the more significant part, or the less significant one."""

    BIG = "big"
    LITTLE = "little"


class RegisterAccess(StrEnum):
    READ = "r"
    WRITE = "w"
    """Reading it is refused, or tells nothing."""
    BOTH = "rw"


class Block(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Registers from the first to the last, both included."""

    first: Address
    last: Address
    space: Space = Space.HOLDING

    def __post_init__(self) -> None:
        if self.first > self.last:
            raise ValueError("first lies behind last")

    def overlaps(self, other: "Block") -> bool:
        return self.space is other.space and self.first <= other.last and other.first <= self.last


class Register(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value of a vendor's map."""

    address: Address
    """As the vendor counts; ``access.address_offset`` is added on the wire."""
    type: RegisterType
    unit: str = ""
    """As the vendor counts: W, kW, Wh, kWh, MWh, var, VA, V, mV, A, mA, Hz, mHz, s, ms, min, % or nothing."""
    scale: float = 1.0
    """What one count stands for, in that unit."""
    exponent: RegisterName | None = None
    """Another register that holds a power of ten which the count is to be multiplied by as well."""
    size: Annotated[int, msgspec.Meta(ge=1, le=TEXT_REGISTERS_MAX)] | None = None
    """Registers of a text; numbers know theirs."""
    space: Space = Space.HOLDING
    words: Order = Order.BIG
    """The order of the registers of one value."""
    bytes: Order = Order.BIG
    """The order of the bytes in one register."""
    access: RegisterAccess = RegisterAccess.READ
    absent: tuple[int, ...] = ()
    """Raw values, as unsigned numbers of all bits, that mean *not there*."""
    read_back: RegisterName | None = None
    """Where a written value is seen, for a register that is only written."""

    def __post_init__(self) -> None:
        if (self.size is not None) != (self.type is RegisterType.TEXT):
            raise ValueError("size is given for a text, and for nothing else")
        if self.unit not in CORE_UNITS and self.unit not in _TO_CORE:
            raise ValueError(f"the unit {self.unit} is not known")
        if self.scale == 0.0:
            raise ValueError("scale is 0")
        if self.access is not RegisterAccess.READ and self.space is Space.INPUT:
            raise ValueError("an input register cannot be written")
        if self.access is not RegisterAccess.READ and self.type is RegisterType.TEXT:
            raise ValueError("a text is only read")

    @property
    def registers(self: Self) -> int:
        return self.size or _SIZES[self.type]

    @property
    def core_unit(self) -> str:
        """The unit of the decoded value: W for kW, and so on."""
        return _TO_CORE.get(self.unit, (self.unit, 1.0))[0]

    @property
    def one_count(self) -> float:
        """What one count stands for, in the core unit."""
        return self.scale * _TO_CORE.get(self.unit, (self.unit, 1.0))[1]

    @property
    def readable(self) -> bool:
        return self.access is not RegisterAccess.WRITE

    @property
    def writable(self) -> bool:
        return self.access is not RegisterAccess.READ
