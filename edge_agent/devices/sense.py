"""Decoded points to one judged reading."""

from collections.abc import Callable
from datetime import datetime

from edge_agent.devices.nameplate import first_number
from edge_agent.devices.plan import Value
from edge_agent.devices.plausibility import Bounds, CounterWatch
from edge_agent.devices.reading import ControlReadback, DeviceReading
from firmware_profiles.profile import Point, Readings
from vpp_core.measurement import Quality

_COUNTERS = ("energy_injected_wh", "energy_absorbed_wh")
_PARKED = frozenset({"frequency_hz", "voltage_v"})
"""Quantities that a sleeping device shows as zero: a gap, not a sign of garbage."""


class Sense:
    """Judges the values of one device against what it can physically measure."""

    def __init__(self, readings: Readings, bounds: Bounds) -> None:
        self.bounds = bounds
        self._points: dict[str, Point] = {
            name: point for name in Readings.__struct_fields__ if (point := getattr(readings, name))
        }
        self._watches = {name: CounterWatch(bounds.power_w_max) for name in _COUNTERS}

    def reading(
        self, value_of: Callable[[str], Value], at: datetime, control: ControlReadback | None
    ) -> DeviceReading:
        """One reading from the points of a poll.

        Args:
            value_of: a point's value by its name, ``701.W``.
            at: when it was true.
            control: the control points, where the device has some.
        """
        values: dict[str, float] = {}
        doubts: list[str] = []
        quality = Quality.GOOD
        for name, point in self._points.items():
            value = first_number(point, value_of)
            doubt = self._doubt(name, value, at)
            if value is not None and doubt is None:
                values[name] = value
                continue
            harmless = value is None or (value == 0.0 and name in _PARKED)
            if point.required or not harmless:
                quality = Quality.SUSPECT
                doubts.append(doubt or f"{name} is required and not there")
        return DeviceReading(at=at, quality=quality, control=control, doubts=tuple(doubts), **values)

    def _doubt(self, name: str, value: float | None, at: datetime) -> str | None:
        if value is None:
            return None
        if (doubt := self.bounds.doubt(name, value)) is not None:
            return doubt
        watch = self._watches.get(name)
        return watch.doubt(name, value, at) if watch else None
