"""Down: setpoints for one device, with a time to live."""

from datetime import datetime
from enum import IntEnum

import msgspec

from vpp_core.ids import CommandId, DerId, SiteId
from vpp_core.schedule import Schedule


class DispatchPriority(IntEnum):
    """Arbitration order among commands; the smaller number wins (design, invariant 1)."""

    EMERGENCY = 4
    EVENT = 5
    """An instruction of a utility or system operator for a contracted program."""
    MARKET = 6
    """A schedule that follows from an award."""


class Dispatch(msgspec.Struct, frozen=True, kw_only=True):
    """Setpoints of one device. A newer revision of the same command replaces it; replays do nothing."""

    v: int = 1
    command_id: CommandId
    revision: int
    site_id: SiteId
    der_id: DerId
    issued_at: datetime
    expires_at: datetime
    """Nothing of this command is in force from here on, whatever its steps say."""
    priority: DispatchPriority
    schedule: Schedule
    """Setpoints in W, injection positive: absolute for a battery, the allowed charge (negative) for an
    EVSE, the allowed injection for PV. An empty schedule cancels the command."""
    reason: str = ""
