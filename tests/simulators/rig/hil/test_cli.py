"""``vpp-hil`` as a command: what it prints, writes and returns, and what Ctrl-C leaves behind."""

import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from simulators.rig import hil
from simulators.rig.hil_progress import Progress
from simulators.rig.hil_run import choose
from simulators.rig.procedures.catalogue import PROCEDURES

pytestmark = pytest.mark.hil


def test_list_names_the_procedures(capsys: pytest.CaptureFixture[str]) -> None:
    assert hil.main(["list"]) == 0
    shown = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert shown == list(PROCEDURES)


def test_list_tells_needs_and_parameters_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert hil.main(["list", "--json"]) == 0
    told = {each["id"]: each for each in json.loads(capsys.readouterr().out)}
    assert told["volt-var"]["needs_models"] == [701, 702, 704, 705]
    assert told["reversion"]["parameters"]["timer_s"] == 20.0


def test_list_tells_how_faults_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert hil.main(["list", "--faults"]) == 0
    assert "no-reversion: reversion, step" in capsys.readouterr().out


def test_the_rig_shares_no_code_with_the_gateway() -> None:
    """Asked in a process of its own: here, other tests have imported the agent."""
    question = "import sys, simulators.rig.hil; print([n for n in sys.modules if n.startswith('edge_agent')])"
    told = subprocess.run([sys.executable, "-c", question], capture_output=True, check=True, text=True)  # noqa: S603
    assert told.stdout.strip() == "[]"


def test_a_terminal_is_told_the_step_and_the_time() -> None:
    shown = io.StringIO()
    with Progress(Console(file=shown, force_terminal=True, width=120)) as progress:
        progress.on_procedure(PROCEDURES["volt-var"], 2, 3)
        progress.on_step("1.050 per unit")
    assert "2/3 volt-var: 1.050 per unit" in shown.getvalue()
    assert "of about 68 s" in shown.getvalue()


def test_check_config_prints_what_is_in_effect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rig.toml"
    path.write_text('[target]\nkind = "device"\nhost = "192.0.2.1"\n')
    assert hil.main(["check-config", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["target"]["port"] == 502


def test_a_simulated_run_passes_and_leaves_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "limit-active-power", "--simulated", "--out", str(tmp_path / "out")]
    assert hil.main(arguments) == 0
    shown = capsys.readouterr().out
    assert "PASS     limit-active-power: 5 steps" in shown
    assert "verdict: PASS (1 PASS)" in shown
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "results.json",
        "junit.xml",
        "report.html",
        "samples",
    }
    assert hil.main(["report", str(tmp_path / "out")]) == 0


def test_a_failure_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "simulators.rig.hil.choose",
        lambda settings, names: choose(
            settings.model_copy(update={"procedure": {"limit-active-power": {"settle_s_max": 0.01}}}), names
        ),
    )
    arguments = ["run", "limit-active-power", "--simulated", "--out", str(tmp_path)]
    assert hil.main(arguments) == 1
    assert json.loads((tmp_path / "results.json").read_text())["procedures"][0]["steps"][0]["checks"]


def test_no_device_is_one_sentence_exit_code_2_and_a_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", "reversion", "--target", "127.0.0.1:1", "--out", str(tmp_path)]
    assert hil.main(arguments) == 2
    sentence = "No connection to 127.0.0.1:1 unit 1; check address and port."
    assert capsys.readouterr().err == f"vpp-hil: {sentence}\n"
    assert json.loads((tmp_path / "results.json").read_text())["fault"] == sentence


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["run", "reversion"], "exactly one of", id="no-target"),
        pytest.param(["run", "--simulated"], "or --all", id="no-procedure"),
        pytest.param(["run", "--all", "--config", "none.toml"], "name an existing file", id="no-file"),
        pytest.param(["report", "nowhere"], "name the folder of a run", id="no-folder"),
    ],
)
def test_a_fault_is_one_sentence(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path)] if arguments[0] == "run" else []
    assert hil.main([*arguments, *out]) == 2
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--target", "host"], id="no-port"),
        pytest.param(["--target", "host:99999"], id="no-such-port"),
        pytest.param(["--target", "host:502", "--unit", "300"], id="no-such-unit"),
    ],
)
def test_a_wrong_argument_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        hil.main(["run", "reversion", *arguments])
    assert ended.value.code == 2
    assert "is not" in capsys.readouterr().err


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda each: each.name)
def test_an_interruption_gives_a_running_device_back_and_leaves_a_partial_report(
    number: signal.Signals, tmp_path: Path
) -> None:
    """Both are processes of their own: the device listens, the rig is interrupted in the middle."""
    device = subprocess.Popen(
        [sys.executable, "-m", "simulators.cli", "device", "--kind", "hybrid"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert device.stdout is not None
        port = device.stdout.readline().partition(",")[0].rpartition(":")[2]
        rig = subprocess.Popen(  # noqa: S603
            [
                *(sys.executable, "-m", "simulators.rig.hil", "run", "active-power-setpoint", "two-masters"),
                *("--target", f"127.0.0.1:{port}", "--out", str(tmp_path)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert rig.stdout is not None
        assert rig.stdout.readline().startswith("PASS     active-power-setpoint")
        time.sleep(1.0)
        rig.send_signal(number)
        _, errors = rig.communicate(timeout=30.0)
    finally:
        device.terminate()
        device.communicate(timeout=30.0)
    assert rig.returncode == 130
    assert errors.strip() == "vpp-hil: interrupted; the device was given back"
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["interrupted"]
    assert [found["id"] for found in results["procedures"]] == ["active-power-setpoint", "two-masters"]
    assert "The run was interrupted" in (tmp_path / "report.html").read_text()
    assert (tmp_path / "samples" / "two-masters.csv").exists()
