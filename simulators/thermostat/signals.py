"""An OpenADR 2.0b event, as openleadr hands it over, read into what a thermostat can do.

One signal of an event is followed: the one that says most exactly what is wanted. A device that knows a
better signal passes over SIMPLE, which utilities send beside it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from math import inf
from typing import Any

from simulators.thermostat.orders import Cap, CapKind, Order

SI_SCALE = {"none": 1.0, "k": 1e3, "M": 1e6}
_WATT = "W"
PERCENT = 100.0


class DispatchMeaning(StrEnum):
    """What the setpoint of a LOAD_DISPATCH counts."""

    LOAD = "load"
    """The power that may be drawn (the OpenADR 2.0b profile)."""
    REDUCTION = "reduction"
    """The power to give up against the baseline: the contract of this project's simulated utility."""


class UnsupportedEvent(ValueError):
    """Not something that a thermostat can do; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What the events of a utility mean to one thermostat."""

    level_offsets_k: tuple[float, float, float] = (0.0, 1.5, 3.0)
    """Away from comfort at the levels 0, 1 and 2; level 3 switches off."""
    dispatch: DispatchMeaning = DispatchMeaning.REDUCTION


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One interval of an event, in seconds from its start; the last one may be without end."""

    begins_s: float
    ends_s: float
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One version of one event."""

    event_id: str
    modification: int
    cancelled: bool
    priority: int
    """The lower the more important; 0 is the least (OpenADR 2.0b, 8.1)."""
    start_s: float
    """Unix seconds, before any random shift."""
    start_after_s: float
    """The start may be shifted at random by up to so much."""
    steps: tuple[Step, ...]
    answer_wanted: bool


def identity(event: Mapping[str, Any]) -> tuple[str, int]:
    """Id and modification number of an event, whatever else is in it; without a number it is version 0."""
    descriptor = _part(event, "event_descriptor")
    try:
        modification = int(descriptor.get("modification_number", 0))
    except (TypeError, ValueError):
        modification = 0
    return str(descriptor.get("event_id", "")), modification


def answer_wanted(event: Mapping[str, Any]) -> bool:
    return str(event.get("response_required", "always")) == "always"


def read_notice(event: Mapping[str, Any], program: Program) -> Notice:
    """What an event asks for.

    Raises:
        UnsupportedEvent: nothing that a thermostat can do, or figures that are none.
    """
    try:
        return _notice(event, program)
    except UnsupportedEvent:
        raise
    except (TypeError, ValueError) as error:
        raise UnsupportedEvent(f"the event cannot be read ({error})") from error


def _notice(event: Mapping[str, Any], program: Program) -> Notice:
    event_id, modification = identity(event)
    descriptor, period = _part(event, "event_descriptor"), _part(event, "active_period")
    cancelled = str(descriptor.get("event_status")).lower().startswith("cancel")
    start = period.get("dtstart")
    if not isinstance(start, datetime):
        raise UnsupportedEvent("the event has no start")
    length_s = _seconds(period.get("duration")) or inf
    return Notice(
        event_id=event_id,
        modification=modification,
        cancelled=cancelled,
        priority=int(descriptor.get("priority") or 0),
        start_s=start.timestamp(),
        start_after_s=_seconds(_tolerance(period)),
        steps=() if cancelled else tuple(_steps(event, event_id, start.timestamp(), length_s, program)),
        answer_wanted=answer_wanted(event),
    )


def _steps(
    event: Mapping[str, Any], event_id: str, start_s: float, length_s: float, program: Program
) -> list[Step]:
    signal, read = _best_signal(event)
    steps, begins_s = [], 0.0
    intervals = signal.get("intervals") or ()
    for number, interval in enumerate(intervals, start=1):
        duration_s = _seconds(interval.get("duration"))
        is_last = number == len(intervals)
        ends_s = length_s if is_last or not duration_s else min(begins_s + duration_s, length_s)
        asked = read(signal, float(interval.get("signal_payload") or 0.0), program)
        order = Order(
            event_id=event_id,
            begins_s=start_s,
            offset_k=asked.offset_k,
            setpoint_c=asked.setpoint_c,
            cap=asked.cap,
            off=asked.off,
        )
        steps.append(Step(begins_s=begins_s, ends_s=ends_s, order=order))
        begins_s = ends_s
    if not steps:
        raise UnsupportedEvent("the signal has no intervals")
    return steps


