"""Energies: exactly the sum over the steps of power times time."""

from simulators.devices.inverter.snapshot import Counters
from vpp_core.units import SECONDS_PER_HOUR

ROUNDING_PU = 1e-9


class Energies:
    """Joules (and var seconds) since the unit was made; each only grows."""

    __slots__ = ("absorbed_j", "in_j", "injected_j", "loss_j", "out_j", "pv_j", "q_absorbed", "q_injected")

    def __init__(self) -> None:
        self.injected_j = self.absorbed_j = self.q_injected = self.q_absorbed = 0.0
        self.pv_j = self.in_j = self.out_j = self.loss_j = 0.0

    def count(self, power_w: float, reactive_var: float, pv_w: float, battery_w: float, dt_s: float) -> None:
        """Powers that were constant over ``dt_s``: at the terminals, of the modules, of the cells."""
        if power_w > 0.0:
            self.injected_j += power_w * dt_s
        else:
            self.absorbed_j -= power_w * dt_s
        if reactive_var > 0.0:
            self.q_injected += reactive_var * dt_s
        else:
            self.q_absorbed -= reactive_var * dt_s
        if battery_w > 0.0:
            self.out_j += battery_w * dt_s
        else:
            self.in_j -= battery_w * dt_s
        self.pv_j += pv_w * dt_s
        self.loss_j += (pv_w + battery_w - power_w) * dt_s

    def check(self) -> None:
        """What went in and did not come out is loss, and the loss is none of less than nothing.

        Raises:
            AssertionError: energy came from nowhere, or went there.
        """
        sources_j = self.pv_j + self.out_j + self.absorbed_j
        sinks_j = self.injected_j + self.in_j + self.loss_j
        allowed_j = 1e-3 + ROUNDING_PU * sources_j
        assert abs(sources_j - sinks_j) <= allowed_j, f"{sources_j} J came and {sinks_j} J went"  # noqa: S101
        assert self.loss_j >= -allowed_j, f"{-self.loss_j} J came from nowhere"  # noqa: S101

    def shown(self) -> Counters:
        return Counters(
            injected_wh=self.injected_j / SECONDS_PER_HOUR,
            absorbed_wh=self.absorbed_j / SECONDS_PER_HOUR,
            reactive_injected_varh=self.q_injected / SECONDS_PER_HOUR,
            reactive_absorbed_varh=self.q_absorbed / SECONDS_PER_HOUR,
            pv_wh=self.pv_j / SECONDS_PER_HOUR,
            battery_in_wh=self.in_j / SECONDS_PER_HOUR,
            battery_out_wh=self.out_j / SECONDS_PER_HOUR,
        )
