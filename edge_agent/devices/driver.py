"""One device: discovered, polled, commanded and released, by its profile."""

from edge_agent.devices.command import CommandResult, Confirmed, NotConfirmed
from edge_agent.devices.link import Link
from edge_agent.devices.reading import ControlReadback, DeviceReading
from firmware_profiles import Profile, ProfileBook
from vpp_core.clock import Clock
from vpp_core.der import DerDescription, DerKind
from vpp_core.ids import DerId
from vpp_core.measurement import Measurement

__all__ = ["CommandResult", "Confirmed", "Device", "NotConfirmed", "discover"]


async def discover(
    link: Link, unit: int, profiles: ProfileBook, clock: Clock, *, kind: DerKind | None = None
) -> "Device":
    """Scan a unit, find its profile and read its nameplate.

    Args:
        kind: what the site's settings say that the device is; without it, a map that could be a battery
            or an EVSE is refused rather than guessed.

    Raises:
        DeviceFault: the unit does not answer, or is no SunSpec device.
        ConfigurationFault: no profile, or more than one kind of profile, fits.
    """
    raise NotImplementedError


class Device:
    """One unit behind a link. Not safe for two tasks at once: one owner polls and commands."""

    profile: Profile

    @property
    def kind(self) -> DerKind:
        raise NotImplementedError

    def description(self, der_id: DerId, name: str) -> DerDescription:
        """Identity, ratings and profile, as enrolled."""
        raise NotImplementedError

    async def read(self) -> DeviceReading:
        """One poll: every value of the profile, plausible or a gap; at most three requests.

        Raises:
            DeviceFault: no answer, or the register map is not the one that was scanned; the next call
                scans again.
        """
        raise NotImplementedError

    async def read_frequency(self) -> Measurement:
        """Frequency in Hz by one small request; SUSPECT or MISSING if control must not act on it.

        Raises:
            DeviceFault: as ``read``.
        """
        raise NotImplementedError

    async def read_power(self) -> Measurement:
        """Active power in W, injection positive, by one small request.

        Raises:
            DeviceFault: as ``read``.
        """
        raise NotImplementedError

    async def read_control(self) -> ControlReadback:
        """The control points as they stand, before anything is written: an orphan shows here.

        Raises:
            DeviceFault: as ``read``.
            ValueError: the device takes no commands (a meter).
        """
        raise NotImplementedError

    async def command(self, setpoint_w: float, revert_s: float) -> CommandResult:
        """Write a setpoint with its reversion timer by the profile's recipe, and read it back.

        Args:
            setpoint_w: W, injection positive: absolute for a battery, the allowed injection for PV, the
                allowed charge (zero or negative) for an EVSE.
            revert_s: the device falls back to its own mode this long after the last command.

        Raises:
            DeviceFault: no answer; the device may hold the new setpoint or the old one.
            ValueError: not a finite setpoint, or the device takes no commands (a meter).
        """
        raise NotImplementedError

    async def release(self) -> CommandResult:
        """Give the device back to its own mode (enable off) and see it read back.

        ``Confirmed.setpoint_w`` is what the disabled register still holds.
        """
        raise NotImplementedError
