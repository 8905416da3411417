"""A third-party client in a process and an environment of its own, worked by name."""

import json
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.peers.environments import Environment, plain_variables

_RUN = Path(__file__).parent / "drivers" / "run.py"
_ANSWER_S = 60.0
"""Ends a client that hangs; no measure of anything."""


class PeerError(Exception):
    """What a client raised, as text."""


class Peer:
    """One driver of ``drivers/``, with its client, ready to be called."""

    def __init__(self, process: "subprocess.Popen[str]", diagnostics: Path) -> None:
        self._process = process
        self._diagnostics = diagnostics

    def call(self, name: str, **arguments: Any) -> Any:
        """What the method of that name of the driver returns.

        Raises:
            PeerError: the client raised, or its process ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        watchdog = threading.Timer(_ANSWER_S, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps({"call": name, "with": arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            watchdog.cancel()
        if not line:
            raise PeerError(f"the client's process ended in {name}: {self._diagnostics.read_text()}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer["result"]


@contextmanager
def running(environment: Environment, driver: str) -> Iterator[Peer]:
    """A driver from its start to its end; the client's connection is closed by ``close``."""
    with tempfile.TemporaryDirectory() as folder:
        diagnostics = Path(folder) / "stderr.txt"
        with (
            diagnostics.open("w") as errors,
            subprocess.Popen(  # noqa: S603 - our own driver
                [str(environment.python), str(_RUN), driver],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=plain_variables(),
            ) as process,
        ):
            try:
                yield Peer(process, diagnostics)
            finally:
                process.terminate()
