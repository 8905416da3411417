"""Discovery, polls, commands and releases of one device, against registers in memory."""

import random
import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.devices.command import Confirmed, NotConfirmed
from edge_agent.devices.driver import Device, discover
from edge_agent.devices.link import RegisterRefused
from firmware_profiles import Profile, ProfileBook, load_profiles
from firmware_profiles.profile import Access, Persistence, PersistenceKind, Reversion, ReversionKind
from tests.edge_agent.devices.fake_device import (
    BATTERY,
    CAPACITY,
    COMMON,
    EVSE,
    MEASUREMENT,
    METER,
    PV,
    UNIT,
    FakeDevice,
    Map,
)
from vpp_core.clock import ManualClock
from vpp_core.der import DerKind
from vpp_core.faults import ConfigurationFault, DeviceFault
from vpp_core.ids import DerId
from vpp_core.measurement import Quality

NOW = datetime(2021, 8, 12, 18, tzinfo=UTC)
PROFILES = load_profiles()


def clock() -> ManualClock:
    return ManualClock(NOW)


async def found(fake: FakeDevice, kind: DerKind | None = None, profiles: ProfileBook = PROFILES) -> Device:
    device = await discover(fake, UNIT, profiles, clock(), kind=kind)
    fake.requests.clear()
    return device


async def battery(fake: FakeDevice | None = None, profiles: ProfileBook = PROFILES) -> Device:
    return await found(fake or FakeDevice(), DerKind.BATTERY, profiles)


def altered_battery(**changes: object) -> ProfileBook:
    """The battery's profile with other control or access settings."""
    profile = PROFILES["generic-sunspec-7xx-battery"]
    access = changes.pop("access", profile.access)
    assert isinstance(access, Access)
    assert profile.control is not None
    fields = {name: getattr(profile.control, name) for name in profile.control.__struct_fields__}
    control = type(profile.control)(**{**fields, **changes})
    whole = {name: getattr(profile, name) for name in profile.__struct_fields__}
    return ProfileBook((Profile(**{**whole, "control": control, "access": access}),))


# Discovery.


@pytest.mark.parametrize(
    ("models", "kind", "profile"),
    [
        (METER, None, "sunspec-meter"),
        (PV, None, "generic-sunspec-7xx-pv"),
        (BATTERY, DerKind.BATTERY, "generic-sunspec-7xx-battery"),
        (EVSE, DerKind.EVSE, "generic-sunspec-7xx-evse"),
    ],
    ids=["meter", "pv", "battery", "evse"],
)
async def test_a_device_is_found_with_its_profile(models: Map, kind: DerKind | None, profile: str) -> None:
    device = await found(FakeDevice(models), kind)
    assert device.profile.name == profile
    assert device.kind is device.profile.kind


async def test_a_map_that_could_be_a_battery_or_an_evse_is_not_guessed() -> None:
    with pytest.raises(ConfigurationFault, match=r"Acme Box could be battery or evse.*say its kind"):
        await found(FakeDevice(BATTERY))


async def test_a_battery_that_the_settings_call_pv_is_refused() -> None:
    with pytest.raises(ConfigurationFault, match=r"fake:1 unit 7 is Acme Box .* no profile for pv fits"):
        await found(FakeDevice(BATTERY), DerKind.PV)


async def test_a_device_without_the_points_of_its_profile_is_refused() -> None:
    fake = FakeDevice(BATTERY)
    at = 2 * (fake.places[704] - fake.base)
    fake.image[at + 2 : at + 4] = struct.pack(">H", 20)
    fake.image[at + 44 :] = b"\x02\xc9\x00\x07" + bytes(14) + b"\xff\xff\x00\x00"
    with pytest.raises(DeviceFault, match=r"has no 704.WSet.*which its profile generic-sunspec-7xx-battery"):
        await battery(fake)


async def test_the_description_carries_identity_and_ratings() -> None:
    description = (await battery()).description(DerId("D1"), "garage")
    assert (description.manufacturer, description.model, description.serial) == ("Acme", "Box", "0001")
    assert (description.injection_w_max, description.absorption_w_max) == (5_000.0, 4_000.0)
    assert description.energy_capacity_wh == 13_500.0
    assert description.profile == "generic-sunspec-7xx-battery"


# Polls.


