"""The power stage: what was decided reaches the terminals late, and only as far as the unit can."""

import math

from simulators.devices.functions.capability import Capability
from simulators.devices.functions.settings import Priority
from simulators.devices.inverter.config import InverterConfig
from simulators.devices.inverter.dc import DcSide
from simulators.devices.inverter.orders import Orders
from simulators.devices.inverter.response import NEAR_PU, Follower

ROUNDS = 4
"""Each round leaves a twentieth of the disagreement between bus and capability, at the most."""


class PowerStage:
    """Powers at the terminals (W, var): behind a ramp and a lag, within the capability and the bus."""

    def __init__(self, config: InverterConfig, dc: DcSide) -> None:
        plate, response = config.nameplate, config.response
        self._plate, self._dc, self._rated = plate, dc, config.capability()
        per_s = plate.injection_w_max / response.ramp_s if response.ramp_s > 0.0 else float("inf")
        near = NEAR_PU * plate.injection_w_max
        self._power = Follower(dt_s=config.step_s, lag_s=response.lag_s, per_s=per_s, near=near)
        self._reactive = Follower(dt_s=config.step_s, lag_s=response.lag_s, per_s=float("inf"), near=near)
        self._capability, self._apparent_va = self._rated, plate.apparent_va_max
        self.power_w = self.reactive_var = 0.0

    def bound(self, orders: Orders) -> None:
        """Adopt the ceilings that the owner has set."""
        self._apparent_va = apparent_va = orders.apparent_va_max
        self._capability = Capability(
            apparent_per_power=apparent_va / self._plate.injection_w_max,
            injected_max_pu=min(1.0, orders.injected_var_max / apparent_va),
            absorbed_max_pu=min(1.0, orders.absorbed_var_max / apparent_va),
            reduced_at_low_power=self._rated.reduced_at_low_power,
        )

    def cease(self) -> None:
        """Open the gates: no current from this step on, and nothing to remember."""
        self.power_w = self.reactive_var = self._power.value = self._reactive.value = 0.0

    def follow(self, target_w: float, target_var: float, priority: Priority, grip: float) -> None:
        """One step towards the targets, within what there is at this instant.

        ``grip`` is the share of the apparent power rating that heat and low voltage leave.
        """
        power_w, reactive_var = self._power.follow(target_w), self._reactive.follow(target_var)
        power_w, reactive_var = self._hold(power_w, reactive_var, priority, grip)
        self._power.value, self._reactive.value = power_w, reactive_var
        self.power_w, self.reactive_var = power_w, reactive_var

    def _hold(
        self, power_w: float, reactive_var: float, priority: Priority, grip: float
    ) -> tuple[float, float]:
        """Where losses of reactive power change what the bus has left, reactive power gives way."""
        dc = self._dc
        if power_w > dc.ceiling_w:
            power_w = dc.ceiling_w
        elif power_w < dc.floor_w:
            power_w = dc.floor_w
        if power_w == 0.0 == reactive_var:
            return 0.0, 0.0
        power_w, reactive_var = self._share(power_w, reactive_var, priority)
        if grip < 1.0:
            apparent_va, left_va = math.hypot(power_w, reactive_var), grip * self._plate.apparent_va_max
            if apparent_va > left_va:
                left = left_va / apparent_va
                power_w, reactive_var = self._share(left * power_w, left * reactive_var, Priority.ACTIVE)
        for _ in range(ROUNDS):
            fitted_w = dc.fit(power_w, reactive_var)
            if fitted_w == power_w:
                return power_w, reactive_var
            if fitted_w < 0.0 and not dc.stores:
                return 0.0, 0.0
            power_w, reactive_var = self._share(fitted_w, reactive_var, Priority.ACTIVE)
        return dc.fit(power_w, reactive_var), reactive_var

    def _share(self, power_w: float, reactive_var: float, priority: Priority) -> tuple[float, float]:
        rated_w, apparent_va = self._plate.injection_w_max, self._apparent_va
        asked_pu, asked_reactive_pu = power_w / rated_w, reactive_var / apparent_va
        power_pu, reactive_pu = self._capability.share(asked_pu, asked_reactive_pu, priority)
        # What passes as it is does not come back rounded.
        return (
            power_w if power_pu == asked_pu else power_pu * rated_w,
            reactive_var if reactive_pu == asked_reactive_pu else reactive_pu * apparent_va,
        )
