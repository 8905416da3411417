"""What a person sees of a running fleet, on a terminal and in a file."""

import io
from dataclasses import replace

from rich.console import Console

from simulators.running.screen import PLAIN_EVERY, Screen, status
from simulators.running.tick import Lag
from simulators.running.world import Reading

READING = Reading(
    at_s=1_628_787_641.0,
    frequency_hz=59.9876,
    meter_w=-214_000.0,
    battery_w=50_000.0,
    voltage_pu_min=0.987,
    voltage_pu_max=1.012,
    lost_mw=0.0,
)


def console(*, terminal: bool) -> tuple[Console, io.StringIO]:
    text = io.StringIO()
    return Console(file=text, force_terminal=terminal, width=160), text


def test_one_line_has_all_that_matters() -> None:
    lag = Lag(ticks=20, skipped=3, late_s_max=0.0031)
    assert status(READING, 12, lag, 1.0) == (
        "17:00:41 UTC, 59.988 Hz, fleet -0.2140 MW (batteries +0.0500 MW), 0.987 to 1.012 pu, 12 clients, "
        "tick late by 3.1 ms at most, 3 skipped"
    )


def test_homes_of_one_voltage_have_one() -> None:
    alike = replace(READING, voltage_pu_min=1.0031, voltage_pu_max=1.0034)
    assert ", 1.003 pu, " in status(alike, 12, Lag(), 1.0)


def test_lateness_is_told_in_real_time() -> None:
    assert "late by 2.0 ms" in status(READING, 1, Lag(late_s_max=0.12), 60.0)
    assert "late by 0.0 ms" in status(READING, 1, Lag(late_s_max=0.12), 0.0)


def test_a_file_gets_some_of_the_lines_and_no_bar() -> None:
    where, text = console(terminal=False)
    screen = Screen(where)
    assert list(screen.bar([1, 2, 3], "opening ports")) == [1, 2, 3]
    with screen.running():
        for number in range(2 * PLAIN_EVERY):
            screen.show(f"line {number}")
    assert text.getvalue() == f"line 0\nline {PLAIN_EVERY}\n"


def test_a_terminal_gets_a_bar_and_one_line_that_is_redrawn() -> None:
    where, text = console(terminal=True)
    screen = Screen(where)
    assert list(screen.bar([1, 2, 3], "opening ports")) == [1, 2, 3]
    assert "opening ports" in text.getvalue()
    with screen.running():
        for number in range(3):
            screen.show(f"line {number}")
    assert all(f"line {number}" in text.getvalue() for number in range(3))
