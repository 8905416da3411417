"""The older SunSpec models, as a simulated inverter has them, under the agent's driver."""

import pytest

from edge_agent.commissioning import commission
from edge_agent.devices.command import Confirmed, NotConfirmed
from edge_agent.devices.driver import discover
from edge_agent.devices.link import LinkSettings
from edge_agent.devices.modbus import ModbusLink
from simulators.bench.device import BenchDevice
from simulators.bench.settings import load
from tests.integration.profiles.bench import BATTERY, PROFILES, PV, RATING_W, Bench
from vpp_core.clock import SystemClock
from vpp_core.der import DerKind
from vpp_core.measurement import Quality

SUN_W = 7_668.0
"""What is left of 8 kW on the way through the inverter."""
SETTLED_S = 5.0
KINDS = {
    "integers": {"models": "legacy"},
    "floats": {"models": [1, 113, 120, 121, 122, 123]},
    "one-phase": {
        "models": [1, 101, 120, 121, 122, 123],
        "inverter": {**PV["inverter"], "nameplate": {**PV["inverter"]["nameplate"], "phases": 1}},
    },
}


@pytest.mark.parametrize("settings", KINDS.values(), ids=KINDS)
async def test_pv_is_found_read_limited_and_released(settings: dict[str, object]) -> None:
    bench = Bench(PV, **settings)
    device = await bench.driver()
    assert device.profile.name == "generic-sunspec-1xx-pv"
    assert device.nameplate.injection_w_max == RATING_W
    reading = await device.read()
    assert reading.quality is Quality.GOOD
    assert reading.power_w == pytest.approx(bench.power_w(), abs=1.0) == pytest.approx(SUN_W, abs=1.0)
    assert reading.frequency_hz == pytest.approx(60.0, abs=0.01)

    assert await device.command(3_000.0, 60.0) == Confirmed(3_000.0, 60.0)
    bench.wait(SETTLED_S)
    assert bench.power_w() == pytest.approx(3_000.0, abs=10.0)
    assert (await device.read_power()).value == pytest.approx(3_000.0, abs=10.0)
    assert isinstance(await device.release(), Confirmed)
    bench.wait(SETTLED_S)
    assert bench.power_w() == pytest.approx(SUN_W, abs=1.0)


async def test_pv_writes_value_then_timer_then_enable() -> None:
    bench = Bench(PV, models="legacy")
    device = await bench.driver()
    before = len(bench.link.writes)
    await device.command(5_000.0, 30.0)
    limit, timer, enable = bench.link.writes[before:]
    assert (timer - limit, enable - limit) == (2, 4), "places within model 123"


@pytest.mark.parametrize("settings", [PV, BATTERY], ids=["123", "124"])
async def test_a_command_ends_by_the_devices_own_timer(settings: dict[str, object]) -> None:
    bench = Bench(settings, models="legacy")
    free_w = bench.power_w()
    device = await bench.driver()
    assert isinstance(await device.command(2_000.0, 20.0), Confirmed)
    bench.wait(19.0)
    assert (await device.read_control()).enabled
    assert bench.power_w() == pytest.approx(2_000.0, abs=10.0)
    bench.wait(1.0 + SETTLED_S)
    assert not (await device.read_control()).enabled
    assert bench.power_w() == pytest.approx(free_w, abs=10.0)


async def test_a_refreshed_command_outlasts_the_timer() -> None:
    bench = Bench(BATTERY, models="legacy")
    device = await bench.driver()
    for _ in range(6):
        assert isinstance(await device.command(-3_000.0, 15.0), Confirmed)
        bench.wait(10.0)
    assert bench.power_w() == pytest.approx(-3_000.0, abs=10.0)


@pytest.mark.parametrize("setpoint_w", [4_000.0, -5_000.0, 0.0, RATING_W, -RATING_W])
async def test_two_limits_of_model_124_are_a_setpoint(setpoint_w: float) -> None:
    bench = Bench(BATTERY, models="legacy")
    device = await bench.driver()
    assert device.profile.name == "generic-sunspec-1xx-battery"
    reading = await device.read()
    assert (reading.state_of_charge_pct, reading.energy_capacity_wh) == (50.0, 20_000.0)
    assert await device.command(setpoint_w, 60.0) == Confirmed(setpoint_w, 60.0)
    bench.wait(SETTLED_S)
    assert bench.power_w() == pytest.approx(setpoint_w, abs=20.0)
    assert isinstance(await device.release(), Confirmed)
    bench.wait(SETTLED_S)
    assert bench.power_w() == pytest.approx(0.0, abs=1.0)


async def test_a_setpoint_beyond_the_ratings_is_refused_and_nothing_written() -> None:
    bench = Bench(BATTERY, models="legacy")
    device = await bench.driver()
    before = len(bench.link.writes)
    refused = await device.command(RATING_W + 1.0, 60.0)
    assert isinstance(refused, NotConfirmed)
    assert "outside the ratings" in refused.reason
    assert bench.link.writes[before:] == []


async def test_somebody_elses_half_of_model_124_is_seen() -> None:
    bench = Bench(BATTERY, models="legacy")
    device = await bench.driver()
    at = device._control.address("124.StorCtl_Mod")
    await bench.link.write(bench.unit, at, b"\x00\x01")
    assert (await device.read_control()).enabled


async def test_an_inverter_with_both_generations_is_driven_by_the_newer_one() -> None:
    device = await Bench(BATTERY, models="both").driver(DerKind.BATTERY)
    assert device.profile.name == "generic-sunspec-7xx-battery"


@pytest.mark.parametrize("settings", [PV, BATTERY], ids=["123", "124"])
async def test_commissioning_passes(settings: dict[str, object]) -> None:
    bench = Bench(settings, models="legacy")
    checks = await commission({"device": await bench.driver()}, bench.clock)
    assert {check.name: check.passed for check in checks} == {
        f"device: {name}": True for name in ("identity", "measurement", "ratings", "control", "reversion")
    }


@pytest.mark.parametrize("model", [203, 213])
async def test_a_meter_of_the_older_models_is_read_in_our_sign(model: int) -> None:
    bench = Bench({"kind": "meter", "models": [1, model], "load_w": 3_000.0})
    device = await bench.driver()
    assert (device.profile.name, device.kind) == ("sunspec-meter-2xx", DerKind.METER)
    bench.wait(3_600.0)
    reading = await device.read()
    assert reading.quality is Quality.GOOD
    assert reading.power_w == pytest.approx(-3_000.0)
    assert reading.frequency_hz == pytest.approx(60.0, abs=0.01)
    assert reading.energy_absorbed_wh == pytest.approx(3_000.0, rel=0.01)
    bench.load_w(-1_500.0)
    bench.wait(1.0)
    assert (await device.read_power()).value == pytest.approx(1_500.0)


@pytest.mark.parametrize("settings", [PV, BATTERY], ids=["123", "124"])
async def test_the_same_over_a_socket(settings: dict[str, object]) -> None:
    clock = SystemClock()
    bench = BenchDevice(load(None, {**settings, "models": "legacy"}), clock)
    async with bench.listening() as reached:
        link = ModbusLink(LinkSettings(host="127.0.0.1", port=reached.port))
        try:
            device = await discover(link, 1, PROFILES, clock)
            assert await device.command(1_000.0, 60.0) == Confirmed(1_000.0, 60.0)
            held = await device.read_control()
            assert (held.enabled, held.setpoint_w) == (True, 1_000.0)
            assert isinstance(await device.release(), Confirmed)
            assert not (await device.read_control()).enabled
        finally:
            await link.close()
