"""What commands ask for, step by step: each moves to its new value along its own ramp."""

from simulators.devices.inverter.config import InverterConfig
from simulators.devices.inverter.dc import DcSide
from simulators.devices.inverter.orders import Orders


class Wishes:
    """Wanted active power (W), limit and wanted reactive power (per unit), ramped as commanded."""

    def __init__(self, config: InverterConfig, dc: DcSide) -> None:
        self._dc = dc
        self._step_s = config.step_s
        plate = config.nameplate
        self._injection_w, self._absorption_w = plate.injection_w_max, plate.absorption_w_max
        self._apparent_va = plate.apparent_va_max
        self.power_w = 0.0
        self.limit_pu = 1.0
        self.reactive_pu = 0.0

    def step(self, orders: Orders, power_w: float) -> None:
        """One step on; ``power_w`` is what the unit gives at present."""
        target_w = self._target_w(orders)
        if orders.ramp_s > 0.0 and target_w != self.power_w:
            # A wish above what there is (all of the sun) begins its way down where the power is.
            start_w = power_w if target_w < power_w < self.power_w else self.power_w
            target_w = towards(start_w, target_w, self._injection_w / orders.ramp_s * self._step_s)
        self.power_w = target_w
        limit_pu = orders.limit_pu
        if orders.limit_ramp_s > 0.0 and limit_pu != self.limit_pu:
            start_pu = self.limit_pu
            if limit_pu < start_pu:
                start_pu = min(start_pu, max(limit_pu, power_w / self._injection_w))
            limit_pu = towards(start_pu, limit_pu, self._step_s / orders.limit_ramp_s)
        self.limit_pu = limit_pu
        reactive_pu = self._reactive_pu(orders, power_w)
        if orders.reactive_ramp_s > 0.0 and reactive_pu != self.reactive_pu:
            reactive_pu = towards(self.reactive_pu, reactive_pu, self._step_s / orders.reactive_ramp_s)
        self.reactive_pu = reactive_pu

    def forget(self) -> None:
        self.power_w = self.reactive_pu = 0.0
        self.limit_pu = 1.0

    def _target_w(self, orders: Orders) -> float:
        """Held to the ratings: nobody gets more by asking for it."""
        if orders.setpoint_w is not None:
            wanted_w = orders.setpoint_w
        elif orders.forced_w is not None:
            wanted_w = self._dc.forced_w(orders.forced_w)
        else:
            return self._dc.free_w()
        if wanted_w > self._injection_w:
            return self._injection_w
        return max(-self._absorption_w, wanted_w)

    def _reactive_pu(self, orders: Orders, power_w: float) -> float:
        if orders.reactive_pu is not None:
            return orders.reactive_pu
        ratio = orders.ratio_injecting if power_w >= 0.0 else orders.ratio_absorbing
        return ratio * abs(power_w) / self._apparent_va if ratio else 0.0


def towards(start: float, target: float, step: float) -> float:
    """From ``start`` to ``target``, at the most ``step`` of the way."""
    if target > start + step:
        return start + step
    return max(target, start - step)
