"""A meter: it looks at a power source in fixed steps, and counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, IntFlag, StrEnum
from math import hypot, sqrt
from typing import NamedTuple, Protocol

from simulators.devices.meters.energy import Energy, Power

_INSTANT_S = 1e-6
"""Two instants this close are one."""

Source = Callable[[float], Sequence[Power]]
"""The power of each phase at a time (Unix seconds, never running backwards); injection positive."""


class Grid(Protocol):
    """Frequency, and voltage per unit of nominal, over Unix seconds."""

    def frequency_hz(self, at_s: float) -> float: ...

    def voltage_pu(self, at_s: float) -> float: ...


class _Wiring(NamedTuple):
    phases: int
    line_to_line: float
    """Voltage between two lines for 1 V between line and neutral."""
    has_neutral: bool


class Wiring(Enum):
    """What the meter is connected to."""

    SINGLE = _Wiring(1, 0.0, has_neutral=True)
    SPLIT = _Wiring(2, 2.0, has_neutral=True)
    """Two legs in opposition around a neutral."""
    WYE = _Wiring(3, sqrt(3.0), has_neutral=True)
    DELTA = _Wiring(3, sqrt(3.0), has_neutral=False)
    """Phase powers are those against a virtual neutral."""


class Counting(StrEnum):
    """How the counters of all phases together count."""

    NET = "net"
    """The sum of the phases at each instant: what one phase exports another one imports."""
    SUM = "sum"
    """The sum of the counters of the phases."""


class MeterEvent(IntFlag):
    """Event flags, in the bits of SunSpec's meter models."""

    POWER_FAILURE = 1 << 2
    UNDER_VOLTAGE = 1 << 3
    LOW_POWER_FACTOR = 1 << 4
    OVER_CURRENT = 1 << 5
    OVER_VOLTAGE = 1 << 6