Signal = Mapping[str, Any]
Read = Callable[[Signal, float, Program], Order]


def _simple(signal: Signal, value: float, program: Program) -> Order:
    del signal
    return _level(value, program)


def _level(value: float, program: Program) -> Order:
    if value not in {0.0, 1.0, 2.0, 3.0}:
        raise UnsupportedEvent(f"there are the levels 0 to 3, not {value:g}")
    level = int(value)
    if level == len(program.level_offsets_k):
        return Order(off=True)
    return Order(offset_k=program.level_offsets_k[level])


def _load_control(signal: Signal, value: float, program: Program) -> Order:
    match signal.get("signal_type"):
        case "x-loadControlSetpoint":
            return Order(setpoint_c=value)
        case "x-loadControlLevelOffset":
            return _level(value, program)
        case "x-loadControlPercentOffset":
            return Order(cap=Cap(CapKind.MULTIPLE, max(0.0, 1.0 + value / PERCENT)))
        case "x-loadControlCapacity":
            return Order(cap=Cap(CapKind.SHARE, value))
        case other:
            raise UnsupportedEvent(f"LOAD_CONTROL of the type {other} is not supported")


def _load_dispatch(signal: Signal, value: float, program: Program) -> Order:
    kind = signal.get("signal_type")
    if kind == "multiplier":
        return Order(cap=Cap(CapKind.MULTIPLE, value))
    if kind == "level":
        return _level(value, program)
    power_w = value * _watts_per_unit(signal)
    if kind == "delta":
        return Order(cap=Cap(CapKind.REDUCTION, -power_w))
    if kind == "setpoint":
        reduces = program.dispatch is DispatchMeaning.REDUCTION
        return Order(cap=Cap(CapKind.REDUCTION if reduces else CapKind.POWER, power_w))
    raise UnsupportedEvent(f"LOAD_DISPATCH of the type {kind} is not supported")


_READERS: tuple[tuple[str, Read], ...] = (
    ("LOAD_CONTROL", _load_control),
    ("LOAD_DISPATCH", _load_dispatch),
    ("SIMPLE", _simple),
)
"""The most exact signal first."""


def _best_signal(event: Mapping[str, Any]) -> tuple[Signal, Read]:
    signals = _signals(event)
    for name, read in _READERS:
        for signal in signals:
            if str(signal.get("signal_name")).upper() == name:
                return signal, read
    names = ", ".join(str(signal.get("signal_name")) for signal in signals) or "nothing at all"
    raise UnsupportedEvent(f"the event signals {names}")


def _watts_per_unit(signal: Signal) -> float:
    """W for 1 in the signal; without a measurement it counts kW, as openleadr's own events do."""
    measurement = signal.get("measurement") or {}
    unit, scale = measurement.get("unit", _WATT), measurement.get("scale", "k")
    if unit != _WATT or scale not in SI_SCALE:
        raise UnsupportedEvent(f"a dispatch is a power in W, kW or MW, not in {scale} {unit}")
    return SI_SCALE[scale]


def _signals(event: Mapping[str, Any]) -> Sequence[Signal]:
    signals = event.get("event_signals") or ()
    if isinstance(signals, Mapping):
        signals = signals.get("event_signals") or ()
    return list(signals)


def _tolerance(period: Mapping[str, Any]) -> object:
    tolerance = _part(period, "tolerance")
    return _part(tolerance, "tolerate").get("startafter") or tolerance.get("startafter")


def _seconds(duration: object) -> float:
    return duration.total_seconds() if isinstance(duration, timedelta) else 0.0


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, Mapping) else {}
