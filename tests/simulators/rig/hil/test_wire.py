"""The rig's own Modbus client sees late, strange and missing answers, and says which."""

import struct
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from simulators.rig.hil_bench.wire import Garbled, ModbusClient, NoAnswer, Refused
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import VirtualClock

EPOCH = datetime(2021, 6, 21, 17, tzinfo=UTC)
Script = Callable[[int, bytes], list[tuple[float, bytes]]]
"""What arrives, and how many seconds after the request; by the request's transaction id."""


def frame(transaction: int, pdu: bytes, unit: int = 1) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


class ScriptedLine:
    """A line whose other side follows a script."""

    def __init__(self, clock: VirtualClock, script: Script) -> None:
        self._clock, self._script = clock, script
        self._coming: list[tuple[float, bytes]] = []
        self.closed = False

    def send(self, data: bytes) -> None:
        transaction = struct.unpack_from(">H", data)[0]
        now_s = self._clock.monotonic_s()
        self._coming += [(now_s + after_s, sent) for after_s, sent in self._script(transaction, data[7:])]
        self._coming.sort(key=lambda item: item[0])

    async def receive(self) -> bytes:
        if not self._coming:
            await self._clock.sleep(1_000.0)
            return b""
        at_s, data = self._coming[0]
        await self._clock.sleep(at_s - self._clock.monotonic_s())
        self._coming.pop(0)
        return data

    def close(self) -> None:
        self.closed = True


def ask(script: Script, requests: int = 1, attempts: int = 1) -> tuple[ModbusClient, list[object], int]:
    """Read register 0 several times; the client, what came of it, and how many connections were made."""
    outcome: list[object] = []
    lines: list[ScriptedLine] = []

    async def main(clock: VirtualClock) -> ModbusClient:
        async def dial() -> ScriptedLine:
            lines.append(ScriptedLine(clock, script))
            return lines[-1]

        client = ModbusClient(dial, 1, clock, "device", answer_s_max=1.0, attempts=attempts)
        for _ in range(requests):
            try:
                outcome.append(await client.read(0, 1))
            except (NoAnswer, Refused, Garbled) as fault:
                outcome.append(fault)
        return client

    return run_virtual(main, EPOCH), outcome, len(lines)


GOOD = b"\x03\x02\x12\x34"


def test_an_answer_is_timed() -> None:
    client, outcome, _ = ask(lambda transaction, _: [(0.25, frame(transaction, GOOD))])
    assert outcome == [b"\x12\x34"]
    assert client.traffic.answer_s == [pytest.approx(0.25, abs=1e-3)]


def test_a_split_answer_is_joined() -> None:
    def script(transaction: int, _: bytes) -> list[tuple[float, bytes]]:
        whole = frame(transaction, GOOD)
        return [(0.1, whole[:3]), (0.2, whole[3:8]), (0.3, whole[8:])]

    assert ask(script)[1] == [b"\x12\x34"]


def test_an_answer_with_another_transaction_id_is_counted_and_not_believed() -> None:
    def script(transaction: int, _: bytes) -> list[tuple[float, bytes]]:
        return [(0.1, frame(transaction + 7, b"\x03\x02\xff\xff")), (0.2, frame(transaction, GOOD))]

    client, outcome, _ = ask(script)
    assert outcome == [b"\x12\x34"]
    assert client.traffic.strange == 1


def test_a_late_answer_is_not_taken_for_that_of_the_next_request() -> None:
    def script(transaction: int, _: bytes) -> list[tuple[float, bytes]]:
        late = transaction == 1
        return [(1.5 if late else 0.8, frame(transaction, b"\x03\x02\xff\xff" if late else GOOD))]

    client, outcome, _ = ask(script, requests=2)
    assert isinstance(outcome[0], NoAnswer)
    assert outcome[1] == b"\x12\x34"
    assert (client.traffic.unanswered, client.traffic.late, client.traffic.strange) == (1, 1, 0)


def test_a_dumb_connection_is_made_anew_after_two_silences() -> None:
    client, outcome, connections = ask(lambda *_: [], requests=3)
    assert all("the connection is open and dumb" in str(fault) for fault in outcome)
    assert client.traffic.unanswered == 3
    assert connections == 2


def test_a_lost_answer_is_asked_for_again() -> None:
    client, outcome, _ = ask(
        lambda transaction, _: [] if transaction == 1 else [(0.1, frame(transaction, GOOD))], attempts=2
    )
    assert outcome == [b"\x12\x34"]
    assert client.traffic.requests == 2


def test_a_hang_up_is_said() -> None:
    client, outcome, _ = ask(lambda *_: [(0.1, b"")])
    assert "hangs up while reading register 0" in str(outcome[0])
    assert client.traffic.hang_ups == 1


def test_an_exception_carries_its_code() -> None:
    _, outcome, _ = ask(lambda transaction, _: [(0.1, frame(transaction, b"\x83\x02"))])
    assert isinstance(outcome[0], Refused)
    assert outcome[0].exception == 2


@pytest.mark.parametrize(
    "pdu",
    [
        pytest.param(b"\x03\x04\x12\x34\x56\x78", id="too-many-registers"),
        pytest.param(b"\x03\x02\x12", id="cut"),
    ],
)
def test_another_number_of_registers_is_refused(pdu: bytes) -> None:
    assert isinstance(ask(lambda transaction, _: [(0.1, frame(transaction, pdu))])[1][0], Garbled)


def test_what_is_no_frame_ends_the_connection() -> None:
    _, outcome, _ = ask(lambda *_: [(0.1, b"HTTP/1.1 400 Bad Request\r\n")])
    assert isinstance(outcome[0], NoAnswer)


def test_no_connection_says_what_to_check() -> None:
    async def main(clock: VirtualClock) -> str:
        async def dial() -> ScriptedLine:
            raise ConnectionRefusedError

        client = ModbusClient(dial, 7, clock, "host:502")
        with pytest.raises(NoAnswer) as fault:
            await client.read(0, 1)
        return str(fault.value)

    assert run_virtual(main, EPOCH) == "No connection to host:502 unit 7; check address and port."
