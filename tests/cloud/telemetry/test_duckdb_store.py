"""Faults of the embedded telemetry store: one sentence each."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cloud.telemetry.duckdb_store import DuckDbStore
from cloud.telemetry.store import columns_of
from vpp_core.faults import StorageFault
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import Reading

NOON = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)


def test_noise_in_place_of_a_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.duckdb"
    path.write_bytes(b"not a DuckDB file " * 1_000)
    with pytest.raises(StorageFault, match="move it away or restore a backup"):
        DuckDbStore(path)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageFault, match="check the path"):
        DuckDbStore(tmp_path / "nowhere" / "telemetry.duckdb")


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: content[:3_000], id="cut off"),
        pytest.param(
            lambda content: content[:12_300] + b"Z" * 60 + content[12_360:], id="a block overwritten"
        ),
        pytest.param(lambda _: b"no database" * 2_000, id="something else"),
    ],
)
def test_a_damaged_store_is_told_from_one_that_is_held(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "telemetry.duckdb"
    DuckDbStore(path).close()
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(StorageFault, match="it is damaged or no DuckDB file"):
        DuckDbStore(path)


def test_a_path_that_duckdb_would_cut_in_two_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageFault, match="without a question mark"):
        DuckDbStore(tmp_path / "which?one.duckdb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.integration
def test_a_store_that_another_process_holds_is_named(tmp_path: Path) -> None:
    path = tmp_path / "telemetry.duckdb"
    hold = (
        f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StorageFault, match="another process holds it"):
            DuckDbStore(path)
        assert holder.stdin is not None
        holder.stdin.close()


def test_a_store_that_is_gone_is_a_fault_in_every_method() -> None:
    store = DuckDbStore(None)
    store.close()
    batch = columns_of([(SiteId("s"), Reading(der_id=DerId("d"), at=NOON))])
    with pytest.raises(StorageFault):
        store.write_batch(batch)
    with pytest.raises(StorageFault):
        store.latest([DerId("d")])
    with pytest.raises(StorageFault):
        store.energy([DerId("d")], Interval.of(NOON, 60.0), 60.0)
