"""The command itself: what it accepts, where it writes, and how it ends."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from simulators.rig import demo
from simulators.rig.demo import check, main, prepare
from simulators.rig.report.outcome import ReportData, Scorecard
from vpp_core.clock import SystemClock
from vpp_core.faults import ConfigurationFault, CounterpartyFault, LocalFault

PATIENCE_S = 30.0


def _parsed(*arguments: str) -> argparse.Namespace:
    return demo._parser().parse_args(arguments)


def test_without_options_it_plays_twelve_sites_on_the_twelfth_of_august() -> None:
    options = check(_parsed())
    assert (options.sites, options.day.isoformat(), options.broker, options.serve) == (
        12,
        "2021-08-12",
        None,
        False,
    )
    assert options.out.is_absolute()
    assert options.out.name == "demo-out"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--sites", "1"), "--sites"),
        (("--sites", "5000"), "--sites"),
        (("--speed", "0"), "--speed"),
        (("--speed", "nan"), "--speed"),
        (("--day", "2021-07-15"), "--day must lie from"),
        (("--day", "2031-01-01"), "--day must lie from"),
        (("--broker", "http://127.0.0.1"), "is not a broker's address"),
        (("--broker", "mqtt://elsewhere:1883"), "this machine only"),
        (("--virtual", "--serve"), "--virtual"),
        (("--virtual", "--broker", "mqtt://127.0.0.1"), "--virtual"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_refused_in_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        check(_parsed(*arguments))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_day_that_is_none_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--day", "yesterday"])
    assert caught.value.code == 2
    assert "write YYYY-MM-DD" in capsys.readouterr().err


def test_an_earlier_run_makes_room_for_the_next(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    prepare(out).close()
    (out / "logs").mkdir()
    (out / "logs" / "cloud.log").touch()
    (out / "report.html").touch()
    (out / "notes.txt").write_text("mine")
    prepare(out).close()
    assert sorted(path.name for path in out.iterdir()) == [".gridchorus-run", "notes.txt"]


def test_a_folder_in_which_a_run_is_at_work_is_left_alone(tmp_path: Path) -> None:
    with prepare(tmp_path):
        (tmp_path / "logs").mkdir()
        with pytest.raises(LocalFault, match="Another run is at work"):
            prepare(tmp_path)
        assert (tmp_path / "logs").is_dir()
    prepare(tmp_path).close()
    assert not (tmp_path / "logs").exists()


def test_a_folder_that_is_a_link_within_is_named_as_it_is(tmp_path: Path) -> None:
    prepare(tmp_path).close()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "logs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LocalFault, match="symbolic link"):
        prepare(tmp_path)
    assert (tmp_path / "elsewhere").is_dir()


def test_a_folder_with_foreign_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cloud").mkdir()
    with pytest.raises(LocalFault, match="not empty and not from an earlier run"):
        prepare(tmp_path)
    assert (tmp_path / "cloud").is_dir()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalFault, match="cannot be used"):
        prepare(tmp_path / "file" / "out")


def test_a_bad_option_ends_with_code_2_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["--sites", "0", "--out", str(out)]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("vpp-demo: --sites")
    assert len(error.splitlines()) == 1
    assert not out.exists()


class FakeStage:
    """A world in which nothing happens."""

    broker = "none"
    clock = SystemClock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is open."""


@pytest.fixture
def nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "_world", lambda *_args, **_options: FakeStage())


def _playing(monkeypatch: pytest.MonkeyPatch, outcome: ReportData | BaseException) -> None:
    async def play(*_: object) -> ReportData:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(demo, "play", play)


@pytest.mark.usefixtures("nothing_starts")
def test_a_run_ends_with_scorecard_and_report(
    report_data: ReportData,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _playing(monkeypatch, replace(report_data, event=None, market=None, frequency=None, forecasts=()))
    out = tmp_path / "[/out] of sight"
    assert main(["--out", str(out)]) == 0
    assert {"scorecard.json", "report.html"} <= {path.name for path in out.iterdir()}
    shown = capsys.readouterr().out
    assert "Gridchorus scorecard" in shown
    assert f"vpp-cloud trace --database '{out}/cloud/gridchorus.sqlite' ID" in shown


@pytest.mark.usefixtures("nothing_starts")
def test_money_that_is_not_conserved_is_no_success(
    scorecard: Scorecard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(scorecard.books[0], owners_cents=0)
    _playing(monkeypatch, ReportData(scorecard=replace(scorecard, books=(short,))))
    assert main(["--out", str(tmp_path / "out")]) == 1


@pytest.mark.usefixtures("nothing_starts")
@pytest.mark.parametrize(
    ("outcome", "code", "sentence"),
    [
        (CounterpartyFault("The market is closed."), 2, "vpp-demo: The market is closed."),
        (ExceptionGroup("", [CounterpartyFault("The market is closed.")]), 2, "The market is closed."),
        (KeyboardInterrupt(), 130, "nothing is left running"),
        (asyncio.CancelledError(), 143, "nothing is left running"),
    ],
    ids=["a-fault", "a-fault-in-a-group", "Ctrl-C", "SIGTERM"],
)
def test_every_end_has_its_code_and_sentence(
    outcome: BaseException,
    code: int,
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _playing(monkeypatch, outcome)
    assert main(["--out", str(tmp_path / "out")]) == code
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out" / "report.html").exists()


@pytest.mark.usefixtures("nothing_starts")
def test_a_defect_of_ours_is_not_dressed_up_as_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _playing(monkeypatch, ExceptionGroup("", [ZeroDivisionError()]))
    with pytest.raises(ExceptionGroup):
        main(["--out", str(tmp_path / "out")])


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize("children", [1, 4], ids=["at-the-start", "while-all-come-up"])
async def test_ctrl_c_leaves_no_process_behind(tmp_path: Path, children: int) -> None:
    run = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulators.rig.demo",
        "--sites",
        "4",
        "--out",
        str(tmp_path / "out"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    await _eventually(lambda: len(_children_of(run.pid)) >= children)
    pids = _children_of(run.pid)
    run.send_signal(signal.SIGINT)
    _, error = await run.communicate()
    assert run.returncode == 130, error.decode()
    assert error.decode().strip() == "vpp-demo: stopped; nothing is left running."
    assert not any(map(_alive, pids))


def _children_of(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()]


def _alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def _eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await SystemClock().sleep(0.02)
