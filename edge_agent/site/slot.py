"""One place for a device: found, lost and found again. Nobody else talks to the device."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from edge_agent.devices.command import CommandResult
from edge_agent.devices.connections import OpenLink
from edge_agent.devices.driver import Device, discover
from edge_agent.devices.link import Link
from edge_agent.devices.reading import ControlReadback, DeviceReading
from edge_agent.settings import DeviceSettings
from firmware_profiles import ProfileBook
from vpp_core.clock import Clock
from vpp_core.der import DerDescription
from vpp_core.faults import ConfigurationFault, DeviceFault, Fault
from vpp_core.ids import DerId
from vpp_core.measurement import Measurement

FAILURES_MAX = 3
"""Polls and commands that fail in a row before the link is given up and the device is looked for again."""


class DeviceSlot:
    """A device of the settings, and the link to it while there is one.

    Every method that talks raises DeviceFault if the device is not there or does not answer.
    """

    def __init__(
        self,
        der_id: DerId,
        settings: DeviceSettings,
        *,
        open_link: OpenLink,
        profiles: ProfileBook,
        clock: Clock,
    ) -> None:
        self.der_id = der_id
        self.settings = settings
        self._open_link = open_link
        self._profiles = profiles
        self._clock = clock
        self._link: Link | None = None
        self._device: Device | None = None
        self._failures = 0
        self._lost = asyncio.Event()
        self._lock = asyncio.Lock()

    @property
    def found(self) -> bool:
        return self._device is not None

    @property
    def answers(self) -> bool:
        """The device was found, and its last answer was good."""
        return self._device is not None and self._failures == 0

    @property
    def device(self) -> Device:
        """The device.

        Raises:
            DeviceFault: not found at present.
        """
        if self._device is None:
            raise DeviceFault(
                f"{self.settings.name} at {self.settings.link.endpoint} does not answer; "
                "check its power and network"
            )
        return self._device

    def description(self) -> DerDescription:
        return self.device.description(self.der_id, self.settings.name)

    async def find(self, pause_s: float, on_fault: Callable[[Fault], None]) -> None:
        """Look for the device until it answers; every failed attempt is told."""
        while True:
            try:
                async with self._lock:
                    self._link = self._link or self._open_link(self.settings.link)
                    self._device = await discover(
                        self._link,
                        self.settings.unit,
                        self._profiles,
                        self._clock,
                        kind=self.settings.kind,
                    )
            except (DeviceFault, ConfigurationFault) as fault:
                on_fault(fault)
            else:
                self._failures = 0
                self._lost.clear()
                return
            await self.close()
            await self._clock.sleep(pause_s)

    async def until_lost(self) -> None:
        await self._lost.wait()

    async def read(self) -> DeviceReading:
        """One poll."""
        async with self._talk():
            return await self.device.read()

    async def read_control(self) -> ControlReadback:
        async with self._talk():
            return await self.device.read_control()

    async def command(self, setpoint_w: float, revert_s: float) -> CommandResult:
        async with self._talk():
            return await self.device.command(setpoint_w, revert_s)

    async def release(self) -> CommandResult:
        async with self._talk():
            return await self.device.release()

    async def read_frequency(self) -> Measurement:
        """A fast read; that one of them fails says nothing of the device.

        It waits for no poll and no command: the connection sends it first. Only a map that has shifted is
        scanned by one task alone.
        """
        if self.device.map_is_known:
            return await self.device.read_frequency()
        async with self._lock:
            return await self.device.read_frequency()

    async def read_power(self) -> Measurement:
        """A fast read, as :meth:`read_frequency`."""
        if self.device.map_is_known:
            return await self.device.read_power()
        async with self._lock:
            return await self.device.read_power()

    @contextlib.asynccontextmanager
    async def _talk(self) -> AsyncIterator[None]:
        """One at a time; after several failures in a row the device counts as lost."""
        async with self._lock:
            try:
                yield
            except DeviceFault:
                self._failures += 1
                if self._failures >= FAILURES_MAX:
                    await self.close()
                raise
            self._failures = 0

    async def close(self) -> None:
        """Give the link up; :meth:`find` opens a new one."""
        link, self._link, self._device = self._link, None, None
        self._lost.set()
        if link is not None:
            with contextlib.suppress(DeviceFault):
                await link.close()
