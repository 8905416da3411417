"""Devices by their makers' registers: values, requests, recipes and budgets, against registers in memory."""

import asyncio
import struct
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.command import Confirmed, NotConfirmed
from edge_agent.devices.connection import Connection
from edge_agent.devices.driver import Device, discover
from edge_agent.devices.lanes import Lane
from edge_agent.devices.plan import Unencodable
from edge_agent.devices.register_code import decode, encode
from edge_agent.devices.register_poll import RegisterPoll
from edge_agent.devices.requests import Urgency
from firmware_profiles import Profile, ProfileBook, load_profiles
from firmware_profiles.conduct import Access
from firmware_profiles.registers import Register
from tests.edge_agent.devices.fake_device import FakeDevice
from tests.edge_agent.devices.fake_registers import UNIT, FakeRegisters
from vpp_core.clock import ManualClock, SystemClock
from vpp_core.faults import DeviceFault
from vpp_core.measurement import Quality

PROFILES = load_profiles()


def register(**fields: Any) -> Register:
    return msgspec.convert({"address": 10, **fields}, Register)


def altered(name: str, **changes: Any) -> ProfileBook:
    """A shipped profile with other tables in some places, as in its file."""
    whole = msgspec.to_builtins(PROFILES[name])
    return ProfileBook((msgspec.convert({**whole, **changes}, Profile),))


# One value.

CODES: dict[str, tuple[Mapping[str, Any], bytes, float]] = {
    "unsigned": ({"type": "uint16", "unit": "W"}, b"\x80\x01", 32_769.0),
    "signed": ({"type": "int16", "unit": "W"}, b"\xff\xfe", -2.0),
    "tenths": ({"type": "int16", "unit": "V", "scale": 0.1}, b"\x08\xfd", 230.1),
    "kilo": ({"type": "uint16", "unit": "kW", "scale": 0.1}, b"\x00\x64", 10_000.0),
    "milli": ({"type": "uint32", "unit": "mA"}, b"\x00\x00\x3e\x80", 16.0),
    "words-low-first": ({"type": "int32", "words": "little"}, b"\x00\x01\xff\xff", -65_535.0),
    "bytes-low-first": ({"type": "uint16", "bytes": "little"}, b"\x01\x02", 513.0),
    "both-low-first": ({"type": "uint32", "words": "little", "bytes": "little"}, b"\4\3\2\1", 16_909_060.0),
    "float": ({"type": "float32", "unit": "Hz"}, struct.pack(">f", 49.5), 49.5),
    "float-words-low-first": ({"type": "float32", "words": "little"}, b"\x00\x00\x42\x46", 49.5),
    "double": ({"type": "float64"}, struct.pack(">d", -1.25), -1.25),
    "long": ({"type": "int64", "unit": "Wh"}, b"\xff" * 7 + b"\xf6", -10.0),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "raw", "value"), CODES.values(), ids=CODES)
def test_a_value_is_decoded_and_encoded_as_its_maker_writes_it(
    fields: Mapping[str, Any], raw: bytes, value: float
) -> None:
    assert decode(register(**fields), raw) == value
    assert encode("x", register(**fields), value) == raw


@pytest.mark.parametrize(
    ("fields", "raw"),
    [
        ({"type": "int32", "absent": [0x8000_0000]}, b"\x80\x00\x00\x00"),
        ({"type": "uint32", "absent": [0xFFFF_FFFF], "words": "little"}, b"\xff\xff\xff\xff"),
        ({"type": "float32"}, b"\x7f\xc0\x00\x00"),
        ({"type": "text", "size": 2}, b"\0\0\0\0"),
    ],
    ids=["not-a-number-of-32-bits", "all-ones", "nan", "empty-text"],
)
def test_what_is_not_there_is_none(fields: Mapping[str, Any], raw: bytes) -> None:
    assert decode(register(**fields), raw) is None


def test_a_text_ends_at_its_first_zero() -> None:
    assert decode(register(type="text", size=4), b"SH10RT\0\0") == "SH10RT"


@pytest.mark.parametrize(("exponent", "value"), [(-2.0, 1.23), (0.0, 123.0), (3.0, 123_000.0)])
def test_an_exponent_beside_the_value_scales_it(exponent: float, value: float) -> None:
    scaled = register(type="int16", exponent="e")
    assert decode(scaled, b"\x00\x7b", exponent) == pytest.approx(value)
    assert encode("x", scaled, value, exponent) == b"\x00\x7b"


