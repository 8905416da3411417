"""The embedded telemetry store: one DuckDB file, fed in batches of NumPy columns."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from cloud.telemetry.energy import energy_steps
from cloud.telemetry.store import GAP_S_MAX, VALUES, Columns, EnergyStep, naive_utc
from vpp_core.faults import StorageFault
from vpp_core.ids import DerId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import Reading

LOOKAROUND = timedelta(days=1)
"""How far outside an interval a sample is looked for, to estimate the energy across a gap."""

_CREATE = f"""
CREATE TABLE IF NOT EXISTS telemetry (
    site_id VARCHAR NOT NULL,
    der_id VARCHAR NOT NULL,
    measured_at TIMESTAMP NOT NULL,
    quality VARCHAR NOT NULL,
    {", ".join(f"{name} DOUBLE" for name in VALUES)}
)"""
_INSERT = f"""
INSERT INTO telemetry
SELECT site_id, der_id, measured_at, quality, {", ".join(f"nullif({name}, 'NaN'::DOUBLE)" for name in VALUES)}
FROM batch AS b"""
_INSERT_MISSING = f"""{_INSERT} WHERE NOT EXISTS (
    SELECT 1 FROM telemetry AS t
    WHERE t.der_id = b.der_id AND t.measured_at = b.measured_at AND t.measured_at BETWEEN $first AND $last
)"""
_NEWEST = "SELECT der_id, max(measured_at) FROM telemetry GROUP BY der_id"
_COLUMNS = f"der_id, measured_at, quality, {', '.join(VALUES)}"
_LATEST = f"""
SELECT {_COLUMNS} FROM telemetry WHERE der_id IN (SELECT unnest($devices))
QUALIFY row_number() OVER (PARTITION BY der_id ORDER BY measured_at DESC) = 1 ORDER BY der_id"""
_SERIES = f"""
SELECT {_COLUMNS} FROM telemetry
WHERE der_id = $device AND measured_at >= $first AND measured_at < $last ORDER BY measured_at"""
_ENERGY = """
WITH counted AS (
    SELECT der_id, measured_at, energy_injected_wh AS injected_wh, energy_absorbed_wh AS absorbed_wh
    FROM telemetry
    WHERE der_id IN (SELECT unnest($devices)) AND quality = 'good'
      AND energy_injected_wh IS NOT NULL AND energy_absorbed_wh IS NOT NULL
      AND measured_at BETWEEN $earliest AND $latest
)
SELECT * FROM counted WHERE measured_at BETWEEN $first AND $last
UNION ALL
SELECT der_id, max(measured_at), arg_max(injected_wh, measured_at), arg_max(absorbed_wh, measured_at)
FROM counted WHERE measured_at < $first GROUP BY der_id
UNION ALL
SELECT der_id, min(measured_at), arg_min(injected_wh, measured_at), arg_min(absorbed_wh, measured_at)
FROM counted WHERE measured_at > $last GROUP BY der_id
ORDER BY der_id, measured_at"""


_SIGNS_OF_DAMAGE = ("not a valid DuckDB", "Corrupt", "Could not read enough bytes")


class DuckDbStore:
    """A :class:`cloud.telemetry.store.TelemetryStore` in one file, held by one process.

    Args:
        path: the file; nothing keeps it in memory.
        gap_s_max: longest distance of two samples that still counts as measured.

    Raises:
        StorageFault: another process holds the file, or it is no DuckDB database.
    """

    def __init__(self, path: Path | None, gap_s_max: float = GAP_S_MAX) -> None:
        self._where = str(path) if path else ":memory:"
        self._gap_s_max = gap_s_max
        self._connection: duckdb.DuckDBPyConnection | None = None
        if "?" in self._where:
            raise StorageFault(
                f"the telemetry store {self._where} cannot be used: DuckDB would look for its log elsewhere; "
                "choose a path without a question mark"
            )
        try:
            self._connection = duckdb.connect(self._where, config={"threads": 1})
            self._connection.execute(_CREATE)
            self._newest: dict[str, datetime] = dict(self._connection.execute(_NEWEST).fetchall())
        except duckdb.Error as error:
            raise self._fault(error) from error

    def write_batch(self, columns: Columns) -> int:
        if len(columns["measured_at"]) == 0:
            return 0
        ahead, others = self._sorted_out(columns)
        return self._insert(_INSERT, ahead, {}) + self._insert_missing(others)

    def latest(self, devices: Iterable[DerId]) -> dict[DerId, Reading]:
        rows = self._rows(_LATEST, {"devices": sorted(devices)})
        return {reading.der_id: reading for reading in map(_reading, rows)}

    def series(self, device: DerId, interval: Interval) -> list[Reading]:
        span = {"first": naive_utc(interval.start), "last": naive_utc(interval.end)}
        return [_reading(row) for row in self._rows(_SERIES, {"device": device, **span})]

    def energy(
        self, devices: Iterable[DerId], interval: Interval, step_s: float
    ) -> dict[DerId, list[EnergyStep]]:
        wanted = sorted(set(devices))
        steps = list(interval.split(step_s))
        first, last = naive_utc(interval.start), naive_utc(interval.end)
        span = {
            "first": first,
            "last": last,
            "earliest": first - LOOKAROUND,
            "latest": last + LOOKAROUND,
        }
        samples = self._columns(_ENERGY, {"devices": wanted, **span})
        sampled_s = samples["measured_at"].astype("datetime64[us]").astype(np.int64) / 1e6
        devices_in_order = samples["der_id"].astype(np.str_)
        starts = np.searchsorted(devices_in_order, wanted, side="left")
        ends = np.searchsorted(devices_in_order, wanted, side="right")
        result: dict[DerId, list[EnergyStep]] = {}
        for device, start, end in zip(wanted, starts, ends, strict=True):
            mine = slice(start, end)
            result[device] = energy_steps(
                sampled_s=sampled_s[mine],
                injected_wh=np.asarray(samples["injected_wh"][mine], dtype=np.float64),
                absorbed_wh=np.asarray(samples["absorbed_wh"][mine], dtype=np.float64),
                steps=steps,
                gap_s_max=self._gap_s_max,
            )
        return result

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            raise StorageFault(f"the telemetry store {self._where} is closed; start the program again")
        return self._connection

    def _sorted_out(self, columns: Columns) -> tuple[Columns, Columns]:
        """Rows newer than all that the store has of their device, and the rest, which may be there."""
        fresh: list[int] = []
        rest: dict[tuple[str, datetime], int] = {}
        stamps = columns["measured_at"].tolist()
        for row, (der_id, at) in enumerate(zip(columns["der_id"].tolist(), stamps, strict=True)):
            newest = self._newest.get(der_id)
            if newest is None or at > newest:
                self._newest[der_id] = at
                fresh.append(row)
            else:
                rest.setdefault((der_id, at), row)
        ahead = {name: column[fresh] for name, column in columns.items()}
        others = {name: column[list(rest.values())] for name, column in columns.items()}
        return ahead, others

    def _insert_missing(self, columns: Columns) -> int:
        stamps = columns["measured_at"]
        if len(stamps) == 0:
            return 0
        return self._insert(
            _INSERT_MISSING, columns, {"first": stamps.min().item(), "last": stamps.max().item()}
        )

    def _insert(self, query: str, columns: Columns, values: dict[str, Any]) -> int:
        if len(columns["measured_at"]) == 0:
            return 0
        connection = self._open()
        try:
            connection.register("batch", dict(columns))
            ((new,),) = connection.execute(query, values).fetchall()
            connection.unregister("batch")
        except duckdb.Error as error:
            raise self._fault(error) from error
        return int(new)

    def _rows(self, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        connection = self._open()
        try:
            return connection.execute(query, values).fetchall()
        except duckdb.Error as error:
            raise self._fault(error) from error

    def _columns(self, query: str, values: dict[str, Any]) -> dict[str, npt.NDArray[Any]]:
        connection = self._open()
        try:
            return connection.execute(query, values).fetchnumpy()
        except duckdb.Error as error:
            raise self._fault(error) from error

    def _fault(self, error: duckdb.Error) -> StorageFault:
        text = str(error).splitlines()[0]
        if "set lock on file" in text:
            advice = "another process holds it; stop that one"
        elif any(sign in text for sign in _SIGNS_OF_DAMAGE):
            advice = "it is damaged or no DuckDB file; move it away or restore a backup"
        else:
            advice = "check the path, its permissions and the free space"
        return StorageFault(f"the telemetry store {self._where} cannot be used ({text}): {advice}")


def _reading(row: tuple[Any, ...]) -> Reading:
    der_id, measured_at, quality, *values = row
    return Reading(
        der_id=der_id,
        at=measured_at.replace(tzinfo=UTC),
        quality=Quality(quality),
        **dict(zip(VALUES, values, strict=True)),
    )
