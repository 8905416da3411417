"""The machine: a compressor that may not start and stop at will, a set-point, and an occupant's patience."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from simulators.thermostat.house import House, ImpossibleHouse, Weather
from simulators.thermostat.orders import NO_ORDER, Cap, CapKind, Order
from vpp_core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

_INSTANT_S = 1e-6
"""Two instants this close are one."""
_CREDIT_S = 900.0
"""A bound of mean power may be exceeded now for what was left unused in so much time."""


class Mode(StrEnum):
    COOL = "cool"
    HEAT = "heat"


@dataclass(frozen=True, slots=True, kw_only=True)
class HvacConfig:
    """One machine and the wishes of who lives with it.

    Raises:
        ImpossibleHouse: figures that contradict each other.
    """

    mode: Mode = Mode.COOL
    rated_w: float = 3_000.0
    """Electric, while the compressor runs."""
    efficiency: float = 3.0
    """Heat moved for each unit of electricity."""
    standby_w: float = 5.0
    setpoint_c: float = 24.0
    hysteresis_k: float = 1.0
    """From where it starts to where it stops, half of it on each side of the set-point."""
    on_s_min: float = 300.0
    off_s_min: float = 300.0
    tolerance_k: float = 4.0
    """Beyond the occupant's set-point; hotter or colder than that for ``patience_s`` ends an event."""
    patience_s: float = 900.0
    inside_c: float | None = None
    """At the beginning; by default the set-point."""
    step_s: float = 10.0

    def __post_init__(self) -> None:
        if min(self.rated_w, self.efficiency, self.hysteresis_k, self.step_s) <= 0.0:
            raise ImpossibleHouse("rated_w, efficiency, hysteresis_k and step_s are above zero.")
        if min(self.on_s_min, self.off_s_min, self.standby_w, self.patience_s, self.tolerance_k) < 0.0:
            raise ImpossibleHouse("times, standby_w and tolerance_k are not negative.")

    @property
    def away(self) -> float:
        """The direction in which comfort is given up: 1 up, -1 down."""
        return 1.0 if self.mode is Mode.COOL else -1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HvacReadings:
    """Everything at one instant; power at the terminals, injection positive, so running is negative."""

    at_s: float
    """Unix seconds."""
    inside_c: float
    outside_c: float
    setpoint_c: float
    """In force, with what an event changes."""
    running: bool
    power_w: float
    consumed_wh: float
    """Since the machine was made."""
    starts: int
    order: Order


