"""Requests beyond plain reads and writes (MODBUS Application Protocol 1.1b3): 6.16 and 6.17."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.wire.pdu import Span, read_span, write_span
from tests.simulators.devices.wire.recording import (
    Recorder,
    read,
    the_write,
    write,
    write_one,
)


def mask(address: int, keep: int, put: int) -> bytes:
    return struct.pack(">BHHH", 22, address, keep, put)


def exchange(read_address: int, count: int, write_address: int, registers: bytes) -> bytes:
    head = struct.pack(">BHHHHB", 23, read_address, count, write_address, len(registers) // 2, len(registers))
    return head + registers


def test_a_mask_keeps_some_bits_and_sets_others() -> None:
    """The example of 6.16: 0x12, AND 0xF2, OR 0x25 give 0x17."""
    unit = Recorder(memory={1_104: b"\x00\x12"})
    request = mask(1_104, 0x00F2, 0x0025)
    assert unit.respond(request) == request
    assert unit.writes == [(1_104, b"\x00\x17")]


def test_an_exchange_writes_before_it_reads() -> None:
    unit = Recorder()
    assert unit.respond(exchange(1_099, 3, 1_100, b"abcd")) == b"\x17\x06\x04\x4babcd"
    assert unit.writes == [(1_100, b"abcd")]


@pytest.mark.parametrize(
    ("request_pdu", "response"),
    [
        pytest.param(mask(999, 0, 0), "9602", id="a-mask-before-the-map"),
        pytest.param(mask(1_000, 0, 0), "9602", id="a-mask-of-a-read-only-register"),
        pytest.param(mask(1_100, 0, 0)[:-1], "9603", id="a-short-mask"),
        pytest.param(exchange(999, 1, 1_100, b"ab"), "9702", id="an-exchange-that-reads-outside"),
        pytest.param(exchange(1_000, 1, 1_000, b"ab"), "9702", id="an-exchange-that-writes-read-only"),
        pytest.param(exchange(1_000, 0, 1_100, b"ab"), "9703", id="an-exchange-that-reads-nothing"),
        pytest.param(exchange(1_000, 126, 1_100, b"ab"), "9703", id="an-exchange-that-reads-too-much"),
        pytest.param(exchange(1_000, 1, 1_100, b""), "9703", id="an-exchange-that-writes-nothing"),
        pytest.param(exchange(1_000, 1, 1_100, bytes(244)), "9703", id="an-exchange-that-writes-too-much"),
        pytest.param(exchange(1_000, 1, 1_100, b"abcd")[:-1], "9703", id="an-exchange-cut-short"),
        pytest.param(b"\x17\x00", "9703", id="an-exchange-of-two-bytes"),
        pytest.param(write(1_100, bytes(248)), "9003", id="a-write-of-124-registers"),
    ],
)
def test_a_bad_request_gets_its_exception_and_writes_nothing(request_pdu: bytes, response: str) -> None:
    unit = Recorder()
    assert unit.respond(request_pdu).hex() == response
    assert unit.writes == []


@pytest.mark.parametrize(
    ("request_pdu", "reads", "writes"),
    [
        pytest.param(read(5, 3), Span(5, 8), None, id="read"),
        pytest.param(read(5, 126), None, None, id="read-of-too-much"),
        pytest.param(write_one(5, 9), None, Span(5, 6), id="write-of-one"),
        pytest.param(write(5, b"abcd"), None, Span(5, 7), id="write-of-many"),
        pytest.param(mask(5, 0, 0), None, Span(5, 6), id="mask"),
        pytest.param(exchange(5, 2, 9, b"ab"), Span(5, 7), Span(9, 10), id="exchange"),
        pytest.param(b"", None, None, id="nothing"),
    ],
)
def test_a_request_names_its_registers(request_pdu: bytes, reads: Span | None, writes: Span | None) -> None:
    assert read_span(request_pdu) == reads
    assert write_span(request_pdu) == writes


@given(
    st.binary(max_size=20).map(lambda tail: bytes((6, 16, 22, 23)[len(tail) % 4 : len(tail) % 4 + 1]) + tail)
)
def test_a_write_is_seen_exactly_where_there_is_one(pdu: bytes) -> None:
    expected, span = the_write(pdu), write_span(pdu)
    assert (expected and expected[0]) == (span and span.start)
