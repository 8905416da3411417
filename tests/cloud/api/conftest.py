"""A whole cloud in one process: stores in files, broker in memory, counterparties that do not answer."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from cloud.composition import Cloud, Surroundings, build
from cloud.settings import CloudSettings, load_settings
from cloud.telemetry.wire import Inbound
from vpp_core.clock import Clock, ManualClock
from vpp_core.ids import IdFactory

TOKEN = "a-token-of-some-length"


class MemoryBroker:
    """Gives what is put in, keeps what is published."""

    def __init__(self) -> None:
        self.inbound: asyncio.Queue[Inbound] = asyncio.Queue(100)
        self.published: list[tuple[str, bytes, bool, int | None]] = []

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[Inbound]]:
        yield self._messages()

    async def _messages(self) -> AsyncIterator[Inbound]:
        while True:
            yield await self.inbound.get()

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        self.published.append((topic, payload, retain, expiry_s))


def write_config(folder: Path) -> Path:
    """A complete configuration in a folder, with its token files."""
    for name in ("api", "market", "utility"):
        (folder / f"{name}.token").write_text(TOKEN + "\n", encoding="ascii")
    path = folder / "cloud.toml"
    text = """
[storage]
database_file = "vpp.db"
telemetry_file = "telemetry.duckdb"
[api]
port = 0
token_file = "api.token"
[market]
url = "http://127.0.0.1:9"
token_file = "market.token"
[utility]
url = "http://127.0.0.1:9"
token_file = "utility.token"
"""
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The path of a complete configuration file."""
    return write_config(tmp_path)


@pytest.fixture
def settings(config: Path) -> CloudSettings:
    return load_settings(config)


@pytest.fixture
def broker() -> MemoryBroker:
    return MemoryBroker()


class Counterparties:
    """Market and utility behind one HTTP client; they answer nothing until told."""

    def __init__(self) -> None:
        self.answers: dict[str, httpx.Response] = {}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        return self.answers.get(request.url.path, httpx.Response(503))


@pytest.fixture
def counterparties() -> Counterparties:
    return Counterparties()


Around = Callable[[Clock], Surroundings]


@pytest.fixture
def around(broker: MemoryBroker, counterparties: Counterparties) -> Around:
    """The surroundings of a cloud on a given clock."""

    def surroundings(clock: Clock) -> Surroundings:
        http = httpx.AsyncClient(transport=httpx.MockTransport(counterparties))
        ids = IdFactory(clock.now, random.Random(1))
        return Surroundings(clock, ids, broker, broker, http, random.Random(2))

    return surroundings


@pytest.fixture
def cloud(settings: CloudSettings, around: Around, clock: ManualClock) -> Iterator[Cloud]:
    cloud = build(settings, around(clock))
    yield cloud
    cloud.close()


@pytest.fixture
def operator() -> dict[str, str]:
    """The headers of somebody who has the token."""
    return {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def client(cloud: Cloud, operator: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(cloud.api), base_url="http://cloud", headers=operator
    )
