"""Modbus PDUs (MODBUS Application Protocol 1.1b3, 6.3, 6.4, 6.6, 6.12, 7): valid, invalid and random ones."""

import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.data.house_load import HouseLoad
from simulators.data.pv_profile import PvProfile
from simulators.devices.image import BASE, RegisterImage
from simulators.devices.site import SimulatedSite, SiteConfig
from simulators.grid.script import GridScript
from vpp_core.clock import ManualClock

NOON = datetime(2021, 8, 12, 17, tzinfo=UTC)
LENGTH = 353
"""Registers of the battery's image: marker 2, models 68 + 155 + 52 + 67 + 9, end 2, less 2."""


def battery() -> RegisterImage:
    site = SimulatedSite(
        SiteConfig(site_id="s"),
        ManualClock(NOON),
        GridScript(),
        HouseLoad(0),
        PvProfile([0.0, 1.0], [0.0, 0.0]),
    )
    return site.images[2]


BATTERY = battery()
CONTROLS = BASE + 2 + 68 + 155 + 52
"""Where model 704 begins."""
W_SET_ENA, W_SET, W_SET_RVRT_TMS = CONTROLS + 22, CONTROLS + 24, CONTROLS + 31


def read(address: int, count: int, function: int = 3) -> bytes:
    return struct.pack(">BHH", function, address, count)


