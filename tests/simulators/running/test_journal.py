"""The log can be plotted, and its memory stays within bounds."""

import csv
from pathlib import Path

import pytest

from simulators.running.journal import HEAD, POINTS_MAX, Entry, Journal
from simulators.running.picture import draw
from simulators.running.world import Reading
from vpp_core.faults import StorageFault

T_S = 1_628_787_600.0


def reading(after_s: float, frequency_hz: float = 60.0, spread_pu: float = 0.0) -> Reading:
    return Reading(
        at_s=T_S + after_s,
        frequency_hz=frequency_hz,
        meter_w=1_234.56 - after_s,
        battery_w=-100.0,
        voltage_pu_min=1.0 - spread_pu,
        voltage_pu_max=1.0 + spread_pu,
        lost_mw=30.0 if after_s > 5.0 else 0.0,
    )


def entry(after_s: float) -> Entry:
    return Entry(reading=reading(after_s, 59.98765), clients=7, late_s=0.00123)


def test_a_row_says_when_what_and_how_late(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    journal = Journal(T_S, file)
    journal.add(entry(0.25))
    journal.close()
    with file.open(encoding="utf-8", newline="") as text:
        head, row = csv.reader(text)
    assert head == HEAD
    assert dict(zip(head, row, strict=True)) == {
        "at": "2021-08-12T17:00:00.250+00:00",
        "since_start_s": "0.25",
        "frequency_hz": "59.98765",
        "meter_w": "1234.3",
        "battery_w": "-100.0",
        "voltage_pu_min": "1.0",
        "voltage_pu_max": "1.0",
        "lost_mw": "0.0",
        "clients": "7",
        "late_s": "0.0012",
    }


def test_rows_can_be_read_while_it_runs(tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    journal = Journal(T_S, file)
    journal.add(entry(0.0))
    journal.flush()
    assert len(file.read_text(encoding="utf-8").splitlines()) == 2
    journal.close()


def test_what_is_kept_for_the_picture_is_bounded_and_spans_the_run() -> None:
    journal = Journal(T_S)
    for number in range(3 * POINTS_MAX):
        journal.add(entry(float(number)))
    assert POINTS_MAX / 4 < len(journal.points) < POINTS_MAX
    gaps = {
        after.at_s - before.at_s for before, after in zip(journal.points, journal.points[1:], strict=False)
    }
    assert journal.points[0].at_s == T_S
    assert journal.points[-1].at_s > T_S + 3 * POINTS_MAX - 10
    assert gaps == {4.0}


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageFault, match="cannot be written"):
        Journal(T_S, tmp_path / "nowhere" / "log.csv")


@pytest.mark.parametrize(
    "readings",
    [
        pytest.param(
            [reading(0.1 * number, 60.0 - 0.001 * number) for number in range(100)], id="two-curves"
        ),
        pytest.param([reading(60.0 * number, spread_pu=0.02) for number in range(100)], id="with-voltages"),
        pytest.param([reading(0.0)], id="one-point"),
        pytest.param([], id="nothing"),
    ],
)
def test_a_run_is_drawn_as_png(tmp_path: Path, readings: list[Reading]) -> None:
    file = tmp_path / "run.png"
    draw(file, "a run", T_S, readings)
    content = file.read_bytes()
    assert content.startswith(b"\x89PNG")
    assert len(content) > 5_000


def test_a_picture_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageFault, match="cannot be written"):
        draw(tmp_path / "nowhere" / "run.png", "a run", T_S, [reading(0.0)])
