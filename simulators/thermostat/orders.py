"""What a thermostat may be asked for, apart from the words of any protocol."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class CapKind(StrEnum):
    """What a bound of power is measured in."""

    POWER = "power"
    """W of consumption."""
    SHARE = "share"
    """Of the rated power, 0 .. 1."""
    REDUCTION = "reduction"
    """W below the baseline."""
    MULTIPLE = "multiple"
    """Of the baseline."""


class Cap(NamedTuple):
    """A bound of the mean consumption. The baseline is that of the hour before the event."""

    kind: CapKind
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is in force at an instant."""

    event_id: str = ""
    """Empty: no event."""
    begins_s: float = 0.0
    """When the event began, in Unix seconds."""
    offset_k: float = 0.0
    """Away from comfort: up while cooling, down while heating."""
    setpoint_c: float | None = None
    """Takes the place of the occupant's."""
    cap: Cap | None = None
    off: bool = False
    """The compressor stays off."""


NO_ORDER = Order()
