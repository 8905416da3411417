"""A vendor's register map on the wire: what is answered, what is refused, and with which exception."""

import struct
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.image import NotWritable, Values
from simulators.devices.vendor.image import VendorImage, writes
from simulators.devices.vendor.keba import KEBA_P30
from simulators.devices.vendor.table import Access, Gaps, ImpossibleTable, Kind, Row, Space, Table, Words

ROWS = (
    Row(10, "power", Kind.I32, "W"),
    Row(12, "voltage", Kind.U16, "V", 0.1),
    Row(13, "current", Kind.I16, "A", 0.01),
    Row(20, "limit", Kind.U16, "A", 0.001, Access.BOTH, least=6.0, most=32.0, also=(0.0,)),
    Row(21, "energy", Kind.U32, "Wh", 1.0, Access.WRITE),
    Row(30, "name", Kind.TEXT, registers=4),
    Row(10, "frequency", Kind.F32, "Hz", space=Space.INPUT),
)
FUNCTIONS = frozenset({3, 4, 6, 16})
VALUES: Values = {
    "power": -70_000.0,
    "voltage": 230.4,
    "current": -1.5,
    "limit": 16.0,
    "name": "Meter",
    "frequency": 50.02,
}


class Memory:
    """Keeps what is written, refuses thirteen amperes, and cannot be set to fourteen now."""

    def __init__(self) -> None:
        self.written: list[dict[str, float]] = []

    def check(self, changes: Mapping[str, float | None]) -> None:
        if changes.get("limit") == 13.0:
            raise ValueError("unlucky")
        if changes.get("limit") == 14.0:
            raise NotWritable("not now")

    def write(self, changes: Mapping[str, float], now_s: float) -> None:
        assert now_s == 5.0
        self.written.append(dict(changes))


def make(
    memory: Memory | None = None, *, gaps: Gaps = Gaps.REFUSED, words: Words = Words.BIG, most: int = 125
) -> VendorImage:
    table = Table(product="test", rows=ROWS, functions=FUNCTIONS, gaps=gaps, words=words, read_count_max=most)
    return VendorImage(table, lambda: 5.0, lambda: VALUES, memory or Memory())


def read(image: VendorImage, address: int, count: int, function: int = 3) -> bytes:
    return image.respond(struct.pack(">BHH", function, address, count))


def write(image: VendorImage, address: int, *registers: int) -> bytes:
    count = len(registers)
    return image.respond(struct.pack(f">BHHB{count}H", 16, address, count, 2 * count, *registers))


def test_values_are_coded_by_type_and_step() -> None:
    assert read(make(), 10, 4) == b"\x03\x08" + struct.pack(">iHh", -70_000, 2304, -150)


def test_the_order_of_words_can_be_little() -> None:
    high, low = struct.unpack(">HH", struct.pack(">i", -70_000))
    assert read(make(words=Words.LITTLE), 10, 2) == b"\x03\x04" + struct.pack(">HH", low, high)


def test_a_text_is_padded_with_zeros() -> None:
    assert read(make(), 30, 4) == b"\x03\x08Meter\0\0\0"


def test_input_registers_are_a_space_of_their_own() -> None:
    assert read(make(), 10, 2, function=4) == b"\x04\x04" + struct.pack(">f", 50.02)


@pytest.mark.parametrize(
    ("request_pdu", "exception"),
    [
        pytest.param(struct.pack(">BHH", 3, 11, 1), 2, id="half-a-value"),
        pytest.param(struct.pack(">BHH", 3, 11, 2), 2, id="the-end-of-one-value-and-the-next"),
        pytest.param(struct.pack(">BHH", 3, 14, 1), 2, id="a-gap"),
        pytest.param(struct.pack(">BHH", 3, 10, 5), 2, id="values-and-a-gap"),
        pytest.param(struct.pack(">BHH", 3, 21, 2), 2, id="a-point-that-is-only-written"),
        pytest.param(struct.pack(">BHH", 3, 40, 1), 2, id="beyond-the-last-point"),
        pytest.param(struct.pack(">BHH", 3, 65_535, 2), 2, id="beyond-the-last-register"),
        pytest.param(struct.pack(">BHH", 4, 12, 1), 2, id="a-holding-register-as-an-input-register"),
        pytest.param(struct.pack(">BHH", 3, 10, 0), 3, id="no-registers"),
        pytest.param(struct.pack(">BHH", 3, 10, 126), 3, id="more-than-125-registers"),
        pytest.param(struct.pack(">BHH", 1, 10, 1), 1, id="a-function-that-the-device-does-not-know"),
        pytest.param(b"", 1, id="nothing"),
        pytest.param(struct.pack(">BHH", 6, 12, 1), 2, id="writing-what-is-only-read"),
        pytest.param(struct.pack(">BHH", 6, 21, 1), 2, id="writing-half-a-value"),
        pytest.param(struct.pack(">BHH", 6, 14, 1), 2, id="writing-into-a-gap"),
        pytest.param(struct.pack(">BHH", 6, 20, 5_999), 3, id="below-the-range"),
        pytest.param(struct.pack(">BHH", 6, 20, 33_000), 3, id="above-the-range"),
        pytest.param(struct.pack(">BHH", 6, 20, 13_000), 3, id="what-the-device-refuses"),
        pytest.param(struct.pack(">BHH", 6, 20, 14_000), 2, id="what-is-not-writable-now"),
    ],
)
def test_a_bad_request_gets_its_exception_and_writes_nothing(request_pdu: bytes, exception: int) -> None:
    memory = Memory()
    function = request_pdu[0] if request_pdu else 0
    assert make(memory).respond(request_pdu) == bytes((function | 0x80, exception))
    assert memory.written == []


