"""Up, durable: the record of something that happened fast."""

from datetime import datetime
from enum import StrEnum

import msgspec

from vpp_core.ids import SiteId


class EventKind(StrEnum):
    FREQUENCY_RESPONSE = "frequency_response"


class EventTrace(msgspec.Struct, frozen=True, kw_only=True):
    """Samples as columns of equal length; ``offset_s`` counts from the trigger, negative before it.

    Raises:
        ValueError: the columns differ in length.
    """

    offset_s: tuple[float, ...]
    frequency_hz: tuple[float, ...]
    demanded_w: tuple[float, ...]
    """Response that the control law asked for, as a change of injection (W)."""
    measured_w: tuple[float, ...]
    """Measured change of the injection of the responding devices since the trigger (W)."""

    def __post_init__(self) -> None:
        lengths = {
            len(self.offset_s),
            len(self.frequency_hz),
            len(self.demanded_w),
            len(self.measured_w),
        }
        if len(lengths) != 1:
            raise ValueError(f"the columns of an event trace differ in length: {sorted(lengths)}")


class EventRecord(msgspec.Struct, frozen=True, kw_only=True):
    v: int = 1
    site_id: SiteId
    seq: int
    event_id: str
    kind: EventKind
    triggered_at: datetime
    trace: EventTrace
