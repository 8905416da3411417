"""``vpp-cloud``: what it prints, and that a fault is one sentence and exit code 2."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from cloud.chain.records import Consent
from cloud.chain.store import Chain
from cloud.cli import main
from cloud.storage.database import open_database
from simulators.rig.world.broker import open_broker
from simulators.rig.world.processes import supervise
from vpp_core.clock import ManualClock
from vpp_core.faults import EXIT_FAULT
from vpp_core.ids import IdFactory, OwnerId, ProgramId, SiteId

NOON = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)
TOKEN = "a-token-of-some-length"


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    path = tmp_path / "vpp.db"
    database = open_database(f"sqlite:///{path}")
    clock = ManualClock(NOON)
    chain = Chain(database, IdFactory(clock.now), clock)
    first = chain.append(_consent(chain))
    chain.append(_consent(chain, first))
    database.close()
    return path


def _consent(chain: Chain, after: Consent | None = None) -> Consent:
    return Consent(
        id=chain.new_id(),
        at=NOON,
        predecessors=(after.id,) if after else (),
        owner_id=OwnerId("own-00"),
        site_id=SiteId("site-00"),
        program_id=ProgramId("market-storage"),
        terms_version="2021-1",
        owner_share_pct=80,
        applied_at=NOON,
    )


def config(folder: Path, broker_url: str = "mqtt://127.0.0.1:9", port: int = 0) -> Path:
    path = folder / "cloud.toml"
    (folder / "t.token").write_text(TOKEN, encoding="ascii")
    path.write_text(
        f"""
[storage]
database_file = "vpp.db"
telemetry_file = "t.duckdb"
[broker]
url = "{broker_url}"
[api]
port = {port}
token_file = "t.token"
[market]
url = "http://127.0.0.1:9"
token_file = "t.token"
[utility]
url = "http://127.0.0.1:9"
token_file = "t.token"
""",
        encoding="utf-8",
    )
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_records_are_counted_and_listed(database_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "records", "--database", database_file)
    assert code == 0
    assert "       2 consent" in out
    assert "       0 figure" in out
    code, out, _ = run(capsys, "records", "consent", "--database", database_file)
    assert out.count("2021-08-12 12:00:00  own-00 joins market-storage") == 2


@pytest.mark.parametrize("option", [[], ["--all"], ["--json"]], ids=["drawn", "drawn in full", "as JSON"])
def test_a_record_is_traced_from_either_end(
    database_file: Path, capsys: pytest.CaptureFixture[str], option: list[str]
) -> None:
    _, out, _ = run(capsys, "records", "consent", "--database", database_file)
    first, second = (line.split()[0] for line in out.splitlines())
    for start, other in ((first, second), (second, first)):
        code, out, _ = run(capsys, "trace", start, "--database", database_file, *option)
        assert code == 0
        assert other in out
        if option == ["--json"]:
            assert json.loads(out)["record"]["id"] == start


def test_a_reader_that_has_seen_enough_is_no_error(database_file: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    ended = subprocess.run(  # noqa: S603 - our own program
        (sys.executable, "-m", "cloud.cli", "records", "--database", str(database_file)),
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_configuration_leads_to_its_database(
    database_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = run(capsys, "records", "--config", config(database_file.parent))
    assert (code, "       2 consent" in out) == (0, True)


def test_migration_makes_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "migrate", "--database", tmp_path / "new.db")[0] == 0
    assert (tmp_path / "new.db").is_file()


def test_the_effective_settings_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check-config", "--config", config(tmp_path))
    assert code == 0
    assert json.loads(out)["telemetry"]["flush_s"] == 1.0
    assert TOKEN not in out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["trace", "X", "--database", "vpp.db"], "no record has the id 'X'", id="an unknown id"),
        pytest.param(["records", "wish", "--database", "vpp.db"], "no kind of record", id="an unknown kind"),
        pytest.param(["records", "--database", "none.db"], "there is no database at", id="no database"),
        pytest.param(["records", "--config", "none.toml"], "name an existing file", id="no configuration"),
        pytest.param(["serve", "--config", "none.toml"], "name an existing file", id="nothing to serve"),
        pytest.param(["serve", "--config", "cloud.toml"], "check that it runs", id="no broker"),
    ],
)
def test_a_fault_is_one_sentence_and_exit_code_two(
    database_file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    sentence: str,
) -> None:
    config(database_file.parent)
    monkeypatch.chdir(database_file.parent)
    code, _, err = run(capsys, *arguments)
    assert code == EXIT_FAULT
    assert sentence in err
    assert err.startswith("vpp-cloud: ")
    assert err.count("\n") == 1


def test_a_port_in_use_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, _, err = run(capsys, "serve", "--config", config(tmp_path, port=port))
    assert code == EXIT_FAULT
    assert f"cannot listen on 127.0.0.1:{port}" in err
    assert not (tmp_path / "vpp.db").exists(), "nothing half-written"


def test_without_a_command_there_is_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == EXIT_FAULT
    assert "vpp-cloud" in capsys.readouterr().err


@pytest_asyncio.fixture
async def broker_url(tmp_path: Path) -> AsyncIterator[str]:
    async with supervise(tmp_path / "logs") as children:
        yield (await open_broker(children, tmp_path)).url


@pytest.mark.integration
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
async def test_a_cloud_serves_until_it_is_told_to_stop(
    tmp_path: Path, broker_url: str, how: signal.Signals
) -> None:
    command = [sys.executable, "-m", "cloud.cli", "serve", "--config", str(config(tmp_path, broker_url))]
    with subprocess.Popen(  # noqa: S603, ASYNC220 - our own program, read line by line
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("vpp-cloud listens on http://127.0.0.1:")
        async with httpx.AsyncClient(base_url=line.split()[-1]) as client:
            assert (await client.get("/health")).json() == {"status": "ok"}
            assert (await client.get("/api/v1/fleet")).status_code == 401
            answer = await client.get("/api/v1/fleet", headers={"Authorization": f"Bearer {TOKEN}"})
            assert answer.json() == []
        process.send_signal(how)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "nanobind" not in err
