"""What a baseline does beside its rule's arithmetic: aggregate, PV, gaps, like days, whole Wh."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.settlement.baselines import BaselineResult, Calendar, compute, round_together
from cloud.settlement.days import NoBaseline, StepEnergy, Window, like_days
from cloud.settlement.placebo import placebo
from cloud.settlement.rules import Adjust, BaselineRule, load_rules
from vpp_core.ids import SiteId
from vpp_core.interval import Interval

A, B = SiteId("site-a"), SiteId("site-b")
EVENT_DAY = date(2021, 8, 12)  # a Thursday
CHICAGO = ZoneInfo("America/Chicago")
WINDOW = Window(EVENT_DAY, range(68, 76), 900)  # 17:00 to 19:00
RULE = load_rules().baseline_rule("caiso-10-of-10", EVENT_DAY)
DAYS = [EVENT_DAY - timedelta(days=back) for back in range(1, 22)]


def flat(energy_wh: int) -> dict[int, int]:
    return dict.fromkeys(range(96), energy_wh)


def history(**sites: int) -> dict[SiteId, dict[date, dict[int, int]]]:
    return {SiteId(f"site-{name}"): {day: flat(value) for day in DAYS} for name, value in sites.items()}


def run(
    days: Mapping[SiteId, Mapping[date, StepEnergy]],
    actual: Mapping[SiteId, StepEnergy],
    rule: BaselineRule = RULE,
    calendar: Calendar | None = None,
) -> BaselineResult:
    return compute(rule, days, actual, WINDOW, calendar or Calendar())


def test_the_same_day_factor_comes_from_the_aggregate_and_applies_to_each_site() -> None:
    result = run(history(a=-1_000, b=-3_000), {A: flat(-1_400), B: flat(-3_000)})
    assert result.adjustment.factor == Fraction(11, 10)
    assert result.sites[A] == dict.fromkeys(WINDOW.steps, -1_100)
    assert result.sites[B] == dict.fromkeys(WINDOW.steps, -3_300)
    assert result.adjustment.reason == "multiplicative x 1.1000"


def test_a_site_without_good_data_before_the_event_does_not_enter_the_factor() -> None:
    result = run(history(a=-1_000, b=-3_000), {A: flat(-1_100), B: {}})
    assert result.adjustment.factor == Fraction(11, 10)
    assert result.sites[B][70] == -3_300


def test_without_any_good_data_before_the_event_there_is_no_adjustment_and_a_reason() -> None:
    result = run(history(a=-1_000), {A: {0: -5}})
    assert result.sites[A][68] == -1_000
    assert result.adjustment.reason.startswith("not adjusted: no site has good data")


def test_an_exporting_window_is_adjusted_by_addition_capped_at_the_same_share() -> None:
    days = history(a=-1_000)
    for day in days[A].values():
        day.update(dict.fromkeys(WINDOW.before(3_600, 7_200), 2_000))
    result = run(days, {A: flat(500)})
    assert result.adjustment.factor == 1
    assert result.adjustment.addition_wh == -200
    assert result.sites[A][68] == -1_200
    assert "adjustment window is not safely consumption" in result.adjustment.reason


def test_a_factor_is_not_used_on_an_event_that_exports() -> None:
    days = history(a=-1_000)
    for day in days[A].values():
        day[70] = 50
    result = run(days, {A: flat(-1_050)})
    assert result.adjustment.factor == 1
    assert result.adjustment.addition_wh == -50
    assert "baseline of the event is not safely consumption" in result.adjustment.reason


def test_a_rule_without_a_fallback_stays_unadjusted_where_a_factor_is_not_safe() -> None:
    rule = msgspec.structs.replace(RULE, fallback=Adjust.NONE)
    result = run(history(a=0), {A: flat(-500)}, rule)
    assert result.sites[A][68] == 0
    assert result.adjustment.reason.startswith("not adjusted")


def test_an_addition_to_sites_without_any_baseline_is_shared_equally() -> None:
    rule = msgspec.structs.replace(RULE, adjustment=Adjust.ADDITIVE)
    result = run(history(a=0, b=0), {A: flat(-300), B: flat(-100)}, rule)
    assert result.sites[A][68] == result.sites[B][68] == -200


def test_only_like_days_count() -> None:
    days = history(a=-1_000)
    for day in DAYS:
        if day.weekday() >= 5 or day == date(2021, 8, 5) or day == date(2021, 8, 4):
            days[A][day] = flat(-9_000)
    calendar = Calendar(frozenset({date(2021, 8, 5)}), frozenset({date(2021, 8, 4)}))
    result = run(days, {A: flat(-1_000)}, calendar=calendar)
    assert result.sites[A][68] == -1_000
    assert len(result.days) == 10


def test_days_before_the_lookback_do_not_count() -> None:
    assert like_days(DAYS, EVENT_DAY, lookback_days=3, excluded=(), holidays=()) == DAYS[:3]


def test_a_day_with_a_gap_in_the_needed_hours_is_passed_over() -> None:
    days = history(a=-1_000)
    del days[A][DAYS[0]][70]
    days[A][DAYS[1]] = flat(-1_000) | {10: 77_000}
    assert DAYS[0] not in run(days, {A: flat(-1_000)}).days


def test_a_site_with_too_little_history_is_left_out_and_named() -> None:
    days = history(a=-1_000, b=-1_000)
    days[B] = {day: flat(-1_000) for day in DAYS[:3]}
    result = run(days, {A: flat(-1_000), B: flat(-1_000)})
    assert result.left_out == (B,)
    assert set(result.sites) == {A}


@pytest.mark.parametrize("days", [{}, {A: {}}], ids=["no sites", "no days"])
def test_without_enough_days_there_is_no_baseline(days: dict[SiteId, dict[date, StepEnergy]]) -> None:
    with pytest.raises(NoBaseline, match="needs 5 complete days"):
        run(days, {})


def test_sites_whose_days_do_not_meet_have_no_common_baseline() -> None:
    working = [day for day in DAYS if day.weekday() < 5]
    days = {A: {d: flat(-1) for d in working[:7]}, B: {d: flat(-1) for d in working[7:]}}
    with pytest.raises(NoBaseline, match="there are 0"):
        run(days, {})


def test_the_same_day_rule_needs_a_site_with_all_hours_around_the_event() -> None:
    rule = load_rules().baseline_rule("pjm-same-day-3-2", EVENT_DAY)
    with pytest.raises(NoBaseline, match="no site has all 20 steps"):
        run({}, {A: {}}, rule)
    assert run({}, {A: flat(-10), B: {}}, rule).left_out == (B,)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=4), st.fractions(-1_000, 1_000), max_size=20))
def test_whole_wh_stay_next_to_the_exact_ones_and_add_up(exact: dict[str, Fraction]) -> None:
    values = {SiteId(site): value for site, value in exact.items()}
    whole = round_together(values)
    assert sum(whole.values()) == round(sum(values.values(), Fraction(0)))
    assert all(abs(whole[site] - values[site]) <= 1 for site in values)


@given(
    st.lists(st.integers(-5_000, -500), min_size=2, max_size=6),
    st.fractions(Fraction(1, 2), Fraction(2)),
)
def test_the_sites_baselines_add_up_to_the_aggregate_within_its_cap(
    loads_wh: list[int], change: Fraction
) -> None:
    days = {SiteId(f"s{i}"): {day: flat(wh) for day in DAYS} for i, wh in enumerate(loads_wh)}
    actual = {SiteId(f"s{i}"): flat(round(wh * change)) for i, wh in enumerate(loads_wh)}
    result = run(days, actual)
    for step in WINDOW.steps:
        assert sum(site[step] for site in result.sites.values()) == round(result.exact[step])
    assert Fraction(5, 6) <= result.adjustment.factor <= Fraction(6, 5)


def test_an_events_window_is_counted_in_local_steps() -> None:
    start = datetime(2021, 8, 12, 22, 0, tzinfo=UTC)
    assert Window.of(Interval.of(start, 7_200), CHICAGO, 900) == WINDOW


@pytest.mark.parametrize(
    ("start", "duration_s"),
    [
        pytest.param(datetime(2021, 8, 12, 22, 1, tzinfo=UTC), 900, id="starts between steps"),
        pytest.param(datetime(2021, 8, 12, 22, 0, tzinfo=UTC), 1_000, id="ends between steps"),
        pytest.param(datetime(2021, 8, 13, 4, 45, tzinfo=UTC), 1_800, id="crosses local midnight"),
    ],
)
def test_an_event_that_fits_no_steps_has_no_baseline(start: datetime, duration_s: float) -> None:
    with pytest.raises(NoBaseline, match="does not fit"):
        Window.of(Interval.of(start, duration_s), CHICAGO, 900)


def test_placebo_days_of_equal_load_show_no_error() -> None:
    result = placebo(RULE, history(a=-1_000, b=-2_000), WINDOW, Calendar())
    assert result is not None
    assert (result.days, result.bias_pct, result.cvrmse_pct) == (10, 0.0, 0.0)


def test_a_falling_load_gives_a_baseline_that_claims_too_much() -> None:
    unadjusted = msgspec.structs.replace(RULE, adjustment=Adjust.NONE)
    days = {A: {day: flat(-100 * back) for back, day in enumerate(DAYS, start=10)}}
    result = placebo(unadjusted, days, WINDOW, Calendar())
    assert result is not None
    assert result.bias_pct > 10.0
    assert result.cvrmse_pct >= result.bias_pct


def test_placebo_leaves_out_events_other_kinds_of_days_and_days_that_are_not_metered() -> None:
    days = history(a=-1_000)
    del days[A][DAYS[1]][70]
    calendar = Calendar(frozenset({DAYS[0]}))
    rule = msgspec.structs.replace(RULE, days_min=13)
    assert placebo(rule, days, WINDOW, calendar) is None
    result = placebo(msgspec.structs.replace(RULE, days_min=10), days, WINDOW, calendar)
    assert result is not None
    assert result.days == 3


def test_without_history_there_is_no_placebo() -> None:
    assert placebo(RULE, {}, WINDOW, Calendar()) is None
