"""Up, durable: what became of a command."""

from datetime import datetime
from enum import StrEnum

import msgspec

from vpp_core.ids import CommandId, DerId, SiteId


class ReceiptStatus(StrEnum):
    ACCEPTED = "accepted"
    CLAMPED = "clamped"
    """Accepted within the envelope: ``setpoint_w`` says what will be done."""
    REJECTED = "rejected"
    STARTED = "started"
    """The first setpoint was written and read back from the device."""
    COMPLETED = "completed"
    EXPIRED = "expired"
    """Reached its time to live, or arrived after it."""
    FAILED = "failed"
    """The device refused the write, or did not read back."""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    v: int = 1
    site_id: SiteId
    seq: int
    command_id: CommandId
    revision: int
    der_id: DerId
    at: datetime
    status: ReceiptStatus
    reason: str = ""
    setpoint_w: float | None = None
