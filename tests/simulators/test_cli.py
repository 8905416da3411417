"""``vpp-sim`` as a user meets it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from simulators.cli import main
from simulators.data.extracts import EXTRACTS

COMMAND = (sys.executable, "-m", "simulators.cli")


@pytest.fixture
def running() -> Iterator["subprocess.Popen[str]"]:
    arguments = (*COMMAND, "site", "--speed", "60", "--dip-after", "600")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        yield process
        process.kill()


def test_data_lists_every_extract_with_source_and_licence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data"]) == 0
    shown = capsys.readouterr().out
    assert all(text in shown for extract in EXTRACTS for text in extract)
    assert "SYNTHETIC" in shown


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_a_site_runs_until_it_is_told_to_stop(
    running: "subprocess.Popen[str]", number: signal.Signals
) -> None:
    assert running.stdout is not None
    announcement = running.stdout.readline()
    assert announcement.startswith("site-03 listens on 127.0.0.1:")
    assert "meter 1, battery 2, pv 3, evse 4" in announcement
    port = int(announcement.partition("127.0.0.1:")[2].partition(";")[0])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(bytes.fromhex("000100000006 03 03 9c40 0002"))
        assert connection.recv(13)[9:] == b"SunS"
    os.kill(running.pid, number)
    assert running.wait() == 0
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.integration
@pytest.mark.parametrize("arguments", [("faults",), ("device", "--kind", "pv")], ids=["a-list", "a-device"])
def test_a_reader_that_has_gone_ends_it_without_a_word(arguments: tuple[str, ...]) -> None:
    reads, writes = os.pipe()
    os.close(reads)
    ended = subprocess.run((*COMMAND, *arguments), stdout=writes, stderr=subprocess.PIPE, check=False)  # noqa: S603
    os.close(writes)
    assert (ended.returncode, ended.stderr) == (141, b"")


def test_a_port_in_use_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["site", "--port", str(taken.getsockname()[1])]) == 2
    error = capsys.readouterr().err
    assert error.startswith("vpp-sim: Cannot listen on")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--port", "70000"], "not a whole number from 0 to 65535", id="no-such-port"),
        pytest.param(["--number", "0"], "not a whole number from 1 to 10000", id="no-such-site"),
        pytest.param(["--speed", "fast"], "not a number from 0 to 10000", id="no-such-speed"),
        pytest.param(["--speed", "-1"], "not a number from 0 to 10000", id="backwards"),
        pytest.param(["--start", "noon"], "not an ISO 8601 time", id="no-time"),
        pytest.param(["--start", "0001-01-01T00:00+14:00"], "outside the years", id="before-the-first-day"),
        pytest.param(["--dip-after", "nan"], "not a number from 0 to 86400", id="a-dip-at-no-time"),
        pytest.param(["--dip-after", "inf"], "not a number from 0 to 86400", id="a-dip-that-never-comes"),
        pytest.param(["--start", "2021-08-12T12:00"], "needs a time zone", id="a-naive-time"),
    ],
)
def test_a_wrong_argument_is_explained(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["site", *arguments])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.integration
@pytest.mark.parametrize(
    ("options", "unit", "request_hex", "begins"),
    [
        pytest.param(["--kind", "hybrid"], 1, "039c400002", b"SunS", id="a-hybrid-on-sunspec"),
        pytest.param(
            ["--kind", "pv", "--models", "legacy", "--base", "0"], 1, "0300000002", b"SunS", id="base-0"
        ),
        pytest.param(["--kind", "evse"], 255, "0303e80002", b"\0\0\0", id="a-charging-station"),
        pytest.param(["--kind", "meter", "--map", "sdm630"], 1, "0400460002", b"\x42", id="a-makers-meter"),
    ],
)
def test_a_device_runs_until_it_is_told_to_stop(
    options: list[str], unit: int, request_hex: str, begins: bytes
) -> None:
    arguments = (*COMMAND, "device", *options, "--control", "0")
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        announcement = process.stdout.readline()
        commands = process.stdout.readline()
        port = int(announcement.partition("127.0.0.1:")[2].partition(",")[0])
        pdu = bytes.fromhex(request_hex)
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(
                bytes.fromhex("00010000") + (len(pdu) + 1).to_bytes(2, "big") + bytes((unit,)) + pdu
            )
            assert connection.recv(64)[9:].startswith(begins)
        where = commands.rpartition("vpp-sim tell ")[2].split()[0]
        assert main(["tell", where, "grid", "--frequency", "59.9"]) == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", port))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param([], "Give --kind", id="no-kind"),
        pytest.param(["--kind", "pv", "--models", "1,701,9999"], "no SunSpec model 9999", id="no-such-model"),
        pytest.param(["--kind", "pv", "--models", "1,103,113"], "overlap", id="overlapping-models"),
        pytest.param(
            ["--kind", "pv", "--trace", "nowhere.csv"], "nowhere.csv cannot be read", id="no-such-trace"
        ),
        pytest.param(["--kind", "pv", "--fault", "delay:delay_s"], "is not KEY=VALUE", id="half-a-parameter"),
        pytest.param(["--kind", "pv", "--fault", "delay:delay_s=soon"], "is not a number", id="no-number"),
        pytest.param(["--config", "nowhere.toml"], "Cannot read nowhere.toml", id="no-such-file"),
        pytest.param(
            ["--kind", "pv", "--host", "192.0.2.1"], "Cannot listen on", id="another-machines-address"
        ),
    ],
)
def test_a_device_that_cannot_be_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], options: list[str], sentence: str
) -> None:
    assert main(["device", *options]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
