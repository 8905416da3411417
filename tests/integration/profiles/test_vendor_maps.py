"""Devices without SunSpec, as simulated ones have their makers' registers, under the agent's driver."""

import pytest

from edge_agent.devices.command import Confirmed, NotConfirmed
from edge_agent.devices.driver import Device
from tests.integration.profiles.bench import EVSE, Bench
from vpp_core.der import DerKind
from vpp_core.faults import ConfigurationFault, DeviceFault
from vpp_core.measurement import Quality

METER = {"kind": "meter", "map": "sdm630", "load_w": 3_000.0}
FULL_W = 10_929.6
"""A vehicle with 16 A on three phases, and what the cable costs."""
SETTLED_S = 8.0
BUDGET_S = 60.0


# A charging station by KEBA.


async def charging() -> tuple[Bench, Device]:
    bench = Bench(EVSE)
    return bench, await bench.driver()


async def test_keba_is_known_by_its_registers_and_read() -> None:
    bench, device = await charging()
    assert (device.profile.name, device.kind) == ("keba-p30", DerKind.EVSE)
    assert (device.map.manufacturer, device.map.version, device.map.serial) == (
        "KEBA",
        "3.10.60.0",
        "18416854",
    )
    assert device.nameplate.absorption_w_max == 3 * 230.0 * 32.0
    reading = await device.read()
    assert reading.quality is Quality.GOOD
    assert reading.power_w == pytest.approx(bench.power_w(), abs=1.0) == pytest.approx(-FULL_W, abs=1.0)
    assert reading.voltage_v == 230.0
    assert reading.control is not None
    assert not reading.control.enabled


async def test_keba_is_read_value_by_value_and_written_by_function_6() -> None:
    bench, device = await charging()
    bench.link.asked.clear()
    await device.read()
    await device.command(-6_900.0, 200.0)
    assert {count for function, _, count in bench.link.asked if function == 3} == {2}
    assert {function for function, _, _ in bench.link.asked} == {3, 6}


async def test_keba_takes_a_current_limit_and_gives_it_back() -> None:
    bench, device = await charging()
    assert await device.command(-6_900.0, 200.0) == Confirmed(-6_900.0, 200.0)
    bench.wait(SETTLED_S)
    assert -6_900.0 <= bench.power_w() <= -6_800.0
    assert (await device.read_control()).enabled
    assert isinstance(await device.release(), Confirmed)
    bench.wait(SETTLED_S)
    assert bench.power_w() == pytest.approx(-FULL_W, abs=1.0)
    assert not (await device.read_control()).enabled


async def test_keba_pauses_below_six_amperes_and_charges_again() -> None:
    bench, device = await charging()
    assert await device.command(0.0, 200.0) == Confirmed(0.0, None)
    bench.wait(SETTLED_S)
    assert bench.power_w() == 0.0
    held = await device.read_control()
    assert (held.enabled, held.setpoint_w) == (True, 0.0)
    assert isinstance(await device.release(), Confirmed)
    bench.wait(SETTLED_S)
    assert bench.power_w() == pytest.approx(-FULL_W, abs=1.0)


async def test_keba_falls_back_by_its_fail_safe_and_keeps_no_limit_after_a_release() -> None:
    bench, device = await charging()
    await device.command(-6_900.0, 30.0)
    bench.wait(29.0)
    assert (await device.read_control()).enabled
    bench.wait(1.0 + SETTLED_S)
    assert not (await device.read_control()).enabled
    assert bench.power_w() == pytest.approx(-FULL_W, abs=1.0)
    assert isinstance(await device.release(), Confirmed)
    bench.wait(SETTLED_S)
    assert bench.power_w() == pytest.approx(-FULL_W, abs=1.0), "the limit of before does not come back"


async def test_keba_is_refreshed_within_its_write_budget_and_changed_when_that_allows() -> None:
    bench, device = await charging()
    await device.command(-6_900.0, 30.0)
    for _ in range(4):
        bench.wait(10.0)
        bench.link.asked.clear()
        assert await device.command(-6_900.0, 30.0) == Confirmed(-6_900.0, 30.0)
        assert 5004 not in bench.link.writes, "the limit may lie in flash, and is there"
        assert 5018 in bench.link.writes, "the sign of life"
    refused = await device.command(-8_000.0, 30.0)
    assert isinstance(refused, NotConfirmed)
    assert "every 60 s only" in refused.reason
    bench.wait(BUDGET_S - 40.0)
    changed = await device.command(-8_000.0, 30.0)
    assert isinstance(changed, Confirmed)
    assert changed.setpoint_w == pytest.approx(-8_000.0, abs=1.0)


# A meter by Eastron.


async def test_the_meter_is_known_by_its_registers_and_read() -> None:
    bench = Bench(METER)
    device = await bench.driver()
    assert (device.profile.name, device.kind) == ("generic-modbus-meter-sdm630", DerKind.METER)
    bench.wait(3_600.0)
    reading = await device.read()
    assert reading.quality is Quality.GOOD
    assert (reading.power_w, reading.frequency_hz, reading.voltage_v) == (-3_000.0, 60.0, 230.0)
    assert reading.energy_absorbed_wh == pytest.approx(3_000.0, rel=0.01)
    bench.load_w(-1_500.0)
    bench.wait(1.0)
    assert (await device.read_power()).value == 1_500.0


async def test_the_meter_is_polled_in_one_request_of_function_4_and_frequency_is_a_small_one() -> None:
    bench = Bench(METER)
    device = await bench.driver()
    bench.link.asked.clear()
    await device.read()
    await device.read_frequency()
    assert bench.link.asked == [(4, 0, 76), (4, 70, 2)]


# Names, and devices that nobody knows.


async def test_a_profile_can_be_named() -> None:
    device = await Bench(METER).driver(profile="generic-modbus-meter-sdm630")
    assert device.kind is DerKind.METER


async def test_a_named_profile_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigurationFault, match="does not show what a device of profile keba-p30 shows"):
        await Bench(METER).driver(profile="keba-p30")
    with pytest.raises(ConfigurationFault, match="profile sunspec-meter does not fit it"):
        await Bench({"kind": "meter"}).driver(profile="sunspec-meter")


async def test_a_device_of_the_wrong_kind_is_not_taken_for_another() -> None:
    with pytest.raises(DeviceFault, match="is no SunSpec device"):
        await Bench(METER).driver(DerKind.EVSE)
