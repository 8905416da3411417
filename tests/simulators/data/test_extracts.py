"""The real series: what is in them, and what a reader is told when a file is missing or damaged."""

import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from simulators.data.extracts import (
    EXTRACTS,
    FOLDER,
    PRICES,
    SESSIONS,
    charging_sessions,
    day_ahead_prices,
    pv_profile,
)
from vpp_core.faults import ConfigurationFault


def test_ercot_names_the_hour_by_its_end_in_central_daylight_time() -> None:
    """Source: the report's row 2021-08-12, hour ending 16:00, LZ_HOUSTON 109.10; that hour is 20-21 UTC."""
    prices = {price.interval.start: price.usd_per_mwh for price in day_ahead_prices("LZ_HOUSTON")}
    assert prices[datetime(2021, 8, 12, 20, tzinfo=UTC)] == Decimal("109.10")


def test_prices_cover_48_market_days_hour_by_hour() -> None:
    intervals = [price.interval for price in day_ahead_prices()]
    assert len(intervals) == 48 * 24
    assert intervals[0].start == datetime(2021, 7, 15, 5, tzinfo=UTC)
    assert all(later.start == earlier.end for earlier, later in pairwise(intervals))


def test_an_unknown_zone_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationFault, match="LZ_HOUSTON, HB_HOUSTON, LZ_NORTH"):
        day_ahead_prices("LZ_MOON")


def test_sessions_are_in_order_and_leave_after_they_came() -> None:
    sessions = charging_sessions()
    assert len(sessions) == 1_046
    assert [session.arrival for session in sessions] == sorted(session.arrival for session in sessions)
    assert all(session.arrival < session.departure for session in sessions)
    assert all(session.requested_wh > 0.0 for session in sessions)


def test_a_session_carries_what_was_recorded() -> None:
    """Source: ACN-Data, station CA-327, 68 kWh asked and 36.759 kWh given on 2021-08-11."""
    (session,) = [
        s for s in charging_sessions() if s.arrival == datetime(2021, 8, 11, 15, 14, 21, tzinfo=UTC)
    ]
    assert (session.requested_wh, session.delivered_wh) == (68_000.0, 36_759.0)
    assert session.estimated_departure == datetime(2021, 8, 12, 1, 19, 21, tzinfo=UTC)
    assert session.claimed


def test_an_unclaimed_session_asks_for_what_it_got() -> None:
    unclaimed = [session for session in charging_sessions() if not session.claimed]
    assert unclaimed
    assert all(session.requested_wh == session.delivered_wh for session in unclaimed)


def test_the_sun_is_replayed_on_the_same_wall_clock_of_2021() -> None:
    """Source: SERF East, 2016-08-11 12:00 -07:00; replayed in Central Standard Time."""
    profile = pv_profile("serf_east")
    noon_s = datetime(2021, 8, 11, 18, tzinfo=UTC).timestamp()
    rows = dict(line.split(",") for line in (FOLDER / "pv_serf_east_2016.csv").read_text().splitlines())
    assert profile.power_pu(noon_s) == pytest.approx(float(rows["2016-08-11 12:00:00-07:00"]) / 5_500.0)


def test_the_winter_plant_is_replayed_in_winter() -> None:
    """Source: the eleven days' values summed with DuckDB, 25.88 hours at full power."""
    profile = pv_profile("inverter_2173")
    assert datetime.fromtimestamp(profile.start_s, UTC) == datetime(2021, 1, 15, 6, tzinfo=UTC)
    assert profile.energy_pu_h(profile.start_s, profile.end_s) == pytest.approx(25.88, abs=0.005)


def test_an_unknown_plant_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigurationFault, match="serf_east, inverter_2173"):
        pv_profile("sun_city")


def test_every_file_is_listed_with_source_and_licence_and_all_are_small() -> None:
    files = sorted(FOLDER.glob("*.csv"))
    assert [path.name for path in files] == sorted(extract.file for extract in EXTRACTS)
    assert sum(path.stat().st_size for path in files) < 500_000
    readme = (FOLDER / "README.md").read_text()
    assert all(extract.file in readme and extract.licence in readme for extract in EXTRACTS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(None, "is missing; install gridchorus again", id="a-missing-file"),
        pytest.param("", "it has no rows", id="an-empty-file"),
        pytest.param(
            "start_utc,LZ_HOUSTON\n2021-07-15T05:00:00Z\n", "wrong number of fields", id="a-torn-row"
        ),
        pytest.param("start_utc,LZ_HOUSTON\nyesterday,1\n", "'yesterday' is not a value", id="no-time"),
        pytest.param("start_utc,LZ_HOUSTON\n2021-07-15T05:00:00,1\n", "no time zone", id="a-naive-time"),
        pytest.param("start_utc,LZ_HOUSTON\n2021-07-15T05:00:00Z,x\n", "'x' is not a value", id="no-number"),
        pytest.param("LZ_HOUSTON\n1\n", "the column start_utc is missing", id="a-lost-column"),
        pytest.param("start_utc,LZ_HOUSTON\n\udcff\n", "cannot be read", id="not-text"),
    ],
)
def test_a_bad_file_is_one_sentence_that_says_what_to_do(
    tmp_path: Path, text: str | None, reason: str
) -> None:
    if text is not None:
        (tmp_path / PRICES.file).write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigurationFault) as caught:
        day_ahead_prices(folder=tmp_path)
    assert reason in str(caught.value)
    assert "install gridchorus again." in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_damaged_session_file_is_found(tmp_path: Path) -> None:
    shutil.copy(FOLDER / SESSIONS.file, tmp_path)
    path = tmp_path / SESSIONS.file
    path.write_text(path.read_text().replace("35.000", "thirty-five"))
    with pytest.raises(ConfigurationFault, match="'thirty-five' is not a value of requested_kwh"):
        charging_sessions(tmp_path)


def test_price_intervals_are_hours() -> None:
    assert {price.interval.duration_s for price in day_ahead_prices()} == {timedelta(hours=1).total_seconds()}
