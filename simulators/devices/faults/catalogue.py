"""All faults by name."""

from collections.abc import Mapping

from simulators.devices.faults.kind import SimulatedFault
from simulators.devices.faults.parameters import checked
from simulators.devices.faults.register_faults import ShiftedMap, StuckRegister, WrongScaleFactor
from simulators.devices.faults.unit_faults import (
    ClockSkew,
    Frozen,
    NoReversion,
    Reboot,
    SecondMaster,
    SlowFirmware,
    VendorCloud,
    ZeroHertzWhenIdle,
)
from simulators.devices.faults.wire_faults import (
    Corrupted,
    Delay,
    HalfOpen,
    LateAnswer,
    Loss,
    Refused,
    WrongTransaction,
)
from vpp_core.faults import ConfigurationFault

CATALOGUE: Mapping[str, type[SimulatedFault]] = {
    kind.name: kind
    for kind in (
        Delay,
        Loss,
        HalfOpen,
        Refused,
        LateAnswer,
        WrongTransaction,
        Corrupted,
        StuckRegister,
        WrongScaleFactor,
        ShiftedMap,
        ZeroHertzWhenIdle,
        ClockSkew,
        SecondMaster,
        NoReversion,
        VendorCloud,
        SlowFirmware,
        Frozen,
        Reboot,
    )
}


def make(name: str, parameters: Mapping[str, object]) -> SimulatedFault:
    """A fault by its name.

    Raises:
        ConfigurationFault: there is none, or it does not take these parameters.
    """
    kind = CATALOGUE.get(name)
    if kind is None:
        raise ConfigurationFault(f"There is no fault {name!r}; known are {', '.join(CATALOGUE)}.")
    return kind(**checked(kind, name, parameters))
