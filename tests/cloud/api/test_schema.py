"""The API does what its OpenAPI document says, whatever it is asked.

`schema_conformance.py` asks, in a process of its own: schemathesis keeps the whole application alive
beyond the interpreter's end, and DuckDB then writes a page about it to standard error.
"""

import subprocess
import sys
from pathlib import Path

import pytest

CONFORMANCE = Path(__file__).with_name("schema_conformance.py")


@pytest.mark.slow
def test_every_operation_answers_as_documented() -> None:
    command = (sys.executable, "-m", "pytest", "-q", "--no-cov", "-p", "no:cacheprovider", str(CONFORMANCE))
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert found.returncode == 0, found.stdout
    assert " passed" in found.stdout
