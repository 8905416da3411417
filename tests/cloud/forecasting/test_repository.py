"""Interval history is kept by UTC day and replaced by day."""

from datetime import UTC, datetime, timedelta

import pytest

from cloud.forecasting.repository import HistoryRepository
from cloud.markets.utility_http import IntervalHistory
from cloud.storage.database import Database
from vpp_core.ids import SiteId
from vpp_core.interval import Interval

SITE = SiteId("site-01")
START = datetime(2021, 8, 1, tzinfo=UTC)
MONTH = Interval(START, START + timedelta(days=31))


def history(start: datetime, values: list[float | None], step_s: int = 43_200) -> IntervalHistory:
    row = tuple(values)
    return IntervalHistory(site_id=SITE, step_s=step_s, start=start, net_wh=row, pv_wh=row, evse_wh=row)


@pytest.fixture
def histories(database: Database) -> HistoryRepository:
    return HistoryRepository(database)


def test_a_history_is_read_back_as_it_was(histories: HistoryRepository) -> None:
    saved = history(START, [1.5, None, 3.0, 4.0])
    histories.save(saved)
    assert histories.load(SITE, MONTH) == saved


def test_a_day_that_comes_again_replaces_itself(histories: HistoryRepository) -> None:
    histories.save(history(START, [1.0, 2.0, 3.0]))
    histories.save(history(START + timedelta(days=1), [3.0, 4.0]))
    loaded = histories.load(SITE, MONTH)
    assert loaded is not None
    assert loaded.net_wh == (1.0, 2.0, 3.0, 4.0)


def test_a_day_that_never_came_is_a_gap(histories: HistoryRepository) -> None:
    histories.save(history(START, [1.0]))
    histories.save(history(START + timedelta(days=2), [5.0, 6.0]))
    loaded = histories.load(SITE, MONTH)
    assert loaded is not None
    assert loaded.net_wh == (1.0, None, None, None, 5.0, 6.0)


def test_days_of_an_older_step_are_left_out(histories: HistoryRepository) -> None:
    histories.save(history(START, [1.0, 2.0]))
    histories.save(history(START + timedelta(days=1), [9.0], step_s=86_400))
    loaded = histories.load(SITE, MONTH)
    assert loaded is not None
    assert (loaded.step_s, loaded.net_wh) == (86_400, (9.0,))


@pytest.mark.parametrize(
    ("site", "interval"),
    [
        pytest.param(SiteId("other"), MONTH, id="another site"),
        pytest.param(SITE, Interval(MONTH.end, MONTH.end + timedelta(days=1)), id="another month"),
    ],
)
def test_what_was_not_stored_is_nothing(
    histories: HistoryRepository, site: SiteId, interval: Interval
) -> None:
    histories.save(history(START, [1.0]))
    assert histories.load(site, interval) is None


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(history(START + timedelta(hours=1), [1.0]), id="a start within the day"),
        pytest.param(history(START, [1.0], step_s=7 * 3_600), id="a step that does not divide the day"),
    ],
)
def test_what_does_not_fit_days_is_refused(histories: HistoryRepository, odd: IntervalHistory) -> None:
    with pytest.raises(ValueError, match="whole UTC days"):
        histories.save(odd)


def test_known_steps_are_counted_by_site(histories: HistoryRepository) -> None:
    histories.save(history(START, [1.0, None, 3.0]))
    assert histories.steps() == {SITE: 2}
