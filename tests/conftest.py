"""Benchmarks are asked for: without ``--benchmarks`` nothing that measures time is even collected."""

import atexit
import os
import sys
from pathlib import Path

import pytest

STANDARD_ERROR = 2
BENCHMARKS = Path(__file__).parent / "benchmarks"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--benchmarks",
        action="store_true",
        help="collect tests/benchmarks too; a whole run of them writes docs/benchmarks.md",
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out the benchmarks; says nothing about anything else."""
    if BENCHMARKS in (collection_path, *collection_path.parents) and not config.getoption("--benchmarks"):
        return True
    return None


@atexit.register
def quiet_the_end() -> None:
    """Keeps pytest's summary the last line of a run.

    Whatever of DuckDB is alive when the interpreter ends (tracebacks and fixtures are) its binding lists on
    standard error, a page long, after everything is over.
    """
    if "duckdb" in sys.modules:
        sys.stderr.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), STANDARD_ERROR)
