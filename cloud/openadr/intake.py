"""From an OpenADR 2.0b event, as a VEN decoded it, to a notice that the rest of us understands.

The VEN's dictionary follows the names of the standard (EventDescriptor, ActivePeriod, EventSignal). What
we cannot follow exactly is refused with a reason, never guessed.

The power of a ``LOAD_DISPATCH`` set-point counts what the program delivers above its baseline, injection
positive; a ``delta`` counts load, so that a reduction is negative there. Without a unit it is kW, as
contracted.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from vpp_core.ids import ProgramId
from vpp_core.interval import Interval
from vpp_core.sign import SignConvention

SI_SCALE = {"none": 1.0, "k": 1e3, "M": 1e6}
SIMPLE_LEVELS = (0, 1, 2, 3)


class EventStatus(StrEnum):
    """Where the VTN says the event is; ours follows from the clock, except that a cancellation counts."""

    PENDING = "pending"
    CANCELLED = "cancelled"


class Opt(StrEnum):
    IN = "optIn"
    OUT = "optOut"


class GridEventNotice(msgspec.Struct, frozen=True, kw_only=True):
    """One modification of a utility's event."""

    source: str
    event_id: str
    modification: int
    status: EventStatus
    program_id: ProgramId
    interval: Interval
    target_w: float
    """Change of injection asked for (W, magnitude upward)."""
    level: int | None = None
    """SIMPLE level 0-3 in place of a target; the program's table says what part of its capability it is."""


class Refused(msgspec.Struct, frozen=True):
    """An event that we do not take, and why."""

    event_id: str
    modification: int
    reason: str


class _Unsupported(ValueError):
    pass


def read_event(
    event: Mapping[str, Any], *, source: str, programs: Mapping[str, ProgramId]
) -> GridEventNotice | Refused:
    """The notice in an event; ``programs`` maps the market contexts that we have agreed on."""
    descriptor = _mapping(event, "event_descriptor")
    event_id = str(descriptor.get("event_id", ""))
    modification = int(descriptor.get("modification_number", 0))
    try:
        return _notice(event, descriptor, source, programs)
    except _Unsupported as unsupported:
        return Refused(event_id, modification, str(unsupported))


def _notice(
    event: Mapping[str, Any],
    descriptor: Mapping[str, Any],
    source: str,
    programs: Mapping[str, ProgramId],
) -> GridEventNotice:
    context = str(descriptor.get("market_context"))
    program_id = programs.get(context)
    if program_id is None:
        raise _Unsupported(f"the market context {context} is no program of ours")
    cancelled = str(descriptor.get("event_status")).lower().startswith("cancel")
    target_w, level = (0.0, None) if cancelled else _signal(event)
    return GridEventNotice(
        source=source,
        event_id=str(descriptor["event_id"]),
        modification=int(descriptor.get("modification_number", 0)),
        status=EventStatus.CANCELLED if cancelled else EventStatus.PENDING,
        program_id=program_id,
        interval=_active_period(event),
        target_w=target_w,
        level=level,
    )


def _active_period(event: Mapping[str, Any]) -> Interval:
    period = _mapping(event, "active_period")
    start, duration = period.get("dtstart"), period.get("duration")
    if not isinstance(start, datetime) or not isinstance(duration, timedelta):
        raise _Unsupported("the event has no start or no duration")
    if duration <= timedelta():
        raise _Unsupported("an event without an end is not contracted")
    return Interval.of(start, duration.total_seconds())


def _signal(event: Mapping[str, Any]) -> tuple[float, int | None]:
    """Target in W and level of the one signal that we follow.

    A utility may send SIMPLE beside the exact signal for devices that know nothing else.
    """
    signals = _signals(event)
    names = [str(signal.get("signal_name")) for signal in signals]
    if "LOAD_DISPATCH" in names:
        signal = signals[names.index("LOAD_DISPATCH")]
        return _load_dispatch_w(signal), None
    if "SIMPLE" in names:
        level = _payload(signals[names.index("SIMPLE")])
        if level not in SIMPLE_LEVELS:
            raise _Unsupported(f"SIMPLE has the levels 0 to 3, not {level:g}")
        return 0.0, int(level)
    raise _Unsupported(f"the signal {', '.join(names) or 'of an empty event'} is not supported")


def _load_dispatch_w(signal: Mapping[str, Any]) -> float:
    measurement = signal.get("measurement") or {}
    unit, scale = measurement.get("unit", "W"), measurement.get("scale", "k")
    if unit != "W" or scale not in SI_SCALE:
        raise _Unsupported(f"a dispatch is a power in W, kW or MW, not in {scale} {unit}")
    match signal.get("signal_type"):
        case "setpoint":
            sign = SignConvention.INJECTION_POSITIVE
        case "delta":
            sign = SignConvention.CONSUMPTION_POSITIVE
        case other:
            raise _Unsupported(f"LOAD_DISPATCH of the type {other} is not supported")
    target_w = sign.to_core(_payload(signal) * SI_SCALE[scale])
    if target_w <= 0.0:
        raise _Unsupported("the program only adds injection; this event asks for less")
    return target_w


def _payload(signal: Mapping[str, Any]) -> float:
    """The one value of all intervals of a signal."""
    values = {float(interval.get("signal_payload", 0.0)) for interval in signal.get("intervals") or ()}
    if len(values) != 1:
        raise _Unsupported("a target that changes within the event is not supported")
    return values.pop()


def _signals(event: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    signals = event.get("event_signals") or ()
    if isinstance(signals, Mapping):
        signals = signals.get("event_signals") or ()
    return list(signals)


def _mapping(event: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = event.get(name)
    return part if isinstance(part, Mapping) else {}