@pytest.mark.parametrize("exponent", [None, 11.0, 0.5, "2"])
def test_a_broken_exponent_is_a_gap_and_no_reason_to_write(exponent: float | str | None) -> None:
    scaled = register(type="int16", exponent="e")
    assert decode(scaled, b"\x00\x7b", exponent) is None
    with pytest.raises(Unencodable, match="no valid exponent for x"):
        encode("x", scaled, 1.0, exponent)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (70_000.0, "does not fit x"),
        (-1.0, "does not fit"),
        (float("nan"), "is not a number"),
        (65_535.0, "not-there"),
    ],
)
def test_what_a_register_cannot_hold_is_refused(value: float, reason: str) -> None:
    with pytest.raises(Unencodable, match=reason):
        encode("x", register(type="uint16", absent=[0xFFFF]), value)


@given(
    kind=st.sampled_from(["int16", "uint16", "int32", "uint32"]),
    scale=st.sampled_from([1.0, 0.1, 0.01, 0.001, 10.0]),
    words=st.sampled_from(["big", "little"]),
    raw=st.binary(min_size=4, max_size=4),
)
def test_what_was_read_can_be_written_back_to_the_last_bit(
    kind: str, scale: float, words: str, raw: bytes
) -> None:
    one = register(type=kind, scale=scale, words=words)
    raw = raw[: 2 * one.registers]
    value = decode(one, raw)
    assert isinstance(value, float)
    assert encode("x", one, value) == raw


# Requests.


def poll(registers: Mapping[str, Mapping[str, Any]], **access: Any) -> RegisterPoll:
    forms = {name: register(**fields) for name, fields in registers.items()}
    return RegisterPoll(forms, forms, msgspec.convert(access, Access))


ROW = {
    "a": {"address": 100, "type": "uint16"},
    "b": {"address": 101, "type": "uint32"},
    "c": {"address": 106, "type": "uint16"},
    "d": {"address": 100, "type": "uint16", "space": "input"},
}
FORBIDDEN = [{"first": 104, "last": 104}]


@pytest.mark.parametrize(
    ("access", "asked"),
    [
        ({}, [(3, 100, 3), (3, 106, 1), (4, 100, 1)]),
        ({"hole_registers_max": 3}, [(3, 100, 7), (4, 100, 1)]),
        ({"hole_registers_max": 3, "forbidden": FORBIDDEN}, [(3, 100, 3), (3, 106, 1), (4, 100, 1)]),
        ({"hole_registers_max": 3, "block_registers_max": 6}, [(3, 100, 3), (3, 106, 1), (4, 100, 1)]),
        ({"block_registers_max": 2}, [(3, 100, 1), (3, 101, 2), (3, 106, 1), (4, 100, 1)]),
        ({"address_offset": -1}, [(3, 99, 3), (3, 105, 1), (4, 99, 1)]),
    ],
    ids=["no-holes", "holes", "forbidden-between", "block-limit", "value-by-value", "counted-from-one"],
)
async def test_a_poll_asks_for_as_much_at_once_as_the_device_allows(
    access: Mapping[str, Any], asked: list[tuple[int, int, int]]
) -> None:
    fake = FakeRegisters({address: address for address in range(90, 120)}, {99: 6, 100: 7})
    points = poll(ROW, **access)
    await points.read(fake, UNIT)
    assert fake.asked == asked
    offset = int(access.get("address_offset", 0))
    assert (points.value("a"), points.value("c")) == (100.0 + offset, 106.0 + offset)
    assert points.value("d") == 7.0 + offset


# A hybrid inverter that is told direction and magnitude apart.


def sungrow() -> FakeRegisters:
    fake = FakeRegisters(dict.fromkeys((13049, 13050, 13051), 0))
    for place in range(4_989, 5_040):
        fake.inputs[place] = 0
    fake.put(4_989, b"A2350415770\0\0\0\0\0\0\0\0\0", inputs=True)
    fake.put(4_999, struct.pack(">HH", 0x0E03, 100), inputs=True)
    fake.put(5_018, struct.pack(">H", 2_301), inputs=True)
    fake.put(5_030, struct.pack(">I", (-1_500 & 0xFFFF) << 16 | 0xFFFF), inputs=True)
    fake.put(5_035, struct.pack(">H", 500), inputs=True)
    fake.put(13_022, struct.pack(">H", 645), inputs=True)
    return fake


