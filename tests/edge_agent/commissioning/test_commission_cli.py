"""``vpp-commission`` as an installer meets it: tables, one sentence for a fault, exit codes."""

import argparse
import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

import firmware_profiles
from edge_agent.commissioning import cli
from edge_agent.commissioning.endpoint import add_endpoint, link_settings
from edge_agent.devices.link import LinkSettings, Parity, Transport
from firmware_profiles import load_profiles
from simulators.devices.image import RegisterImage
from simulators.devices.wire.serial import RtuServer, SerialSettings
from simulators.devices.wire.tcp import ModbusServer
from simulators.devices.wire.tls import server_context
from tests.edge_agent.commissioning.test_checks import Rig
from tests.integration.peers.certificates import make_certificates

SHIPPED = Path(firmware_profiles.__file__).parent / "profiles"


class Server(Protocol):
    async def start(self) -> int | Path: ...
    async def stop(self) -> None: ...


@contextmanager
def serving(server: Server, loop: asyncio.AbstractEventLoop) -> Iterator[int | Path]:
    """A server that answers from a thread of its own, so that the command can have the main one."""
    place = loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield place
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def port() -> Iterator[int]:
    """A simulated site."""
    with serving(ModbusServer(Rig().site.images), asyncio.new_event_loop()) as place:
        assert isinstance(place, int)
        yield place


@pytest.fixture
def dead_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


def test_scan_shows_identity_and_models(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["scan", f"127.0.0.1:{port}", "--unit", "2", "--unit", "1"]) == 0
    shown = capsys.readouterr().out
    for part in ("Home battery", "Site meter", "DERCtlAC", "40070", "713"):
        assert part in shown


def test_scan_and_test_reach_a_serial_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = tmp_path / "line"
    server = RtuServer(Rig().site.images, SerialSettings(link=line, baud=9_600))
    options = [f"rtu:{line}", "--baud", "9600", "--parity", "none", "--timeout-s", "5"]
    with serving(server, asyncio.new_event_loop()):
        assert cli.main(["scan", *options, "--unit", "2"]) == 0
        command = ["test", *options, "--unit", "2", "--kind", "battery", "--yes", "--timer-s", "0"]
        assert cli.main(command) == 1
    shown = capsys.readouterr().out
    assert f"rtu:{line} unit 2" in shown.replace("\n", "")
    assert "DERCtlAC" in shown


