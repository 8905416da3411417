"""Settings of a unit's autonomous functions, in per unit of its ratings (IEEE 1547-2018, Category B / III).

Power is per unit of the active power rating, reactive power per unit of the apparent power rating, voltage
per unit of nominal. Injection is positive, and so is reactive power that is injected (over-excited).
Defaults are those of the standard. All of it is data: a register map replaces settings as a whole.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

Points = tuple[tuple[float, float], ...]
"""Corners of a curve in ascending order; flat outside."""


class Category(StrEnum):
    """Performance under abnormal conditions (clause 4.3)."""

    ONE = "I"
    TWO = "II"
    THREE = "III"


class Priority(StrEnum):
    """What gives way where active and reactive power together exceed the rating."""

    ACTIVE = "active"
    REACTIVE = "reactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyDroop:
    """Clause 6.5.2.7. Power changes by ``frequency change / (nominal * droop)`` beyond the dead-band."""

    enabled: bool = False
    deadband_over_hz: float = 0.036
    deadband_under_hz: float = 0.036
    droop_over: float = 0.05
    droop_under: float = 0.05
    response_s: float = 5.0
    """Open-loop response time: 90 % of a step."""
    floor_pu: float | None = None
    """Lowest power to which over-frequency may drive the unit; nothing: as low as it can."""
    follows_demand: bool = False
    """A new demand during an excursion moves the power by its difference; the standard holds the power of
    before the excursion until it is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VoltVar:
    """Clause 5.3.3. Corners are (voltage, reactive power)."""

    enabled: bool = False
    points: Points = ((0.92, 0.44), (0.98, 0.0), (1.02, 0.0), (1.08, -0.44))
    reference_pu: float = 1.0
    """The voltage around which the corners lie: they shift by what it differs from 1."""
    tracks_voltage: bool = False
    """The reference follows the voltage with ``tracking_s``, within 0.95 .. 1.05."""
    tracking_s: float = 300.0
    response_s: float = 5.0
    priority: Priority = Priority.REACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class VoltWatt:
    """Clause 5.4.2. Corners are (voltage, active power): an upper bound of injection."""

    enabled: bool = False
    points: Points = ((1.06, 1.0), (1.10, 0.0))
    response_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WattVar:
    """Clause 5.3.4. Corners are (active power, reactive power), ascending from absorption to injection."""

    enabled: bool = False
    points: Points = ((-1.0, 0.44), (-0.5, 0.0), (-0.2, 0.0), (0.2, 0.0), (0.5, 0.0), (1.0, -0.44))
    response_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnterService:
    """Clause 4.10. When a unit may come back, how long it waits, and how slowly it returns."""

    permitted: bool = True
    voltage_low_pu: float = 0.917
    voltage_high_pu: float = 1.05
    frequency_low_hz: float = 59.5
    frequency_high_hz: float = 60.1
    delay_s: float = 300.0
    random_delay_s: float = 0.0
    """Upper end of a random delay on top (seeded)."""
    ramp_s: float = 300.0
    """From nothing to the rating; 0 steps at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One protective element: beyond ``at`` for ``clearing_s`` the unit trips. ``at`` is per unit or Hz."""

    at: float
    clearing_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trips:
    """Clause 6.4 and 6.5.1, Category III. Elements of one quantity run side by side."""

    over_voltage: tuple[Threshold, ...] = (
        Threshold(at=1.2, clearing_s=0.16),
        Threshold(at=1.1, clearing_s=13.0),
    )
    under_voltage: tuple[Threshold, ...] = (
        Threshold(at=0.88, clearing_s=21.0),
        Threshold(at=0.5, clearing_s=2.0),
    )
    over_frequency: tuple[Threshold, ...] = (
        Threshold(at=62.0, clearing_s=0.16),
        Threshold(at=61.2, clearing_s=300.0),
    )
    under_frequency: tuple[Threshold, ...] = (
        Threshold(at=58.5, clearing_s=300.0),
        Threshold(at=56.5, clearing_s=0.16),
    )
    momentary_cessation: bool = True
    """Category III: no current while the voltage is at or beyond 1.1, or at or under 0.5, but no trip."""
    category: Category = Category.THREE
    """Names the ride-through modes, and where current ceases without a trip; the elements stand above."""

    @classmethod
    def of(cls, category: Category) -> "Trips":
        """The default elements of a category (tables 11 to 13 and 18)."""
        if category is Category.THREE:
            return cls()
        low_s = 2.0 if category is Category.ONE else 10.0
        return cls(
            over_voltage=(Threshold(at=1.2, clearing_s=0.16), Threshold(at=1.1, clearing_s=2.0)),
            under_voltage=(Threshold(at=0.7, clearing_s=low_s), Threshold(at=0.45, clearing_s=0.16)),
            category=category,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """Everything that decides by itself inside the unit."""

    frequency_droop: FrequencyDroop = field(default_factory=FrequencyDroop)
    volt_var: VoltVar = field(default_factory=VoltVar)
    volt_watt: VoltWatt = field(default_factory=VoltWatt)
    watt_var: WattVar = field(default_factory=WattVar)
    enter_service: EnterService = field(default_factory=EnterService)
    trips: Trips = field(default_factory=Trips)


NOMINAL_HZ = 60.0
"""Of the frequencies above."""


def default_settings(nominal_hz: float = NOMINAL_HZ) -> FunctionSettings:
    """The standard's defaults; away from 60 Hz each frequency keeps its share of nominal, to the mHz."""

    def scaled(frequency_hz: float) -> float:
        return round(frequency_hz * nominal_hz / NOMINAL_HZ, 3)

    def elements(thresholds: tuple[Threshold, ...]) -> tuple[Threshold, ...]:
        return tuple(replace(each, at=scaled(each.at)) for each in thresholds)

    settings = FunctionSettings()
    service, trips = settings.enter_service, settings.trips
    return replace(
        settings,
        enter_service=replace(
            service,
            frequency_low_hz=scaled(service.frequency_low_hz),
            frequency_high_hz=scaled(service.frequency_high_hz),
        ),
        trips=replace(
            trips,
            over_frequency=elements(trips.over_frequency),
            under_frequency=elements(trips.under_frequency),
        ),
    )