class ImpossibleMeter(ValueError):
    """A meter that cannot be; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterUnitConfig:
    """One meter.

    Raises:
        ImpossibleMeter: a figure that no meter has.
    """

    wiring: Wiring = Wiring.WYE
    voltage_nominal_v: float = 230.0
    """Line to neutral; for delta to the virtual neutral."""
    current_a_max: float = 40.0
    """A phase; sets the scale of integer registers."""
    counting: Counting = Counting.NET
    step_s: float = 0.2
    """Between two looks; readings are those of the last look."""

    def __post_init__(self) -> None:
        if min(self.step_s, self.voltage_nominal_v, self.current_a_max) <= 0.0:
            raise ImpossibleMeter("step_s, voltage_nominal_v and current_a_max are above zero.")

    @property
    def phases(self) -> int:
        return self.wiring.value.phases

    @property
    def power_w_max(self) -> float:
        """Of all phases at 1.2 per unit voltage."""
        return 1.2 * self.voltage_nominal_v * self.current_a_max * self.phases


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterReadings:
    """Everything at the last look; injection positive, counters since the meter was made."""

    at_s: float
    """Unix seconds."""
    frequency_hz: float
    voltage_v: float
    """Line to neutral, the same on all phases; for delta to the virtual neutral."""
    line_voltage_v: float
    """Line to line; 0 with one phase."""
    phase_powers: tuple[Power, ...]
    phase_energies: tuple[Energy, ...]
    total: Power
    energy: Energy
    events: MeterEvent

    def current_a(self, power: Power) -> float:
        """RMS magnitude of a phase."""
        return hypot(*power) / self.voltage_v if self.voltage_v > 0.0 else 0.0


class MeterUnit:
    """One meter; time moves only by :meth:`advance`, and nothing depends on how often that is called.

    Args:
        source: the power that flows through it.
        begins_s: when the counters start at zero, in Unix seconds.
    """

    def __init__(self, config: MeterUnitConfig, source: Source, grid: Grid, begins_s: float) -> None:
        self.config = config
        self._source, self._grid = source, grid
        self._begins_s, self._steps = begins_s, 0
        self._powers = self._look(begins_s)
        self._energies = tuple(Energy() for _ in range(config.phases))
        self._net = Energy()

    @property
    def now_s(self) -> float:
        """Unix seconds of the last look."""
        return self._begins_s + self._steps * self.config.step_s

    def advance(self, now_s: float) -> float:
        """Look until ``now_s`` (Unix seconds), and say when the last look was."""
        step_s = self.config.step_s
        while self.now_s + step_s <= now_s + _INSTANT_S:
            powers = self._look(self.now_s + step_s)
            for energy, start, end in zip(self._energies, self._powers, powers, strict=True):
                energy.count(start, end, step_s)
            self._net.count(_sum(self._powers), _sum(powers), step_s)
            self._powers = powers
            self._steps += 1
        return self.now_s

    def readings(self) -> MeterReadings:
        """Everything at the last look."""
        wiring = self.config.wiring.value
        voltage_pu = self._grid.voltage_pu(self.now_s)
        voltage_v = voltage_pu * self.config.voltage_nominal_v
        total = _sum(self._powers)
        is_net = self.config.counting is Counting.NET
        return MeterReadings(
            at_s=self.now_s,
            frequency_hz=self._grid.frequency_hz(self.now_s),
            voltage_v=voltage_v,
            line_voltage_v=voltage_v * wiring.line_to_line,
            phase_powers=self._powers,
            phase_energies=self._energies,
            total=total,
            energy=self._net if is_net else _added(self._energies),
            events=self._events(voltage_pu, total),
        )

    def _look(self, at_s: float) -> tuple[Power, ...]:
        powers = tuple(self._source(at_s))
        if len(powers) != self.config.phases:
            raise ImpossibleMeter(
                f"A meter with {self.config.phases} phases was given the power of {len(powers)}."
            )
        return powers

    def _events(self, voltage_pu: float, total: Power) -> MeterEvent:
        voltage_v = voltage_pu * self.config.voltage_nominal_v
        current_va = max(hypot(*power) for power in self._powers)
        factor = abs(total.power_w) / hypot(*total) if hypot(*total) else 1.0
        raised = {
            MeterEvent.POWER_FAILURE: voltage_pu < 0.1,  # noqa: PLR2004 - dead
            MeterEvent.UNDER_VOLTAGE: voltage_pu < 0.8,  # noqa: PLR2004 - the range of EN 62053-21
            MeterEvent.OVER_VOLTAGE: voltage_pu > 1.15,  # noqa: PLR2004
            MeterEvent.LOW_POWER_FACTOR: factor < 0.5,  # noqa: PLR2004
            MeterEvent.OVER_CURRENT: current_va > voltage_v * self.config.current_a_max,
        }
        return MeterEvent(sum(event for event, holds in raised.items() if holds))


def shared(total: Callable[[float], Power], shares: Sequence[float]) -> Source:
    """A source that spreads one power over phases in fixed shares, which add up to 1.

    Raises:
        ImpossibleMeter: they do not.
    """
    if abs(sum(shares) - 1.0) > 1e-9:  # noqa: PLR2004 - rounding
        raise ImpossibleMeter(f"The shares of the phases add up to {sum(shares):g}, not to 1.")

    def source(at_s: float) -> Sequence[Power]:
        power = total(at_s)
        return [power.times(share) for share in shares]

    return source


def together(*sources: Source) -> Source:
    """A source for everything that is behind one meter."""

    def source(at_s: float) -> Sequence[Power]:
        looks = [each(at_s) for each in sources]
        return [_sum(powers) for powers in zip(*looks, strict=True)]

    return source


def _sum(powers: Sequence[Power]) -> Power:
    return Power(sum(power.power_w for power in powers), sum(power.reactive_var for power in powers))


def _added(energies: Sequence[Energy]) -> Energy:
    return Energy(*(sum(getattr(energy, name) for energy in energies) for name in Energy.__slots__))
