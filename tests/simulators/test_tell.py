"""``vpp-sim tell`` and ``vpp-sim faults``: what is typed becomes one command, its answer readable lines."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest

from simulators.cli import main
from simulators.devices.control_port import ControlDesk, Controls
from simulators.devices.faults.catalogue import CATALOGUE
from simulators.devices.faults.faults import Faults


class Simulation:
    """A control port in a thread, which answers by the real desk and keeps what it was sent."""

    def __init__(self) -> None:
        self.heard: list[dict[str, object]] = []
        self.done: list[object] = []
        self.desk = ControlDesk(
            Controls(
                grid=self.done.append,
                sun=self.done.append,
                load=self.done.append,
                state_of_charge=self.done.append,
                status=lambda: {"power_w": 1_234.5, "counters": {"injected_wh": 7.0}, "alarms": []},
                faults=Faults(),
            )
        )
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.garbage: bytes | None = None
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, client.makefile("rb") as lines:
                line = lines.readline()
                if not line:
                    return
                self.heard.append(json.loads(line))
                client.sendall(self.garbage or self.desk.answer(line) + b"\n")

    def close(self) -> None:
        # A last connection without a word wakes the thread.
        socket.create_connection(("127.0.0.1", self.port)).close()
        self._thread.join()
        self._listener.close()


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    simulation = Simulation()
    yield simulation
    simulation.close()


def tell(simulation: Simulation, *words: str) -> int:
    return main(["tell", f"127.0.0.1:{simulation.port}", *words])


@pytest.mark.parametrize(
    ("words", "order"),
    [
        pytest.param(
            "grid --frequency 59.5 --ramp 0.2",
            {"command": "grid", "frequency_hz": 59.5, "ramp_s": 0.2},
            id="a-dip",
        ),
        pytest.param("grid --voltage 1.06", {"command": "grid", "voltage_pu": 1.06}, id="a-high-voltage"),
        pytest.param("sun --power 0.5", {"command": "sun", "power_pu": 0.5}, id="half-the-sun"),
        pytest.param("load --power 3000", {"command": "load", "power_w": 3_000.0}, id="a-load"),
        pytest.param("load --power -3000", {"command": "load", "power_w": -3_000.0}, id="a-house-that-gives"),
        pytest.param("soc --to 0.2", {"command": "soc", "state_of_charge": 0.2}, id="a-state-of-charge"),
        pytest.param(
            "fault delay --delay-s 1.5 --for 10",
            {"command": "fault", "name": "delay", "parameters": {"delay_s": 1.5}, "for_s": 10.0},
            id="a-delay-for-a-while",
        ),
        pytest.param(
            "fault loss --of answer",
            {"command": "fault", "name": "loss", "parameters": {"of": "answer"}},
            id="lost-answers",
        ),
        pytest.param(
            "fault wrong-transaction --shift 3",
            {"command": "fault", "name": "wrong-transaction", "parameters": {"shift": 3}},
            id="a-whole-number",
        ),
        pytest.param("clear", {"command": "clear", "name": "all"}, id="clear"),
    ],
)
def test_words_become_a_command_and_done_is_said(
    simulation: Simulation, capsys: pytest.CaptureFixture[str], words: str, order: dict[str, object]
) -> None:
    assert tell(simulation, *words.split()) == 0
    assert simulation.heard == [order]
    assert capsys.readouterr().out == "done\n"


def test_the_status_is_told_line_by_line(simulation: Simulation, capsys: pytest.CaptureFixture[str]) -> None:
    tell(simulation, "fault", "half-open")
    capsys.readouterr()
    assert tell(simulation, "status") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:6] == [
        "power_w: 1234.5",
        "counters",
        "  injected_wh: 7",
        "alarms: none",
        "faults",
        "  name: half-open",
    ]


def test_the_status_may_be_had_as_it_came(simulation: Simulation, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tell", f"127.0.0.1:{simulation.port}", "--json", "status"]) == 0
    assert json.loads(capsys.readouterr().out)["power_w"] == 1_234.5


@pytest.mark.parametrize("name", list(CATALOGUE))
def test_every_fault_can_be_told_with_its_defaults(simulation: Simulation, name: str) -> None:
    tell(simulation, "fault", name)
    assert simulation.heard == [{"command": "fault", "name": name, "parameters": {}}]


def test_a_refusal_is_the_simulations_sentence(
    simulation: Simulation, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(simulation, "reboot", "--off", "5") == 2
    assert simulation.heard == [{"command": "reboot", "off_s": 5.0}]
    assert capsys.readouterr().err == (
        "vpp-sim: fault reboot cannot be raised on this device: there is no unit.\n"
    )


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n", b"[]\n", b"{}\n"])
def test_something_else_at_that_port_is_one_sentence(
    simulation: Simulation, capsys: pytest.CaptureFixture[str], garbage: bytes
) -> None:
    simulation.garbage = garbage
    assert tell(simulation, "status") == 2
    assert "is no control port: it answers" in capsys.readouterr().err


def test_nobody_at_that_port_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert main(["tell", f"127.0.0.1:{port}", "status"]) == 2
    assert capsys.readouterr().err.startswith(f"vpp-sim: No simulation answers at 127.0.0.1:{port} (")


def test_what_names_no_machine_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tell", "a..b:5021", "status"]) == 2
    assert capsys.readouterr().err.startswith("vpp-sim: No simulation answers at a..b:5021 (")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        pytest.param(["nowhere", "status"], "'nowhere' is not HOST:PORT", id="no-port"),
        pytest.param(["127.0.0.1:0", "status"], "'0' is not a whole number from 1", id="port-0"),
        pytest.param(
            ["h:1", "grid", "--frequency", "500"], "'500' is not a number from 0 to 100", id="500-hz"
        ),
        pytest.param(["h:1", "fault", "dely"], "invalid choice: 'dely'", id="no-such-fault"),
        pytest.param(["h:1", "fault", "loss", "--of", "both"], "invalid choice: 'both'", id="no-such-choice"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_it_is_sent(
    capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["tell", *words])
    assert caught.value.code == 2
    assert sentence in capsys.readouterr().err


def test_the_catalogue_lists_every_fault_with_its_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults"]) == 0
    listed = capsys.readouterr().out
    assert [block.partition(" ")[0] for block in listed.split("\n\n")] == list(CATALOGUE)
    assert "    delay_s = 1.0 s (0 .. 3600): of the whole round trip\n" in listed
    assert max(len(line) for line in listed.splitlines()) <= 100


def test_one_fault_may_be_looked_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["faults", "reboot"]) == 0
    assert capsys.readouterr().out.startswith("reboot (unit)\n  The device restarts")
