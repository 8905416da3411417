"""Third-party clients as their registry gives them: an environment each, pinned, hashed and kept.

The pins are ``requirements/*.txt``, made from the ``.in`` beside them with ``uv pip compile --universal
--python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-header`` (3.12 where the client
needs it). An environment is built in a folder of its own and moved into place when it is whole, so an aborted
or a second run at the same time harms nothing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".tools" / "peers"
REQUIREMENTS = Path(__file__).parent / "requirements"
_UV = ROOT / ".tools" / "bin" / "uv"
_MINOR_MAX = 19
_INSTALLATION_S, _QUESTION_S = 300.0, 60.0
"""Ends a hanging installation, or a hanging interpreter; no measure of anything."""
_NO_REGISTRY = (
    "error sending request",
    "failed to establish a new connection",
    "dns error",
    "name resolution",
    "network connectivity is disabled",
    "could not connect",
    "connection refused",
    "timed out",
)
"""How uv and pip say that they reach no registry, in lower case."""


class Interpreter(NamedTuple):
    path: Path
    version: str


class Environment(NamedTuple):
    """An environment with one client in it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def script(self, name: str) -> list[str]:
        """A command line that runs one of its console scripts."""
        return [str(self.python), str(self.folder / "bin" / name)]


def lacking(sentence: str) -> NoReturn:
    """Skip, for all to see, what this machine cannot run; in CI that is a failure."""
    if os.environ.get("CI", "") not in {"", "0", "false"}:
        pytest.fail(sentence, pytrace=False)
    pytest.skip(sentence)


def environment(name: str, minor_min: int = 11) -> Environment:
    """The environment of ``requirements/NAME.txt`` on Python 3.``minor_min`` or later, made if need be."""
    lock = REQUIREMENTS / f"{name}.txt"
    interpreter = next(_interpreters(minor_min), None)
    if interpreter is None:
        lacking(
            f"{lock.name} needs Python 3.{minor_min} or later, and none is on PATH, under pyenv or under uv; "
            f"install one, for example: pyenv install 3.{minor_min}"
        )
    key = hashlib.sha256(f"{interpreter.path}\n{interpreter.version}\n".encode() + lock.read_bytes())
    made = Environment(CACHE / f"{name}-{key.hexdigest()[:12]}")
    if not made.python.exists():
        _make(made.folder, interpreter, lock)
    return made


def _interpreters(minor_min: int) -> Iterator[Interpreter]:
    """Pythons that run: the one of these tests if it will do, then by version."""
    if sys.version_info >= (3, minor_min):
        yield Interpreter(Path(sys.executable), sys.version)
    folders = list(_folders())
    for minor in range(minor_min, _MINOR_MAX + 1):
        for folder in folders:
            path = folder / f"python3.{minor}"
            if path.is_file() and (version := _version(path)):
                yield Interpreter(path, version)


def _folders() -> Iterator[Path]:
    """Where interpreters may be: PATH, and what pyenv and uv manage whether or not it is active."""
    on_path = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    yield from on_path
    roots = {folder.parent for folder in on_path if folder.name == "shims"} | {Path.home() / ".pyenv"}
    if stated := os.environ.get("PYENV_ROOT"):
        roots.add(Path(stated))
    for root in sorted(roots):
        yield from sorted(root.glob("versions/*/bin"))
    yield from sorted(Path.home().glob(".local/share/uv/python/*/bin"))


def _version(path: Path) -> str | None:
    """What an interpreter says about itself; nothing where it does not run (a pyenv shim may not)."""
    try:
        done = _run([str(path), "-c", "import sys, venv; print(sys.version)"], _QUESTION_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _make(folder: Path, interpreter: Interpreter, lock: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=CACHE))
    try:
        _install(new, interpreter.path, lock)
        if not Environment(folder).python.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what is there has lost its interpreter
        new.rename(folder)
    except OSError:
        if not Environment(folder).python.exists():  # else another run was faster
            raise
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _install(folder: Path, python: Path, lock: Path) -> None:
    """With the project's uv where it is, else with venv and pip."""
    inside = str(Environment(folder).python)
    if _UV.exists():
        make = [
            str(_UV),
            "venv",
            "-q",
            "--relocatable",
            "--allow-existing",
            "--python",
            str(python),
            str(folder),
        ]
        install = [str(_UV), "pip", "install", "-q", "--python", inside]
    else:
        make = [str(python), "-m", "venv", str(folder)]
        install = [inside, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    for command in (make, [*install, "--require-hashes", "-r", str(lock)]):
        done = _run(command, _INSTALLATION_S)
        if done.returncode:
            said = f"{done.stdout}{done.stderr}"
            if any(words in said.lower() for words in _NO_REGISTRY):
                lacking(f"No package registry answers, so {lock.name} cannot be installed: {said.strip()}")
            pytest.fail(f"{' '.join(command)}\n{said}", pytrace=False)


def _run(command: list[str], deadline_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own commands
        command,
        cwd=ROOT,
        env=plain_variables() | {"UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        timeout=deadline_s,
        check=False,
    )


def plain_variables() -> dict[str, str]:
    """The variables of this process without those that would lead another Python into our environment."""
    unwanted = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "COVERAGE_PROCESS_START", "COV_CORE_SOURCE"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}
