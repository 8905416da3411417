"""The broker of a run: one that is given, an installed mosquitto, or iotcore from PyPI, in that order.

The two that we start listen on 127.0.0.1 only, on a free port, keep nothing on disk, and let anybody in
for that reason alone. A broker counts as ready when a message has gone round through it.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import aiomqtt

from simulators.rig.world.processes import Children, Program
from vpp_core.clock import SystemClock
from vpp_core.codec import PAYLOAD_BYTES_MAX
from vpp_core.faults import BrokerFault, ConfigurationFault, LocalFault

LOOPBACK = "127.0.0.1"
PORT_DEFAULT = 1883
_THIS_MACHINE = {LOOPBACK, "localhost", "::1"}
READY_S_MAX = 10.0
_ATTEMPT_S = 2.0
_PAUSE_S = 0.05
_SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin"
_PROBE_TOPIC = "gridchorus/rig/probe"


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker that answers; ``choice`` says in words which one it is and why."""

    url: str
    choice: str


async def open_broker(children: Children, run_dir: Path, url: str | None = None) -> Broker:
    """The broker for this run, ready.

    Raises:
        ConfigurationFault: the URL is none of MQTT's.
        BrokerFault: the broker at the URL does not pass a message round.
        LocalFault: neither mosquitto nor iotcore is here, or the broker did not come up.
    """
    if url is not None:
        given = parse_url(url)
        await _await_round_trip(given, READY_S_MAX / 2)
        return Broker(url, f"the broker at {url} (given with --broker)")
    port = _free_port()
    program, choice = _embedded(run_dir, port)
    await children.start(program)
    address = f"mqtt://{LOOPBACK}:{port}"
    await _await_round_trip(parse_url(address), READY_S_MAX)
    return Broker(address, f"{choice}, on {LOOPBACK}:{port}")


def parse_url(url: str) -> SplitResult:
    """The parts of ``mqtt://HOST[:PORT]``.

    Raises:
        ConfigurationFault: not of that form, or not this machine: plain MQTT does not leave it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationFault(f"{url!r} is not a broker's address: {error}.") from error
    if parts.scheme != "mqtt" or not parts.hostname or parts.path.strip("/") or parts.username or port == 0:
        raise ConfigurationFault(f"{url!r} is not a broker's address; write mqtt://{LOOPBACK}:PORT.")
    if parts.hostname not in _THIS_MACHINE:
        raise ConfigurationFault(
            f"The demo speaks plain MQTT, which is for this machine only; {parts.hostname!r} is another one."
        )
    return parts


def _embedded(run_dir: Path, port: int) -> tuple[Program, str]:
    if mosquitto := shutil.which("mosquitto") or shutil.which("mosquitto", path=_SYSTEM_FOLDERS):
        config = _write(run_dir / "mosquitto.conf", _mosquitto_config(port))
        return Program("broker", command=(mosquitto, "-c", str(config))), "mosquitto, which is installed here"
    if importlib.util.find_spec("iotcore"):
        config = _write(run_dir / "iotcore.toml", _iotcore_config(port))
        command = (sys.executable, "-m", "simulators.rig.world.iotcore_process", str(config))
        return Program("broker", command=command), "embedded iotcore (mosquitto is not installed here)"
    raise LocalFault("There is no MQTT broker: install mosquitto, or gridchorus[sim], or give --broker URL.")


def _mosquitto_config(port: int) -> str:
    """As root it must stay root: a change of user would undo the bond to the rig's life (`bootstrap`)."""
    lines = (
        *(("user root",) if os.geteuid() == 0 else ()),
        f"listener {port} {LOOPBACK}",
        "allow_anonymous true",
        "persistence false",
        "max_queued_messages 0",
        "max_inflight_messages 1000",
        "set_tcp_nodelay true",
        "log_dest stderr",
    )
    return "\n".join(lines) + "\n"


def _iotcore_config(port: int) -> str:
    """Rumqttd's configuration: one MQTT 5 listener, small segments so that memory stays small."""
    address = json.dumps(f"{LOOPBACK}:{port}")
    return f"""\
id = 0

[router]
id = 0
max_connections = 2000
max_outgoing_packet_count = 1000
max_segment_size = 1048576
max_segment_count = 10

[v5.1]
name = "loopback"
listen = {address}
next_connection_delay_ms = 1

[v5.1.connections]
connection_timeout_ms = 5000
max_payload_size = {2 * PAYLOAD_BYTES_MAX}
max_inflight_count = 500
"""


def _write(path: Path, text: str) -> Path:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LocalFault(f"{path} cannot be written: {error.strerror}.") from error
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


async def _await_round_trip(address: SplitResult, ready_s: float) -> None:
    """Return once a message went through the broker and came back."""
    host, port = address.hostname or LOOPBACK, address.port or PORT_DEFAULT
    last = "no answer"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ready_s):
            while True:
                try:
                    await _round_trip(host, port)
                except (aiomqtt.MqttError, TimeoutError) as error:
                    last = str(error) or "no answer"
                else:
                    return
                await SystemClock().sleep(_PAUSE_S)
    raise BrokerFault(f"The MQTT broker at {host}:{port} does not pass a message round: {last}.")


async def _round_trip(host: str, port: int) -> None:
    async with (
        asyncio.timeout(_ATTEMPT_S),
        aiomqtt.Client(host, port, protocol=aiomqtt.ProtocolVersion.V5) as client,
    ):
        await client.subscribe(_PROBE_TOPIC, qos=1)
        await client.publish(_PROBE_TOPIC, b"round trip", qos=1)
        async for _ in client.messages:
            return