def test_a_device_may_limit_how_much_is_read_at_once() -> None:
    assert read(make(most=2), 10, 2)[:2] == b"\x03\x04"
    assert read(make(most=2), 10, 3) == b"\x83\x03"


def test_gaps_may_read_as_zero_up_to_the_last_point() -> None:
    image = make(gaps=Gaps.ZERO)
    assert read(image, 14, 3) == b"\x03\x06" + bytes(6)
    assert read(image, 8, 4) == b"\x03\x08" + bytes(4) + struct.pack(">i", -70_000)
    assert read(image, 33, 1) == b"\x83\x02"
    assert read(image, 30, 5) == b"\x83\x02"


def test_a_write_reaches_the_device_in_units() -> None:
    memory = Memory()
    image = make(memory)
    assert write(image, 20, 8_000, 0, 500) == b"\x10" + struct.pack(">HH", 20, 3)
    assert image.respond(struct.pack(">BHH", 6, 20, 0)) == struct.pack(">BHH", 6, 20, 0)
    assert memory.written == [{"limit": 8.0, "energy": 500.0}, {"limit": 0.0}]


def test_one_bad_value_among_many_stops_all_of_them() -> None:
    memory = Memory()
    assert write(make(memory), 20, 40_000, 0, 500) == b"\x90\x03"
    assert memory.written == []


def test_a_value_beyond_the_range_of_its_type_saturates() -> None:
    row = Row(0, "power", Kind.I16)
    assert row.encode(1e9, Words.BIG) == b"\x7f\xff"
    assert row.encode(-1e9, Words.BIG) == b"\x80\x00"


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        pytest.param((Row(10, "a", Kind.U32), Row(11, "b", Kind.U16)), "b at 11 lies in a", id="overlap"),
        pytest.param((Row(10, "a", Kind.TEXT),), "a has no length", id="a-text-without-length"),
        pytest.param(
            (Row(10, "a", Kind.TEXT, registers=2, access=Access.BOTH),), "cannot be written", id="a-text"
        ),
    ],
)
def test_an_impossible_table_says_why(rows: tuple[Row, ...], reason: str) -> None:
    with pytest.raises(ImpossibleTable, match=reason):
        Table(product="test", rows=rows, functions=FUNCTIONS)


def test_a_table_tells_whether_it_can_be_written() -> None:
    assert writes(KEBA_P30)
    assert not writes(Table(product="test", rows=ROWS, functions=frozenset({3, 4})))
    assert not writes(Table(product="test", rows=ROWS[:3], functions=FUNCTIONS))


numbers = st.sampled_from((Kind.U16, Kind.I16, Kind.U32, Kind.I32))


@settings(deadline=None)
@given(numbers, st.sampled_from(Words), st.sampled_from((0.001, 0.1, 1.0, 10.0)), st.data())
def test_what_is_coded_is_decoded(kind: Kind, words: Words, step: float, data: st.DataObject) -> None:
    bits = 16 * kind.value[1]
    low = -(1 << bits - 1) if kind.value[0].islower() else 0
    count = data.draw(st.integers(low, low + (1 << bits) - 1))
    row = Row(0, "x", kind, step=step)
    assert row.decode(row.encode(count * step, words), words) == pytest.approx(count * step)


@settings(deadline=None)
@given(st.binary(max_size=260))
def test_any_bytes_get_an_answer(pdu: bytes) -> None:
    memory = Memory()
    response = make(memory).respond(pdu)
    assert 2 <= len(response) <= 253
    assert memory.written == [] or pdu[0] in {6, 16}
