"""Any bytes on a line: never a crash, and never a write but by a well-formed request, done to the letter.

What was written is compared with a parse of the same bytes that shares no code with the server.
"""

import asyncio
import random
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.wire.connection import Connections
from simulators.devices.wire.framing import Framer
from simulators.devices.wire.mbap import MbapFramer
from simulators.devices.wire.rtu import RtuFramer
from simulators.devices.wire.station import Station
from tests.simulators.devices.wire.recording import (
    FIRST,
    LAST,
    WRITABLE,
    Recorder,
    crc,
    frame,
    read,
    sealed,
    the_write,
    write,
    write_one,
)

INPUTS = 100_000
A_CHUNK = 5_000
UNIT = 1

Write = tuple[int, bytes]


class Wire(asyncio.Transport):
    """Takes what is answered, and never has to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.answers += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


class Fuzzed:
    """The very connection that sockets have, without a socket."""

    def __init__(self, framer: Framer) -> None:
        self.unit = Recorder()
        self.wire = Wire()
        self._framer = framer
        self._connection = Connections(Station({UNIT: self.unit})).make(framer)
        self._connection.connection_made(self.wire)

    def feed(self, data: bytes) -> None:
        # The timer that hears the silence is the loop's; here the test itself is the silence.
        self._connection._framer.feed(data)
        self._connection._pump()

    def silence(self) -> None:
        self._framer.silence()
        self._connection._pump()


def writes_over_tcp(data: bytes) -> list[Write]:
    """The writes to our unit in a stream, up to where it makes no sense any more."""
    found: list[Write] = []
    at = 0
    while len(data) - at >= 7:
        _, protocol, length, unit = struct.unpack_from(">HHHB", data, at)
        if protocol or not 2 <= length <= 254 or len(data) - at < 6 + length:
            break
        found += [each for each in [done_by(data[at + 7 : at + 6 + length])] if each and unit == UNIT]
        at += 6 + length
    return found


def writes_in_frame(data: bytes) -> list[Write]:
    """The write in a burst on a serial line that is one frame as a whole."""
    if not 4 <= len(data) <= 256 or crc(data[:-2]) != int.from_bytes(data[-2:], "little"):
        return []
    write_ = done_by(data[1:-2])
    addressed = data[0] == UNIT or (data[0] == 0 and data[1] != 23)
    return [write_] if write_ is not None and addressed else []


def done_by(pdu: bytes) -> Write | None:
    """The write of a request, if its registers are there and may be written."""
    write_ = the_write(pdu)
    if write_ is None:
        return None
    address, data = write_
    if address not in WRITABLE or address + max(1, len(data) // 2) - 1 not in WRITABLE:
        return None
    if pdu[0] == 23:
        # It reads too, and writes nothing if it may not read.
        first, count = struct.unpack_from(">HH", pdu, 1)
        return write_ if first >= FIRST and first + count <= LAST + 1 else None
    return write_


def agrees(written: list[Write], wanted: list[Write]) -> bool:
    """Whether all that was wanted was written; a mask (function 22) says only where."""
    return len(written) == len(wanted) and all(
        address == where and data in (b"", what)
        for (where, what), (address, data) in zip(written, wanted, strict=True)
    )


def pdus(chance: random.Random) -> Iterator[bytes]:
    """Requests of every kind, about half of them writes, most of them where they may be."""
    while True:
        address = chance.choice((chance.randrange(1_095, 1_205), chance.randrange(0x1_0000)))
        count = chance.choice((1, 2, 3, chance.randrange(1, 124)))
        registers = chance.randbytes(2 * count)
        yield from (
            write(address, registers),
            write_one(address, chance.randrange(0x1_0000)),
            read(address, count, chance.choice((3, 4))),
            struct.pack(">BHHH", 22, address, chance.randrange(0x1_0000), chance.randrange(0x1_0000)),
            struct.pack(">BHHHHB", 23, 1_000, 1, address, count, 2 * count & 0xFF) + registers,
            chance.randbytes(chance.randrange(1, 12)),
        )


def mutated(data: bytes, chance: random.Random) -> bytes:
    """A frame as it may arrive: cut, turned, lengthened, doubled, or whole."""
    spoilt = bytearray(data)
    for _ in range(chance.choice((0, 1, 1, 1, 2, 5))):
        at = chance.randrange(len(spoilt)) if spoilt else 0
        match chance.randrange(7):
            case 0:
                del spoilt[at:]
            case 1:
                del spoilt[:at]
            case 2 if spoilt:
                spoilt[at] ^= 1 << chance.randrange(8)
            case 3 if spoilt:
                spoilt[at] = chance.choice((0, 1, 2, 5, 6, 16, 0x7F, 0x80, 0xFF))
            case 4:
                spoilt[at:at] = chance.randbytes(chance.randrange(1, 9))
            case 5 if len(spoilt) > 6:
                spoilt[4:6] = chance.randrange(300).to_bytes(2)
            case _:
                spoilt += spoilt[at:]
    return bytes(spoilt)


def in_pieces(data: bytes, chance: random.Random) -> list[bytes]:
    if chance.random() < 0.7 or len(data) < 2:
        return [data]
    at = chance.randrange(1, len(data))
    return [data[:at], data[at:]]


@pytest.mark.parametrize("seed", range(INPUTS // A_CHUNK), ids=lambda seed: f"seed-{seed}")
def test_over_tcp_nothing_is_written_but_by_a_request_to_the_letter(seed: int) -> None:
    chance = random.Random(f"tcp {seed}")
    requests = pdus(chance)
    exact = 0
    for _ in range(A_CHUNK):
        data = b"".join(
            mutated(frame(chance.randrange(0x1_0000), chance.choice((UNIT, UNIT, 9)), next(requests)), chance)
            for _ in range(chance.choice((1, 1, 1, 3)))
        )
        fuzzed = Fuzzed(MbapFramer())
        for piece in in_pieces(data, chance):
            fuzzed.feed(piece)
        wanted = writes_over_tcp(data)
        assert agrees(fuzzed.unit.writes, wanted), data.hex()
        assert well_framed(bytes(fuzzed.wire.answers)), data.hex()
        exact += len(wanted)
    assert exact > A_CHUNK // 20


@pytest.mark.parametrize("seed", range(INPUTS // A_CHUNK), ids=lambda seed: f"seed-{seed}")
def test_over_rtu_nothing_is_written_but_by_a_request_to_the_letter(seed: int) -> None:
    chance = random.Random(f"rtu {seed}")
    requests = pdus(chance)
    fuzzed, exact = Fuzzed(RtuFramer([UNIT])), 0
    for _ in range(A_CHUNK):
        data = sealed(chance.choice((UNIT, UNIT, 0, 9)), next(requests))
        if chance.random() < 0.7:
            data = mutated(data, chance)
        for piece in in_pieces(data, chance):
            fuzzed.feed(piece)
        fuzzed.silence()
        wanted = joined_writes(data)
        assert agrees(fuzzed.unit.writes, wanted), data.hex()
        fuzzed.unit.writes.clear()
        exact += len(wanted)
    assert exact > A_CHUNK // 20


def joined_writes(data: bytes) -> list[Write]:
    """The writes in a burst that begins with whole requests; what follows noise is noise too."""
    for length in range(4, len(data) + 1):
        # Only a write's own length may end it before the burst does.
        head = data[:length]
        if length < len(data) and (the_write(head[1:-2]) is None or crc(head[:-2]) != le(head[-2:])):
            continue
        return writes_in_frame(head) + (joined_writes(data[length:]) if length < len(data) else [])
    return []


def le(data: bytes) -> int:
    return int.from_bytes(data, "little")


def well_framed(answers: bytes) -> bool:
    """Whether a client could take the answers apart to the last byte."""
    at = 0
    while at < len(answers):
        if len(answers) - at < 9:
            return False
        _, protocol, length, _ = struct.unpack_from(">HHHB", answers, at)
        if protocol or not 3 <= length <= 254:
            return False
        at += 6 + length
    return at == len(answers)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=4))
def test_random_bytes_over_tcp(pieces: list[bytes]) -> None:
    fuzzed = Fuzzed(MbapFramer())
    for piece in pieces:
        fuzzed.feed(piece)
        if fuzzed.wire.closed:
            break
    assert agrees(fuzzed.unit.writes, writes_over_tcp(b"".join(pieces)))
    assert well_framed(bytes(fuzzed.wire.answers))


FRAMES = st.builds(
    lambda transaction, protocol, length_off, unit, pdu: (
        struct.pack(">HHHB", transaction, protocol, max(0, len(pdu) + 1 + length_off), unit) + pdu
    ),
    st.integers(0, 0xFFFF),
    st.sampled_from([0, 0, 0, 0, 1]),
    st.sampled_from([0, 0, 0, -1, 1, 200]),
    st.sampled_from([UNIT, UNIT, 0, 255]),
    st.one_of(
        st.binary(max_size=253),
        st.builds(write, st.integers(1_095, 1_205), st.binary(max_size=120).filter(lambda b: not len(b) % 2)),
        st.builds(write_one, st.integers(1_095, 1_205), st.integers(0, 0xFFFF)),
        st.builds(
            lambda address, count, size, data: struct.pack(">BHHB", 16, address, count, size) + data,
            st.integers(1_095, 1_205),
            st.integers(0, 200),
            st.integers(0, 255),
            st.binary(max_size=246),
        ),
    ),
)


@settings(max_examples=500, deadline=None)
@given(st.lists(FRAMES, max_size=5), st.integers(0, 1_000))
def test_frames_that_are_nearly_right(frames: list[bytes], cut: int) -> None:
    data = b"".join(frames)
    fuzzed = Fuzzed(MbapFramer())
    for piece in (data[:cut], data[cut:]):
        if not fuzzed.wire.closed:
            fuzzed.feed(piece)
    assert agrees(fuzzed.unit.writes, writes_over_tcp(data))
    assert well_framed(bytes(fuzzed.wire.answers))


@settings(max_examples=500, deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=4))
def test_random_bytes_over_rtu(bursts: list[bytes]) -> None:
    fuzzed = Fuzzed(RtuFramer([UNIT]))
    for burst in bursts:
        fuzzed.feed(burst)
        fuzzed.silence()
    assert agrees(fuzzed.unit.writes, [each for burst in bursts for each in joined_writes(burst)])
