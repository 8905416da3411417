"""The script that made the extracts, on small Parquet files of the sources' shape."""

from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from simulators.data.make_extracts import hour_start, main, make_extracts


@pytest.fixture
def source(tmp_path: Path) -> Path:
    tables = {
        "price_ercot_da_2021": "SELECT * FROM (VALUES "
        "('2021-07-14'::TIMESTAMP_NS, '24:00', 'N', 1.0, 2.0, 3.0), "
        "('2021-07-15'::TIMESTAMP_NS, '02:00', 'N', 19.94, 19.95, 20.76), "
        "('2021-07-15'::TIMESTAMP_NS, '01:00', 'N', 21.86, 21.88, 22.8)) "
        "prices(date, he, rep, LZ_HOUSTON, HB_HOUSTON, LZ_NORTH)",
        "ev_sessions_caltech": "SELECT * FROM (VALUES "
        "('2021-07-01 00:53:38+00'::TIMESTAMPTZ, '2021-07-01 01:57:55+00'::TIMESTAMPTZ, "
        "'2021-07-01 09:47:38+00'::TIMESTAMPTZ, 35.0, 3.574, 'CA-311', true), "
        "('2021-06-30 00:53:38+00'::TIMESTAMPTZ, '2021-06-30 01:57:55+00'::TIMESTAMPTZ, "
        "'2021-06-30 09:47:38+00'::TIMESTAMPTZ, 35.0, 3.574, 'CA-311', true)) "
        "s(arrival, departure, estimated_departure, requested_kwh, delivered_kwh, station_id, claimed)",
        "pvplant_serf_east_15min_ac_power": "SELECT * FROM (VALUES "
        "('2016-07-15 00:00:00-07:00', -2.74), ('2016-09-02 00:00:00-07:00', 1.0)) p(measured_on, ac_power)",
        "pvplant_ac_power_inv_2173": "SELECT * FROM (VALUES "
        "('2011-01-15 12:00:00+00:00', 0.123456), ('2011-02-15 12:00:00+00:00', 0.1)) "
        "p(timestamp, value_normalized)",
    }
    directory = tmp_path / "source"
    directory.mkdir()
    with duckdb.connect() as connection:
        for name, rows in tables.items():
            connection.execute(f"COPY ({rows}) TO '{directory / name}.parquet' (FORMAT parquet)")
    return directory


def test_days_are_cut_out_hours_converted_and_rows_ordered(source: Path, tmp_path: Path) -> None:
    prices, sessions, serf_east, inverter = make_extracts(source, tmp_path)
    assert prices.read_text().splitlines() == [
        "start_utc,LZ_HOUSTON,HB_HOUSTON,LZ_NORTH",
        "2021-07-15T05:00:00Z,21.86,21.88,22.80",
        "2021-07-15T06:00:00Z,19.94,19.95,20.76",
    ]
    assert sessions.read_text().splitlines()[1:] == [
        "2021-07-01T00:53:38Z,2021-07-01T01:57:55Z,2021-07-01T09:47:38Z,35.000,3.574,CA-311,true"
    ]
    assert serf_east.read_text() == "measured_on,ac_power_w\n2016-07-15 00:00:00-07:00,-2.7\n"
    assert inverter.read_text() == "timestamp,value_normalized\n2011-01-15 12:00:00+00:00,0.1235\n"


def test_the_same_source_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    first = [path.read_bytes() for path in make_extracts(source, tmp_path)]
    assert [path.read_bytes() for path in make_extracts(source, tmp_path)] == first


@pytest.mark.parametrize(
    ("day", "hour_ending", "rep", "start"),
    [
        pytest.param(date(2021, 1, 4), "01:00", "N", "2021-01-04T06Z", id="winter-is-6-hours-behind"),
        pytest.param(date(2021, 8, 12), "24:00", "N", "2021-08-13T04Z", id="the-last-hour-of-a-day"),
        pytest.param(date(2021, 3, 14), "02:00", "N", "2021-03-14T07Z", id="before-the-spring-gap"),
        pytest.param(date(2021, 3, 14), "04:00", "N", "2021-03-14T08Z", id="after-the-spring-gap"),
        pytest.param(date(2021, 11, 7), "02:00", "N", "2021-11-07T06Z", id="autumn-first-time"),
        pytest.param(date(2021, 11, 7), "02:00", "Y", "2021-11-07T07Z", id="autumn-second-time"),
    ],
)
def test_hour_ending_in_prevailing_time(day: date, hour_ending: str, rep: str, start: str) -> None:
    assert hour_start(day, hour_ending, repeated=rep == "Y") == datetime.fromisoformat(start)


def test_without_a_source_it_says_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: python -m simulators.data.make_extracts" in capsys.readouterr().err
