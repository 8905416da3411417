import io
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from simulators.rig.scenario.progress import Progress
from vpp_core.faults import DeviceFault

NOON = datetime(2021, 8, 12, 17, 0, 5, tzinfo=UTC)
CHICAGO = ZoneInfo("America/Chicago")


@pytest.fixture
def seconds() -> Iterator[float]:
    return (float(number) for number in count())


def test_without_a_terminal_each_step_is_one_plain_line(seconds: Iterator[float]) -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    with Progress(console, lambda: NOON, CHICAGO, lambda: next(seconds)) as progress:
        with progress.step("Enroll") as step:
            step.detail = "12 sites"
        progress.note("broker: mosquitto")
    assert _printed(console) == [
        "[  3.0 s] Thu 12 Aug 12:00:05  Enroll: 12 sites (1.0 s)",
        "broker: mosquitto",
    ]


def test_a_step_that_fails_says_so_and_lets_the_fault_out(seconds: Iterator[float]) -> None:
    console = Console(file=io.StringIO(), force_terminal=False, width=200)
    with (
        Progress(console, lambda: None, CHICAGO, lambda: next(seconds)) as progress,
        pytest.raises(DeviceFault),
        progress.step("Read meters"),
    ):
        raise DeviceFault("The meter is mute.")
    assert _printed(console) == ["[  3.0 s] FAILED Read meters (1.0 s)"]


def test_on_a_terminal_the_steps_are_redrawn_with_marks() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    with Progress(console, lambda: NOON, CHICAGO) as progress:
        with progress.step("Enroll") as step:
            step.detail = "12 sites"
        with pytest.raises(DeviceFault), progress.step("Read meters"):
            raise DeviceFault("The meter is mute.")
    last = "\n".join(_printed(console)[-4:])
    assert "✓  Enroll  12 sites" in last
    assert "✗  Read meters" in last
    assert "Thu 12 Aug 12:00:05" in last


def _printed(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()
