"""Baseline rules against worked numbers (oracle: the M&V reference's own arithmetic), exact.

The reference counts consumption in kW by the hour of a day; we count injection in Wh, so its numbers
are negated here and nowhere else.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from fractions import Fraction

import pytest

from cloud.settlement.baselines import BaselineResult, Calendar, compute
from cloud.settlement.days import Window
from cloud.settlement.rules import load_rules
from vpp_core.ids import SiteId

SITE = SiteId("site-001")
EVENT_DAY = date(2021, 8, 13)  # a Friday
HOURS = range(24)
TEN_DAYS_KW = range(90, 110, 2)
LOW_TEN_DAYS_KW = range(80, 100, 2)

Load = Callable[[int], float]


def weekdays_before(day: date, count: int) -> list[date]:
    found: list[date] = []
    while len(found) < count:
        day -= timedelta(days=1)
        if day.weekday() < 5:
            found.append(day)
    return found


def hourly(load_kw: Load) -> dict[int, int]:
    return {hour: round(-1_000 * load_kw(hour)) for hour in HOURS}


def baseline(rule: str, days_kw: Sequence[float], actual_kw: Load, hours: Sequence[int]) -> BaselineResult:
    """``days_kw`` are flat days, the newest first."""
    days = weekdays_before(EVENT_DAY, len(days_kw))
    history = {
        SITE: {day: hourly(lambda _, kw=kw: kw) for day, kw in zip(days, days_kw, strict=True)}  # type: ignore[misc]
    }
    window = Window(EVENT_DAY, range(hours[0], hours[-1] + 1), 3_600)
    found = load_rules().baseline_rule(rule, EVENT_DAY)
    return compute(found, history, {SITE: hourly(actual_kw)}, window, Calendar())


def load_kw(result: BaselineResult) -> list[float]:
    return [float(-energy_wh) / 1_000 for _, energy_wh in sorted(result.exact.items())]


@pytest.mark.parametrize(
    ("rule", "before_kw", "factor", "expected_kw"),
    [
        pytest.param("caiso-10-of-10", 110, Fraction(110, 99), 110.0, id="110 kW before lifts 99 to 110"),
        pytest.param("caiso-10-of-10", 150, Fraction(6, 5), 118.8, id="150 kW before is capped at 1.2"),
        pytest.param("caiso-10-of-10", 60, Fraction(5, 6), 82.5, id="60 kW before stops at 1/1.2"),
        pytest.param(
            "caiso-5-of-10-residential", 150, Fraction(7, 5), 145.6, id="residential 5 of 10 is capped at 1.4"
        ),
    ],
)
def test_caiso(rule: str, before_kw: float, factor: Fraction, expected_kw: float) -> None:
    result = baseline(
        rule, TEN_DAYS_KW, lambda hour: before_kw if hour in (13, 14) else 60.0, hours=(16, 17, 18)
    )
    assert result.adjustment.factor == factor
    assert load_kw(result) == pytest.approx([expected_kw] * 3, abs=1e-9)


def test_pjm_drops_the_lowest_of_five_and_adds_what_the_morning_showed() -> None:
    result = baseline(
        "pjm-economic-cbl",
        (100, 96, 104, 92, 98),
        lambda hour: 70.0 if hour >= 16 else 103.0,
        hours=(16, 17, 18),
    )
    assert -result.adjustment.addition_wh == 3_500
    assert load_kw(result) == pytest.approx([103.0] * 3, abs=1e-9)


def test_pjm_never_falls_below_zero_consumption() -> None:
    result = baseline("pjm-economic-cbl", (2, 2, 2, 2, 2), lambda _: -7.0, hours=(16, 17))
    assert load_kw(result) == [0.0, 0.0]


def test_nyiso_adjusts_the_high_five_of_ten_by_the_weather() -> None:
    result = baseline("nyiso-cbl-weather", LOW_TEN_DAYS_KW, lambda _: 110.0, hours=(16, 17, 18))
    assert result.adjustment.factor == Fraction(110, 94)
    assert load_kw(result) == pytest.approx([110.0] * 3, abs=1e-9)


def test_ercot_middle_eight_of_ten_drops_the_lowest_and_the_highest_day() -> None:
    result = baseline("ercot-middle-8-of-10", LOW_TEN_DAYS_KW, lambda _: 0.0, hours=(16, 17, 18))
    assert load_kw(result) == pytest.approx([89.0] * 3, abs=1e-9)
    assert len(result.days) == 8


def test_pjm_same_day_uses_hours_ending_9_to_11_and_19_to_20_for_an_event_of_13_to_17() -> None:
    result = baseline("pjm-same-day-3-2", (1,), float, hours=(12, 13, 14, 15, 16))
    assert load_kw(result) == pytest.approx([(8 + 9 + 10 + 18 + 19) / 5] * 5, abs=1e-9)
