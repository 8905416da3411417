"""Where the clients come from: exact pins, a Python that runs, and a word where something is missing."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.peers import environments
from tests.integration.peers.environments import REQUIREMENTS, environment, lacking

LOCKS = sorted(REQUIREMENTS.glob("*.txt"))
FUTURE_MINOR = 19
"""A Python that does not exist."""


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine whose only new Python is a pyenv shim that does not run."""
    shims = tmp_path / "shims"
    shims.mkdir()
    shim = shims / f"python3.{FUTURE_MINOR}"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(shims))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.delenv("CI", raising=False)
    return tmp_path


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_pins_what_is_wanted_by_version_and_hash_and_names_no_registry(lock: Path) -> None:
    wanted = [line for line in lock.with_suffix(".in").read_text().splitlines() if not line.startswith("#")]
    locked = lock.read_text()
    pins = [line for line in locked.splitlines() if not line.startswith((" ", "#"))]
    assert {line.replace("[tmodbus]", "") for line in wanted} <= {pin.split(" ")[0] for pin in pins}
    assert all("==" in pin for pin in pins)
    assert locked.count("--hash=sha256:") >= len(pins) > 0
    assert "://" not in locked


@pytest.mark.usefixtures("bare_machine")
def test_a_missing_python_is_skipped_with_what_to_install() -> None:
    with pytest.raises(pytest.skip.Exception, match=f"pyenv install 3.{FUTURE_MINOR}"):
        environment("sunspec-vendors", FUTURE_MINOR)


@pytest.mark.usefixtures("bare_machine")
def test_a_missing_python_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"needs Python 3.{FUTURE_MINOR} or later"):
        environment("sunspec-vendors", FUTURE_MINOR)


def test_a_python_is_found_beside_an_inactive_shim(bare_machine: Path) -> None:
    real = bare_machine / "versions" / "3.19.0" / "bin" / f"python3.{FUTURE_MINOR}"
    real.parent.mkdir(parents=True)
    real.write_text("#!/bin/sh\necho 3.19.0\n")
    real.chmod(0o755)
    (found,) = environments._interpreters(FUTURE_MINOR)
    assert (found.path, found.version) == (real, "3.19.0")


def test_two_runs_at_once_get_the_same_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environments, "CACHE", tmp_path)
    with ThreadPoolExecutor() as runs:
        first, second = runs.map(environment, ["pysunspec2"] * 2)
    assert first == second
    assert list(tmp_path.iterdir()) == [first.folder]
    assert environments._version(first.python) is not None


def test_an_installation_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "broken.txt").write_text("keba-modbus-client==0.2.0\n")
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path / "locks")
    monkeypatch.setattr(environments, "CACHE", tmp_path / "cache")
    with pytest.raises(pytest.fail.Exception, match="hash"):
        environment("broken")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_registry_out_of_reach_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(environments, "CACHE", tmp_path / "cache")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    for nowhere in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"):
        monkeypatch.setenv(nowhere, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(pytest.skip.Exception, match="No package registry answers"):
        environment("pysunspec2")


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_these_machines_are_no_ci(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setitem(os.environ, "CI", value)
    with pytest.raises(pytest.skip.Exception, match="nothing to see"):
        lacking("nothing to see")