async def test_a_poll_gives_core_units_and_signs() -> None:
    reading = await (await battery()).read()
    assert reading.quality is Quality.GOOD
    assert reading.at == NOW
    assert (reading.power_w, reading.reactive_var) == (1_500.0, -20.0)
    assert (reading.voltage_v, reading.frequency_hz) == (240.0, 59.98)
    assert (reading.energy_injected_wh, reading.energy_absorbed_wh) == (123_456.0, 654_321.0)
    assert (reading.state_of_charge_pct, reading.energy_capacity_wh) == (44.4, 13_500.0)
    assert reading.control is not None
    assert not reading.control.enabled


@pytest.mark.parametrize(
    ("models", "kind", "requests"),
    [(METER, None, 1), (PV, None, 2), (BATTERY, DerKind.BATTERY, 2), (EVSE, DerKind.EVSE, 2)],
    ids=["meter", "pv", "battery", "evse"],
)
async def test_a_poll_takes_few_requests(models: Map, kind: DerKind | None, requests: int) -> None:
    fake = FakeDevice(models)
    device = await found(fake, kind)
    await device.read()
    assert len(fake.requests) == requests


async def test_small_blocks_are_honoured() -> None:
    fake = FakeDevice(BATTERY)
    fake.block_max = 20
    device = await battery(fake, altered_battery(access=Access(block_registers_max=20)))
    assert (await device.read()).quality is Quality.GOOD
    assert max(count for _, _, count in fake.requests) <= 20
    assert (await device.read_frequency()).value == 59.98


async def test_requests_keep_their_distance() -> None:
    device_clock = clock()
    profiles = altered_battery(access=Access(gap_ms_min=250.0))
    device = await discover(FakeDevice(), UNIT, profiles, device_clock, kind=DerKind.BATTERY)
    before_s = device_clock.monotonic_s()
    await device.read()
    assert device_clock.monotonic_s() - before_s == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("point", "raw", "quantity"),
    [
        ("701.W", -0x8000, "power_w"),
        ("701.W", 20_000, "power_w"),
        ("701.W_SF", 4, "power_w"),
        ("701.W_SF", -0x8000, "power_w"),
        ("701.TotWhInj", 2**64 - 1, "energy_injected_wh"),
        ("713.SoC", 1_001, "state_of_charge_pct"),
        ("713.SoC", 0xFFFF, "state_of_charge_pct"),
        ("701.Hz", 200_000, "frequency_hz"),
        ("701.LNV", 60_000, "voltage_v"),
    ],
    ids=[
        "power-not-implemented", "power-beyond-any-overload", "power-scaled-absurdly",
        "power-without-scale", "counter-not-implemented", "more-than-full", "charge-not-implemented",
        "frequency-of-no-grid", "voltage-of-another-grid",
    ],
)  # fmt: skip
async def test_an_impossible_value_is_a_gap_and_the_reading_is_suspect(
    point: str, raw: int, quantity: str
) -> None:
    fake = FakeDevice()
    device = await battery(fake)
    fake.put(point, raw)
    reading = await device.read()
    assert reading.quality is Quality.SUSPECT
    assert getattr(reading, quantity) is None
    assert any(doubt.startswith(quantity) for doubt in reading.doubts)


async def test_a_sleeping_inverter_shows_zero_hertz_and_keeps_its_good_counters() -> None:
    fake = FakeDevice(PV)
    device = await found(fake)
    for point in ("701.Hz", "701.LNV", "701.LLV", "701.W"):
        fake.put(point, 0)
    reading = await device.read()
    assert reading.quality is Quality.GOOD
    assert (reading.power_w, reading.frequency_hz, reading.voltage_v) == (0.0, None, None)


async def test_a_counter_that_falls_is_doubted_once_and_then_believed() -> None:
    fake = FakeDevice(METER)
    device = await found(fake)
    fake.put("701.TotWhInj", 5)
    assert (await device.read()).quality is Quality.SUSPECT
    assert (await device.read()).energy_injected_wh == 5.0


async def test_a_counter_that_leaps_is_doubted() -> None:
    fake = FakeDevice()
    device = await battery(fake)
    fake.put("701.TotWhAbs", 954_321)
    reading = await device.read()
    assert reading.quality is Quality.SUSPECT
    assert reading.energy_absorbed_wh is None
    assert "grew by 300000" in reading.doubts[0]