def test_scan_reaches_a_device_by_tls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    papers = make_certificates(tmp_path)
    server, client = papers.server, papers.client
    context = server_context(server.certificate, server.key, server.authority)
    files = ["--ca-file", str(client.authority), "--cert-file", str(client.certificate)]
    with serving(ModbusServer(Rig().site.images, tls=context), asyncio.new_event_loop()) as number:
        command = ["scan", f"tls:127.0.0.1:{number}", "--unit", "2", *files, "--key-file", str(client.key)]
        assert cli.main(command) == 0
    assert "DERCtlAC" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        pytest.param(["192.0.2.7"], LinkSettings(host="192.0.2.7", port=502), id="the-usual-port"),
        pytest.param(["[2001:db8::7]:1502"], LinkSettings(host="2001:db8::7", port=1502), id="ipv6"),
        pytest.param(
            ["tls:device.example"],
            LinkSettings(transport=Transport.TLS, host="device.example", port=802),
            id="the-usual-port-of-tls",
        ),
        pytest.param(
            ["rtu:/dev/ttyUSB0"],
            LinkSettings(transport=Transport.RTU, port_path="/dev/ttyUSB0", baud=19_200, parity=Parity.EVEN),
            id="a-serial-line-as-the-specification-has-it",
        ),
    ],
)
def test_an_endpoint_says_where_the_device_is(arguments: list[str], settings: LinkSettings) -> None:
    parser = argparse.ArgumentParser()
    add_endpoint(parser)
    assert link_settings(parser.parse_args(arguments)) == settings


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["scan", "127.0.0.1:{dead}"], "cannot be reached; check that the device is on"),
        (["scan", "127.0.0.1:{port}", "--unit", "77"], "unit 77 answers, but is no SunSpec device"),
        (["scan", "nonsense:port"], "is no endpoint; write HOST:PORT, tls:HOST:PORT or rtu:PATH"),
        (["scan", "host:70000"], "is no endpoint"),
        (["scan", ":502"], "is no endpoint"),
        (["scan", "rtu:"], "is no endpoint"),
        (["scan", "tls:host:0"], "is no endpoint"),
        (["scan", "rtu:/nowhere/tty"], "check that the serial port is there"),
        (["scan", "127.0.0.1:1", "--baud", "9600"], "--baud is for endpoints that begin with 'rtu:'"),
        (["scan", "rtu:/dev/tty", "--ca-file", "a.pem"], "--ca-file is for endpoints that begin with 'tls:'"),
        (["scan", "rtu:/dev/tty", "--baud", "0"], "--baud must be positive"),
        (["scan", "tls:host", "--cert-file", "a.pem"], "--cert-file and --key-file come together"),
        (["scan", "tls:host", "--ca-file", "/nowhere.pem"], "/nowhere.pem cannot be used"),
        (["scan", "127.0.0.1:1", "--timeout-s", "0"], "--timeout-s must be positive"),
        (["test", "127.0.0.1:{port}", "--unit", "2", "--yes"], "could be battery or evse"),
        (["test", "127.0.0.1:{port}", "--unit", "1", "--yes"], "is a meter: there is nothing to step"),
        (["test", "127.0.0.1:{port}", "--unit", "2"], "Add --yes to allow it"),
        (["profile", "list", "/nowhere"], "cannot read profiles from /nowhere"),
        (["profile", "lint", "/nowhere"], "cannot read profiles from /nowhere"),
    ],
    ids=[
        "nobody-listens", "wrong-unit", "no-port", "port-out-of-range", "no-host", "no-serial-port",
        "port-zero", "nothing-plugged-in", "baud-of-tcp", "authority-of-a-serial-line", "no-baud",
        "half-a-certificate", "no-authority", "no-timeout",
        "ambiguous-kind", "meter", "not-allowed", "no-profiles-to-list", "no-profiles-to-lint",
    ],
)  # fmt: skip
def test_a_fault_is_one_sentence_and_exit_code_2(
    arguments: list[str], sentence: str, port: int, dead_port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    filled = [argument.format(port=port, dead=dead_port) for argument in arguments]
    assert cli.main(filled) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("unit", ["256", "-1", "two"])
def test_a_unit_that_modbus_does_not_have_is_a_usage_error(unit: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["scan", "127.0.0.1:1", f"--unit={unit}"])
    assert ended.value.code == 2


def test_a_device_that_is_no_sunspec_device_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    loop = asyncio.new_event_loop()
    server = ModbusServer({1: RegisterImage([], lambda: 0.0)})
    number = loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        assert cli.main(["scan", f"127.0.0.1:{number}"]) == 2
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    assert "empty SunSpec map" in capsys.readouterr().err


def test_a_failed_check_ends_with_code_1_and_a_report(
    port: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A timer that the device cannot count is a finding, not a fault."""
    report = tmp_path / "report.json"
    command = ["test", f"127.0.0.1:{port}", "--unit", "2", "--kind", "battery", "--yes"]
    assert cli.main([*command, "--timer-s", "0", "--out", str(report)]) == 1
    assert "FAILED" in capsys.readouterr().out
    content = json.loads(report.read_text(encoding="utf-8"))
    assert content["passed"] is False
    assert content["profile"] == "generic-sunspec-7xx-battery"
    assert {check["name"] for check in content["checks"]} == {"response time", "step"}


def test_a_report_that_cannot_be_written_is_a_fault(port: int, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["test", f"127.0.0.1:{port}", "--unit", "2", "--kind", "battery", "--yes", "--timer-s", "0"]
    assert cli.main([*command, "--out", "/nowhere/report.json"]) == 2
    assert "cannot write the report to /nowhere/report.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answer", "code"), [("y", 1), ("n", 2), (None, 2)], ids=["yes", "no", "end-of-input"]
)
def test_without_yes_the_installer_is_asked(
    port: int, monkeypatch: pytest.MonkeyPatch, answer: str | None, code: int
) -> None:
    def asked(_: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", asked)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    command = ["test", f"127.0.0.1:{port}", "--unit", "2", "--kind", "battery", "--timer-s", "0"]
    assert cli.main(command) == code


def test_an_interrupt_is_said_and_not_shown_as_a_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "load_profiles", interrupted)
    assert cli.main(["profile", "list"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_the_shipped_profiles_are_listed_and_sound(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["profile", "list"]) == 0
    shown = capsys.readouterr().out
    assert all(profile.name in shown for profile in load_profiles())
    assert cli.main(["profile", "lint"]) == 0
    assert f"{len(list(load_profiles()))} profiles are sound" in capsys.readouterr().out
    assert cli.main(["profile", "lint", str(SHIPPED / "sunspec-meter.toml")]) == 0
    assert cli.main(["profile", "schema"]) == 0
    assert '"$defs"' in capsys.readouterr().out


def test_a_profile_is_shown_with_its_recipe_quirks_and_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["profile", "show", "solaredge-pv"]) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for text in (
        "bronze, tested with: nothing",
        "SolarEdge; models 1; one of 101 102 103; not 704",
        "port 1502, unit 1, 1 connections at most",
        "dynamic_limit, injection pct",
        "works: not seen by this project; takes 1 to 3600 s",
        "dynamic_limit: ram; changed every 60 s at most",
        "Modbus over Wi-Fi is gone. Firmware =4.14.107.",
    ):
        assert text in shown, text


def test_a_profile_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["profile", "show", "sunny"]) == 2
    assert "there is no profile 'sunny'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('at = ["701.W"]', 'at = ["701.Watt"]', r"readings.power_w.at[0]: model 701 has no point Watt"),
        ('at = ["701.W"]', 'at = ["65000.W"]', "readings.power_w.at[0]: SunSpec has no model 65000"),
        ('"704.WSetEnaRvrt"', '"704.WSetRvrtRem"', "control.command[1].point: 704.WSetRvrtRem is read-only"),
        ('"704.WSetEnaRvrt"', '"702.WMax"', None),
        ("701, 702, 704, 713", "701, 704, 713", None),
        ("701, 702, 704, 713", "701, 702, 713", "model 704 is written, but match.models does not demand it"),
        ('"704.WSetEna", set = 0', '"704.WSetEna", set = "setpoint"', "a release cannot write a setpoint"),
        ('set = "revert_s"', "set = 30", "no step writes the timer"),
    ],
    ids=[
        "no-such-point", "no-such-model", "read-only", "writable-elsewhere", "optional-rating",
        "model-not-demanded", "release-of-a-setpoint", "timer-never-written",
    ],
)  # fmt: skip
def test_lint_names_profile_field_and_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, finding: str | None
) -> None:
    text = (SHIPPED / "generic-sunspec-7xx-battery.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "mine.toml").write_text(text.replace(old, new), encoding="utf-8")
    code = cli.main(["profile", "lint", str(tmp_path)])
    assert code == (0 if finding is None else 2)
    assert (finding or "") in capsys.readouterr().err
