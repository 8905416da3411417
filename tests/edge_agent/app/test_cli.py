"""``vpp-edge`` as a user meets it."""

import asyncio
import json
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from pathlib import Path

import pytest

from edge_agent.cli import main
from edge_agent.settings import BrokerSettings, ControlSettings
from edge_agent.uplink.mqtt import MqttTransport
from edge_agent.uplink.transport import Connection, Publication
from simulators.data.house_load import HouseLoad
from simulators.data.pv_profile import PvProfile
from simulators.devices.site import SimulatedSite, SiteConfig
from simulators.grid.script import GridScript
from simulators.rig.world.broker import open_broker
from simulators.rig.world.processes import supervise
from tests.edge_agent.app.rig import Rig, play
from vpp_core.clock import SystemClock
from vpp_core.codec import decode
from vpp_core.faults import EXIT_FAULT, StorageFault
from vpp_core.messages import GatewayState

SITE_TOML = """
site_id = "site-01"
site_name = "Elm Street"
gateway_id = "gateway-01"
state_dir = "."
enrollment_code_file = "code.txt"
broker = {{ url = "{url}" }}
outbox = {{ durability = "off" }}
control = {{ poll_s = 1, commissioning_timer_s = 1 }}
device = [
    {{ name = "meter", kind = "meter", host = "127.0.0.1", port = {port}, unit = 1 }},
    {{ name = "battery", kind = "battery", host = "127.0.0.1", port = {port}, unit = 2 }},
    {{ name = "pv", kind = "pv", host = "127.0.0.1", port = {port}, unit = 3 }},
]
"""


def config(tmp_path: Path, url: str = "mqtt://127.0.0.1:1", port: int = 502) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE_TOML.format(url=url, port=port))
    (tmp_path / "code.txt").write_text("code")
    return path


def test_help_explains_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in ("run", "check-config", "status"))


def test_a_fault_of_a_running_task_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fails(*_: object, **__: object) -> None:
        async with asyncio.TaskGroup():
            raise StorageFault("the disk is full")

    monkeypatch.setattr("edge_agent.app.run_site", fails)
    assert main(["run", "--config", str(config(tmp_path))]) == EXIT_FAULT
    assert capsys.readouterr().err == "vpp-edge: the disk is full\n"


def test_help_needs_nothing_heavy() -> None:
    """The command line answers without the numeric stack, the web stack, or even MQTT and Modbus."""
    code = "import sys, edge_agent.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"numpy", "scipy", "fastapi", "duckdb", "sqlalchemy", "aiomqtt", "pymodbus"}


def test_check_config_prints_what_is_in_effect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", str(config(tmp_path))]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["control"]["poll_s"] == 1
    assert shown["control"]["revert_s"] == 900.0


@pytest.mark.parametrize("command", ["run", "check-config", "status"])
def test_a_fault_is_one_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    path = config(tmp_path)
    path.write_text(path.read_text() + '\ncolour = "green"\n')
    assert main([command, "--config", str(path)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1
    assert "unknown key 'colour'" in shown.err


def test_status_before_the_first_run_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--config", str(config(tmp_path))]) == 2
    assert "has not run" in capsys.readouterr().err


def test_status_shows_state_commands_faults_and_outbox_while_the_agent_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config(tmp_path)

    async def story(rig: Rig) -> None:
        rig.acknowledging = False
        async with rig.running():
            await rig.wait(30.0)
            rig.configure(revision=4)
            rig.dispatch("day", [1_000.0], step_s=7_200.0)
            rig.broken.add(3)
            rig.cut_wires()
            await rig.wait(300.0)
            assert main(["status", "--config", str(path)]) == 0

    play(story, tmp_path, control=ControlSettings(fast_s=1.0))
    shown = capsys.readouterr().out
    assert "site-01 Elm Street" in shown
    assert "revision 4" in shown
    assert "fail_safe" in shown
    assert "site-01.pv: NOT AVAILABLE" in shown
    assert "site-01.battery: available" in shown
    assert "does not answer" in shown
    assert "day revision 1 for site-01.battery: market, started" in shown
    assert "messages wait" in shown


@pytest.mark.integration
async def test_a_real_process_runs_until_sigterm_and_leaves_in_order(tmp_path: Path) -> None:
    """Modbus over TCP, MQTT over TCP, SQLite on disk: ends within a deadline, with a goodbye."""
    sun = PvProfile([0.0, 1.0], [0.0, 0.0])
    site = SimulatedSite(SiteConfig(site_id="site-01"), SystemClock(), GridScript(), HouseLoad(0), sun)
    port = await site.start()
    async with asyncio.timeout(60.0), supervise(tmp_path) as children:
        url = (await open_broker(children, tmp_path)).url
        command = (
            sys.executable,
            "-m",
            "edge_agent.cli",
            "run",
            "--config",
            str(config(tmp_path, url, port)),
        )
        cloud = MqttTransport(BrokerSettings(url=url), "cloud")
        async with cloud.connect(Publication("vpp/v1/cloud/state", b"")) as connection:
            await connection.subscribe(["vpp/v1/site-01/state"])
            process = await asyncio.create_subprocess_exec(*command)
            states = await states_until_offline(connection, process)
        assert states == ["starting", "ready", "offline"]
        assert await process.wait() == 0
    await site.stop()


async def states_until_offline(connection: Connection, process: Process) -> list[str]:
    """What the gateway says of itself, each once; it is asked to end when it is ready."""
    states: list[str] = []
    async for delivery in connection.messages():
        state = decode(delivery.payload, GatewayState)
        word = str(state.control_state) if state.online else "offline"
        if word in states:
            continue
        states.append(word)
        if word == "ready":
            process.send_signal(signal.SIGTERM)
        if word == "offline":
            break
    return states
