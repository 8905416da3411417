"""Settings that no unit can follow, and why."""

import math
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise

from simulators.devices.functions.settings import FunctionSettings, Points, Threshold, Trips


class ImpossibleSettings(ValueError):
    """Settings that contradict themselves; a sentence for each."""


def check(settings: FunctionSettings, nominal_hz: float | None = None) -> None:
    """Refuse what cannot be followed; with a nominal frequency also what would trip at it.

    Raises:
        ImpossibleSettings: with one sentence a problem.
    """
    if found := list(problems(settings, nominal_hz)):
        raise ImpossibleSettings("; ".join(found))


def problems(settings: FunctionSettings, nominal_hz: float | None = None) -> Iterator[str]:
    """A sentence for each setting that cannot be followed; ranges of the standard are not enforced."""
    yield from _numbers(settings)
    droop, service = settings.frequency_droop, settings.enter_service
    for name in ("droop_over", "droop_under"):
        if getattr(droop, name) <= 0.0:
            yield f"frequency_droop.{name} is not above zero"
    for name in ("volt_var", "volt_watt", "watt_var"):
        yield from _corners(f"{name}.points", getattr(settings, name).points)
    if service.voltage_low_pu > service.voltage_high_pu:
        yield "enter_service.voltage_low_pu is above voltage_high_pu"
    if service.frequency_low_hz > service.frequency_high_hz:
        yield "enter_service.frequency_low_hz is above frequency_high_hz"
    yield from _elements(settings.trips)
    if nominal_hz is not None:
        yield from _at_nominal(settings.trips, nominal_hz)


def _numbers(settings: FunctionSettings) -> Iterator[str]:
    """Every plain number is finite, and what is a time or a width is not negative."""
    for group in ("frequency_droop", "volt_var", "volt_watt", "watt_var", "enter_service"):
        part = getattr(settings, group)
        for each in fields(part):
            value = getattr(part, each.name)
            if not isinstance(value, int | float):
                continue
            if not math.isfinite(value):
                yield f"{group}.{each.name} is not a finite number"
            elif value < 0.0 and (each.name.endswith("_s") or each.name.startswith("deadband_")):
                yield f"{group}.{each.name} is negative"


def _corners(name: str, points: Points) -> Iterator[str]:
    if not points:
        yield f"{name} has no corner"
    if not all(math.isfinite(value) for point in points for value in point):
        yield f"{name} has a corner that is not a finite number"
    elif any(after < before for (before, _), (after, _) in pairwise(points)):
        yield f"{name} does not ascend"


def _elements(trips: Trips) -> Iterator[str]:
    for name in ("over_voltage", "under_voltage", "over_frequency", "under_frequency"):
        elements: tuple[Threshold, ...] = getattr(trips, name)
        for number, each in enumerate(elements):
            if not (math.isfinite(each.at) and math.isfinite(each.clearing_s) and each.clearing_s >= 0.0):
                yield f"trips.{name}[{number}] is not a finite threshold with a clearing time from 0 on"


def _at_nominal(trips: Trips, nominal_hz: float) -> Iterator[str]:
    """Elements that have already seen an excursion while nothing is wrong."""
    for name, elements, sign, nominal in (
        ("over_voltage", trips.over_voltage, 1.0, 1.0),
        ("under_voltage", trips.under_voltage, -1.0, 1.0),
        ("over_frequency", trips.over_frequency, 1.0, nominal_hz),
        ("under_frequency", trips.under_frequency, -1.0, nominal_hz),
    ):
        for number, each in enumerate(elements):
            if sign * each.at <= sign * nominal:
                yield f"trips.{name}[{number}] at {each.at:g} trips at nominal {nominal:g}"
