"""What remains of a run: results, samples, JUnit XML and a page, and all of it again from the folder."""

import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulators.rig.hil_report.folder import RunFolder, read_results
from simulators.rig.hil_report.plots import POINTS_MAX, thin
from simulators.rig.procedures.result import (
    Check,
    CurvePoint,
    ProcedureResult,
    RunResult,
    Step,
    Verdict,
    figure,
)
from simulators.rig.procedures.rig import Sample
from vpp_core.faults import LocalFault

NOON = datetime(2021, 6, 21, 17, tzinfo=UTC)
BAD = "a device that says <b>& \x00\x1b"


def result() -> RunResult:
    good = Step(
        name="to 59 Hz",
        begins_s=0.0,
        ends_s=5.0,
        checks=[Check(name="power", measured=4_000.0, unit="W", low=3_500.0, high=4_500.0, clause="6.5.2.7")],
    )
    bad = Step(
        name=f"from {BAD}",
        begins_s=5.0,
        ends_s=9.0,
        checks=[
            Check(name="90 % after", measured=None, unit="s", high=5.0, why="the response is too slow"),
            Check(name="no trip", holds=False, why="it tripped"),
        ],
        fault="The device hung up.",
    )
    ran = ProcedureResult(
        id="droop",
        title="Droop",
        group="IEEE 1547.1-2020",
        clause="6.5.2.7",
        purpose="Power follows.",
        parameters={"response_s": 5.0},
        started_at=NOON,
        stimulus="frequency",
        stimulus_unit="Hz",
        duration_s=9.0,
        steps=[good, bad],
        curve=[CurvePoint(at=59.0, demanded=4_000.0, low=3_500.0, high=4_500.0, measured=5_000.0)],
        curve_at="frequency, Hz",
        notes=["The grid was set by hand."],
    )
    left_out = ProcedureResult(
        id="volt-var",
        title="Volt-var",
        group="g",
        clause="c",
        purpose="p",
        parameters={},
        started_at=NOON,
        not_run="needs a grid source",
    )
    return RunResult(
        started_at=NOON,
        target="host:502 unit 1",
        grid="none",
        instruments="model 701",
        clock="real time",
        identity={"manufacturer": "Maker", "model": BAD},
        environment={"Python": "3.11"},
        configuration={"target": {"host": "<script>"}},
        procedures=[ran, left_out],
    )


def samples(count: int = 30) -> list[Sample]:
    return [
        Sample(at / 4, at, None if at < 3 else 4e3, 3.5e3, 4.5e3, 59.0, {"power_w": 100.0 * at, "x": None})
        for at in map(float, range(count))
    ]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    kept = RunFolder(tmp_path / "run")
    kept.keep_samples("droop", samples())
    kept.write(result())
    return kept


def test_results_come_back_as_they_were(folder: RunFolder) -> None:
    assert read_results(folder.path) == result()


def test_every_sample_comes_back_as_it_was(folder: RunFolder) -> None:
    assert folder.samples("droop") == samples()
    assert folder.samples("volt-var") == []


def test_junit_has_a_case_a_step_with_the_reasons(folder: RunFolder) -> None:
    root = ET.parse(folder.path / "junit.xml").getroot()  # noqa: S314 - our own file
    assert root.attrib | {"time": ""} == {
        "name": "vpp-hil",
        "tests": "3",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
        "time": "",
    }
    cases = root.findall("testsuite/testcase")
    assert [case.get("classname") for case in cases] == ["hil.droop", "hil.droop", "hil.volt-var"]
    (failure,) = root.findall("testsuite/testcase/failure")
    assert failure.get("message") == (
        "90 % after: it never came (at most 5 s was asked); the response is too slow."
    )
    assert "The device hung up." in (failure.text or "")
    (skipped,) = root.findall("testsuite/testcase/skipped")
    assert skipped.get("message") == "needs a grid source"


def test_a_run_that_could_not_begin_is_an_error_in_junit(tmp_path: Path) -> None:
    nothing = result()
    nothing.procedures, nothing.fault = [], "No connection."
    folder = RunFolder(tmp_path)
    folder.write(nothing)
    root = ET.parse(tmp_path / "junit.xml").getroot()  # noqa: S314
    assert (root.get("tests"), root.get("errors")) == ("1", "1")
    assert nothing.verdict is Verdict.FAIL
    assert "The run ended early: No connection." in (tmp_path / "report.html").read_text()


def test_the_page_stands_alone_and_escapes_what_a_device_says(folder: RunFolder) -> None:
    page = (folder.path / "report.html").read_text()
    assert not re.search(r'(src|href)="(?!#)', page), "the page fetches something"
    assert "<script" not in page
    assert "<b>&" not in page
    assert "needs a grid source" in page
    assert page.count("<svg") == 2
    assert 'id="droop"' in page


def test_report_and_junit_are_made_again_from_the_folder(folder: RunFolder) -> None:
    before = {name: (folder.path / name).read_text() for name in ("report.html", "junit.xml")}
    for name in before:
        (folder.path / name).unlink()
    RunFolder(folder.path).render(read_results(folder.path))
    assert {name: (folder.path / name).read_text() for name in before} == before


def test_a_folder_without_results_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(LocalFault, match="name the folder of a run"):
        read_results(tmp_path)
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(LocalFault, match="holds no results"):
        read_results(tmp_path)


def test_a_folder_that_cannot_be_made_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalFault, match="choose another --out"):
        RunFolder(tmp_path / "file")


def test_many_samples_are_drawn_by_their_extremes() -> None:
    many = samples(20_000)
    spike = Sample(2_500.1, 1e6, None, None, None, None, {})
    many.insert(10_001, spike)
    drawn = thin(many)
    assert len(drawn) <= POINTS_MAX + 2
    assert spike in drawn
    assert [each.at_s for each in drawn] == sorted(each.at_s for each in drawn)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        pytest.param(
            Check(name="power", measured=1.0, unit="W", low=0.0), "PASS  power: 0 <= 1 W", id="within"
        ),
        pytest.param(
            Check(name="power", measured=-1.0, unit="W", low=0.0), "FAIL  power: 0 <= -1 W", id="below"
        ),
        pytest.param(Check(name="time", unit="s", high=3.0), "FAIL  time: never <= 3 s", id="never"),
        pytest.param(Check(name="no trip", holds=True), "PASS  no trip", id="statement"),
    ],
)
def test_a_check_reads_as_an_inequality(check: Check, text: str) -> None:
    assert str(check) == text


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        pytest.param(Check(name="power", measured=1.0, unit="W", low=0.0), "", id="passed"),
        pytest.param(
            Check(name="power", measured=7_000.0, unit="W", low=0.0, high=5_000.0, why="it is stuck"),
            "Power was 7,000 W and not 0 to 5,000 W; it is stuck.",
            id="above",
        ),
        pytest.param(
            Check(name="power", measured=None, unit="W", low=10.0),
            "Power: it never came (at least 10 W was asked).",
            id="never",
        ),
        pytest.param(Check(name="no trip", holds=False), "No trip: this does not hold.", id="statement"),
    ],
)
def test_a_failure_has_a_reason_in_words(check: Check, reason: str) -> None:
    assert check.reason == reason


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (59.964, "59.964"), (-1_234.5, "-1,234"), (0.00012, "1.20e-04"), (None, "none")],
)
def test_a_figure_reads_without_surplus_digits(value: float | None, text: str) -> None:
    assert figure(value) == text
