"""Operating faults: declared, coded, sorted by culprit; and the form in which they travel.

Expected outcomes are values, programmer errors are assertions; a fault is what remains: the world is
not as it must be, and somebody has to know.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

EXIT_FAULT = 2
"""Exit code of every command that ends on a fault."""


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ALARM = "alarm"


class Fault(Exception):
    """A declared fault; ``code`` names its kind, the message says what happened and what to do."""

    code = "fault"


class LocalFault(Fault):
    """Our side: configuration, storage, the machine."""

    code = "local"


class RemoteFault(Fault):
    """The other side: a device, the broker, a market, a utility."""

    code = "remote"


class ConfigurationFault(LocalFault):
    code = "configuration"


class StorageFault(LocalFault):
    code = "storage"


class DeviceFault(RemoteFault):
    code = "device"


class BrokerFault(RemoteFault):
    code = "broker"


class CounterpartyFault(RemoteFault):
    """A market, a utility or another system did not answer as agreed."""

    code = "counterparty"


class FaultEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that was raised, and perhaps cleared, as it travels in state messages."""

    code: str
    severity: Severity
    source: str
    """The device or part that is concerned."""
    text: str
    raised_at: datetime
    cleared_at: datetime | None = None


def fault_in(error: BaseException) -> Fault | None:
    """The first fault in an error or in a task group's error, if all that is in it are faults."""
    if isinstance(error, Fault):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = [fault_in(inner) for inner in error.exceptions]
    return None if None in found else found[0]
