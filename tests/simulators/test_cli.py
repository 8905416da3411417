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