@given(seed=st.integers(0, 2**32))
async def test_garbage_in_the_registers_is_never_good_and_never_breaks_anything(seed: int) -> None:
    """Headers stay, everything else of the measurement is arbitrary."""
    fake = FakeDevice()
    device = await battery(fake)
    chance = random.Random(seed)
    for model, registers in ((701, 155), (704, 67), (713, 9)):
        start = 2 * (fake.places[model] - fake.base) + 4
        fake.image[start : start + 2 * registers - 4] = chance.randbytes(2 * registers - 4)
    reading = await device.read()
    assert reading.quality is Quality.SUSPECT
    for quantity, high in (("power_w", 7_500.0), ("frequency_hz", 70.0), ("state_of_charge_pct", 100.0)):
        value = getattr(reading, quantity)
        assert value is None or abs(value) <= high
    assert isinstance(await device.command(1_000.0, 60.0), Confirmed | NotConfirmed)


@given(seed=st.integers(0, 2**32))
async def test_a_device_of_pure_garbage_gives_nothing_but_faults(seed: int) -> None:
    fake = FakeDevice()
    device = await battery(fake)
    fake.image = bytearray(random.Random(seed).randbytes(len(fake.image)))
    for call in (device.read, device.read_frequency, device.read_control, device.release):
        with pytest.raises(DeviceFault):
            await call()
    with pytest.raises(DeviceFault):
        await device.command(0.0, 60.0)


# Fast reads.


async def test_frequency_is_one_small_request() -> None:
    fake = FakeDevice(METER)
    device = await found(fake)
    fake.put("701.Hz", 59_500)
    measurement = await device.read_frequency()
    assert (measurement.value, measurement.at, measurement.quality) == (59.5, NOW, Quality.GOOD)
    assert fake.requests == [("read", fake.places[701], 19)]


async def test_power_is_one_small_request() -> None:
    fake = FakeDevice()
    device = await battery(fake)
    fake.put("701.W", -321)
    assert (await device.read_power()).value == -321.0
    assert fake.requests == [("read", fake.places[701], 11)]


@pytest.mark.parametrize(
    ("raw", "quality"),
    [
        (0, Quality.SUSPECT),
        (39_999, Quality.SUSPECT),
        (70_001, Quality.SUSPECT),
        (2**32 - 1, Quality.MISSING),
        (60_000, Quality.GOOD),
    ],
    ids=["zero", "too-low", "too-high", "not-implemented", "nominal"],
)
async def test_control_gets_only_a_frequency_that_a_grid_can_have(raw: int, quality: Quality) -> None:
    fake = FakeDevice(METER)
    device = await found(fake)
    fake.put("701.Hz", raw)
    assert (await device.read_frequency()).quality is quality


async def test_a_device_without_frequency_has_none() -> None:
    profile = PROFILES["sunspec-meter"]
    readings = type(profile.readings)(power_w=profile.readings.power_w)
    whole = {name: getattr(profile, name) for name in profile.__struct_fields__}
    device = await found(FakeDevice(METER), None, ProfileBook((Profile(**{**whole, "readings": readings}),)))
    assert (await device.read_frequency()).quality is Quality.MISSING


# Commands.


async def test_a_command_writes_value_timer_and_enable_in_this_order_and_reads_back() -> None:
    fake = FakeDevice()
    device = await battery(fake)
    assert await device.command(-2_000.4, 29.2) == Confirmed(-2_000.0, 30.0)
    points = ("704.WSetMod", "704.WSetEnaRvrt", "704.WSet", "704.WSetRvrtTms", "704.WSetEna")
    assert fake.writes == [fake.address(point) for point in points]
    assert [fake.get(point) for point in points] == [1, 0, -2_000, 30, 1]
    assert fake.requests[-1][0] == "read"


async def test_a_refreshed_command_leaves_the_settings_that_stay() -> None:
    fake = FakeDevice()
    device = await battery(fake)
    await device.command(1_000.0, 30.0)
    fake.requests.clear()
    await device.command(1_100.0, 30.0)
    assert fake.writes == [fake.address(p) for p in ("704.WSet", "704.WSetRvrtTms", "704.WSetEna")]
    fake.put("704.WSetEna", 0)
    await device.read()
    fake.requests.clear()
    await device.command(1_100.0, 30.0)
    assert len(fake.writes) == 5, "the device has reverted: everything is written again"


