"""``vpp-edge replay`` as a user meets it: the result file, what is shown, and the exit codes."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from edge_agent.cli import main
from tests.edge_agent.replay.cases import Change, write
from vpp_core.faults import EXIT_FAULT

FAILED = 1


def replay(folder: Path, change: Change | None = None, *options: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the result if one was written."""
    out = folder / "result.json"
    code = main(["replay", str(write(folder, change)), "--out", str(out), *options])
    return code, json.loads(out.read_text()) if out.exists() else {}


def test_a_file_of_good_cases_passes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = replay(tmp_path)
    assert code == 0
    assert result["passed"] is True
    summary = result["summary"]
    assert (summary["static_points"], summary["dynamic_cases"], summary["samples"]) == (5, 3, 30)
    assert (summary["checks"], summary["checks_passed"], summary["failing"]) == (3, 3, [])
    shown = capsys.readouterr()
    assert "all cases pass" in shown.out
    assert shown.err == "", "no progress where nobody watches"


def test_computed_values_stand_beside_the_expected_ones(tmp_path: Path) -> None:
    _, result = replay(tmp_path)
    point = result["static"][0]["points"][1]
    assert (point["at"], point["expected_p_pu"]) == (59.4, 0.188)
    assert point["p_pu"] == pytest.approx(0.188)
    step = result["dynamic"][0]
    assert step["computed"]["p_pu"] == pytest.approx(step["expected"]["p_pu"])
    assert [verdict["same_status"] for verdict in result["dynamic"]] == [True, True, True]


def wrong_point(content: dict[str, Any]) -> None:
    content["static"][0]["points_f_p"][1][1] = 0.191


def wrong_shape(content: dict[str, Any]) -> None:
    content["dynamic"][0]["outputs"]["p_pu"][4:8] = [0.3] * 4


def wrong_check(content: dict[str, Any]) -> None:
    content["dynamic"][1]["checks"][0]["clearing_time_s"] = 0.5


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        pytest.param(wrong_point, "droop", id="a-static-point-that-is-off"),
        pytest.param(wrong_shape, "step", id="samples-that-are-off"),
        pytest.param(wrong_check, "trip", id="a-check-that-does-not-hold"),
    ],
)
def test_a_failing_case_is_named_and_the_exit_code_is_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Change, failing: str
) -> None:
    code, result = replay(tmp_path, change)
    assert code == FAILED
    assert result["passed"] is False
    assert result["summary"]["failing"] == [failing]
    assert "1 case failed" in capsys.readouterr().out


def test_one_case_can_be_chosen(tmp_path: Path) -> None:
    code, result = replay(tmp_path, wrong_point, "--case", "trip")
    assert code == 0
    assert [verdict["id"] for verdict in result["dynamic"]] == ["trip"]
    assert result["static"] == []


def test_a_case_that_is_not_there_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, result = replay(tmp_path, None, "--case", "nowhere")
    assert (code, result) == (EXIT_FAULT, {})
    assert "has no case 'nowhere'" in capsys.readouterr().err


def test_a_result_that_cannot_be_written_is_a_fault(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["replay", str(write(tmp_path)), "--out", str(tmp_path / "nowhere" / "result.json")])
    assert code == EXIT_FAULT
    assert "cannot write" in capsys.readouterr().err


def test_a_setting_that_is_unknown_is_a_fault_that_names_case_and_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def change(content: dict[str, Any]) -> None:
        content["static"][0]["settings"] = {"PF_DEADBAND": 0.1}

    assert replay(tmp_path, change)[0] == EXIT_FAULT
    shown = capsys.readouterr().err
    assert "case droop" in shown
    assert "PF_DEADBAND" in shown


def test_settings_may_change_during_a_case(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        case = content["dynamic"][0]
        case["setting_changes"] = [[5, {"PF_MODE_ENABLE": "DISABLED"}]]
        case["outputs"]["p_pu"][5:] = [0.2] * 5
        case["checks"] = []

    assert replay(tmp_path, change)[0] == 0


def test_progress_is_shown_on_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert replay(tmp_path)[0] == 0
    assert "Replay" in capsys.readouterr().err


def test_help_says_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["replay", "--help"])
    assert ended.value.code == 0
    assert "exit code 1 if a case fails" in " ".join(capsys.readouterr().out.split())
