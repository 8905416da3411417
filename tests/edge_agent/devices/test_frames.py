"""Which bytes are an answer: no bytes at all break the judge, and none pass for another request's answer."""

import asyncio
import random
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.devices.frames import complaint_about, crc16, rtu_verdict, tcp_verdict
from edge_agent.devices.link import LinkSettings
from edge_agent.devices.links import open_link
from edge_agent.devices.reconnect import PAUSE_S_MIN, Reconnect
from tests.edge_agent.devices.misbehaving import Server, right
from vpp_core.faults import DeviceFault

UNIT, ADDRESS, COUNT = 1, 40_000, 2
READ_PDU = struct.pack(">BHH", 3, ADDRESS, COUNT)
WRITE_PDU = struct.pack(">BHHBH", 16, ADDRESS, 1, 2, 77)


def tcp(pdu: bytes, transaction: int = 5, unit: int = UNIT) -> bytes:
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def rtu(pdu: bytes, unit: int = UNIT) -> bytes:
    frame = bytes((unit,)) + pdu
    return frame + crc16(frame)


def read_answer(*registers: int) -> bytes:
    return struct.pack(f">BB{len(registers)}H", 3, 2 * len(registers), *registers)


INPUT_PDU, ONE_PDU = struct.pack(">BHH", 4, ADDRESS, COUNT), struct.pack(">BHH", 6, ADDRESS, 77)
WRITE_ANSWER = struct.pack(">BHH", 16, ADDRESS, 1)
REQUESTS = st.sampled_from([READ_PDU, INPUT_PDU, ONE_PDU, WRITE_PDU])


@given(request=REQUESTS, answer=st.binary(max_size=300))
def test_no_bytes_break_the_judge_of_tcp(request: bytes, answer: bytes) -> None:
    verdict = tcp_verdict(tcp(request), answer)
    assert verdict.complaint is None or verdict.complaint
    if verdict.answer:
        assert verdict.answer[:4] == tcp(request)[:4]
        assert verdict.answer[7] & 0x7F == request[0]


@given(request=REQUESTS, cut=st.integers(0, 13))
def test_the_right_answer_is_never_complained_about_however_it_is_cut(request: bytes, cut: int) -> None:
    assert complaint_about(tcp(request), right(tcp(request))[0][:cut]) is None


@given(request=REQUESTS, answer=st.binary(max_size=300), overdue=st.sets(st.integers(1, 3)))
def test_no_bytes_break_the_judge_of_a_serial_line(request: bytes, answer: bytes, overdue: set[int]) -> None:
    verdict = rtu_verdict(rtu(request), answer, overdue)
    assert verdict.complaint is None or verdict.complaint
    if verdict.answer:
        assert verdict.answer[0] == UNIT
        assert crc16(verdict.answer[:-2]) == verdict.answer[-2:]


def test_the_checksum_is_that_of_the_specification() -> None:
    assert crc16(bytes((2, 7))) == bytes((0x41, 0x12)), "MODBUS over serial line 1.02, 6.2.2"


SERIAL = {
    "the-answer": (rtu(read_answer(1, 2)), rtu(read_answer(1, 2)), None),
    "an-exception": (rtu(b"\x83\x02"), rtu(b"\x83\x02"), None),
    "the-beginning-of-it": (rtu(read_answer(1, 2))[:6], b"", None),
    "nothing-yet": (b"", b"", None),
    "a-wrong-checksum": (rtu(read_answer(1, 2))[:-1] + b"\0", b"", "wrong checksum"),
    "another-unit": (rtu(read_answer(1, 2), 2), b"", "of unit 2 instead of 1"),
    "a-unit-that-is-late-and-then-the-answer": (
        rtu(read_answer(8, 9), 3) + rtu(read_answer(1, 2)), rtu(read_answer(1, 2)), None
    ),
    "the-beginning-of-a-unit-that-is-late": (rtu(read_answer(8, 9), 3)[:4], b"", None),
    "more-registers": (rtu(read_answer(1, 2, 3)), b"", "3 registers instead of 2"),
    "another-function": (rtu(b"\x04\x04\0\1\0\2"), b"", "function 4 instead of 3"),
    "an-answer-to-a-write": (rtu(WRITE_ANSWER), b"", "function 16 instead of 3"),
    "two-answers": (rtu(read_answer(1, 2)) * 2, b"", "more than once"),
}  # fmt: skip