async def named(fake: object, name: str, clock: ManualClock | None = None, **changes: Any) -> Device:
    book = altered(name, **changes) if changes else PROFILES
    return await discover(fake, UNIT, book, clock or ManualClock(SystemClock().now()), profile=name)  # type: ignore[arg-type]


async def test_a_hybrid_inverter_is_read_in_its_makers_counting() -> None:
    device = await named(sungrow(), "sungrow-sh")
    assert (device.map.model, device.map.serial) == ("SH hybrid 3587", "A2350415770")
    assert (device.nameplate.injection_w_max, device.nameplate.absorption_w_max) == (10_000.0, 10_000.0)
    reading = await device.read()
    assert reading.quality is Quality.GOOD
    assert (reading.power_w, reading.voltage_v, reading.frequency_hz) == (-1_500.0, 230.1, 50.0)
    assert reading.state_of_charge_pct == 64.5


@pytest.mark.parametrize(
    ("setpoint_w", "command", "power"),
    [(2_000.0, 0xBB, 2_000), (-3_000.0, 0xAA, 3_000), (0.0, 0xCC, 0)],
    ids=["discharge", "charge", "stop"],
)
async def test_direction_and_magnitude_are_written_apart_and_read_back_together(
    setpoint_w: float, command: int, power: int
) -> None:
    fake = sungrow()
    device = await named(fake, "sungrow-sh")
    assert await device.command(setpoint_w, 60.0) == Confirmed(setpoint_w, None)
    assert struct.unpack(">HHH", fake.get(13_049, 3)) == (2, command, power)
    assert {function for function, _, _ in fake.writes} == {6}
    held = await device.read_control()
    assert (held.enabled, held.setpoint_w) == (True, setpoint_w)
    assert isinstance(await device.release(), Confirmed)
    assert struct.unpack(">HH", fake.get(13_049, 2)) == (0, 0xCC)
    assert not (await device.read_control()).enabled


async def test_slow_points_are_read_once_in_their_time() -> None:
    fake, clock = sungrow(), ManualClock(SystemClock().now())
    device = await named(fake, "sungrow-sh", clock)
    fake.asked.clear()
    await device.read()
    assert (4, 5_018, 1) not in fake.asked
    clock.advance(60.0)
    await device.read()
    assert (4, 5_018, 18) in fake.asked, "voltage and frequency"
    assert (await device.read()).voltage_v == 230.1, "kept in between"


# A budget by point.


def solaredge() -> FakeDevice:
    """Its SunSpec map, and its own registers far behind."""
    fake = FakeDevice(
        {
            1: {"Mn": "SolarEdge ", "Md": "SE10K", "Vr": "4.19", "SN": "7F"},
            103: {"W": 6_000, "W_SF": 0, "Hz": 5_000, "Hz_SF": -2, "V_SF": -1, "PhVphA": 2_300, "VAr_SF": 0},
        }
    )
    fake.image += bytes(2 * (0xF400 - fake.base) - len(fake.image))
    at = 2 * (0xF304 - fake.base)
    fake.image[at : at + 4] = b"\x40\x00\x46\x1c"  # 10,000.0, words low first
    return fake


async def solaredge_device(fake: FakeDevice, clock: ManualClock) -> Device:
    return await discover(fake, 7, PROFILES, clock)


async def test_makers_registers_beside_a_sunspec_map_are_used_together() -> None:
    fake = solaredge()
    device = await solaredge_device(fake, ManualClock(SystemClock().now()))
    assert device.profile.name == "solaredge-pv"
    assert device.nameplate.injection_w_max == 10_000.0
    assert (await device.read()).power_w == 6_000.0
    assert await device.command(4_000.0, 30.0) == Confirmed(4_000.0, 30.0)
    assert fake.writes == [0xF300, 0xF312, 0xF310, 0xF322]


async def test_flash_is_written_once_and_ram_as_often_as_wanted() -> None:
    fake, clock = solaredge(), ManualClock(SystemClock().now())
    device = await solaredge_device(fake, clock)
    await device.command(4_000.0, 30.0)
    fake.requests.clear()
    for setpoint_w in (4_100.0, 4_200.0, 4_300.0):
        clock.advance(1.0)
        assert await device.command(setpoint_w, 30.0) == Confirmed(setpoint_w, 30.0)
    assert fake.writes == [0xF322] * 3
    refused = await device.command(4_300.0, 45.0)
    assert isinstance(refused, NotConfirmed)
    assert "every 60 s only" in refused.reason, "the timer lies in flash"
    fake.requests.clear()
    assert isinstance(await device.release(), Confirmed)
    assert fake.writes == [0xF322]
    assert not (await device.read_control()).enabled


