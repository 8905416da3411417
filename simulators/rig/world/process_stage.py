"""The world of a run as real processes: broker, devices, counterparties, cloud and gateways on loopback.

Everything speaks its real protocol on ports that the system picks: Modbus TCP, MQTT 5, HTTP, OpenADR.
Only the clock is simulated, and it is shared through a file.
"""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from simulators.rig.scenario.dip import DIP_SHAPE
from simulators.rig.scenario.sites import cloud_values, site_values, write_text, write_toml
from simulators.rig.scenario.stage import Options
from simulators.rig.scenario.story import sites_of
from simulators.rig.scenario.timetable import Timetable
from simulators.rig.world.broker import Broker, open_broker
from simulators.rig.world.http_server import LOOPBACK
from simulators.rig.world.pace import PaceFile
from simulators.rig.world.processes import Child, Children, Program, supervise
from vpp_core.clock import PacedClock

GATEWAYS_MAX = 6
"""Gateways that share a process, so that a fleet starts in seconds on two cores."""
ANSWER_S_MAX = 60.0
"""Real seconds that one call of an API may take."""
LOGS = "logs"


@contextlib.asynccontextmanager
async def process_stage(options: Options, alone: Collection[str] = ()) -> AsyncIterator["ProcessStage"]:
    """The world of a run; when the block ends, however it ends, no process and no port is left.

    Args:
        options: of the run; everything is written below ``options.out``.
        alone: sites whose gateway has a process of its own, so that it can be killed.

    Raises:
        Fault: a part of the world does not come up, or ends by itself.
    """
    folder = options.out
    write_text(folder / "rig" / "counterparty.token", token := secrets.token_urlsafe(24), secret=True)
    pace = PaceFile.create(folder / "rig" / "clock", Timetable(options.day).opens)
    try:
        async with supervise(folder / LOGS) as children, contextlib.AsyncExitStack() as clients:
            stage = ProcessStage(options, children, pace, token, frozenset(alone))
            await stage.open(clients)
            yield stage
    finally:
        pace.close()


class ProcessStage:
    """Satisfies :class:`simulators.rig.scenario.stage.Stage`."""

    cloud: httpx.AsyncClient
    utility: httpx.AsyncClient

    def __init__(
        self, options: Options, children: Children, pace: PaceFile, token: str, alone: frozenset[str]
    ) -> None:
        self._options = options
        self._children = children
        self._pace = pace
        self._token = token
        self._alone = alone
        self._folder = options.out
        self._broker = Broker("", "")
        self._sites: Mapping[str, Any] = {}
        self._gateways: list[tuple[Child, list[str]]] = []
        self._killed: dict[str, Program] = {}
        self.cloud_url = ""

    @property
    def clock(self) -> PacedClock:
        return self._pace.clock()

    @property
    def broker(self) -> str:
        return self._broker.choice

    @property
    def pace(self) -> str:
        return f"simulated, {self._options.speed:,.0f} times real time in ordinary hours"

    @property
    def token_file(self) -> Path:
        """Where the operator's token of the cloud's API is."""
        return self._folder / "cloud" / "operator.token"

    async def open(self, clients: contextlib.AsyncExitStack) -> None:
        """Bring everything up; the gateways' processes wait for what to run."""
        self._broker = await open_broker(self._children, self._folder / "rig", self._options.broker)
        children = self._children
        [cloud] = await children.launch(self._program("cloud", "cloud_process"))
        devices, counterparties = await children.start(
            self._program("devices", "devices_process", self._devices()),
            self._program("counterparties", "counterparties_process", self._counterparties()),
        )
        self._sites = devices.ports["sites"]
        groups = self._groups()
        gateways = await children.launch(*(self._program(name, "edge_process") for name in groups))
        self._gateways = [(child, sites) for child, sites in zip(gateways, groups.values(), strict=True)]
        operator_token = secrets.token_urlsafe(24)
        await children.configure(cloud, self._cloud(counterparties, operator_token))
        self.cloud_url = f"http://{LOOPBACK}:{cloud.ports['port']}"
        self.cloud = await clients.enter_async_context(_client(self.cloud_url, operator_token))
        utility_url = counterparties.ports["utility"]
        self.utility = await clients.enter_async_context(_client(utility_url, self._token))

    async def run_until(self, instant: datetime, speed: float) -> None:
        await self._pace.run_until(instant, speed)

    def let_run(self) -> None:
        """Let time pass at real speed from now on, for who looks around afterwards."""
        self._pace.set_speed(1.0)

    async def start_gateways(self, codes: Mapping[str, str]) -> None:
        async with asyncio.TaskGroup() as starts:
            for child, sites in self._gateways:
                installed = [str(self._install(site_id, codes[site_id])) for site_id in sites]
                config = {"sites": installed, "seed": self._options.seed}
                starts.create_task(self._children.configure(child, config), name=child.program.name)

    async def kill_gateway(self, site_id: str) -> None:
        self._killed[site_id] = await self._children.kill(f"gateway-{site_id}")

    async def restart_gateway(self, site_id: str) -> None:
        await self._children.start(self._killed.pop(site_id))

    async def add_dip(self, at: datetime) -> None:
        await self._children["devices"].ask({"ask": "add_dip", "at": at.isoformat(), **DIP_SHAPE})

    def _groups(self) -> dict[str, list[str]]:
        """Sites by the name of the process that runs their gateways."""
        sites = sites_of(self._options)
        together = [site_id for site_id in sites if site_id not in self._alone]
        groups = {}
        for first in range(0, len(together), GATEWAYS_MAX):
            members = together[first : first + GATEWAYS_MAX]
            groups[f"gateways-{members[0]}-{members[-1]}"] = members
        return groups | {f"gateway-{site_id}": [site_id] for site_id in sites if site_id in self._alone}

    def _devices(self) -> dict[str, Any]:
        return self._fleet() | {"begins_at": Timetable(self._options.day).opens.isoformat()}

    def _counterparties(self) -> dict[str, Any]:
        return self._fleet() | {"token_file": str(self._folder / "rig" / "counterparty.token")}

    def _cloud(self, counterparties: Child, operator_token: str) -> dict[str, Any]:
        folder = self._folder / "cloud"
        tokens = {"operator": operator_token, "market": self._token, "utility": self._token}
        for name, token in tokens.items():
            write_text(folder / f"{name}.token", token, secret=True)
        ports = counterparties.ports
        values = cloud_values(
            folder,
            broker_url=self._broker.url,
            market_url=ports["market"],
            utility_url=ports["utility"],
            vtn=ports["vtn"],
        )
        settings = write_toml(folder / "cloud.toml", values)
        return {"settings": str(settings), "seed": self._options.seed}

    def _install(self, site_id: str, code: str) -> Path:
        folder, site = self._folder / "sites" / site_id, self._sites[site_id]
        write_text(folder / "enrollment.code", code, secret=True)
        values = site_values(site_id, folder, site["units"], site["port"], self._broker.url)
        return write_toml(folder / "site.toml", values)

    def _fleet(self) -> dict[str, Any]:
        options = self._options
        return {"sites": options.sites, "seed": options.seed, "day": options.day.isoformat()}

    def _program(self, name: str, module: str, config: Mapping[str, Any] | None = None) -> Program:
        arguments = ("--clock", str(self._pace.path))
        return Program(name, f"simulators.rig.world.{module}", arguments, config=config or {})


def _client(url: str, token: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=ANSWER_S_MAX, trust_env=False)
