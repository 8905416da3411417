"""Faults out of the exception groups that task groups raise, and the one sentence for each."""

from vpp_core.faults import Fault


def fault_in(error: BaseException) -> Fault | None:
    """The first declared fault in an error or group, if all that is in it is a fault."""
    if isinstance(error, Fault):
        return error
    if not isinstance(error, BaseExceptionGroup):
        return None
    found = [fault_in(inner) for inner in error.exceptions]
    return None if None in found else found[0]
