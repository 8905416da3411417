"""One site's agent from nothing to running: storage, devices, commissioning once, then the loops."""

import asyncio
import logging
import random
import secrets

from edge_agent.commissioning import commission
from edge_agent.devices.connections import Connections, OpenLink
from edge_agent.settings import ControlSettings, SiteSettings
from edge_agent.site.agent import SiteAgent
from edge_agent.site.memory import CommissionedSite, Memory
from edge_agent.site.slot import DeviceSlot
from edge_agent.uplink.database import open_database
from edge_agent.uplink.transport import Transport
from firmware_profiles import load_profiles
from vpp_core.clock import Clock
from vpp_core.faults import Fault

_log = logging.getLogger(__name__)


async def run_site(
    settings: SiteSettings,
    *,
    clock: Clock,
    transport: Transport,
    open_link: OpenLink,
    chance: random.Random | None = None,
) -> None:
    """Run one site until cancelled; devices are released and the cloud is told before it returns.

    Args:
        settings: the site's.
        clock: the only time there is.
        transport: the way to the broker.
        open_link: makes the link to an endpoint; devices of one endpoint share it.
        chance: of ids and reconnects; the system's by default, a seeded one where a run must repeat.

    Raises:
        StorageFault: the state folder cannot be used.
        ConfigurationFault: the shipped profiles cannot be read.
    """
    profiles = load_profiles()
    database = open_database(settings.state_dir, clock.now(), settings.outbox.durability)
    try:
        async with Connections(open_link, [device.link for device in settings.device]) as connections:
            slots = [
                DeviceSlot(
                    settings.der_id(device),
                    device,
                    open_link=connections.share,
                    profiles=profiles,
                    clock=clock,
                )
                for device in settings.device
            ]
            memory = Memory(database)
            site = memory.site()
            if site is None or {der.der_id for der in site.ders} != {slot.der_id for slot in slots}:
                site = await _first_start(slots, clock, settings.control)
                memory.save_site(site)
            agent = SiteAgent(
                settings,
                site,
                slots,
                database=database,
                transport=transport,
                clock=clock,
                chance=chance or secrets.SystemRandom(),
            )
            await agent.run()
    finally:
        database.close()


async def _first_start(slots: list[DeviceSlot], clock: Clock, control: ControlSettings) -> CommissionedSite:
    """Wait until every device answers, and commission them."""

    def report(fault: Fault) -> None:
        _log.warning("%s", fault)

    async with asyncio.TaskGroup() as tasks:
        for slot in slots:
            tasks.create_task(slot.find(control.rediscover_s, report), name=f"find {slot.settings.name}")
    devices = {slot.settings.name: slot.device for slot in slots}
    checks = await commission(devices, clock, control.commissioning_timer_s)
    return CommissionedSite(ders=tuple(slot.description() for slot in slots), checks=checks)
