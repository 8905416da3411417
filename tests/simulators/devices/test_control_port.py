"""The control port: one JSON object a line, one answer a line, and every refusal a sentence."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.control_port import (
    LINE_BYTES_MAX,
    ControlDesk,
    ControlPort,
    Controls,
    SetGrid,
    SetLoad,
    SetStateOfCharge,
    SetSun,
)
from simulators.devices.faults.faults import Faults
from vpp_core.faults import ConfigurationFault, LocalFault


class Bench:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.faults = Faults()
        self.controls = Controls(
            grid=self.told.append,
            sun=self.told.append,
            load=self._load,
            state_of_charge=self.told.append,
            status=lambda: {"power_w": 1_234.5, "state": "running"},
            counters=lambda: {"injected_wh": 7.0},
            faults=self.faults,
        )
        self.desk = ControlDesk(self.controls)

    def _load(self, order: SetLoad) -> None:
        if order.power_w > 20_000.0:
            raise ValueError("the house takes 20 kW at most")
        self.told.append(order)

    def tell(self, command: str, **values: Any) -> dict[str, object]:
        return self.desk.tell({"command": command, **values})


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("order", "heard"),
    [
        pytest.param({"command": "grid", "frequency_hz": 59.5}, SetGrid(frequency_hz=59.5), id="frequency"),
        pytest.param(
            {"command": "grid", "voltage_pu": 1, "ramp_s": 0.2},
            SetGrid(voltage_pu=1.0, ramp_s=0.2),
            id="voltage",
        ),
        pytest.param({"command": "sun", "power_pu": 0.8}, SetSun(power_pu=0.8), id="sun"),
        pytest.param({"command": "load", "power_w": 500}, SetLoad(power_w=500.0), id="load"),
        pytest.param({"command": "load", "power_w": -500}, SetLoad(power_w=-500.0), id="house-that-gives"),
        pytest.param(
            {"command": "soc", "state_of_charge": 0.5},
            SetStateOfCharge(state_of_charge=0.5),
            id="state-of-charge",
        ),
    ],
)
def test_an_order_reaches_the_simulation(bench: Bench, order: dict[str, object], heard: object) -> None:
    assert bench.desk.tell(order) == {"ok": True}
    assert bench.told == [heard]


def test_faults_are_raised_listed_and_cleared(bench: Bench) -> None:
    assert bench.tell("fault", name="delay", parameters={"delay_s": 1.5}, for_s=10) == {"ok": True}
    assert bench.tell("fault", name="half-open") == {"ok": True}
    status: Any = bench.tell("status")
    delay, half_open = status["faults"]
    assert (delay["name"], delay["parameters"]) == ("delay", {"delay_s": 1.5, "jitter_s": 0.0})
    assert delay["until_s"] - delay["raised_at_s"] == pytest.approx(10.0)
    assert half_open["until_s"] is None
    assert bench.tell("clear", name="delay") == {"ok": True}
    assert [each.name for each in bench.faults.active] == ["half-open"]
    assert bench.tell("clear") == {"ok": True}
    assert bench.tell("status") == {
        "ok": True, "power_w": 1_234.5, "state": "running", "faults": [], "mishaps": [],
    }  # fmt: skip


def test_a_reboot_needs_a_unit_that_can(bench: Bench) -> None:
    class Unit:
        reboots = 0

        def reboot(self) -> None:
            self.reboots += 1

    assert bench.tell("reboot") == {
        "ok": False,
        "error": "fault reboot cannot be raised on this device: there is no unit.",
    }
    unit = Unit()
    desk = ControlDesk(Controls(faults=Faults(unit=unit)))
    assert desk.tell({"command": "reboot", "off_s": 5}) == {"ok": True}
    assert unit.reboots == 1


def test_counters(bench: Bench) -> None:
    assert bench.tell("counters") == {"ok": True, "injected_wh": 7.0}


@pytest.mark.parametrize(
    ("line", "error"),
    [
        pytest.param(b"", "The line is not JSON.", id="nothing"),
        pytest.param(b"grid", "The line is not JSON.", id="no-json"),
        pytest.param(b"\xff\xfe", "The line is not JSON.", id="no-text"),
        pytest.param(b'{"command":"grid","frequency_hz":NaN}', "The line is not JSON.", id="nan"),
        pytest.param(b"[1]", "A command is a JSON object.", id="a-list"),
        pytest.param(b"{}", "There is no command None; known are grid, sun,", id="no-command"),
        pytest.param(b'{"command":["grid"]}', "The command is a text.", id="a-list-of-commands"),
        pytest.param(b"[" * 9_000, "The line has brackets in brackets too deep", id="brackets-without-end"),
        pytest.param(
            b'{"command":' + b"[" * 900 + b"]" * 900 + b"}", "The command is a text.", id="deep-brackets"
        ),
        pytest.param(b'{"command":"explode"}', "There is no command 'explode'; known are", id="unknown"),
        pytest.param(
            b'{"command":"grid"}', "grid: give frequency_hz, voltage_pu or both.", id="nothing-to-do"
        ),
        pytest.param(
            b'{"command":"grid","frequency_hz":500}', "grid: Expected `float` <= 100.0", id="500-hz"
        ),
        pytest.param(b'{"command":"grid","frequency_hz":"50"}', "grid: Expected `float | null`", id="a-text"),
        pytest.param(
            b'{"command":"grid","freq":50}', "grid: Object contains unknown field `freq`", id="a-typo"
        ),
        pytest.param(b'{"command":"sun"}', "sun: Object missing required field `power_pu`", id="no-sun"),
        pytest.param(b'{"command":"load","power_w":30000}', "the house takes 20 kW at most", id="too-much"),
        pytest.param(b'{"command":"fault","name":"dely"}', "There is no fault 'dely'; known", id="no-fault"),
        pytest.param(
            b'{"command":"clear","name":"delay"}', "There is no fault 'delay' to clear", id="not-raised"
        ),
        pytest.param(
            b'{"command":"fault","name":"delay","for_s":-1}', "fault delay: for_s = -1", id="no-duration"
        ),
    ],
)
def test_what_cannot_be_done_is_one_sentence(bench: Bench, line: bytes, error: str) -> None:
    answer = json.loads(bench.desk.answer(line))
    assert answer["ok"] is False
    assert answer["error"].startswith(error)
    assert bench.told == []
    assert bench.faults.active == ()


@pytest.mark.parametrize(
    ("command", "values"),
    [
        ("grid", {"frequency_hz": 60.0}),
        ("sun", {"power_pu": 1.0}),
        ("load", {"power_w": 1.0}),
        ("soc", {"state_of_charge": 0.5}),
        ("fault", {"name": "delay"}),
        ("clear", {}),
        ("reboot", {}),
        ("counters", {}),
    ],
)
def test_what_a_simulation_has_not_is_refused(command: str, values: dict[str, object]) -> None:
    answer = ControlDesk(Controls()).tell({"command": command, **values})
    assert answer["ok"] is False
    assert "This simulation has no" in str(answer["error"])


@given(
    st.one_of(
        st.binary(max_size=200).filter(lambda line: b"\n" not in line),
        st.recursive(
            st.none()
            | st.booleans()
            | st.floats()
            | st.text(max_size=5)
            | st.sampled_from(["grid", "fault", "command"]),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["command", "name", "frequency_hz", "parameters"]), inner, max_size=4
                )
            ),
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_any_line_gets_one_line(line: bytes) -> None:
    answer = Bench().desk.answer(line)
    assert b"\n" not in answer
    assert isinstance(json.loads(answer)["ok"], bool)


@pytest.fixture
async def port(bench: Bench) -> AsyncIterator[int]:
    server = ControlPort(bench.controls)
    yield await server.start()
    await server.stop()


async def test_lines_are_answered_in_order_however_they_arrive(bench: Bench, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = b"".join(b'{"command":"sun","power_pu":%d.5}\r\n' % (number % 2) for number in range(500))
    writer.write(lines[:1_234])
    await writer.drain()
    writer.write(lines[1_234:] + b"\n")
    for _ in range(500):
        assert await reader.readline() == b'{"ok":true}\n'
    assert json.loads(await reader.readline())["ok"] is False
    assert bench.told == [SetSun(power_pu=0.5), SetSun(power_pu=1.5)] * 250
    writer.close()


async def test_a_line_without_an_end_ends_the_connection(bench: Bench, port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b'{"command":"sun","power_pu":1}\n' + b" " * (LINE_BYTES_MAX + 1))
    assert await reader.readline() == b'{"ok":true}\n'
    assert json.loads(await reader.readline())["error"].startswith("A line is longer than 16384 bytes")
    assert await reader.read() == b""
    writer.close()
    assert bench.told == [SetSun(power_pu=1.0)]


async def test_a_seventeenth_client_is_turned_away(port: int) -> None:
    clients = [await asyncio.open_connection("127.0.0.1", port) for _ in range(16)]
    for reader, writer in clients:
        writer.write(b'{"command":"status"}\n')
        assert json.loads(await reader.readline())["ok"] is True
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()
    for _, each in clients:
        each.close()


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])  # noqa: S104
def test_only_this_machine_may_command_unless_told_otherwise(host: str) -> None:
    with pytest.raises(ConfigurationFault, match="would be open to others"):
        ControlPort(Controls(), host)
    ControlPort(Controls(), host, remote=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_has_many_names(host: str) -> None:
    ControlPort(Controls(), host)


async def test_a_port_in_use_is_one_sentence(port: int) -> None:
    with pytest.raises(
        LocalFault, match=f"Cannot listen for commands on 127.0.0.1:{port} \\(it is in use\\)"
    ):
        await ControlPort(Controls(), port=port).start()


async def test_what_was_never_started_may_be_stopped() -> None:
    await ControlPort(Controls()).stop()
