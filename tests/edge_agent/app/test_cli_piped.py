"""``vpp-edge`` into a pipe whose reader has gone, as with ``| head``."""

import os
import subprocess
import sys
from pathlib import Path

SETTINGS = """
site_id = "site-01"
gateway_id = "gateway-01"
state_dir = "state"
[[device]]
name = "meter"
kind = "meter"
host = "127.0.0.1"
"""


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SETTINGS, encoding="utf-8")
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(  # noqa: S603 - our own program
        (sys.executable, "-m", "edge_agent.cli", "check-config", "--config", str(path)),
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")
