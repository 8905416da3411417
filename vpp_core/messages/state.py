"""Up, retained: who is on line and in which state. The last will is the same message, off line."""

from datetime import datetime
from enum import StrEnum

import msgspec

from vpp_core.faults import FaultEvent
from vpp_core.ids import DerId, GatewayId, SiteId


class ControlState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    """Devices answer, nothing is commanded: owner's own use."""
    FOLLOWING = "following"
    """A schedule step is in force."""
    RESPONDING = "responding"
    """Answering grid frequency."""
    FAIL_SAFE = "fail_safe"
    """A needed measurement or device is missing; setpoints have been released."""


class GatewayState(msgspec.Struct, frozen=True, kw_only=True):
    v: int = 1
    site_id: SiteId
    gateway_id: GatewayId
    online: bool
    at: datetime
    session: str
    """Changes with every start of the agent."""
    control_state: ControlState = ControlState.STARTING
    faults: tuple[FaultEvent, ...] = ()
    available: dict[DerId, bool] = {}
    """Per device: answers, and obeys."""
