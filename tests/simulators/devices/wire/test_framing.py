"""Frames in a stream of bytes: Modbus/TCP (Messaging on TCP/IP 1.0b, 3.1), RTU (serial line 1.02, 2.5)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.wire import rtu
from simulators.devices.wire.fate import HONEST, Fate
from simulators.devices.wire.framing import Derailed, Framer, Request
from simulators.devices.wire.mbap import MbapFramer
from simulators.devices.wire.rtu import SILENCE_S_MIN, RtuFramer, silence_s_at
from tests.simulators.devices.wire.recording import crc, frame, read, read_answer, sealed, write

OURS = 7


def taken(framer: Framer) -> list[Request]:
    requests = []
    while (request := framer.take()) is not None:
        requests.append(request)
    return requests


def cut(data: bytes, at: list[int]) -> list[bytes]:
    borders = [0, *sorted(each % (len(data) + 1) for each in at), len(data)]
    return [data[start:end] for start, end in pairwise(borders)]


PDUS = st.one_of(
    st.builds(read, st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.sampled_from([3, 4])),
    st.builds(
        write, st.integers(0, 0xFFFF), st.binary(min_size=2, max_size=246).filter(lambda b: not len(b) % 2)
    ),
)


class TestTcp:
    @given(
        st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 255), PDUS), max_size=6),
        st.lists(st.integers(0)),
    )
    def test_requests_come_out_whole_however_their_bytes_are_split_and_joined(
        self, requests: list[tuple[int, int, bytes]], borders: list[int]
    ) -> None:
        framer = MbapFramer()
        found = []
        for chunk in cut(b"".join(frame(*each) for each in requests), borders):
            framer.feed(chunk)
            found += taken(framer)
        assert found == [Request(unit, pdu, transaction) for transaction, unit, pdu in requests]

    @pytest.mark.parametrize("length", [0, 1, 255, 0xFFFF], ids=lambda length: f"length-{length}")
    def test_an_impossible_length_derails(self, length: int) -> None:
        framer = MbapFramer()
        framer.feed(bytes((0, 1, 0, 0, *length.to_bytes(2), 1)))
        with pytest.raises(Derailed):
            framer.take()

    def test_the_longest_frame_has_253_bytes_of_pdu(self) -> None:
        framer = MbapFramer()
        framer.feed(frame(1, 2, bytes(253)))
        assert taken(framer) == [Request(2, bytes(253), 1)]

    def test_a_transaction_id_wraps_when_it_is_shifted(self) -> None:
        request = Request(1, read(0, 1), 0xFFFF)
        shifted = MbapFramer().wrap(request, b"\x83\x02", Fate(address_shift=1))
        assert shifted == frame(0, 1, b"\x83\x02")


class TestRtu:
    @pytest.mark.parametrize(
        ("body", "low_then_high"),
        [
            pytest.param("0207", "4112", id="the-example-of-the-specification"),
            pytest.param("01030000000a", "c5cd", id="ten-registers-from-0"),
            pytest.param("", "ffff", id="nothing"),
        ],
    )
    def test_the_crc(self, body: str, low_then_high: str) -> None:
        assert rtu.sealed(bytes.fromhex(body)).hex() == body + low_then_high

    @given(st.binary(max_size=300))
    def test_the_crc_by_table_is_the_crc_bit_by_bit(self, data: bytes) -> None:
        assert rtu.crc(data) == crc(data)

    @pytest.mark.parametrize(
        ("baud", "silence_s"),
        [
            pytest.param(1_200, 3.5 * 11 / 1_200, id="3.5-characters-on-a-slow-line"),
            pytest.param(115_200, SILENCE_S_MIN, id="never-less-than-a-computer-can-tell"),
        ],
    )
    def test_the_silence(self, baud: int, silence_s: float) -> None:
        assert silence_s_at(baud) == silence_s

    @given(st.lists(st.tuples(st.sampled_from([OURS, 0, 9]), PDUS), max_size=6), st.lists(st.integers(0)))
    def test_joined_requests_come_out_one_by_one_and_foreign_ones_not_at_all(
        self, requests: list[tuple[int, bytes]], borders: list[int]
    ) -> None:
        framer = RtuFramer([OURS])
        found = []
        for chunk in cut(b"".join(sealed(*each) for each in requests), borders):
            framer.feed(chunk)
            found += taken(framer)
        assert found == [Request(unit, pdu) for unit, pdu in requests if unit != 9]

    @pytest.mark.parametrize("count", [1, 2, 125], ids=lambda count: f"{count}-registers")
    def test_what_another_unit_answers_is_passed_over(self, count: int) -> None:
        framer = RtuFramer([OURS])
        framer.feed(
            sealed(9, read(100, count)) + sealed(9, read_answer(100, count)) + sealed(OURS, read(1, 1))
        )
        assert taken(framer) == [Request(OURS, read(1, 1))]

    def test_what_another_unit_answers_may_contain_a_request_to_us(self) -> None:
        """A frame within a frame is none: the bytes of a register are data."""
        inner = sealed(OURS, write(100, b"\x12\x34"))
        payload = inner + bytes(len(inner) % 2)
        framer = RtuFramer([OURS])
        framer.feed(sealed(9, bytes((3, len(payload))) + payload) + sealed(OURS, read(1, 1)))
        assert taken(framer) == [Request(OURS, read(1, 1))]

    def test_noise_swallows_what_follows_until_a_silence(self) -> None:
        framer = RtuFramer([OURS])
        framer.feed(b"\x07\x03noise" + sealed(OURS, read(1, 1)))
        assert taken(framer) == []
        framer.silence()
        assert taken(framer) == []
        framer.feed(sealed(OURS, read(1, 1)))
        assert taken(framer) == [Request(OURS, read(1, 1))]

    def test_half_a_request_is_forgotten_at_a_silence(self) -> None:
        whole = sealed(OURS, read(1, 1))
        framer = RtuFramer([OURS])
        framer.feed(whole[:5])
        assert taken(framer) == []
        framer.silence()
        framer.feed(whole[5:])
        assert taken(framer) == []
        framer.silence()
        framer.feed(whole)
        assert taken(framer) == [Request(OURS, read(1, 1))]

    @pytest.mark.parametrize(
        "pdu",
        [
            pytest.param(b"\x2b\x0e\x01\x00", id="a-function-of-unknown-length"),
            pytest.param(read(1, 1) + b"\x00", id="a-read-that-is-too-long"),
            pytest.param(b"\x03\x00", id="a-read-that-is-too-short"),
            pytest.param(b"\x10\x00\x01\x00\x01\x03\x00\x00", id="a-write-whose-byte-count-lies"),
        ],
    )
    def test_a_frame_that_only_silence_ends_is_taken_then(self, pdu: bytes) -> None:
        framer = RtuFramer([OURS])
        framer.feed(sealed(OURS, pdu))
        assert taken(framer) == []
        framer.silence()
        assert taken(framer) == [Request(OURS, pdu)]

    @pytest.mark.parametrize("flipped", range(8 * 8), ids=lambda bit: f"bit-{bit}")
    def test_no_bit_may_be_wrong(self, flipped: int) -> None:
        spoilt = bytearray(sealed(OURS, read(1, 1)))
        spoilt[flipped // 8] ^= 1 << flipped % 8
        framer = RtuFramer([OURS])
        framer.feed(bytes(spoilt))
        framer.silence()
        assert taken(framer) == []

    def test_a_babbling_line_is_forgotten(self) -> None:
        framer = RtuFramer([OURS])
        for _ in range(1_000):
            framer.feed(b"\x07\x2b" * 100)
            assert taken(framer) == []
        assert len(framer._received) <= 257
        framer.silence()
        framer.feed(sealed(OURS, read(1, 1)))
        assert taken(framer) == [Request(OURS, read(1, 1))]

    def test_an_answer_carries_unit_and_crc(self) -> None:
        request = Request(OURS, read(1, 1))
        assert RtuFramer([OURS]).wrap(request, read_answer(1, 1), HONEST) == sealed(OURS, read_answer(1, 1))

    def test_a_spoilt_answer_keeps_the_crc_of_the_right_one(self) -> None:
        request = Request(OURS, read(1, 1))
        spoilt = RtuFramer([OURS]).wrap(request, read_answer(1, 1), Fate(flips=(0.0,)))
        assert spoilt[:-2] == bytes((OURS, 3, 2, 1, 1))
        assert crc(spoilt) != 0