@pytest.mark.parametrize(
    ("models", "kind", "setpoint_w", "raw", "held_w"),
    [
        (PV, DerKind.PV, 1_250.0, 2_500, 1_250.0),
        (PV, DerKind.PV, 9_000.0, 10_000, 5_000.0),
        (PV, DerKind.PV, -100.0, 0, 0.0),
        (EVSE, DerKind.EVSE, -1_000.0, 2_500, -1_000.0),
        (EVSE, DerKind.EVSE, -99_000.0, 10_000, -4_000.0),
        (EVSE, DerKind.EVSE, 0.0, 0, 0.0),
    ],
    ids=[
        "pv-quarter", "pv-beyond-its-rating-is-no-limit", "pv-never-absorbs", "evse-quarter",
        "evse-beyond-its-rating-is-no-limit", "evse-pause",
    ],
)  # fmt: skip
async def test_a_limit_is_a_percentage_of_the_rating(
    models: Map, kind: DerKind, setpoint_w: float, raw: int, held_w: float
) -> None:
    fake = FakeDevice(models)
    device = await found(fake, kind)
    assert await device.command(setpoint_w, 60.0) == Confirmed(held_w, 60.0)
    assert fake.get("704.WMaxLimPct") == raw
    assert fake.get("704.WMaxLimPctEna") == 1


@pytest.mark.parametrize(
    ("setpoint_w", "revert_s", "reason"),
    [
        (5_001.0, 60.0, "outside the ratings -4000 .. 5000 W"),
        (-4_001.0, 60.0, "outside the ratings"),
        (0.0, 0.0, "positive time to revert"),
        (0.0, float("nan"), "positive time to revert"),
        (0.0, 1e6, "timer takes 1 .. 86400 s"),
    ],
    ids=["too-much-injection", "too-much-absorption", "no-timer", "nan-timer", "timer-too-long"],
)
async def test_a_command_beyond_the_device_is_refused_and_nothing_written(
    setpoint_w: float, revert_s: float, reason: str
) -> None:
    fake = FakeDevice()
    device = await battery(fake)
    result = await device.command(setpoint_w, revert_s)
    assert isinstance(result, NotConfirmed)
    assert reason in result.reason
    assert fake.writes == []


