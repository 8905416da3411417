"""``vpp-sim device`` as a process of its own: settings in a file, truth by its control port."""

import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.integration.peers.certificates import Identity
from tests.integration.peers.environments import ROOT

_PROGRAM = [sys.executable, "-m", "simulators.cli", "device"]
_LISTENS = re.compile(r"listens on (\S+?):(\d+),")
_COMMANDS = re.compile(r"^commands on (\S+?):(\d+),", re.MULTILINE)
_LAST_LINE = "Ctrl-C ends it"
_WAIT_S = 40.0
"""Ends a wait for a device that will not do it; no measure of anything."""
_PAUSE_S, _STILL_S = 0.02, 0.2
_DELIVERS_W = 1_000.0
Truth = Mapping[str, Any]
Settings = Mapping[str, Any]

RATING_W, REACTIVE_VAR, CAPACITY_WH = 10_000.0, 4_400.0, 20_000.0
_PLATE = {"injection_w_max": RATING_W, "apparent_va_max": RATING_W, "reactive_var_max": REACTIVE_VAR}
_STORAGE = {"absorption_w_max": RATING_W, "energy_capacity_wh": CAPACITY_WH}
_QUICK = {
    "step_s": 0.02,
    "refresh_s": 0.04,
    "functions": {"enter_service": {"delay_s": 1.0, "ramp_s": 0.0}},
}
PV: Settings = {
    "kind": "pv",
    "sun": {"power_pu": 0.8},
    "inverter": {"nameplate": {**_PLATE, "pv_w_max": RATING_W}, **_QUICK},
}
"""10 kW at about 8 kW of sun."""
BATTERY: Settings = {"kind": "battery", "inverter": {"nameplate": {**_PLATE, **_STORAGE}, **_QUICK}}
"""10 kW, half full."""
HYBRID: Settings = {
    "kind": "hybrid",
    "sun": {"power_pu": 0.4},
    "inverter": {"nameplate": {**_PLATE, **_STORAGE, "pv_w_max": RATING_W}, **_QUICK},
}
SINGLE: Settings = {"kind": "pv", "inverter": {"nameplate": {"phases": 1}}}
"""A small inverter on one phase."""
METER: Settings = {"kind": "meter", "load_w": 3_000.0}
"""It sees 3 kW of consumption."""
EVSE: Settings = {
    "kind": "evse",
    "visits": [{"vehicle": {"reaction_s": 0.1, "rise_a_per_s": 40.0, "fall_a_per_s": 40.0}}],
}
"""32 A, with a quick vehicle of three phases and 16 A that is plugged in at the start."""


class Simulator(NamedTuple):
    """One device that runs."""

    host: str
    port: int
    serial: Path | None
    control: socket.socket

    def truth(self) -> Truth:
        """How it is with the device now, by the names of its snapshot; injection positive."""
        answer: Truth = self.tell("status")
        return answer

    def tell(self, command: str, **values: Any) -> Any:
        """Send a command to the control port, and take its answer."""
        self.control.sendall(json.dumps({"command": command, **values}).encode() + b"\n")
        with self.control.makefile("r", encoding="utf-8") as lines:
            answer = json.loads(lines.readline())
        assert answer["ok"], answer
        return answer

    def until(self, what: str, holds: Callable[[Truth], bool]) -> Truth:
        """The first truth that does it."""
        found: Truth = poll(what, lambda: truth if holds(truth := self.truth()) else None)
        return found

    def settled(self, what: str, holds: Callable[[Truth], bool]) -> Truth:
        """The first truth that does it and in which power no longer moves: instruments show the same."""
        found: Truth = poll(what, lambda: self._still(holds))
        return found

    def delivering(self) -> Truth:
        """An inverter with sun has come up to what the sun gives."""
        return self.settled("delivering", lambda truth: truth["power_w"] > _DELIVERS_W)

    def _still(self, holds: Callable[[Truth], bool]) -> Truth | None:
        before = self.truth()
        threading.Event().wait(_STILL_S)
        truth = self.truth()
        moved = max(abs(truth[name] - before[name]) for name in ("power_w", "reactive_var"))
        return truth if holds(truth) and moved < 1.0 else None


def poll(what: str, ask: Callable[[], Any]) -> Any:
    """The first answer that is true."""
    begun_s = time.monotonic()
    while not (answer := ask()):
        assert time.monotonic() - begun_s < _WAIT_S, f"not {what} within {_WAIT_S:g} s"
        threading.Event().wait(_PAUSE_S)
    return answer


@contextmanager
def simulated(
    *,
    models: Sequence[int] = (),
    tls: Identity | None = None,
    serial: bool = False,
    settings: Settings,
    **said: Any,
) -> Iterator[Simulator]:
    """A device from its start to its end.

    Args:
        models: SunSpec models in order; nothing: what the device shows by itself.
        tls: serve TLS with this identity, to clients of its authority alone.
        serial: offer a pseudo-terminal beside the port.
        settings: the tables of its TOML file.
        said: further options of the command line.
    """
    options = [f"--{name}={value}" for name, value in said.items()]
    if models:
        options += ["--models", ",".join(map(str, models))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if serial:
            options += ["--rtu", str(folder / "line")]
        if tls is not None:
            files = {"tls_cert_file": tls.certificate, "tls_key_file": tls.key, "tls_ca_file": tls.authority}
            settings = {**settings, "listen": {key: str(path) for key, path in files.items()}}
        file = folder / "device.toml"
        tables = {**settings, "control": {"port": 0}}
        file.write_text("".join(f"{name} = {_toml(table)}\n" for name, table in tables.items()))
        with subprocess.Popen(  # noqa: S603 - our own program
            [*_PROGRAM, "--config", str(file), *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                device = _connected(process, folder / "line" if serial else None)
                with device.control:
                    yield device
            finally:
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=_WAIT_S)
        assert process.returncode == 0, f"the device ended with exit code {process.returncode}"


def _connected(process: "subprocess.Popen[str]", serial: Path | None) -> Simulator:
    """The device, as soon as it says where it listens."""
    assert process.stdout is not None
    said = ""
    while not said.endswith(f"{_LAST_LINE}\n"):
        line = process.stdout.readline()
        assert line, f"the device ended: {said}"
        said += line
    listens, commands = (pattern.search(said) for pattern in (_LISTENS, _COMMANDS))
    assert listens, said
    assert commands, said
    control = socket.create_connection((commands[1], int(commands[2])))
    return Simulator(listens[1], int(listens[2]), serial, control)


def _toml(value: Any) -> str:
    """A value as TOML writes it in one line; JSON and TOML spell numbers, strings and truths alike."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return json.dumps(value)