@pytest.mark.parametrize(("received", "answer", "complaint"), SERIAL.values(), ids=SERIAL)
def test_a_serial_line_says(received: bytes, answer: bytes, complaint: str | None) -> None:
    verdict = rtu_verdict(rtu(READ_PDU), received, {3})
    assert verdict.answer == answer
    assert (verdict.complaint is None) == (complaint is None)
    assert (complaint or "") in (verdict.complaint or "")


@pytest.mark.parametrize(
    ("request_pdu", "answer"),
    [
        pytest.param(INPUT_PDU, b"\x04\x04\0\1\0\2", id="input-registers"),
        pytest.param(ONE_PDU, ONE_PDU, id="one-register-written"),
        pytest.param(WRITE_PDU, WRITE_ANSWER, id="registers-written"),
        pytest.param(ONE_PDU, b"\x86\x03", id="a-register-refused"),
    ],
)
def test_every_function_has_its_answer_on_both_kinds_of_line(request_pdu: bytes, answer: bytes) -> None:
    assert tcp_verdict(tcp(request_pdu), tcp(answer)).answer == tcp(answer)
    assert rtu_verdict(rtu(request_pdu), rtu(answer), ()).answer == rtu(answer)


def test_a_written_register_that_is_acknowledged_with_another_value_is_complained_about() -> None:
    other = struct.pack(">BHH", 6, ADDRESS, 78)
    assert tcp_verdict(tcp(ONE_PDU), tcp(other)).complaint == "acknowledged another write than ours"


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.builds(
            tcp,
            st.one_of(st.binary(min_size=1, max_size=8), st.just(read_answer(1, 2)), st.just(b"\x83\x02")),
            st.integers(0, 4),
            st.integers(0, 3),
        ),
    ),
    max_size=4,
)
CHANGES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 255)), max_size=3)


@pytest.mark.parametrize("lean", [pytest.param(False, id="pymodbus"), pytest.param(True, id="lean")])
@settings(max_examples=60, deadline=None)
@given(pieces=PIECES, changes=CHANGES)
def test_whatever_a_device_says_a_value_is_the_answer_to_its_own_request(
    lean: bool,  # noqa: FBT001
    pieces: Sequence[bytes],
    changes: Sequence[tuple[int, int]],
) -> None:
    """Any bytes, then the right answer with some of its bytes changed; then the link must still work."""

    async def story() -> None:
        server = Server()
        await server.start()
        where = LinkSettings(
            host="127.0.0.1", port=server.port, timeout_s=0.02, reconnect_s_max=0.0, lean=lean
        )
        link = open_link(where)
        said = b""

        def behave(request: bytes) -> list[bytes]:
            nonlocal said
            answer = bytearray(right(request)[0])
            for place, value in changes:
                answer[place % len(answer)] = value
            packets = [*pieces, bytes(answer)]
            said = b"".join(packets)
            return packets

        server.behave = behave
        try:
            value = await link.read(UNIT, ADDRESS, COUNT)
        except DeviceFault:
            value = b""
        if value:
            head = server.requests[-1][:4] + struct.pack(">HBBB", 3 + 2 * COUNT, UNIT, 3, 2 * COUNT)
            assert head + value in said
        server.behave = right
        for _ in range(3):
            try:
                assert await link.read(UNIT, 7, 2) == b"\x00\x07\x00\x08"
                break
            except DeviceFault:
                continue
        else:
            pytest.fail("the link did not recover")
        await link.close()
        await server.stop()

    asyncio.run(story())


@given(st.integers(1, 40), st.floats(0.0, 5.0), st.randoms(use_true_random=False))
def test_pauses_grow_to_their_cap_and_are_shortened_by_half_at_most(
    failures: int, pause_s_max: float, chance: random.Random
) -> None:
    reconnect = Reconnect(pause_s_max, chance)
    assert reconnect.wait_s(100.0) <= 0.0
    for _ in range(failures):
        reconnect.failed(100.0)
    grown_s = min(PAUSE_S_MIN * 2.0 ** (failures - 1), pause_s_max)
    assert 0.5 * grown_s <= reconnect.wait_s(100.0) + 1e-9
    assert reconnect.wait_s(100.0) <= grown_s + 1e-9
    reconnect.succeeded()
    reconnect.failed(200.0)
    assert reconnect.wait_s(200.0) <= PAUSE_S_MIN
