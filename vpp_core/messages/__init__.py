"""The edge-cloud contract, version 1: what a gateway and the cloud say to each other.

Every message carries ``v``, its contract version. Fields are only ever added, with a default: an old
agent keeps working with a new cloud, and ``tests/contract`` fails on anything else.
"""

import msgspec

from vpp_core.messages.config import FrequencyResponse, ReserveStep, SiteConfig
from vpp_core.messages.dispatch import Dispatch, DispatchPriority
from vpp_core.messages.enrollment import CommissioningCheck, Enrollment
from vpp_core.messages.event import EventKind, EventRecord, EventTrace
from vpp_core.messages.receipt import Receipt, ReceiptStatus
from vpp_core.messages.state import ControlState, GatewayState
from vpp_core.messages.telemetry import Acknowledgement, Reading, Telemetry

MESSAGES: dict[str, type[msgspec.Struct]] = {
    "enrollment": Enrollment,
    "telemetry": Telemetry,
    "state": GatewayState,
    "receipt": Receipt,
    "event": EventRecord,
    "command": Dispatch,
    "config": SiteConfig,
    "acknowledgement": Acknowledgement,
}
"""Every message by the last level of its topic."""

__all__ = [
    "MESSAGES",
    "Acknowledgement",
    "CommissioningCheck",
    "ControlState",
    "Dispatch",
    "DispatchPriority",
    "Enrollment",
    "EventKind",
    "EventRecord",
    "EventTrace",
    "FrequencyResponse",
    "GatewayState",
    "Reading",
    "Receipt",
    "ReceiptStatus",
    "ReserveStep",
    "SiteConfig",
    "Telemetry",
]
