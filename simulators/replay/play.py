"""One case through the functions of a simulated unit: computed values, and nothing judged."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.devices.functions.autonomous import AutonomousFunctions
from simulators.devices.functions.decision import Decided, Excursion, Mode, Sensed
from simulators.devices.functions.response import OpenLoopResponse
from simulators.replay.opender import UnitSettings, unit_settings
from simulators.replay.vectors import DynamicCase, Settings, StaticCase, Vectors

PRE_S = 1.0
"""How long a static point stands at nominal before its excursion."""
SETTLING_STEP_S = 0.05
SETTLED_PU = 1e-7
SETTLING_RESPONSES = 2.0
SETTLING_S_MAX = 900.0


@dataclass(slots=True)
class Played:
    """Computed samples of a dynamic case."""

    p_pu: list[float] = field(default_factory=list)
    q_pu: list[float] = field(default_factory=list)
    mode: list[Mode] = field(default_factory=list)
    alarms: list[Excursion] = field(default_factory=list)

    def add(self, decided: Decided) -> None:
        self.p_pu.append(decided.power_pu)
        self.q_pu.append(decided.reactive_pu)
        self.mode.append(decided.mode)
        self.alarms.append(decided.alarms)


class ReplayedUnit:
    """A unit with the settings of a case, between its inputs and the functions."""

    def __init__(self, der: str, settings: UnitSettings, nominal_hz: float) -> None:
        self._der = der
        self._settings = settings
        self.functions = AutonomousFunctions(
            settings.functions,
            nominal_hz=nominal_hz,
            in_service=settings.in_service,
            capability=settings.capability,
        )
        self._limit = OpenLoopResponse(settings.limit_response_s)
        self._reactive = OpenLoopResponse(settings.reactive_response_s)
        self._power_pu: float | None = None

    def change(self, settings: UnitSettings) -> None:
        self._settings = settings
        self.functions.settings = settings.functions
        self.functions.capability = settings.capability
        self._limit.respond_in(settings.limit_response_s)
        self._reactive.respond_in(settings.reactive_response_s)

    def step(
        self, dt_s: float, frequency_hz: float, voltage_pu: float, demand_pu: float, available_pu: float
    ) -> Decided:
        settings = self._settings
        expected_pu = min(demand_pu, available_pu) if self._power_pu is None else self._power_pu
        reactive_pu = settings.reactive_pu + settings.reactive_per_active * expected_pu
        decided = self.functions.step(
            Sensed(
                dt_s,
                frequency_hz,
                voltage_pu,
                demand_pu,
                available_pu,
                floor_pu=0.0 if self._der == "pv" else -settings.charge_max_pu,
                reactive_demand_pu=self._reactive.follow(reactive_pu, dt_s),
                priority=settings.functions.volt_var.priority,
                limit_pu=self._limit.follow(settings.limit_pu, dt_s),
            )
        )
        self._power_pu = decided.power_pu
        return decided


def play_static(case: StaticCase, vectors: Vectors) -> Iterator[Decided]:
    """The settled decision of each point, in order; each by a unit of its own.

    Raises:
        UnknownSetting: a setting that cannot be honoured.
    """
    settings = unit_settings(vectors.base_settings | case.settings, case.der, vectors.nominal_hz)
    for frequency_hz, voltage_pu in _points(case, vectors.nominal_hz):
        yield _settle(case, settings, vectors.nominal_hz, frequency_hz, voltage_pu)


def _points(case: StaticCase, nominal_hz: float) -> list[tuple[float, float]]:
    if case.points_f_p is not None:
        return [(frequency_hz, 1.0) for frequency_hz, _ in case.points_f_p]
    return [(nominal_hz, voltage_pu) for voltage_pu, _, _ in case.points_v_p_q or ()]


def _settle(
    case: StaticCase, settings: UnitSettings, nominal_hz: float, frequency_hz: float, voltage_pu: float
) -> Decided:
    unit = ReplayedUnit(case.der, settings, nominal_hz)
    demand_pu, available_pu = _asked(case)
    dt_s = SETTLING_STEP_S
    before = unit.step(dt_s, nominal_hz, 1.0, demand_pu, available_pu)
    for _ in range(round(PRE_S / dt_s) - 1):
        before = unit.step(dt_s, nominal_hz, 1.0, demand_pu, available_pu)
    decided = before
    # A bound may need a while before it binds, so that standing still early means nothing.
    unsettled = min(SETTLING_RESPONSES * settings.slowest_response_s, SETTLING_S_MAX) / dt_s
    for number in range(round(SETTLING_S_MAX / dt_s)):
        decided = unit.step(dt_s, frequency_hz, voltage_pu, demand_pu, available_pu)
        moved_pu = abs(decided.power_pu - before.power_pu) + abs(decided.reactive_pu - before.reactive_pu)
        if number > unsettled and moved_pu < SETTLED_PU:
            break
        before = decided
    return decided


def _asked(case: StaticCase) -> tuple[float, float]:
    """Demanded and available power of a static case."""
    if case.p_pre_pu is not None and case.p_available_pu is not None:
        return case.p_pre_pu, case.p_available_pu
    power_pu = case.p_in_pu or 0.0
    return power_pu, power_pu if case.der == "pv" else 1.0


def play_dynamic(case: DynamicCase, vectors: Vectors) -> Played:
    """All samples of a case.

    Raises:
        UnknownSetting: a setting that cannot be honoured.
    """
    named: Settings = vectors.base_settings | case.settings
    nominal_hz = vectors.nominal_hz
    unit = ReplayedUnit(case.der, unit_settings(named, case.der, nominal_hz), nominal_hz)
    changes: dict[int, Settings] = {}
    for first, changed in case.setting_changes:
        changes[first] = changes.get(first, {}) | changed
    power = case.inputs.p_avl_pu if case.der == "pv" else case.inputs.p_dem_pu
    columns = (series(each, case.n) for each in (case.inputs.f_hz, case.inputs.v_pu, power))
    played = Played()
    for number, (frequency_hz, voltage_pu, power_pu) in enumerate(zip(*columns, strict=True)):
        if number in changes:
            named |= changes[number]
            unit.change(unit_settings(named, case.der, nominal_hz))
        available_pu = power_pu if case.der == "pv" else 1.0
        played.add(unit.step(case.dt_s, frequency_hz, voltage_pu, power_pu, available_pu))
    return played


def series(values: float | list[float] | None, count: int) -> list[float]:
    """A value a sample, where a constant stands for all."""
    if isinstance(values, list):
        return values
    return [0.0 if values is None else values] * count
