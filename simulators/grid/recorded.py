"""Recorded frequency in Parquet files; the one module of the grid that knows DuckDB."""

from pathlib import Path

from vpp_core.faults import ConfigurationFault

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "frequency_us_1s_24h.parquet"
"""24 h of a 60 Hz grid, second by second (GMLC 1.4.2, MIT); beside the repository, never in it."""
ALIASES = {"second": "at_s", "freq_hz": "frequency_hz", "v1_pu": "voltage_pu"}
"""Names of the recorded file; what it has beyond them is left out."""


def read_parquet(path: Path, rows_max: int) -> tuple[list[str], list[tuple[object, ...]]]:
    """Names of the columns and at most ``rows_max`` rows, in the order of the file.

    A file with the names of the recorded one is taken under the names of a trace.

    Raises:
        ConfigurationFault: the file is missing or is not Parquet.
    """
    # DuckDB takes a third of a second to come, and few simulations read Parquet.
    import duckdb

    if not path.is_file():
        raise ConfigurationFault(f"There is no trace {path}; give the path of one that is there.")
    try:
        with duckdb.connect(config={"threads": 1}) as connection:
            found = connection.execute("SELECT * FROM read_parquet(?) LIMIT ?", [str(path), rows_max])
            names = [column[0] for column in found.description or ()]
            rows = found.fetchall()
    except duckdb.Error as error:
        reason = str(error).partition("\n")[0]
        raise ConfigurationFault(f"The trace {path} cannot be read ({reason}).") from error
    if "second" not in names:
        return names, rows
    kept = [index for index, name in enumerate(names) if name in ALIASES]
    return [ALIASES[names[index]] for index in kept], [tuple(row[index] for index in kept) for row in rows]
