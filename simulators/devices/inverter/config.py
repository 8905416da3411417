"""Everything about one unit that does not change while it runs."""

import math
from dataclasses import dataclass, field

from simulators.devices.functions.capability import Capability
from simulators.devices.functions.checks import check
from simulators.devices.functions.settings import FunctionSettings
from simulators.devices.inverter.commands import Reversion
from simulators.devices.inverter.efficiency import CELLS, INVERTER, TRACKER, EfficiencyCurve
from simulators.devices.inverter.nameplate import Kind, Nameplate
from simulators.devices.inverter.phases import Phases
from simulators.devices.inverter.response import Response
from simulators.devices.inverter.thermal import Cooling

REFRESH_S_MIN, REFRESH_S_MAX = 0.02, 0.6
STEP_S_MIN, STEP_S_MAX = 0.001, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InverterConfig:
    """One unit as it is built and set up in the factory.

    Raises:
        ImpossibleRating: the plate contradicts itself.
        ImpossibleSettings: functions that no unit can follow.
        ValueError: another figure that no unit can have; the message names it.
    """

    nameplate: Nameplate
    functions: FunctionSettings = field(default_factory=FunctionSettings)
    """To which a reboot returns."""
    state_of_charge: float = 0.5
    """At first, 0 .. 1."""
    battery_w_max: float | None = None
    """What a hybrid's battery takes and gives at the most, at the DC bus; nothing: the unit's rating."""
    inverter_efficiency: EfficiencyCurve = INVERTER
    pv_efficiency: EfficiencyCurve = TRACKER
    battery_efficiency: EfficiencyCurve = CELLS
    reactive_loss_pu: float = 0.01
    """Loss at all reactive power the rating allows, per unit of it; grows with its square."""
    reactive_at_low_power: bool | None = None
    """Whether all reactive power is there at little active power; nothing: only with a battery."""
    response: Response = field(default_factory=Response)
    cooling: Cooling = field(default_factory=Cooling)
    step_s: float = 0.02
    refresh_s: float = 0.1
    """Between two refreshes of what the instruments show."""
    reversion: Reversion = Reversion.WORKS
    heartbeat_timeout_s: float | None = 60.0
    """A controller that has beaten once and then falls silent for so long is lost; nothing: never."""
    heartbeat_acts: bool = True
    """Whether the loss of the controller drops its commands; the alarm comes in any case."""
    boot_s: float = 20.0
    phase_shares: tuple[float, ...] = ()
    """Of the power, one a phase; empty: even."""
    phase_deviations_pu: tuple[float, ...] = ()
    """Of each phase's voltage from the mean; empty: none."""
    pv_voltage_v: float = 620.0
    """Of the modules at their best point."""
    battery_voltage_v: float = 400.0
    """Half full and at rest."""
    seed: int = 0

    def __post_init__(self) -> None:
        self._within("state_of_charge", 0.0, 1.0)
        self._within("refresh_s", REFRESH_S_MIN, REFRESH_S_MAX)
        self._within("step_s", STEP_S_MIN, STEP_S_MAX)
        self._within("reactive_loss_pu", 0.0, 1.0)
        self._within("boot_s", 0.0, math.inf)
        self._within("pv_voltage_v", 1.0, 1e5)
        self._within("battery_voltage_v", 1.0, 1e5)
        if self.battery_w_max is not None:
            self._within("battery_w_max", 1.0, 1e12)
        if self.heartbeat_timeout_s is not None and not self.heartbeat_timeout_s > 0.0:
            raise ValueError(f"heartbeat_timeout_s = {self.heartbeat_timeout_s:g} is not above zero")
        check(self.functions)
        phases = self.nameplate.phases
        for name in ("phase_shares", "phase_deviations_pu"):
            if (count := len(getattr(self, name))) not in {0, phases}:
                raise ValueError(f"{name} has {count} figures for {phases} phases")
        self.phases()

    def phases(self) -> Phases:
        count = self.nameplate.phases
        shares = self.phase_shares or (1.0 / count,) * count
        deviations_pu = self.phase_deviations_pu or (0.0,) * count
        return Phases(self.nameplate.voltage_nominal_v, shares, deviations_pu)

    def capability(self) -> Capability:
        """Of the plate."""
        plate = self.nameplate
        whole = self.reactive_at_low_power
        return Capability(
            apparent_per_power=plate.apparent_va_max / plate.injection_w_max,
            injected_max_pu=plate.reactive_var_max / plate.apparent_va_max,
            absorbed_max_pu=plate.reactive_var_max / plate.apparent_va_max,
            reduced_at_low_power=not (plate.kind is not Kind.PV if whole is None else whole),
        )

    @property
    def charge_w_max(self) -> float:
        """What 100 % of a charge limit is (124 WChaMax); 0 without a battery."""
        plate = self.nameplate
        if plate.kind is Kind.PV:
            return 0.0
        if plate.kind is Kind.HYBRID and self.battery_w_max is not None:
            return self.battery_w_max
        return plate.absorption_w_max or plate.injection_w_max

    @property
    def discharge_w_max(self) -> float:
        """What 100 % of a discharge limit is; 0 without a battery."""
        plate = self.nameplate
        if plate.kind is Kind.PV:
            return 0.0
        if plate.kind is Kind.HYBRID and self.battery_w_max is not None:
            return self.battery_w_max
        return plate.injection_w_max

    def _within(self, name: str, low: float, high: float) -> None:
        value = getattr(self, name)
        if not low <= value <= high:
            raise ValueError(f"{name} = {value:g} is not within {low:g} .. {high:g}")
