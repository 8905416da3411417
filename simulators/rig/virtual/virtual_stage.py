"""The whole world in one process on virtual time: no socket, no thread, the same to the last bit.

Everything is what the processes of the demo run, wired in memory: the same cloud, the same agents on the
same register bytes, the same market and utility behind the same HTTP forms. Only the broker, the Modbus
transport and OpenADR's XML are left out; the utility's notices take the way of the VEN's neutral form.
"""

import asyncio
import contextlib
import random
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from pathlib import Path

import httpx

from cloud.composition import Cloud, Surroundings, build
from cloud.openadr.intake import EventStatus, GridEventNotice
from cloud.settings import CloudSettings
from edge_agent.app import run_site
from edge_agent.devices.link import LinkSettings
from edge_agent.settings import SiteSettings
from simulators.data.extracts import day_ahead_prices
from simulators.devices.site import SimulatedSite
from simulators.fleet import make_fleet, make_site
from simulators.grid.script import Dip, GridScript
from simulators.market.app import create_app as create_market
from simulators.rig.scenario.dip import DIP_SHAPE
from simulators.rig.scenario.meters import meters_of
from simulators.rig.scenario.sites import UTILITY, VEN_NAME, cloud_values, site_values, write_text
from simulators.rig.scenario.stage import Options
from simulators.rig.scenario.timetable import Timetable
from simulators.rig.virtual.memory import MemoryBroker, MemorySink, MemorySource, MemoryTransport
from simulators.rig.virtual.memory_link import MemoryLink
from simulators.rig.virtual.virtual_time import VirtualTempo
from simulators.rig.world.devices_process import units_of
from simulators.utility.app import create_app as create_utility
from simulators.utility.events import EventBook, PeakEvent
from vpp_core.clock import VirtualClock
from vpp_core.ids import IdFactory, ProgramId
from vpp_core.units import watts_from_kw

MARKET_URL, UTILITY_URL = "http://127.0.0.1:1", "http://127.0.0.1:2"
"""Names only: nothing listens there, the client hands the requests on in memory."""
POLL_S = 1.0


@contextlib.asynccontextmanager
async def virtual_stage(options: Options, clock: VirtualClock) -> AsyncIterator["VirtualStage"]:
    """The world of a run on virtual time; must run on a :class:`VirtualTimeLoop`.

    Raises:
        ConfigurationFault: a data file is missing.
        LocalFault: the run's folder cannot be written.
    """
    async with contextlib.AsyncExitStack() as open_things:
        tasks = await open_things.enter_async_context(asyncio.TaskGroup())
        stage = VirtualStage(options, clock, tasks)
        open_things.push_async_callback(stage.close)
        await stage.open()
        yield stage