def write(address: int, registers: bytes) -> bytes:
    return struct.pack(">BHHB", 16, address, len(registers) // 2, len(registers)) + registers


@pytest.mark.parametrize("function", [3, 4], ids=["holding-registers", "input-registers"])
def test_both_read_functions_see_the_same_map(function: int) -> None:
    assert BATTERY.respond(read(BASE, 4, function)) == bytes((function, 8)) + b"SunS\x00\x01\x00\x42"


def test_the_map_ends_with_the_end_marker() -> None:
    assert BATTERY.end == BASE + 2 + 68 + 155 + 52 + 67 + 9 + 2
    assert BATTERY.respond(read(BATTERY.end - 2, 2)) == b"\x03\x04\xff\xff\x00\x00"


def test_reads_may_begin_and_end_anywhere() -> None:
    whole = b"".join(BATTERY.respond(read(address, 1))[2:] for address in range(BASE, BATTERY.end))
    for address, count in ((BASE + 1, 125), (BASE + 60, 20), (BATTERY.end - 125, 125), (CONTROLS - 1, 3)):
        first = 2 * (address - BASE)
        assert BATTERY.respond(read(address, count))[2:] == whole[first : first + 2 * count]


@pytest.mark.parametrize(
    ("request_pdu", "response"),
    [
        pytest.param(b"", "8001", id="nothing-at-all"),
        pytest.param(b"\x01\x00\x00\x00\x01", "8101", id="coils-are-not-offered"),
        pytest.param(b"\x2b\x0e\x01\x00", "ab01", id="identification-is-not-offered"),
        pytest.param(b"\x83\x00\x00\x00\x01", "8301", id="a-function-with-the-exception-bit"),
        pytest.param(b"\x03\x9c", "8303", id="a-short-read"),
        pytest.param(read(BASE, 1) + b"\x00", "8303", id="a-long-read"),
        pytest.param(read(BASE, 0), "8303", id="no-registers"),
        pytest.param(read(BASE, 126), "8303", id="126-registers"),
        pytest.param(read(BASE, 126, 4), "8403", id="126-input-registers"),
        pytest.param(read(0, 2), "8302", id="before-the-map"),
        pytest.param(read(BASE - 1, 2), "8302", id="into-the-map-from-before"),
        pytest.param(read(BATTERY.end - 1, 2), "8302", id="beyond-the-map"),
        pytest.param(read(0xFFFF, 2), "8302", id="beyond-all-addresses"),
        pytest.param(b"\x06\x9c\x40\x00", "8603", id="a-short-single-write"),
        pytest.param(struct.pack(">BHH", 6, BASE, 1), "8602", id="the-marker-is-read-only"),
        pytest.param(struct.pack(">BHH", 6, CONTROLS, 1), "8602", id="a-model-id-is-read-only"),
        pytest.param(struct.pack(">BHH", 6, BATTERY.end - 1, 1), "8602", id="the-end-is-read-only"),
        pytest.param(struct.pack(">BHH", 6, W_SET_ENA, 2), "8603", id="an-enum-value-that-does-not-exist"),
        pytest.param(struct.pack(">BHH", 6, W_SET_ENA, 0xFFFF), "8603", id="not-implemented-is-not-a-value"),
        pytest.param(b"\x10\x9c\x40\x00\x00\x00", "9003", id="a-write-of-nothing"),
        pytest.param(struct.pack(">BHHB", 16, W_SET, 2, 3) + bytes(4), "9003", id="a-wrong-byte-count"),
        pytest.param(struct.pack(">BHHB", 16, W_SET, 2, 4) + bytes(3), "9003", id="fewer-bytes-than-counted"),
        pytest.param(write(W_SET, struct.pack(">i", 5_001)), "9003", id="above-the-rating"),
        pytest.param(write(W_SET, struct.pack(">i", -5_001)), "9003", id="below-the-rating"),
        pytest.param(write(W_SET_RVRT_TMS + 2, bytes(4)), "9002", id="the-remaining-time-is-read-only"),
    ],
)
def test_a_bad_request_gets_its_exception(request_pdu: bytes, response: str) -> None:
    assert BATTERY.respond(request_pdu).hex() == response


def test_a_single_write_is_echoed_and_a_long_one_is_counted() -> None:
    image = battery()
    single = struct.pack(">BHH", 6, W_SET_ENA, 1)
    assert image.respond(single) == single
    assert image.respond(write(W_SET, struct.pack(">i", -2_000))) == struct.pack(">BHH", 16, W_SET, 2)
    assert image.respond(read(W_SET, 2))[2:] == struct.pack(">i", -2_000)


def test_a_write_that_is_refused_in_part_changes_nothing() -> None:
    """WSetEna, WSetMod and WSet in one request, the last one above the rating."""
    image = battery()
    before = image.respond(read(CONTROLS, 67))
    assert image.respond(write(W_SET_ENA, struct.pack(">HHi", 1, 1, 99_999))).hex() == "9003"
    assert image.respond(read(CONTROLS, 67)) == before


def test_a_write_across_a_read_only_register_changes_nothing() -> None:
    image = battery()
    before = image.respond(read(CONTROLS, 67))
    assert image.respond(write(W_SET_RVRT_TMS, struct.pack(">II", 60, 60))).hex() == "9002"
    assert image.respond(read(CONTROLS, 67)) == before


def test_half_of_a_long_point_may_be_written() -> None:
    image = battery()
    assert image.respond(struct.pack(">BHH", 6, W_SET + 1, 1_234))[0] == 6
    assert image.respond(read(W_SET, 2))[2:] == struct.pack(">i", 1_234)


@given(st.binary(max_size=300))
def test_any_bytes_get_a_short_answer_with_their_function_code(pdu: bytes) -> None:
    response = BATTERY.respond(pdu)
    assert 2 <= len(response) <= 253
    assert response[0] & 0x7F == (pdu[0] & 0x7F if pdu else 0)
    assert len(response) > 2 or response[1] in {1, 2, 3}


NEAR_THE_MAP = st.integers(BASE - 3, BATTERY.end + 3)


@given(NEAR_THE_MAP, st.integers(0, 130))
def test_a_read_is_answered_in_full_or_refused(address: int, count: int) -> None:
    response = BATTERY.respond(read(address, count))
    if not 1 <= count <= 125:
        assert response == b"\x83\x03"
    elif address < BASE or address + count > BATTERY.end:
        assert response == b"\x83\x02"
    else:
        assert response[:2] == bytes((3, 2 * count))
        assert len(response) == 2 + 2 * count


@given(NEAR_THE_MAP, st.binary(min_size=2, max_size=16).filter(lambda data: len(data) % 2 == 0))
def test_a_write_is_done_in_full_or_not_at_all(address: int, registers: bytes) -> None:
    image = battery()
    before = [image.respond(read(start, 67)) for start in (CONTROLS, CONTROLS + 67 - 67)]
    response = image.respond(write(address, registers))
    if response[0] == 16:
        assert image.respond(read(address, len(registers) // 2))[2:] == registers
    else:
        assert response[0] == 0x90
        assert image.respond(read(CONTROLS, 67)) == before[0]
