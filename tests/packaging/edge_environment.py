"""An environment as a gateway gets it: the wheel, the locked packages of ``[edge]``, and nothing else."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
PACKAGES = ("vpp_core", "firmware_profiles", "edge_agent", "cloud", "simulators")
_UV = ROOT / ".tools" / SCRIPTS / "uv"
_DEADLINE_S = 300.0
"""Ends a hanging installation; no measure of anything."""


class EdgeEnvironment(NamedTuple):
    folder: Path

    @property
    def packages(self) -> Path:
        (found,) = self.folder.glob("lib/python3*/site-packages")
        return found

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of its programs outside the repository, so that nothing is imported from there."""
        return _run([str(self.folder / SCRIPTS / program), *arguments], self.folder)

    def size_bytes(self) -> int:
        """All that was installed, compiled modules included; not the installer itself."""
        parts = [part for part in self.packages.iterdir() if not _is_installer(part)]
        files = [file for part in parts for file in (part, *part.rglob("*")) if file.is_file()]
        return sum(file.stat().st_size for file in files)


def build_wheel(folder: Path) -> Path:
    """The wheel of this repository, built with what the development environment has."""
    _check([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)])
    (wheel,) = folder.glob("*.whl")
    return wheel


def make_edge_environment(folder: Path, wheel: Path) -> EdgeEnvironment:
    """A fresh environment with ``requirements/edge.txt`` and the wheel, all modules compiled.

    With the project's uv where it is, else with venv and pip.
    """
    python = str(folder / SCRIPTS / "python")
    if _UV.exists():
        _check([str(_UV), "venv", "-q", "--python", sys.executable, str(folder)])
        install = [str(_UV), "pip", "install", "-q", "--python", python]
    else:
        _check([sys.executable, "-m", "venv", str(folder)])
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _check([*install, "--require-hashes", "-r", "requirements/edge.txt"])
    _check([*install, "--no-deps", str(wheel)])
    environment = EdgeEnvironment(folder)
    _check([python, "-m", "compileall", "-q", "-q", str(environment.packages)])
    return environment


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _is_installer(part: Path) -> bool:
    return part.name.split("-")[0] in {"pip", "setuptools", "wheel", "_distutils_hack", "pkg_resources"}


def _check(command: list[str]) -> None:
    done = _run(command, ROOT)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    unwanted = {"PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "COVERAGE_PROCESS_START"}
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    return subprocess.run(  # noqa: S603 - our own programs
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_DEADLINE_S,
        check=False,
    )
