"""Many sites on one grid, advanced together: their powers move the feeder's voltages and the frequency."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from simulators.devices.physics import BATTERY, METER
from simulators.devices.site import SimulatedSite, SiteConfig
from simulators.fleet import make_site
from simulators.grid.feeder import Feeder
from simulators.grid.swing import SwingGrid
from simulators.running.outlook import Powers, SitePowers
from vpp_core.clock import Clock


class Grid(Protocol):
    """Frequency and voltage over Unix seconds."""

    def frequency_hz(self, at_s: float) -> float: ...

    def voltage_pu(self, at_s: float) -> float: ...

    def voltage_v(self, at_s: float) -> float: ...


class Feedback(StrEnum):
    """Which power of the fleet the area feels."""

    BATTERY = BATTERY
    """What the batteries do; the rest of the homes is part of the area's own balance."""
    METER = METER
    """All that the homes exchange, house load and sun included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The world at one instant; powers of the whole fleet, injection positive, unscaled."""

    at_s: float
    frequency_hz: float
    meter_w: float
    battery_w: float
    voltage_pu_min: float
    voltage_pu_max: float
    lost_mw: float
    """What disturbances take from the area; 0 on a grid that is no model."""


class FleetWorld:
    """The sites of a fleet and the grid around them. Time moves by :meth:`advance` and where a client looks.

    Args:
        clock: the present, for clients that look between two ticks.
        grid: above everything.
        feeder: below the grid; every home sits on one of its nodes.
        feedback: the power that a :class:`SwingGrid` is given.
        begins_at: when the counters of the sites start at zero.
    """

    def __init__(
        self,
        clock: Clock,
        grid: Grid,
        *,
        feeder: Feeder | None = None,
        feedback: Feedback = Feedback.BATTERY,
        begins_at: datetime | None = None,
    ) -> None:
        self.grid = grid
        self.sites: list[SimulatedSite] = []
        self._clock, self._feeder, self._feedback = clock, feeder, feedback
        self._swing = grid if isinstance(grid, SwingGrid) else None
        self._begins_at = begins_at or clock.now()
        self._nodes: list[str] = []
        self._outlooks: list[SitePowers] = []
        self._powers: list[Powers] = []
        self._now_s = self._begins_at.timestamp()

    @property
    def is_coupled(self) -> bool:
        """Whether the sites move the grid, so that somebody has to advance it."""
        return self._swing is not None or self._feeder is not None

    def add(self, home: SiteConfig, node: str = "") -> SimulatedSite:
        """A site at a node of the feeder, or straight on the grid."""
        grid: Grid = self.grid
        if self._feeder is not None:
            grid = self._feeder.at(node)
            self._nodes.append(node)
        site = make_site(home, self._clock, grid, begins_at=self._begins_at)
        self.sites.append(site)
        self._outlooks.append(SitePowers(site.physics))
        return site

    def settle(self) -> None:
        """Take the present power as what the area counts on, and the voltages as it makes them."""
        self._look()
        if self._swing is not None:
            self._swing.scheduled_w = self._feedback_w()

    def advance(self, now_s: float) -> None:
        """Move the powers, then the voltages, then the frequency to ``now_s`` (Unix seconds).

        Raises:
            LocalFault: the feeder cannot carry the power of its homes.
        """
        self._now_s = max(now_s, self._now_s)
        self._look()
        if self._swing is not None:
            self._swing.advance(self._now_s, self._feedback_w())

    def reading(self) -> Reading:
        """The world where it was last advanced to."""
        at_s = self._now_s
        voltages_pu: Sequence[float] = (self.grid.voltage_pu(at_s),)
        if self._feeder is not None:
            found = self._feeder.voltages_pu(at_s)
            voltages_pu = [found[node] for node in self._nodes]
        return Reading(
            at_s=at_s,
            frequency_hz=self.grid.frequency_hz(at_s),
            meter_w=sum(each.meter_w for each in self._powers),
            battery_w=sum(each.battery_w for each in self._powers),
            voltage_pu_min=min(voltages_pu),
            voltage_pu_max=max(voltages_pu),
            lost_mw=self._swing.lost_mw(at_s) if self._swing is not None else 0.0,
        )

    def _feedback_w(self) -> float:
        if self._feedback is Feedback.BATTERY:
            return sum(each.battery_w for each in self._powers)
        return sum(each.meter_w for each in self._powers)

    def _look(self) -> None:
        self._powers = [outlook.at(self._now_s) for outlook in self._outlooks]
        if self._feeder is None:
            return
        powers_va: dict[str, complex] = {}
        for node, powers in zip(self._nodes, self._powers, strict=True):
            powers_va[node] = powers_va.get(node, 0j) + powers.meter_w
        self._feeder.solve(self._now_s, powers_va)
