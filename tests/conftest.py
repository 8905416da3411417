"""Benchmarks are asked for: without ``--benchmarks`` nothing that measures time is even collected."""

from pathlib import Path

import pytest

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
