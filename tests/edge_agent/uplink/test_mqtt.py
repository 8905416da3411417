"""The MQTT 5 adapter against a broker that is really there."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest

from edge_agent.settings import BrokerSettings
from edge_agent.uplink.mqtt import MqttTransport
from edge_agent.uplink.transport import Connection, Delivery, Publication
from simulators.rig.world.broker import open_broker
from simulators.rig.world.processes import supervise
from vpp_core.faults import BrokerFault, ConfigurationFault

pytestmark = pytest.mark.integration
DEADLINE_S = 20.0
WILL = Publication("vpp/v1/site/state", b"gone", retain=True)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with supervise(tmp_path) as children:
        yield (await open_broker(children, tmp_path)).url


def transport(url: str, client_id: str = "gateway") -> MqttTransport:
    return MqttTransport(BrokerSettings(url=url, connect_timeout_s=5.0), client_id)


async def first(connection: Connection) -> Delivery:
    async for delivery in connection.messages():
        return delivery
    raise AssertionError("the connection ended without a message")


async def test_a_publication_comes_back_as_it_was(url: str) -> None:
    async with asyncio.timeout(DEADLINE_S), transport(url).connect(WILL) as connection:
        await connection.subscribe(["vpp/v1/site/command", "vpp/v1/site/config"])
        await connection.publish(Publication("vpp/v1/site/config", b"\x00\xff", expiry_s=60))
        assert await first(connection) == Delivery("vpp/v1/site/config", b"\x00\xff")


async def test_a_retained_publication_waits_for_who_subscribes_later(url: str) -> None:
    async with asyncio.timeout(DEADLINE_S), transport(url).connect(WILL) as connection:
        await connection.publish(Publication("vpp/v1/site/config", b"now", retain=True))
        await connection.subscribe(["vpp/v1/site/config"])
        assert (await first(connection)).payload == b"now"


async def test_the_broker_keeps_what_comes_while_the_gateway_is_away(url: str) -> None:
    async with asyncio.timeout(DEADLINE_S):
        async with transport(url).connect(WILL) as connection:
            await connection.subscribe(["vpp/v1/site/command"])
        async with transport(url, "cloud").connect(WILL) as cloud:
            await cloud.publish(Publication("vpp/v1/site/command", b"meanwhile"))
        async with transport(url).connect(WILL) as connection:
            assert (await first(connection)).payload == b"meanwhile"


async def test_the_will_is_published_when_the_gateway_is_cut(url: str) -> None:
    will_hear = transport(url, "cloud").connect(WILL)
    async with asyncio.timeout(DEADLINE_S), Cable(url) as cable, will_hear as cloud:
        await cloud.subscribe(["vpp/v1/site/state"])
        with pytest.raises(BrokerFault):
            await listen_and_be_cut(cable)
        assert (await first(cloud)).payload == b"gone"


async def listen_and_be_cut(cable: "Cable") -> None:
    async with transport(cable.url).connect(WILL) as gateway:
        await gateway.subscribe(["vpp/v1/site/command"])
        cable.pull()
        await first(gateway)


class Cable:
    """A way to the broker that can be pulled."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._ends: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.url = f"mqtt://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self.pull()
        self._server.close()
        await self._tasks.__aexit__(None, None, None)

    def pull(self) -> None:
        for end in self._ends:
            end.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._target.hostname, self._target.port)
        self._ends += [writer, back]
        self._tasks.create_task(self._carry(reader, back))
        self._tasks.create_task(self._carry(there, writer))

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while content := await source.read(4_096):
                target.write(content)
        target.close()


async def test_without_a_broker_there_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"mqtt://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BrokerFault, match="is it running"):
            async with transport(address).connect(WILL):
                raise AssertionError("nobody listens there")


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    settings = BrokerSettings(url="mqtts://broker.example", ca_file=tmp_path / "ca.pem")
    with pytest.raises(ConfigurationFault, match="certificates"):
        MqttTransport(settings, "gateway")


def test_a_certificate_without_its_key_is_refused(tmp_path: Path) -> None:
    ca_file = Path(ssl.get_default_verify_paths().openssl_cafile)
    cert_file = tmp_path / "cert.pem"
    cert_file.write_text("not a certificate")
    settings = BrokerSettings(
        url="mqtts://broker.example", ca_file=ca_file, cert_file=cert_file, key_file=cert_file
    )
    with pytest.raises(ConfigurationFault, match="certificates"):
        MqttTransport(settings, "gateway")


def test_a_password_comes_from_a_file(tmp_path: Path) -> None:
    settings = BrokerSettings(username="gateway", password_file=tmp_path / "password")
    with pytest.raises(ConfigurationFault, match="password"):
        MqttTransport(settings, "gateway")
    (tmp_path / "password").write_text("secret\n")
    MqttTransport(settings, "gateway")
