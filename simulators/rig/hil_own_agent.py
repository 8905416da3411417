"""Our agent under test in this process, on simulated time."""

import asyncio
import contextlib
import random
import tempfile
from dataclasses import replace
from pathlib import Path

from edge_agent.app import run_site
from edge_agent.devices.link import LinkSettings
from edge_agent.settings import SiteSettings
from simulators.devices.site import UNITS
from simulators.devices.wire.memory import MemoryLine
from simulators.rig.hil_bench.instruments import SunSpecInstruments
from simulators.rig.hil_bench.settings import SiteTarget
from simulators.rig.hil_bench.station import Station, open_meter, read_identity
from simulators.rig.hil_bench.wire import Line, TcpLine
from simulators.rig.hil_gateway import SITE, PlayedSite, until_responding
from simulators.rig.hil_run import Order, run_station
from simulators.rig.hil_simulated import CLOCK, NOON
from simulators.rig.scenario.sites import site_values, write_text
from simulators.rig.virtual.memory import MemoryBroker, MemoryTransport
from simulators.rig.virtual.memory_link import MemoryLink
from simulators.rig.virtual.virtual_time import run_virtual
from simulators.rig.world.devices_process import units_of
from vpp_core.clock import Clock, VirtualClock

EXPIRES_S = 30.0
"""What the built-in agent arms as reversion time."""
_POLL_S = 1
"""The built-in agent takes the power before an excursion from its latest poll, so that has to be fresh."""
_READY_S_MAX = 300.0


class OwnAgent:
    """Our agent in this process: its links are cut as a pulled cable does."""

    def __init__(self, played: PlayedSite, clock: Clock, folder: Path) -> None:
        self._played, self._clock = played, clock
        self._links: list[MemoryLink] = []
        code = folder / "enrollment.code"
        write_text(code, "built-in", secret=True)
        values = site_values(SITE, folder, units_of(played.site), 502, "mqtt://127.0.0.1:1883")
        values["control"] = {"revert_s": EXPIRES_S, "poll_s": _POLL_S, "rediscover_s": 0.5}
        values["control"]["droop"] = {"nominal_hz": played.grid.nominal_hz}
        self.settings = SiteSettings(**values)
        self.deadband_hz = self.settings.control.droop.deadband_hz
        self.droop_pu = self.settings.control.droop.droop_pu
        self.command_expires_s = EXPIRES_S
        self._cut = False

    async def cut(self) -> str:
        self._set(broken=True)
        return "Every link between the agent and its devices was cut."

    async def mend(self) -> None:
        self._set(broken=False)

    async def run(self) -> None:
        await run_site(
            self.settings,
            clock=self._clock,
            transport=MemoryTransport(MemoryBroker(self._clock), SITE),
            open_link=self._open_link,
            chance=random.Random(SITE),  # noqa: S311 - a run must repeat
        )

    def _set(self, *, broken: bool) -> None:
        self._cut = broken
        for link in self._links:
            link.broken = broken

    def _open_link(self, settings: LinkSettings) -> MemoryLink:
        del settings
        link = MemoryLink(self._played.site.images, SITE)
        link.broken = self._cut
        self._links.append(link)
        return link


def run_own_agent(order: Order, kind: str) -> None:
    """Run against our agent on virtual time, seen at its battery (``agent``) or at its meter (``site``)."""

    async def main(clock: VirtualClock) -> None:
        with tempfile.TemporaryDirectory(prefix="vpp-hil-") as folder:
            played = PlayedSite(clock, float(order.settings.target.frequency_nominal_hz))
            agent = OwnAgent(played, clock, Path(folder))
            async with contextlib.AsyncExitStack() as open_things, asyncio.TaskGroup() as tasks:
                running = tasks.create_task(agent.run(), name="agent")
                try:
                    await until_responding(played, agent, clock, _READY_S_MAX)
                    await run_station(order, await _own_station(kind, played, agent, clock, open_things))
                finally:
                    running.cancel()

    run_virtual(main, NOON)


async def _own_station(
    kind: str, played: PlayedSite, agent: OwnAgent, clock: Clock, open_things: contextlib.AsyncExitStack
) -> Station:
    station = Station(
        kind=kind,
        name="our agent, in the same process",
        clock=clock,
        instruments=played,
        ratings=played.ratings(),
        gateway=agent,
        source=played,
        clock_name=CLOCK,
    )
    if kind == "agent":
        return station
    line = MemoryLine({UNITS["meter"]: played.site.images[UNITS["meter"]]})

    async def dial() -> Line:
        return TcpLine(*await line.open())

    target = SiteTarget(kind="site", host="simulated", rating_w=played.rating_w)
    meter = await open_meter(target, clock, dial)
    open_things.callback(meter.client.close)
    return replace(
        station,
        name="our agent and its site, in the same process",
        instruments=SunSpecInstruments(meter, 0.0, name="the site's meter"),
        identity=await read_identity(meter),
    )
