"""``vpp-sim fleet`` as a user meets it."""

import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.cli import main

COMMAND = (sys.executable, "-m", "simulators.cli", "fleet")
SITES = 5


@contextlib.contextmanager
def started(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen((*COMMAND, *arguments), stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()


def ask(connection: socket.socket, request: str) -> bytes:
    connection.sendall(bytes.fromhex(request))
    return connection.recv(260)


@pytest.mark.integration
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminate"])
def test_a_fleet_runs_until_it_is_told_to_stop_and_leaves_list_log_and_picture(
    tmp_path: Path, number: signal.Signals
) -> None:
    endpoints, log, picture = tmp_path / "fleet.json", tmp_path / "log.csv", tmp_path / "run.png"
    options = ("--sites", str(SITES), "--grid", "swing", "--feeder", "--disturb", "0:30")
    outputs = ("--list", str(endpoints), "--log", str(log), "--plot", str(picture))
    with started(*options, *outputs) as process:
        assert process.stdout is not None
        announcement = process.stdout.readline()
        assert announcement.startswith(f"{SITES} sites listen on 127.0.0.1, ports ")
        listed = json.loads(endpoints.read_text(encoding="utf-8"))
        assert [each["site"] for each in listed] == [f"site-{number:02d}" for number in range(1, SITES + 1)]
        for each in listed:
            with socket.create_connection((each["host"], each["port"])) as connection:
                for unit in each["units"].values():
                    assert ask(connection, f"000100000006 {unit:02x} 03 9c40 0002")[9:] == b"SunS"
        status = process.stdout.readline()
        assert " Hz, fleet " in status
        assert " client" in status
        os.kill(process.pid, number)
        assert process.stdout.read().endswith(f"The run is drawn in {picture}.\n")
        assert process.wait() == 0
    with log.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert {row["lost_mw"] for row in rows} == {"30.0"}
    assert float(rows[-1]["frequency_hz"]) < float(rows[0]["frequency_hz"]) < 60.0
    assert float(rows[0]["voltage_pu_min"]) > 1.0
    assert picture.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.1", listed[0]["port"]))


@pytest.mark.integration
def test_a_running_fleet_takes_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with started("--sites", "2", "--grid", "swing", "--control", "0", "--speed", "20") as process:
        assert process.stdout is not None
        control = "127.0.0.1:" + process.stdout.readline().rpartition("commands on port ")[2].strip()
        assert main(["tell", control, "disturb", "--lost", "40", "--for", "1e6"]) == 0
        told: dict[str, float] = {}
        while told.get("lost_mw") != 40.0:
            capsys.readouterr()
            assert main(["tell", "--json", control, "status"]) == 0
            told = json.loads(capsys.readouterr().out)
        assert (told["sites"], told["clients"]) == (2, 0)
        assert main(["tell", control, "grid", "--frequency", "59"]) == 2
        assert "no grid to reach" in capsys.readouterr().err


@pytest.mark.integration
def test_a_bench_grid_goes_where_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with started("--sites", "1", "--grid", "bench", "--control", "0", "--speed", "20") as process:
        assert process.stdout is not None
        control = "127.0.0.1:" + process.stdout.readline().rpartition("commands on port ")[2].strip()
        assert main(["tell", control, "grid", "--frequency", "59.2", "--voltage", "0.9"]) == 0
        seen: dict[str, float] = {}
        while seen.get("frequency_hz") != 59.2:
            capsys.readouterr()
            assert main(["tell", "--json", control, "status"]) == 0
            seen = json.loads(capsys.readouterr().out)
        assert seen["voltage_pu_min"] == 0.9
        assert main(["tell", control, "disturb", "--lost", "1"]) == 2
        assert "no area to reach" in capsys.readouterr().err
        assert main(["tell", control, "grid", "--frequency", "5"]) == 2
        assert "frequency_hz = 5.0 is not a number from 10 to 100" in capsys.readouterr().err


def test_a_run_of_some_time_ends_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.csv"
    arguments = ["fleet", "--sites", "2", "--grid", "steps", "--speed", "200", "--for", "100"]
    assert main([*arguments, "--log", str(log), "--log-every", "10"]) == 0
    assert capsys.readouterr().out.startswith("2 sites listen on 127.0.0.1")
    with log.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    assert float(rows[-1]["since_start_s"]) >= 90.0
    assert {row["frequency_hz"] for row in rows} & {"59.9", "59.5", "60.1", "60.5"}


def test_a_trace_file_is_the_grid(tmp_path: Path) -> None:
    trace, log = tmp_path / "trace.csv", tmp_path / "log.csv"
    trace.write_text("at_s,frequency_hz,voltage_pu\n0,59,0.95\n1,59,0.95\n", encoding="utf-8")
    arguments = ["fleet", "--sites", "1", "--grid", "trace", str(trace), "--speed", "50", "--for", "20"]
    assert main([*arguments, "--log", str(log), "--log-every", "1"]) == 0
    with log.open(encoding="utf-8", newline="") as text:
        assert {(row["frequency_hz"], row["voltage_pu_min"]) for row in csv.DictReader(text)} == {
            ("59.0", "0.95")
        }


def test_ports_follow_one_another_from_the_base_port(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        base = probe.getsockname()[1]
    assert main(["fleet", "--sites", "1", "--base-port", str(base), "--for", "0"]) == 0
    assert f"ports {base} to {base};" in capsys.readouterr().out


def test_a_picture_without_a_folder_is_refused_before_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fleet", "--sites", "1", "--for", "0", "--plot", str(tmp_path / "none" / "run.png")]) == 2
    told = capsys.readouterr()
    assert told.err.startswith("vpp-sim: There is no folder for the picture")
    assert told.out == ""


def test_a_port_in_use_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["fleet", "--sites", "3", "--base-port", str(taken.getsockname()[1])]) == 2
    error = capsys.readouterr().err
    assert error.startswith("vpp-sim: Cannot listen on")
    assert error.count("\n") == 1


def test_a_feeder_that_collapses_ends_the_run_with_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulators.grid.feeder._TRANSFORMER_VA", 100.0)
    assert main(["fleet", "--sites", "8", "--feeder", "--for", "60", "--speed", "100"]) == 2
    error = capsys.readouterr().err
    assert "the feeder cannot carry" in error.lower()
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--grid", "weather"], "--grid weather is not one of script, swing", id="no-such-grid"),
        pytest.param(["--grid", "trace"], "--grid trace is not one of", id="trace-without-file"),
        pytest.param(
            ["--grid", "swing", "x.csv"], "--grid swing x.csv is not one of", id="file-without-trace"
        ),
        pytest.param(["--grid", "trace", "nothing.csv"], "nothing.csv", id="no-such-trace"),
        pytest.param(["--disturb", "1:30"], "Only --grid swing has an area", id="disturb-a-script"),
        pytest.param(["--inertia", "5"], "Only --grid swing has an area", id="inertia-of-a-script"),
        pytest.param(["--grid", "swing", "--inertia", "0"], "inertia_s", id="no-inertia"),
        pytest.param(["--grid", "swing", "--disturb", "1:5000"], "lost_mw", id="more-than-the-area-has"),
        pytest.param(["--trace-after", "repeat"], "need a trace", id="nothing-to-repeat"),
        pytest.param(["--base-port", "65500"], "end beyond 65535", id="ports-beyond-the-last"),
        pytest.param(["--list", "fleet.txt"], "must end in .json or .csv", id="a-list-of-no-kind"),
        pytest.param(
            ["--log", "nowhere/log.csv", "--sites", "1"], "cannot be written", id="no-place-for-a-log"
        ),
    ],
)
def test_what_cannot_be_is_refused_with_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    assert main(["fleet", *arguments]) == 2
    error = capsys.readouterr().err
    assert complaint in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--sites", "0"], "not a whole number from 1 to 10000", id="no-sites"),
        pytest.param(["--disturb", "soon"], "is not AT:MW or AT:MW:FOR", id="no-disturbance"),
        pytest.param(["--disturb", "1:2:3:4"], "is not AT:MW or AT:MW:FOR", id="too-many-parts"),
        pytest.param(["--disturb", "-1:30"], "expected at least one argument", id="before-the-start"),
        pytest.param(["--disturb", "1e12:30"], "within a year after the start", id="in-another-age"),
        pytest.param(["--tick", "0"], "not a number from 0.01 to 60", id="no-tick"),
        pytest.param(["--feedback", "sun"], "invalid Feedback value", id="no-such-feedback"),
    ],
)
def test_a_wrong_argument_is_explained(
    capsys: pytest.CaptureFixture[str], arguments: list[str], complaint: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fleet", *arguments])
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
