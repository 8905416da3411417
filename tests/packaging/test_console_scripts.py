"""Every program that the distribution announces is installed and explains itself."""

import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.packaging.edge_environment import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SCRIPTS: dict[str, str] = PROJECT["scripts"]


def test_the_installed_programs_are_those_of_the_project() -> None:
    installed = entry_points(group="console_scripts")
    ours = {point.name: point.value for point in installed if point.name.startswith("vpp-")}
    assert ours == SCRIPTS


@pytest.mark.integration
@pytest.mark.slow
@pytest.mark.parametrize("program", sorted(SCRIPTS))
def test_a_program_explains_itself(program: str) -> None:
    path = Path(sys.executable).with_name(program)
    done = subprocess.run(  # noqa: S603 - our own program
        [path, "--help"], capture_output=True, text=True, timeout=60.0, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"usage: {program}")