class Hvac:
    """House, machine and occupant; time moves only by :meth:`advance`, in fixed steps.

    Args:
        orders: what is asked for at a time.
        on_override: the occupant has had enough, at a time; ``orders`` has to give way.
    """

    def __init__(
        self,
        config: HvacConfig,
        house: House,
        weather: Weather,
        begins_s: float,
        *,
        orders: Callable[[float], Order] = lambda at_s: NO_ORDER,  # noqa: ARG005
        on_override: Callable[[float], None] = lambda at_s: None,  # noqa: ARG005
    ) -> None:
        self.config, self.house, self.weather = config, house, weather
        self._orders, self._on_override = orders, on_override
        self._begins_s, self._steps = begins_s, 0
        self._inside_c = config.setpoint_c if config.inside_c is None else config.inside_c
        self._running = False
        self._since_s = config.off_s_min
        """How long it has been as it is."""
        self._starts = 0
        self._consumed_wh = 0.0
        self._uncomfortable_s = 0.0
        self._order = orders(begins_s)
        self._budget: _Budget | None = None
        steps_a_day = int(SECONDS_PER_DAY / config.step_s)
        self._history: deque[tuple[float, float]] = deque([(begins_s, 0.0)], maxlen=steps_a_day)
        """Instants, and what was consumed until then."""

    @property
    def now_s(self) -> float:
        return self._begins_s + self._steps * self.config.step_s

    def advance(self, now_s: float) -> float:
        """Move to ``now_s`` (Unix seconds), and say where we are; an earlier instant changes nothing."""
        while self.now_s + self.config.step_s <= now_s + _INSTANT_S:
            self._step()
        return self.now_s

    def readings(self) -> HvacReadings:
        return HvacReadings(
            at_s=self.now_s,
            inside_c=self._inside_c,
            outside_c=self.weather.outside_c(self.now_s),
            setpoint_c=self._setpoint_c(),
            running=self._running,
            power_w=-self._drawn_w(),
            consumed_wh=self._consumed_wh,
            starts=self._starts,
            order=self._order,
        )

    def mean_w(self, start_s: float, end_s: float) -> float:
        """Mean consumption from one instant to another of the last day, a magnitude.

        Before the machine was made nothing was consumed; instants after the present count as the present.
        """
        end_s = min(end_s, self.now_s)
        if end_s <= start_s:
            return self._drawn_w()
        energy_wh = self._consumed_until(end_s) - self._consumed_until(start_s)
        return energy_wh * SECONDS_PER_HOUR / (end_s - start_s)

    def _step(self) -> None:
        now_s, dt_s = self.now_s, self.config.step_s
        self._take_order(self._orders(now_s))
        self._decide()
        drawn_w = self._drawn_w()
        moved_w = self.config.rated_w * self.config.efficiency if self._running else 0.0
        heat_w = self.weather.gains_w(now_s + 0.5 * dt_s) - self.config.away * moved_w
        outside_c = self.weather.outside_c(now_s + 0.5 * dt_s)
        self._inside_c = self.house.after(self._inside_c, outside_c, heat_w, dt_s)
        self._consumed_wh += drawn_w * dt_s / SECONDS_PER_HOUR
        if self._budget is not None:
            self._budget.spend(drawn_w, dt_s)
        self._since_s += dt_s
        self._steps += 1
        self._history.append((self.now_s, self._consumed_wh))
        self._endure(dt_s)

    def _take_order(self, order: Order) -> None:
        if order == self._order:
            return
        self._order, self._budget = order, None
        if order.cap is not None:
            self._budget = _Budget(self._bound_w(order.cap, order.begins_s))

    def _bound_w(self, cap: Cap, begins_s: float) -> float:
        baseline_w = self.mean_w(max(self._begins_s, begins_s - SECONDS_PER_HOUR), begins_s)
        match cap.kind:
            case CapKind.POWER:
                return max(0.0, cap.value)
            case CapKind.SHARE:
                return max(0.0, cap.value * self.config.rated_w)
            case CapKind.REDUCTION:
                return max(0.0, baseline_w - cap.value)
            case CapKind.MULTIPLE:
                return max(0.0, cap.value * baseline_w)

    def _decide(self) -> None:
        """Start or stop, as far as the compressor may."""
        excess_k = self.config.away * (self._inside_c - self._setpoint_c())
        half_k = 0.5 * self.config.hysteresis_k
        if self._running:
            done = excess_k <= -half_k or not self._may_go_on()
            if done and self._since_s >= self.config.on_s_min - _INSTANT_S:
                self._running, self._since_s = False, 0.0
        elif excess_k >= half_k and self._may_start() and self._since_s >= self.config.off_s_min - _INSTANT_S:
            self._running, self._since_s = True, 0.0
            self._starts += 1

    def _may_start(self) -> bool:
        if self._order.off:
            return False
        return self._budget is None or self._budget.affords(self.config.rated_w, self.config.on_s_min)

    def _may_go_on(self) -> bool:
        if self._order.off:
            return False
        return self._budget is None or self._budget.affords(self.config.rated_w, self.config.step_s)

    def _setpoint_c(self) -> float:
        order = self._order
        if order.setpoint_c is not None:
            return order.setpoint_c
        return self.config.setpoint_c + self.config.away * order.offset_k

    def _drawn_w(self) -> float:
        return self.config.rated_w if self._running else self.config.standby_w

    def _endure(self, dt_s: float) -> None:
        beyond_k = self.config.away * (self._inside_c - self.config.setpoint_c) - self.config.tolerance_k
        suffers = bool(self._order.event_id) and beyond_k > 0.0
        self._uncomfortable_s = self._uncomfortable_s + dt_s if suffers else 0.0
        if self._uncomfortable_s > self.config.patience_s:
            self._uncomfortable_s = 0.0
            self._on_override(self.now_s)

    def _consumed_until(self, at_s: float) -> float:
        """A straight line between what is remembered; power is constant in a step, so it is exact."""
        index = bisect_right(self._history, at_s, key=lambda entry: entry[0])
        if index == 0:
            return self._history[0][1]
        before_s, before_wh = self._history[index - 1]
        if index == len(self._history):
            return before_wh
        after_s, after_wh = self._history[index]
        return before_wh + (after_wh - before_wh) * (at_s - before_s) / (after_s - before_s)


class _Budget:
    """Keeps a mean power: what is not drawn now may be drawn a little later."""

    def __init__(self, bound_w: float) -> None:
        self._bound_w = bound_w
        self._credit_wh = 0.0

    def affords(self, power_w: float, duration_s: float) -> bool:
        """Whether a power can be drawn for a time without going beyond the mean."""
        missing_wh = (power_w - self._bound_w) * duration_s / SECONDS_PER_HOUR
        return self._credit_wh >= missing_wh

    def spend(self, power_w: float, duration_s: float) -> None:
        most_wh = self._bound_w * _CREDIT_S / SECONDS_PER_HOUR
        self._credit_wh += (self._bound_w - power_w) * duration_s / SECONDS_PER_HOUR
        self._credit_wh = min(self._credit_wh, most_wh)
