"""The cloud's MQTT connection against a real broker on loopback; mosquitto if it is here, else iotcore."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import aiomqtt
import pytest
import pytest_asyncio

from cloud.telemetry import mqtt
from cloud.telemetry.mqtt import BrokerAddress, MqttBroker, tls_context
from cloud.telemetry.wire import Inbound
from simulators.rig.world.broker import open_broker
from simulators.rig.world.processes import Children, supervise
from vpp_core.faults import BrokerFault, ConfigurationFault

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def children(tmp_path: Path) -> AsyncIterator[Children]:
    async with supervise(tmp_path / "logs") as children:
        yield children


@pytest_asyncio.fixture
async def address(children: Children, tmp_path: Path) -> BrokerAddress:
    broker = await open_broker(children, tmp_path)
    parts = urlsplit(broker.url)
    return BrokerAddress(parts.hostname or "", parts.port or 0, "cloud-test", share="workers")


async def _next(messages: AsyncIterator[Inbound]) -> Inbound:
    async with asyncio.timeout(10.0):
        return await anext(messages)


async def test_both_directions_pass_and_a_shared_subscription_is_proven(address: BrokerAddress) -> None:
    broker = MqttBroker(address)
    async with aiomqtt.Client(
        address.host, address.port, identifier="gateway", protocol=aiomqtt.ProtocolVersion.V5
    ) as gateway:
        await gateway.publish("vpp/v1/site-00/state", b"retained", qos=1, retain=True)
        await gateway.subscribe("vpp/v1/site-00/command", qos=1)
        async with broker.open() as messages:
            assert broker.shared
            assert await _next(messages) == Inbound("vpp/v1/site-00/state", b"retained")
            await gateway.publish("vpp/v1/site-00/telemetry", b"one", qos=1)
            assert await _next(messages) == Inbound("vpp/v1/site-00/telemetry", b"one")
            await broker.publish("vpp/v1/site-00/command", b"down", expiry_s=60)
            async with asyncio.timeout(10.0):
                received = await anext(aiter(gateway.messages))
            assert received.payload == b"down"
            assert getattr(received.properties, "MessageExpiryInterval", None) in range(1, 61)


async def test_a_share_that_delivers_nothing_is_found_and_not_used(
    address: BrokerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The canary's share is given another topic, as if the broker granted it and then forgot it."""
    granted = MqttBroker._granted

    async def grant_and_forget(broker: MqttBroker, client: aiomqtt.Client, filters: list[str]) -> None:
        await granted(broker, client, ["elsewhere" if "canary" in name else name for name in filters])

    monkeypatch.setattr(mqtt, "CANARY_S_MAX", 0.05)
    monkeypatch.setattr(MqttBroker, "_granted", grant_and_forget)
    broker = MqttBroker(address)
    async with broker.open() as messages:
        assert not broker.shared
        await broker.publish("vpp/v1/site-00/telemetry", b"plain")
        assert await _next(messages) == Inbound("vpp/v1/site-00/telemetry", b"plain")


async def test_a_broker_that_dies_is_a_fault_in_both_directions(
    address: BrokerAddress, children: Children
) -> None:
    broker = MqttBroker(address._replace(share=""))

    async def lose() -> None:
        async with broker.open() as messages:
            await children.stop_all()
            await _next(messages)

    with pytest.raises(BrokerFault, match="check that it runs"):
        await lose()
    with pytest.raises(BrokerFault, match="not connected; nothing was sent"):
        await broker.publish("vpp/v1/site-00/command", b"down")


async def test_a_broker_that_is_not_there_is_one_sentence(address: BrokerAddress, children: Children) -> None:
    await children.stop_all()
    with pytest.raises(BrokerFault, match=r"does not answer.*check that it runs"):
        async with MqttBroker(address).open():
            pass


def test_missing_tls_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match=r"check \[broker\]"):
        tls_context(tmp_path / "ca.pem", None, None)