@pytest.mark.parametrize("setpoint_w", [float("nan"), float("inf")])
async def test_a_setpoint_that_is_no_number_is_a_programming_error(setpoint_w: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        await (await battery()).command(setpoint_w, 60.0)


async def test_a_meter_takes_no_commands() -> None:
    device = await found(FakeDevice(METER))
    for call in (device.read_control, device.release):
        with pytest.raises(ValueError, match="is a meter and takes no commands"):
            await call()


@pytest.mark.parametrize("point", ["704.WSet", "704.WSetRvrtTms", "704.WSetEna", "704.WSetMod"])
async def test_a_register_that_accepts_and_ignores_is_noticed(point: str) -> None:
    fake = FakeDevice()
    device = await battery(fake)
    fake.ignored = {fake.address(point)}
    result = await device.command(1_000.0, 60.0)
    assert isinstance(result, NotConfirmed)
    assert f"at {point} instead of" in result.reason


async def test_a_register_that_refuses_is_a_result() -> None:
    fake = FakeDevice()
    device = await battery(fake)

    def refuse(kind: str, _address: int) -> None:
        if kind == "write":
            raise RegisterRefused("fake:1 refuses this value")

    fake.gate = refuse
    assert await device.command(1_000.0, 60.0) == NotConfirmed("fake:1 refuses this value")


async def test_a_device_that_dies_while_it_is_commanded_is_a_fault_and_looked_at_before_the_next_write() -> (
    None
):
    fake = FakeDevice()
    device = await battery(fake)

    def die(kind: str, _address: int) -> None:
        if kind == "write":
            raise DeviceFault("fake:1 does not answer")

    fake.gate = die
    with pytest.raises(DeviceFault):
        await device.command(1_000.0, 60.0)
    fake.gate = lambda _kind, _address: None
    fake.put("704.WSet_SF", 1)
    fake.requests.clear()
    assert await device.command(1_000.0, 60.0) == Confirmed(1_000.0, 60.0)
    assert fake.requests[0][0] == "read"
    assert fake.get("704.WSet") == 100, "with the scale factor that the device has now"


async def test_the_first_look_after_a_restart_shows_an_orphaned_setpoint() -> None:
    fake = FakeDevice()
    for point, raw in (
        ("704.WSetEna", 1),
        ("704.WSet", -900),
        ("704.WSetRvrtTms", 60),
        ("704.WSetRvrtRem", 42),
    ):
        fake.put(point, raw)
    device = await battery(fake)
    control = await device.read_control()
    assert (control.enabled, control.setpoint_w) == (True, -900.0)
    assert (control.revert_s, control.revert_remaining_s) == (60.0, 42.0)
    assert fake.writes == []


async def test_release_disables_and_sees_it() -> None:
    fake = FakeDevice()
    device = await battery(fake)
    await device.command(1_000.0, 60.0)
    assert await device.release() == Confirmed(1_000.0, None)
    assert fake.get("704.WSetEna") == 0
    fake.put("704.WSetEna", 1)
    fake.ignored = {fake.address("704.WSetEna")}
    assert isinstance(await device.release(), NotConfirmed)


async def test_a_register_that_may_wear_out_is_written_within_its_budget() -> None:
    device_clock = clock()
    slow = Persistence(kind=PersistenceKind.UNKNOWN, write_interval_s_min=60.0)
    profiles = altered_battery(persistence=slow)
    device = await discover(FakeDevice(), UNIT, profiles, device_clock, kind=DerKind.BATTERY)
    assert isinstance(await device.command(100.0, 300.0), Confirmed)
    device_clock.advance(59.0)
    refused = await device.command(200.0, 300.0)
    assert isinstance(refused, NotConfirmed)
    assert "every 60 s only" in refused.reason
    assert isinstance(await device.release(), Confirmed), "a release is never held back"
    device_clock.advance(1.0)
    assert isinstance(await device.command(200.0, 300.0), Confirmed)


async def test_a_timer_that_does_not_work_is_not_promised() -> None:
    cosmetic = Reversion(kind=ReversionKind.COSMETIC)
    device = await battery(None, altered_battery(reversion=cosmetic, settle_ms=300.0))
    assert await device.command(100.0, 60.0) == Confirmed(100.0, None)


async def test_a_device_without_a_timer_is_commanded_without_one() -> None:
    fake = FakeDevice()
    profile = altered_battery(reversion=Reversion(kind=ReversionKind.ABSENT), timer=None, remaining=None)
    device = await battery(fake, profile)
    assert await device.command(100.0, 60.0) == Confirmed(100.0, None)
    assert fake.get("704.WSetRvrtTms") == 0


async def test_a_limit_of_an_unknown_rating_is_refused() -> None:
    models: Map = {1: COMMON, 701: MEASUREMENT, 702: {"W_SF": 0}, 704: PV[704]}
    device = await found(FakeDevice(models))
    result = await device.command(100.0, 60.0)
    assert isinstance(result, NotConfirmed)
    assert "does not tell the rating" in result.reason


# A map that moves.


async def test_a_shifted_map_is_noticed_by_every_kind_of_access_and_scanned_again() -> None:
    fake = FakeDevice()
    device = await battery(fake)
    fake.lay_out(BATTERY, gap=20)
    for call in (device.read, device.read_power, device.read_control):
        moved = await battery(FakeDevice())
        moved._endpoint, moved._lanes = device._endpoint, device._lanes
        with pytest.raises(DeviceFault, match="has changed its register map"):
            await getattr(moved, call.__name__)()
        assert (await moved.read()).power_w == 1_500.0
    with pytest.raises(DeviceFault, match="has changed its register map"):
        await device.read_frequency()
    assert await device.command(700.0, 60.0) == Confirmed(700.0, 60.0)
    assert fake.get("704.WSet") == 700


async def test_another_device_at_the_same_place_is_not_taken_for_the_commissioned_one() -> None:
    fake = FakeDevice()
    device = await battery(fake)
    fake.lay_out({**BATTERY, 1: {**COMMON, "SN": "0002"}}, gap=20)
    with pytest.raises(DeviceFault, match="has changed"):
        await device.read()
    with pytest.raises(DeviceFault, match="another device than Acme Box 0001; commission it anew"):
        await device.read()


async def test_ratings_may_be_silent_and_bounds_are_then_wide() -> None:
    models: Map = {**METER, 702: {**CAPACITY, "VNomRtg": 0xFFFF}}
    assert (await (await found(FakeDevice(models))).read()).quality is Quality.GOOD
