"""Procedures that test a real or simulated device by its SunSpec registers, and say what they measured."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from simulators.rig.procedures.active_power_setpoint import active_power_setpoint
from simulators.rig.procedures.device import DeviceUnderTest
from simulators.rig.procedures.result import Check
from simulators.rig.procedures.reversion import reversion
from vpp_core.clock import Clock


class Procedure(NamedTuple):
    """A named test; it raises DeviceFault where the device does not answer or lacks what is needed."""

    shows: str
    run: Callable[[DeviceUnderTest, Clock], Awaitable[list[Check]]]


PROCEDURES = {
    "active-power-setpoint": Procedure(
        "steps of the setpoint (704 WSet) up and down; measured power and settling time",
        active_power_setpoint,
    ),
    "reversion": Procedure("whether and when a setpoint reverts by itself (704 WSetRvrtTms)", reversion),
}

__all__ = ["PROCEDURES", "Check", "DeviceUnderTest", "Procedure"]