# A charging station with a limit of its own kind.


def enovates() -> FakeRegisters:
    fake = FakeRegisters(dict.fromkeys((*range(200, 220), *range(5032, 5080), 51, 400), 0))
    fake.put(51, struct.pack(">H", 32))
    fake.put(203, struct.pack(">hhhh", 231, 230, 229, 7_000))
    fake.put(216, struct.pack(">i", 123_456))
    fake.put(400, struct.pack(">h", -1))
    fake.put(5_032, b"ENO-0001".ljust(32, b"\0"))
    fake.put(5_064, b"2.14".ljust(32, b"\0"))
    return fake


async def test_a_station_is_limited_paused_and_given_back() -> None:
    fake, clock = enovates(), ManualClock(SystemClock().now())
    device = await named(fake, "enovates-eno", clock)
    assert (device.map.serial, device.map.version) == ("ENO-0001", "2.14")
    reading = await device.read()
    assert (reading.power_w, reading.energy_absorbed_wh, reading.voltage_v) == (-7_000.0, 123_456.0, 231.0)
    assert reading.control is not None
    assert not reading.control.enabled
    assert await device.command(-6_900.0, 60.0) == Confirmed(-6_900.0, None)
    assert fake.get(400) == struct.pack(">h", 10_000)
    clock.advance(60.0)
    assert await device.command(-1_000.0, 60.0) == Confirmed(0.0, None), "below 6 A a phase nothing may flow"
    assert fake.get(400) == b"\0\0"
    assert (await device.read_control()).enabled
    await device.release()
    assert fake.get(400) == b"\xff\xff"
    assert not (await device.read_control()).enabled


async def test_a_register_that_acknowledges_and_ignores_is_noticed() -> None:
    fake = enovates()
    device = await named(fake, "enovates-eno")
    fake.frozen = {400}
    result = await device.command(-6_900.0, 60.0)
    assert isinstance(result, NotConfirmed)
    assert "ffff at ems_limit instead of 2710" in result.reason


# Groups, and links that cannot.


async def test_a_group_is_written_by_one_request() -> None:
    fake = sungrow()
    registers = {
        name: {**fields, "access": "rw"} if name.startswith("ems_") else fields
        for name, fields in msgspec.to_builtins(PROFILES["sungrow-sh"].registers).items()
    }
    control = msgspec.to_builtins(PROFILES["sungrow-sh"].control)
    control["command"] = [
        {"point": "ems_mode", "set": 2.0},
        {"point": "ems_command", "set": 187.0, "absorbing": 170.0, "resting": 204.0},
        {"point": "ems_power", "set": "magnitude"},
    ]
    access = {
        "address_offset": -1,
        "hole_registers_max": 20,
        "atomic": [["ems_mode", "ems_command", "ems_power"]],
    }
    device = await named(fake, "sungrow-sh", registers=registers, control=control, access=access)
    assert await device.command(-2_500.0, 60.0) == Confirmed(-2_500.0, None)
    assert fake.writes == [(16, 13_049, 3)]


async def test_functions_4_and_6_pass_a_shared_connection() -> None:
    connection = Connection(sungrow, 1.0)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(connection.run())
        device = await discover(
            Lane(connection, Urgency.POLL), UNIT, PROFILES, SystemClock(), profile="sungrow-sh"
        )
        assert await device.command(1_000.0, 60.0) == Confirmed(1_000.0, None)
        task.cancel()


class OnlyReadAndWrite:
    """A link that knows functions 3 and 16."""

    async def read(self, unit: int, address: int, count: int) -> bytes:
        del unit, address
        return bytes(2 * count)

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        """Taken."""

    async def close(self) -> None:
        """Nothing is open."""

    def __str__(self) -> str:
        return "plain:1"


async def test_a_link_without_a_function_says_so() -> None:
    with pytest.raises(DeviceFault, match="plain:1 cannot use Modbus function 4, which this device needs"):
        await named(OnlyReadAndWrite(), "sungrow-sh")
