"""The world of a run as real processes: broker, devices, counterparties, cloud and gateways on loopback.

Everything speaks its real protocol on ports that the system picks: Modbus TCP, MQTT 5, HTTP, OpenADR.
Only the clock is simulated, and it is shared through a file.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from simulators.rig.broker import Broker, open_broker
from simulators.rig.dip import DIP_SHAPE
from simulators.rig.http_server import LOOPBACK
from simulators.rig.pace import PaceFile
from simulators.rig.processes import Child, Children, Program, supervise
from simulators.rig.sites import cloud_values, site_values, write_text, write_toml
from simulators.rig.stage import Options
from simulators.rig.timetable import Timetable
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
    """Satisfies :class:`simulators.rig.stage.Stage`."""

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
        """Bring everything up but the gateways."""
        async with asyncio.TaskGroup() as starts:
            broker = starts.create_task(
                open_broker(self._children, self._folder / "rig", self._options.broker), name="broker"
            )
            world = starts.create_task(
                self._children.start(self._devices(), self._counterparties()), name="world"
            )
        self._broker = broker.result()
        devices, counterparties = world.result()
        self._sites = devices.ports["sites"]
        operator_token = secrets.token_urlsafe(24)
        [cloud] = await self._children.start(self._cloud(counterparties, operator_token))
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
        settings = {site_id: self._install(site_id, code) for site_id, code in codes.items()}
        together = [site_id for site_id in settings if site_id not in self._alone]
        groups = [together[first : first + GATEWAYS_MAX] for first in range(0, len(together), GATEWAYS_MAX)]
        groups += [[site_id] for site_id in settings if site_id in self._alone]
        await self._children.start(
            *(self._gateways(group, [settings[site_id] for site_id in group]) for group in groups)
        )

    async def kill_gateway(self, site_id: str) -> None:
        self._killed[site_id] = await self._children.kill(f"gateway-{site_id}")

    async def restart_gateway(self, site_id: str) -> None:
        await self._children.start(self._killed.pop(site_id))

    async def add_dip(self, at: datetime) -> None:
        await self._children["devices"].ask({"ask": "add_dip", "at": at.isoformat(), **DIP_SHAPE})

    def _devices(self) -> Program:
        fleet = self._fleet()
        fleet["begins_at"] = Timetable(self._options.day).opens.isoformat()
        return self._program("devices", "devices_process", fleet)

    def _counterparties(self) -> Program:
        token_file = str(self._folder / "rig" / "counterparty.token")
        config = self._fleet() | {"token_file": token_file}
        return self._program("counterparties", "counterparties_process", config)

    def _cloud(self, counterparties: Child, operator_token: str) -> Program:
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
        config = {"settings": str(settings), "seed": self._options.seed}
        return self._program("cloud", "cloud_process", config)

    def _gateways(self, sites: Sequence[str], settings: Sequence[Path]) -> Program:
        name = f"gateway-{sites[0]}" if len(sites) == 1 else f"gateways-{sites[0]}-{sites[-1]}"
        config = {"sites": [str(path) for path in settings], "seed": self._options.seed}
        return self._program(name, "edge_process", config)

    def _install(self, site_id: str, code: str) -> Path:
        folder, site = self._folder / "sites" / site_id, self._sites[site_id]
        write_text(folder / "enrollment.code", code, secret=True)
        values = site_values(site_id, folder, site["units"], site["port"], self._broker.url)
        return write_toml(folder / "site.toml", values)

    def _fleet(self) -> dict[str, Any]:
        options = self._options
        return {"sites": options.sites, "seed": options.seed, "day": options.day.isoformat()}

    def _program(self, name: str, module: str, config: Mapping[str, Any]) -> Program:
        path = write_text(self._folder / "rig" / f"{name}.json", json.dumps(config))
        arguments = ("--clock", str(self._pace.path), "--config", str(path))
        return Program(name, f"simulators.rig.{module}", arguments)


def _client(url: str, token: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=ANSWER_S_MAX, trust_env=False)
