"""One commissioned site at work: its loops under one roof."""

import asyncio
import random
from collections.abc import Sequence

from edge_agent.settings import SiteSettings
from edge_agent.site.actuator import Actuator
from edge_agent.site.assembly import (
    make_actuators,
    make_control,
    make_fast_loop,
    make_table,
    session_settings,
)
from edge_agent.site.faults import FaultBook
from edge_agent.site.journal import STORAGE, Journal
from edge_agent.site.memory import STATUS, CommissionedSite, Memory
from edge_agent.site.poll import Poll, report_foreign
from edge_agent.site.presence import Presence
from edge_agent.site.slot import DeviceSlot
from edge_agent.site.ticks import AlignedTicks, FastTicks
from edge_agent.uplink.database import Database
from edge_agent.uplink.outbox import Outbox
from edge_agent.uplink.session import Uplink
from edge_agent.uplink.transport import Transport
from vpp_core.clock import Clock
from vpp_core.codec import encode
from vpp_core.faults import DeviceFault, Fault, Severity, StorageFault
from vpp_core.ids import DerId, IdFactory
from vpp_core.messages import Telemetry


class SiteAgent:
    """A site at work; :meth:`run` ends by cancellation and leaves every device released.

    Args:
        settings: the site's.
        site: what commissioning found.
        slots: its devices, in the order of the settings.
        database: the site's file.
        transport: the way to the broker.
        clock: the only time there is.
        chance: of ids and of reconnects.
    """

    def __init__(  # noqa: PLR0913 - the one place where a site is put together
        self,
        settings: SiteSettings,
        site: CommissionedSite,
        slots: Sequence[DeviceSlot],
        *,
        database: Database,
        transport: Transport,
        clock: Clock,
        chance: random.Random,
    ) -> None:
        self._settings = settings.control
        self._slots = slots
        self._clock = clock
        self._faults = FaultBook()
        self._memory = Memory(database)
        ids = IdFactory(clock.now, chance)
        session = ids.new()
        outbox = Outbox(database, messages_max=settings.outbox.messages_max, now=clock.now())
        self._journal = Journal(
            site_id=settings.site, outbox=outbox, faults=self._faults, ids=ids, clock=clock
        )
        table = make_table(settings, site, self._memory)
        self._control = make_control(settings, site, table)
        self._actuators = make_actuators(self._settings, slots, self._memory, self._remember)
        self._fast = make_fast_loop(
            self._settings, slots, self._actuators, self._control, self._journal, table
        )
        self._poll = Poll(slots, self._actuators, self._control, faults=self._faults, clock=clock)
        self._presence = Presence(
            settings=settings,
            site=site,
            session=session,
            slots=slots,
            actuators=self._actuators,
            fast=self._fast,
            memory=self._memory,
            journal=self._journal,
        )
        if (config := self._memory.config()) is not None:
            self._presence.on_config(config)
        self._uplink = Uplink(
            outbox,
            transport,
            self._presence,
            clock=clock,
            settings=session_settings(settings),
            chance=chance,
        )
        self._told = (self._fast.state, -1)
        self._told_available: dict[DerId, bool] = {}
        self._told_at_s = clock.monotonic_s()
        if database.replaced is not None:
            text = f"the site's file was broken; it was moved to {database.replaced.name} and begun anew"
            self._faults.raise_(STORAGE, "file", text, clock.now(), Severity.ALARM)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._uplink.run(), name="uplink")
            for slot in self._slots:
                tasks.create_task(self._keep(slot), name=f"keep {slot.settings.name}")
            tasks.create_task(self._run_poll(), name="poll")
            tasks.create_task(self._run_fast(), name="fast")

    async def _run_poll(self) -> None:
        ticks = AlignedTicks(self._clock, self._settings.poll_s)
        desk = self._fast.desk
        while True:
            await ticks.wait()
            readings = await self._poll.round()
            telemetry = Telemetry(site_id=self._journal.site_id, seq=0, readings=readings)
            ended = desk.ended()
            status = {STATUS: encode(self._presence.state(online=True))}
            self._journal.store([telemetry, *ended], {**desk.document(), **status})
            self._tell()

    async def _run_fast(self) -> None:
        ticks = FastTicks(self._clock, self._settings.fast_s)
        try:
            async with asyncio.TaskGroup() as hands:
                while True:
                    await ticks.wait()
                    self._journal.event(await self._fast.tick(hands))
                    if self._changed():
                        self._tell()
        finally:
            self._journal.event(self._fast.recorder.close())
            await self._fast.release()

    async def _keep(self, slot: DeviceSlot) -> None:
        """Find a device whenever it is not there, and read its control points before any write."""
        actuator = self._actuators.get(slot.der_id)
        while True:
            if not slot.found:
                await slot.find(
                    self._settings.rediscover_s,
                    lambda fault: self._missing(slot, fault),
                )
            if actuator is not None and not await self._meet(actuator):
                await slot.close()
                await self._clock.sleep(self._settings.rediscover_s)
                continue
            await slot.until_lost()
            if actuator is not None:
                actuator.lose()

    async def _meet(self, actuator: Actuator) -> bool:
        """See what a device was told and what it measures; only then may the fast loop act on it."""
        slot = actuator.slot
        try:
            ours = await actuator.meet(self._clock.monotonic_s())
        except DeviceFault as fault:
            self._missing(slot, fault)
            return False
        self._control.on_setpoint(slot.der_id, actuator.setpoint_w)
        if not ours:
            report_foreign(self._faults, slot.settings.name, self._clock.now())
        await self._poll.read(slot)
        actuator.met = True
        return True

    def _missing(self, slot: DeviceSlot, fault: Fault) -> None:
        self._faults.raise_(DeviceFault.code, slot.settings.name, str(fault), self._clock.now())

    def _tell(self) -> None:
        """Publish the state if it has changed, and every now and then."""
        available = self._presence.available()
        now_s = self._clock.monotonic_s()
        due = now_s - self._told_at_s >= self._settings.state_s
        if available == self._told_available and not due and not self._changed():
            return
        self._told, self._told_available = (self._fast.state, self._faults.version), available
        self._told_at_s = now_s
        self._uplink.publish_state()
        if due:
            self._uplink.publish_enrollment()

    def _changed(self) -> bool:
        return self._told != (self._fast.state, self._faults.version)

    def _remember(self) -> None:
        owned = frozenset(der_id for der_id, actuator in self._actuators.items() if actuator.owned)
        try:
            self._memory.save_owned(owned)
        except StorageFault as fault:
            self._journal.report(fault, STORAGE)
