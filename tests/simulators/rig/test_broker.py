import asyncio
import importlib.util
import os
import shutil
import socket
import sys
from pathlib import Path

import aiomqtt
import pytest

from cloud.telemetry.mqtt import BrokerAddress, MqttBroker
from simulators.rig.world import broker as broker_module
from simulators.rig.world.broker import Broker, open_broker, parse_url
from simulators.rig.world.processes import ChildFault, supervise
from vpp_core.faults import BrokerFault, ConfigurationFault, LocalFault
from vpp_core.topics import UPLINK

PATIENCE_S = 10.0
STAND_IN = """
import sys
from pathlib import Path
from simulators.rig.world.broker import _iotcore_config
from simulators.rig.world.iotcore_process import main

config = Path(sys.argv[2])
port = int(config.read_text().partition("listener ")[2].split()[0])
Path(config.parent / "stand_in.toml").write_text(_iotcore_config(port))
main(str(config.parent / "stand_in.toml"))
"""


@pytest.fixture
def without_mosquitto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_args, **_kwargs: None)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("mqtt://127.0.0.1:1884", "127.0.0.1", 1884),
        ("mqtt://localhost", "localhost", None),
        ("mqtt://[::1]:1883/", "::1", 1883),
    ],
)
def test_an_address_is_host_and_port(url: str, host: str, port: int | None) -> None:
    parts = parse_url(url)
    assert (parts.hostname, parts.port) == (host, port)


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:1883",
        "http://127.0.0.1",
        "mqtts://127.0.0.1",
        "mqtt://",
        "mqtt://host:0",
        "mqtt://host:99999",
        "mqtt://host/path",
        "mqtt://user@host",
        "",
    ],
)
def test_anything_else_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(ConfigurationFault, match="is not a broker's address") as caught:
        parse_url(url)
    assert "\n" not in str(caught.value)


def test_plain_mqtt_does_not_leave_this_machine() -> None:
    with pytest.raises(ConfigurationFault, match="this machine only"):
        parse_url("mqtt://broker.example:1883")


@pytest.mark.integration
async def test_embedded_iotcore_speaks_mqtt_5_on_loopback(tmp_path: Path, without_mosquitto: None) -> None:
    del without_mosquitto
    async with supervise(tmp_path) as children:
        broker = await open_broker(children, tmp_path)
        assert "embedded iotcore (mosquitto is not installed here), on 127.0.0.1:" in broker.choice
        await _passes_large_retained_messages_and_wills(broker)
    assert not _listens(broker)


@pytest.mark.integration
async def test_embedded_iotcore_starves_no_shared_filter(tmp_path: Path, without_mosquitto: None) -> None:
    del without_mosquitto
    sent = [f"vpp/v1/site-01/{kind}" for kind in UPLINK for _ in range(10)]
    async with supervise(tmp_path) as children:
        address = parse_url((await open_broker(children, tmp_path)).url)
        host, port = address.hostname or "", address.port or 0
        async with MqttBroker(BrokerAddress(host, port, "cloud", "ingest")).open() as inbound:
            async with aiomqtt.Client(host, port, protocol=aiomqtt.ProtocolVersion.V5) as gateway:
                for topic in sent:
                    await gateway.publish(topic, b"{}", qos=1)
            async with asyncio.timeout(PATIENCE_S):
                heard = [(await anext(inbound)).topic for _ in sent]
    assert sorted(heard) == sorted(sent)


@pytest.mark.integration
async def test_an_installed_mosquitto_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "mosquitto"
    stand_in.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{STAND_IN}' \"$@\"\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    async with supervise(tmp_path) as children:
        broker = await open_broker(children, tmp_path)
        assert broker.choice.startswith("mosquitto, which is installed here, on 127.0.0.1:")
        given = await open_broker(children, tmp_path, broker.url)
        assert given == Broker(broker.url, f"the broker at {broker.url} (given with --broker)")
    assert not _listens(broker)
    config = (tmp_path / "mosquitto.conf").read_text().splitlines()
    assert f"listener {parse_url(broker.url).port} 127.0.0.1" in config
    assert ("user root" in config) is (os.geteuid() == 0), "a change of user would outlive the rig"
    assert {"persistence false", "max_queued_messages 0", "max_inflight_messages 1000"} <= set(config)


@pytest.mark.integration
async def test_a_given_broker_that_is_down_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "READY_S_MAX", 0.4)
    async with supervise(tmp_path) as children:
        with pytest.raises(BrokerFault, match=r"127\.0\.0\.1:\d+ does not pass a message round: .*refused"):
            await open_broker(children, tmp_path, f"mqtt://127.0.0.1:{_closed_port()}")


@pytest.mark.integration
async def test_a_server_that_is_no_broker_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "READY_S_MAX", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"mqtt://127.0.0.1:{mute.getsockname()[1]}"
        async with supervise(tmp_path) as children:
            with pytest.raises(BrokerFault, match="does not pass a message round"):
                await open_broker(children, tmp_path, address)


@pytest.mark.integration
async def test_a_port_in_use_ends_the_start_with_the_brokers_own_words(
    tmp_path: Path, without_mosquitto: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del without_mosquitto
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setattr(broker_module, "_free_port", lambda: taken.getsockname()[1])
        with pytest.raises(ChildFault, match="broker ended by itself with"):
            await _open(tmp_path)


async def test_no_broker_at_all_says_what_to_do(
    tmp_path: Path, without_mosquitto: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    del without_mosquitto
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(LocalFault, match="install mosquitto"):
        await _open(tmp_path)


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    async with supervise(tmp_path) as children:
        with pytest.raises(LocalFault, match="cannot be written"):
            await open_broker(children, tmp_path / "nowhere")


async def _open(run_dir: Path) -> Broker:
    async with supervise(run_dir) as children:
        return await open_broker(children, run_dir)


async def _passes_large_retained_messages_and_wills(broker: Broker) -> None:
    payload = b"x" * 200_000
    address = parse_url(broker.url)
    host, port = address.hostname or "", address.port or 0
    async with aiomqtt.Client(host, port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.publish("t/retained", payload, qos=1, retain=True)
    async with aiomqtt.Client(host, port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("t/#", qos=1)
        message = await anext(aiter(client.messages))
        assert message.payload == payload


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _listens(broker: Broker) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", parse_url(broker.url).port or 0)) == 0
