"""Finding a SunSpec map: base addresses, block reads, and maps that are none."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.link import RegisterRefused
from edge_agent.devices.scan import scan
from tests.edge_agent.devices.fake_device import BATTERY, COMMON, METER, UNIT, FakeDevice
from vpp_core.faults import DeviceFault


async def test_a_scan_lists_the_models_with_their_places_and_the_identity() -> None:
    found = await scan(FakeDevice(), UNIT)
    assert [(m.model_id, m.address, m.registers) for m in found.models] == [
        (1, 40_002, 68),
        (701, 40_070, 155),
        (702, 40_225, 52),
        (704, 40_277, 67),
        (713, 40_344, 9),
    ]
    assert (found.manufacturer, found.model, found.version, found.serial) == ("Acme", "Box", "1.2", "0001")


@pytest.mark.parametrize("base", [40_000, 0, 50_000])
async def test_a_map_is_found_at_each_base_address(base: int) -> None:
    assert (await scan(FakeDevice(base=base), UNIT)).base_address == base


@pytest.mark.parametrize(
    ("block_max", "serves_beyond_its_end", "requests_max"),
    [(125, True, 6), (125, False, 7), (60, False, 25), (16, False, 30)],
    ids=["full-blocks", "refuses-beyond-its-end", "small-blocks", "tiny-blocks"],
)
async def test_a_map_of_600_registers_takes_few_requests(
    *, block_max: int, serves_beyond_its_end: bool, requests_max: int
) -> None:
    """Target E5: six, where a device serves full blocks; pysunspec2 takes 41."""
    numbers = (701, 702, 703, 704, 713, 120, 121, 122, 123, 802, 103)
    device = FakeDevice({1: COMMON, **{number: {} for number in numbers}})
    registers = len(device.image) // 2
    assert 580 <= registers <= 640
    device.block_max = block_max
    if serves_beyond_its_end:
        device.image += bytes(250)
    found = await scan(device, UNIT)
    assert [model.model_id for model in found.models] == [1, *numbers]
    assert found.serial == "0001"
    assert len(device.requests) <= requests_max


async def test_a_unit_without_the_marker_is_no_sunspec_device() -> None:
    device = FakeDevice()
    device.image[:4] = b"Nope"
    with pytest.raises(
        DeviceFault, match=r"fake:1 unit 7 answers, but is no SunSpec device.*40000, 0, 50000"
    ):
        await scan(device, UNIT)


async def test_a_unit_that_does_not_answer_is_said_to_be_silent_after_one_request() -> None:
    device = FakeDevice()
    with pytest.raises(DeviceFault, match="does not answer"):
        await scan(device, 3)
    assert len(device.requests) == 1


async def test_a_refusal_at_every_base_names_no_sunspec_device() -> None:
    device = FakeDevice()

    def refuse(kind: str, address: int) -> None:
        raise RegisterRefused(f"{kind} {address} refused")

    device.gate = refuse
    with pytest.raises(DeviceFault, match="no SunSpec device"):
        await scan(device, UNIT)


async def test_a_map_that_does_not_begin_with_the_common_model_is_broken() -> None:
    device = FakeDevice(METER)
    device.put("1.ID", 5)
    with pytest.raises(DeviceFault, match="list of models is broken"):
        await scan(device, UNIT)


async def test_a_map_without_an_end_is_broken() -> None:
    device = FakeDevice(METER)
    device.image[-4:] = b"\x00\x05\x00\x00"
    device.image += b"\x00\x05\x00\x00" * 200
    with pytest.raises(DeviceFault, match="list of models is broken"):
        await scan(device, UNIT)


async def test_a_map_with_nothing_but_its_end_is_empty() -> None:
    device = FakeDevice()
    device.image = bytearray(b"SunS\xff\xff\x00\x00")
    with pytest.raises(DeviceFault, match="empty SunSpec map"):
        await scan(device, UNIT)


async def test_a_common_model_of_absurd_length_is_broken() -> None:
    device = FakeDevice()
    device.image = bytearray(b"SunS" + struct.pack(">HH", 1, 1) + bytes(2) + b"\xff\xff\x00\x00")
    assert (await scan(device, UNIT)).manufacturer == ""


@given(content=st.binary(max_size=600), keep_marker=st.booleans())
async def test_garbage_registers_give_a_map_or_a_fault_and_nothing_else(
    content: bytes, *, keep_marker: bool
) -> None:
    device = FakeDevice(BATTERY)
    device.image = bytearray((b"SunS\x00\x01\x00\x42" if keep_marker else b"") + content)
    try:
        found = await scan(device, UNIT)
    except DeviceFault:
        return
    assert found.models[0].model_id == 1
