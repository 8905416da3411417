"""What a device tells: one poll, and the state of its control points."""

from datetime import datetime

import msgspec

from vpp_core.measurement import Quality


class ControlReadback(msgspec.Struct, frozen=True, kw_only=True):
    """The control points as the device holds them now, whoever wrote them."""

    enabled: bool
    setpoint_w: float | None
    """The value in the device's registers, in W, injection positive, whether enabled or not: absolute for
    a battery, the allowed injection for PV, the allowed charge (negative) for an EVSE. ``None`` if the
    device does not give one."""
    revert_s: float | None = None
    """The reversion timer that is set; ``None`` or 0: the setpoint would stay for ever."""
    revert_remaining_s: float | None = None
    """Seconds until the device reverts by itself; ``None`` if it does not say."""


class DeviceReading(msgspec.Struct, frozen=True, kw_only=True):
    """One device at one instant, in core units and signs; ``None`` is a gap.

    A value that the device cannot physically have is a gap too, named in ``doubts``. ``quality`` is GOOD
    if every value that the profile requires is there and plausible, else SUSPECT.
    """

    at: datetime
    quality: Quality
    power_w: float | None = None
    reactive_var: float | None = None
    voltage_v: float | None = None
    frequency_hz: float | None = None
    energy_injected_wh: float | None = None
    energy_absorbed_wh: float | None = None
    state_of_charge_pct: float | None = None
    energy_capacity_wh: float | None = None
    control: ControlReadback | None = None
    doubts: tuple[str, ...] = ()
    """One short sentence a value that was refused or is missing although required."""