class VirtualStage:
    """Satisfies :class:`simulators.rig.scenario.stage.Stage`."""

    broker = "in memory"
    pace = "virtual, as fast as it computes"

    def __init__(self, options: Options, clock: VirtualClock, tasks: asyncio.TaskGroup) -> None:
        self.clock = clock
        self._options = options
        self._tasks = tasks
        self._tempo = VirtualTempo(clock)
        self._token = secrets.token_urlsafe(16)
        self._broker = MemoryBroker(clock)
        self._grid = GridScript(options.seed)
        self._book = EventBook()
        self._gateways: dict[str, asyncio.Task[None]] = {}
        self._links: dict[str, list[MemoryLink]] = {}
        homes = make_fleet(options.sites, options.seed, options.day)
        begins_at = Timetable(options.day).opens
        self._sites: dict[str, SimulatedSite] = {
            home.site_id: make_site(home, clock, self._grid, begins_at=begins_at) for home in homes
        }
        market = create_market(clock=clock, prices=day_ahead_prices(), token=self._token)
        utility = create_utility(
            clock=clock,
            meters=meters_of(homes),
            token=self._token,
            desk_token=self._token,
            book=self._book,
        )
        self._http = httpx.AsyncClient(
            mounts={
                MARKET_URL: httpx.ASGITransport(app=market),
                UTILITY_URL: httpx.ASGITransport(app=utility),
            }
        )
        self.utility = self._client(httpx.ASGITransport(app=utility), UTILITY_URL)
        self._cloud_side = self._build_cloud()
        self.cloud = self._client(httpx.ASGITransport(app=self._cloud_side.api), "http://127.0.0.1:3")
        self._services: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Start the cloud and wait until it hears its gateways."""
        self._services = [
            self._tasks.create_task(self._cloud_side.run(), name="cloud"),
            self._tasks.create_task(self._announce(), name="utility"),
        ]
        await self._cloud_side.ingest.connected.wait()

    async def close(self) -> None:
        """End gateways and cloud in order."""
        for tasks in (self._gateways.values(), self._services):
            await _end(*tasks)
        self._cloud_side.close()
        for client in (self.cloud, self.utility, self._http):
            await client.aclose()

    async def run_until(self, instant: datetime, speed: float) -> None:
        await self._tempo.run_until(instant, speed)

    async def start_gateways(self, codes: Mapping[str, str]) -> None:
        for site_id, code in codes.items():
            write_text(self._folder(site_id) / "enrollment.code", code, secret=True)
            self._start(site_id)

    async def kill_gateway(self, site_id: str) -> None:
        for link in self._links[site_id]:
            link.broken = True
        self._broker.cut(site_id)
        await _end(self._gateways.pop(site_id))

    async def restart_gateway(self, site_id: str) -> None:
        self._start(site_id)

    async def add_dip(self, at: datetime) -> None:
        self._grid.add_dip(Dip(at=at, **DIP_SHAPE))

    def _start(self, site_id: str) -> None:
        site = self._sites[site_id]
        values = site_values(site_id, self._folder(site_id), units_of(site), 502, "mqtt://127.0.0.1:1883")
        self._links[site_id] = []
        self._gateways[site_id] = self._tasks.create_task(
            run_site(
                SiteSettings(**values),
                clock=self.clock,
                transport=MemoryTransport(self._broker, site_id),
                open_link=self._linker(site_id),
                chance=random.Random(f"gateway {self._options.seed} {site_id}"),  # noqa: S311
            ),
            name=site_id,
        )

    def _linker(self, site_id: str) -> Callable[[LinkSettings], MemoryLink]:
        def open_link(_settings: LinkSettings) -> MemoryLink:
            link = MemoryLink(self._sites[site_id].images, site_id)
            self._links[site_id].append(link)
            return link

        return open_link

    def _build_cloud(self) -> Cloud:
        folder = self._options.out / "cloud"
        for name in ("operator", "market", "utility"):
            write_text(folder / f"{name}.token", self._token, secret=True)
        values = cloud_values(
            folder,
            broker_url="mqtt://127.0.0.1:1883",
            market_url=MARKET_URL,
            utility_url=UTILITY_URL,
            vtn=None,
        )
        seed = self._options.seed
        around = Surroundings(
            clock=self.clock,
            ids=IdFactory(self.clock.now, random.Random(f"ids {seed}")),  # noqa: S311
            source=MemorySource(self._broker),
            sink=MemorySink(self._broker),
            http=self._http,
            chance=random.Random(f"cloud {seed}"),  # noqa: S311
            timer_s=lambda: 0.0,
        )
        return build(CloudSettings(**values), around)

    def _client(self, transport: httpx.ASGITransport, url: str) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {self._token}"}
        return httpx.AsyncClient(transport=transport, base_url=url, headers=headers)

    def _folder(self, site_id: str) -> Path:
        return self._options.out / "sites" / site_id

    async def _announce(self) -> None:
        """Carry the utility's events to dispatch, and the answers back."""
        while True:
            for event in self._book.waiting(VEN_NAME, self.clock.now()):
                opt = await self._cloud_side.stages.dispatch.on_grid_event(_notice(event))
                self._book.answer(event.event_id, event.newest.modification, opt, self.clock.now())
            await self.clock.sleep(POLL_S)


async def _end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they are done; what they raised is the task group's to tell."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _notice(event: PeakEvent) -> GridEventNotice:
    call = event.newest
    return GridEventNotice(
        source=UTILITY,
        event_id=event.event_id,
        modification=call.modification,
        status=EventStatus.CANCELLED if call.cancelled else EventStatus.PENDING,
        program_id=ProgramId("utility-peak"),
        interval=call.interval,
        target_w=watts_from_kw(float(call.target_kw)),
    )
