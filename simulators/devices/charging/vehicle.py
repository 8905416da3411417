"""What comes to a charging station: vehicles with limits of their own, and their visits."""

import random
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from vpp_core.units import SECONDS_PER_HOUR

CURRENT_A_MIN = 6.0
"""The least current that a station can offer; what is below it pauses a vehicle (IEC 61851-1 Annex A)."""


class ImpossibleVisit(ValueError):
    """A vehicle or a visit that cannot be; says which figure, and why."""


def _require(holds: bool, what: str) -> None:  # noqa: FBT001
    if not holds:
        raise ImpossibleVisit(f"There is no such thing as {what}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """The charging side of a vehicle.

    Raises:
        ImpossibleVisit: figures that contradict each other.
    """

    phases: int = 3
    """Of its on-board charger: 1, 2 or 3."""
    current_a_max: float = 16.0
    """Of its on-board charger, a phase."""
    capacity_wh: float = 60_000.0
    efficiency: float = 0.92
    """What reaches the battery of what is drawn."""
    taper_from: float = 0.85
    """State of charge from which the current falls, in a straight line to ``taper_a`` at full."""
    taper_a: float = 2.0
    power_factor: float = 0.99
    """Inductive: it absorbs reactive power."""
    reaction_s: float = 1.0
    """Between a change of the pilot and the first change of current; the standard allows 5 s."""
    rise_a_per_s: float = 2.0
    fall_a_per_s: float = 20.0
    needs_ventilation: bool = False
    sleeps_after_s: float | None = None
    """A pause this long puts it to sleep: it draws nothing more before it is plugged in again."""

    def __post_init__(self) -> None:
        _require(self.phases in {1, 2, 3}, f"a vehicle with {self.phases} phases")
        _require(self.current_a_max >= CURRENT_A_MIN, f"a vehicle that takes {self.current_a_max:g} A only")
        _require(self.capacity_wh > 0.0, "a battery without capacity")
        _require(0.0 < self.efficiency <= 1.0, f"an efficiency of {self.efficiency:g}")
        _require(0.0 < self.power_factor <= 1.0, f"a power factor of {self.power_factor:g}")
        _require(0.0 < self.taper_from < 1.0, f"a taper from {self.taper_from:g} of the capacity on")
        _require(0.0 < self.taper_a <= self.current_a_max, f"a current of {self.taper_a:g} A at full")
        _require(self.reaction_s >= 0.0, f"a reaction time of {self.reaction_s:g} s")
        _require(min(self.rise_a_per_s, self.fall_a_per_s) > 0.0, "a current that cannot change")

    def acceptable_a(self, state_of_charge: float) -> float:
        """What the battery takes at most, in A a phase."""
        if state_of_charge <= self.taper_from:
            return self.current_a_max
        fallen = min(1.0, (state_of_charge - self.taper_from) / (1.0 - self.taper_from))
        return self.current_a_max + fallen * (self.taper_a - self.current_a_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One stay of one vehicle, in Unix seconds.

    Raises:
        ImpossibleVisit: it ends before it begins, or wants what the battery cannot hold.
    """

    arrival_s: float
    departure_s: float
    wanted_wh: float = 20_000.0
    """Energy drawn from the station after which the vehicle ends charging by itself."""
    state_of_charge: float = 0.3
    """On arrival."""
    vehicle: Vehicle = field(default_factory=Vehicle)

    def __post_init__(self) -> None:
        _require(self.departure_s > self.arrival_s, "a visit that ends before it begins")
        _require(0.0 <= self.state_of_charge <= 1.0, f"a state of charge of {self.state_of_charge:g}")
        _require(self.wanted_wh > 0.0, "a vehicle that wants no energy")


class Fleet(NamedTuple):
    """Who visits a station day after day."""

    vehicles: tuple[Vehicle, ...] = (
        Vehicle(phases=3, current_a_max=16.0, capacity_wh=60_000.0),
        Vehicle(phases=1, current_a_max=32.0, capacity_wh=40_000.0),
        Vehicle(phases=2, current_a_max=16.0, capacity_wh=35_000.0),
        Vehicle(phases=3, current_a_max=32.0, capacity_wh=90_000.0),
    )
    visits_a_day: float = 1.5
    stay_s_mean: float = 5 * SECONDS_PER_HOUR


def visits(seed: int, begins_s: float, days: int, fleet: Fleet | None = None) -> tuple[Visit, ...]:
    """Visits that do not overlap, the same for the same seed: exponential gaps and stays."""
    fleet = fleet or Fleet()
    chance = random.Random(f"visits {seed}")  # noqa: S311 - a simulation
    gap_s_mean = max(86_400.0 / fleet.visits_a_day - fleet.stay_s_mean, 600.0)
    found, at_s, ends_s = [], begins_s, begins_s + days * 86_400.0
    while (at_s := at_s + chance.expovariate(1.0 / gap_s_mean)) < ends_s:
        stay_s = max(600.0, chance.expovariate(1.0 / fleet.stay_s_mean))
        vehicle, state_of_charge = chance.choice(fleet.vehicles), chance.uniform(0.1, 0.8)
        room_wh = (1.0 - state_of_charge) * vehicle.capacity_wh / vehicle.efficiency
        found.append(
            Visit(
                arrival_s=at_s,
                departure_s=at_s + stay_s,
                wanted_wh=room_wh * chance.uniform(0.5, 1.0),
                state_of_charge=state_of_charge,
                vehicle=vehicle,
            )
        )
        at_s += stay_s
    return tuple(found)


def in_order(plan: tuple[Visit, ...]) -> tuple[Visit, ...]:
    """The same visits by arrival.

    Raises:
        ImpossibleVisit: two of them overlap.
    """
    ordered = tuple(sorted(plan, key=lambda visit: visit.arrival_s))
    for visit, following in pairwise(ordered):
        _require(visit.departure_s <= following.arrival_s, "a visit that begins before the last one ended")
    return ordered
