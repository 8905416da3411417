"""One table for the whole run; ``docs/benchmarks.md`` is written where nothing was left out or failed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.benchmarks.table import Table

HERE = Path(__file__).parent
REPORT = HERE.parents[1] / "docs" / "benchmarks.md"
TABLE = pytest.StashKey[Table]()
DESELECTED = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = Table()
    config.stash[DESELECTED] = False


@pytest.fixture(scope="session")
def table(request: pytest.FixtureRequest) -> Table:
    return request.config.stash[TABLE]


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    if items:
        items[0].config.stash[DESELECTED] = True


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    collected = {item.path for item in session.items}
    whole = collected >= set(HERE.glob("test_*.py")) and not session.config.stash[DESELECTED]
    if whole and exitstatus == pytest.ExitCode.OK:
        REPORT.write_text(session.config.stash[TABLE].markdown(), encoding="utf-8")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    groups = config.stash[TABLE].groups
    if groups:
        terminalreporter.write_line(config.stash[TABLE].markdown())
