import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from simulators.rig.report.outcome import Scorecard
from simulators.rig.report.scorecard import show_scorecard, write_scorecard, write_whole
from vpp_core.faults import LocalFault


def test_the_terminal_shows_figures_by_stage_with_units_and_notes(scorecard: Scorecard) -> None:
    shown = _shown(scorecard)
    lines = [line.rstrip() for line in shown.splitlines()]
    stages = [line.split()[1] for line in lines if line[:4].strip().isdigit()]
    assert stages == ["Enrollment", "Dispatch", "Payment"], "only stages that have figures, in order"
    assert "2.88 min" in shown
    assert "93.8 %" in shown
    assert any("n/a" in line and "nothing was restated" in line for line in lines)
    assert "3 sites, 15.3 kW enrolled" in shown
    assert "Synthetic: House load." in shown
    assert "ERCOT" not in shown


def test_money_is_shown_by_book_and_together_to_the_cent(scorecard: Scorecard) -> None:
    rows = [line.split() for line in _shown(scorecard).splitlines()]
    assert any(row[-3:] == ["9.01", "7.21", "1.80"] for row in rows)
    assert any(row == ["together", "14.01", "11.21", "2.80"] for row in rows)
    assert "to the cent" in _shown(scorecard)


def test_a_missing_cent_is_said_loudly(scorecard: Scorecard) -> None:
    short = replace(scorecard.books[0], owners_cents=720)
    broken = replace(scorecard, books=(short, scorecard.books[1]))
    assert not broken.conserved
    assert "NOT conserved" in _shown(broken)


def test_it_fits_a_small_terminal(scorecard: Scorecard) -> None:
    assert max(map(len, _shown(scorecard, width=80).splitlines())) <= 80


def test_the_file_has_one_entry_a_figure_with_its_trace(scorecard: Scorecard, tmp_path: Path) -> None:
    path = tmp_path / "scorecard.json"
    write_scorecard(path, scorecard)
    document = json.loads(path.read_text())
    assert (document["schema"], document["day"], document["seed"]) == (1, "2021-08-12", 7)
    assert document["kpis"][1] == {
        "id": "accuracy",
        "stage": 5,
        "label": "Accuracy",
        "value": 93.75,
        "unit": "%",
        "definition": "how accuracy is computed",
        "note": "",
        "trace_id": "01ACCURACY",
    }
    assert document["conserved"] is True
    assert [book["invoice_cents"] for book in document["books"]] == [901, 500]
    assert document["synthetic"] == ["House load"]
    assert list(tmp_path.iterdir()) == [path], "no draft is left"


def test_a_file_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scorecard.json"
    write_whole(path, "old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(LocalFault, match=r"scorecard\.json cannot be written: No space left on device"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _shown(scorecard: Scorecard, width: int = 110) -> str:
    console = Console(width=width, record=True, file=io.StringIO())
    show_scorecard(console, scorecard)
    return console.export_text()
