"""Commissioning against the simulated site: on its real server, on a clock that stands still."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from edge_agent.commissioning import commission
from edge_agent.commissioning.step_test import step_test
from edge_agent.devices.command import Confirmed
from edge_agent.devices.driver import Device, discover
from edge_agent.devices.link import LinkSettings
from edge_agent.devices.modbus import ModbusLink
from firmware_profiles import load_profiles
from simulators.devices.battery import BatteryConfig
from simulators.devices.evse import ChargingSession, EvseConfig
from simulators.devices.site import UNITS, SimulatedSite, SiteConfig
from vpp_core.clock import ManualClock
from vpp_core.der import DerKind
from vpp_core.faults import DeviceFault
from vpp_core.measurement import Quality
from vpp_core.messages import CommissioningCheck

pytestmark = pytest.mark.integration

NOON = datetime(2021, 8, 12, 17, tzinfo=UTC)


class Grid:
    def frequency_hz(self, at_s: float) -> float:
        del at_s
        return 59.98

    def voltage_v(self, at_s: float) -> float:
        del at_s
        return 241.5


class House:
    """700 W, always."""

    def power_w(self, at_s: float) -> float:
        del at_s
        return 700.0

    def next_knot_s(self, at_s: float) -> float:
        return at_s + 900.0


class Sun:
    """Half of the PV rating, always."""

    def power_pu(self, at_s: float) -> float:
        del at_s
        return 0.5

    def next_sample_s(self, at_s: float) -> float:
        return at_s + 300.0


class Rig:
    """One simulated site, its port and the devices as the edge agent sees them."""

    def __init__(self, *, reversion_works: bool = True, vehicle: bool = True, charge: float = 0.5) -> None:
        self.clock = ManualClock(NOON)
        noon_s = NOON.timestamp()
        session = ChargingSession(arrival_s=noon_s - 60, departure_s=noon_s + 36_000, requested_wh=20_000)
        config = SiteConfig(
            site_id="S1",
            battery=BatteryConfig(reversion_works=reversion_works, state_of_charge=charge),
            evse=EvseConfig(reversion_works=reversion_works),
            sessions=(session,) if vehicle else (),
        )
        self.site = SimulatedSite(config, self.clock, Grid(), House(), Sun())
        self._links: list[ModbusLink] = []
        self._port = 0

    async def start(self) -> None:
        self._port = await self.site.start(port=self._port)

    async def stop(self) -> None:
        for link in self._links:
            await link.close()
        await self.site.stop()

    async def device(self, kind: DerKind) -> Device:
        link = ModbusLink(LinkSettings(host="127.0.0.1", port=self._port, timeout_s=5.0, reconnect_s_max=0.0))
        self._links.append(link)
        return await discover(link, UNITS[kind.value], load_profiles(), self.clock, kind=kind)

    async def devices(self) -> dict[str, Device]:
        return {kind.value: await self.device(kind) for kind in DerKind}


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    rig = Rig()
    await rig.start()
    yield rig
    await rig.stop()


@pytest.fixture
async def stubborn() -> AsyncIterator[Rig]:
    """Timers count down and nothing happens; no vehicle; an almost empty battery."""
    rig = Rig(reversion_works=False, vehicle=False, charge=0.2)
    await rig.start()
    yield rig
    await rig.stop()


def failed(checks: tuple[CommissioningCheck, ...]) -> dict[str, str]:
    return {check.name: check.detail for check in checks if not check.passed}


async def test_a_sound_site_passes_every_check_and_is_left_as_it_was(rig: Rig) -> None:
    devices = await rig.devices()
    checks = await commission(devices, rig.clock)
    assert failed(checks) == {}
    names = {check.name for check in checks}
    for kind in ("battery", "pv", "evse"):
        parts = ("identity", "measurement", "ratings", "control", "reversion")
        assert {f"{kind}: {part}" for part in parts} <= names
        assert not (await devices[kind].read_control()).enabled
    assert {"meter: identity", "meter: measurement"} <= names


async def test_the_checks_of_two_runs_say_the_same(rig: Rig) -> None:
    devices = {"battery": await rig.device(DerKind.BATTERY)}
    assert await commission(devices, rig.clock) == await commission(devices, rig.clock)


async def test_the_timer_of_the_check_can_be_longer(rig: Rig) -> None:
    devices = {"pv": await rig.device(DerKind.PV)}
    before_s = rig.clock.monotonic_s()
    assert failed(await commission(devices, rig.clock, timer_s=600.0)) == {}
    assert rig.clock.monotonic_s() - before_s == pytest.approx(600.0, abs=1.0)


async def test_a_timer_that_is_only_for_show_is_found_out_and_the_device_released(stubborn: Rig) -> None:
    devices = await stubborn.devices()
    faults = failed(await commission(devices, stubborn.clock))
    assert set(faults) == {"battery: reversion", "evse: reversion"}
    assert "still holds the setpoint" in faults["battery: reversion"]
    assert not (await devices["battery"].read_control()).enabled


async def test_a_device_in_foreign_hands_is_not_touched(rig: Rig) -> None:
    battery = await rig.device(DerKind.BATTERY)
    await battery.command(-1_200.0, 600.0)
    faults = failed(await commission({"battery": battery}, rig.clock))
    assert "somebody else holds the device at -1200 W" in faults["battery: control"]
    control = await battery.read_control()
    assert (control.enabled, control.setpoint_w) == (True, -1_200.0)


async def test_a_device_that_does_not_answer_fails_its_check_and_the_others_go_on(rig: Rig) -> None:
    devices = await rig.devices()
    devices["pv"].unit = 99
    faults = failed(await commission(devices, rig.clock))
    assert list(faults) == ["pv: communication"]
    assert "unit 99" in faults["pv: communication"]


# The installer's step test.


@pytest.mark.parametrize("kind", [DerKind.BATTERY, DerKind.PV, DerKind.EVSE])
async def test_a_sound_device_follows_a_step_and_reverts_on_time(rig: Rig, kind: DerKind) -> None:
    device = await rig.device(kind)
    checks = await step_test(device, rig.clock, timer_s=10.0)
    assert failed(checks) == {}
    assert [check.name for check in checks] == ["response time", "sign", "step", "reversion"]
    assert not (await device.read_control()).enabled


async def test_a_low_battery_is_stepped_by_charging(stubborn: Rig) -> None:
    battery = await stubborn.device(DerKind.BATTERY)
    checks = {check.name: check for check in await step_test(battery, stubborn.clock, timer_s=10.0)}
    assert "-1000 W were commanded" in checks["sign"].detail
    assert not checks["reversion"].passed
    assert "do not trust its timer" in checks["reversion"].detail
    assert not (await battery.read_control()).enabled


async def test_without_a_vehicle_there_is_nothing_to_step(stubborn: Rig) -> None:
    checks = await step_test(await stubborn.device(DerKind.EVSE), stubborn.clock, timer_s=10.0)
    assert "nothing to limit" in failed(checks)["step"]


async def test_a_held_device_is_not_stepped(rig: Rig) -> None:
    battery = await rig.device(DerKind.BATTERY)
    await battery.command(500.0, 600.0)
    assert "somebody else" in failed(await step_test(battery, rig.clock, timer_s=10.0))["step"]


async def test_a_timer_that_the_device_cannot_count_is_refused(rig: Rig) -> None:
    battery = await rig.device(DerKind.BATTERY)
    assert "positive time" in failed(await step_test(battery, rig.clock, timer_s=0.0))["step"]


# The driver against the simulated devices, which share no code with it.


async def test_signs_units_and_energy_agree_with_the_simulated_truth(rig: Rig) -> None:
    meter, battery = await rig.device(DerKind.METER), await rig.device(DerKind.BATTERY)
    assert await battery.command(2_000.0, 3_600.0) == Confirmed(2_000.0, 3_600.0)
    rig.clock.advance(1_800.0)
    reading = await battery.read()
    assert reading.quality is Quality.GOOD
    assert reading.power_w == 2_000.0
    assert reading.energy_injected_wh == pytest.approx(1_000.0, abs=1.0)
    assert reading.state_of_charge_pct == pytest.approx(100 * rig.site.state_of_charge(), abs=0.01)
    site = await meter.read()
    assert site.power_w == pytest.approx(rig.site.power_w("meter"), abs=0.5)
    assert (await meter.read_frequency()).value == 59.98
    assert site.voltage_v == pytest.approx(241.5, abs=0.1)


async def test_a_setpoint_that_nobody_refreshes_reverts(rig: Rig) -> None:
    battery = await rig.device(DerKind.BATTERY)
    await battery.command(-1_000.0, 30.0)
    rig.clock.advance(20.0)
    await battery.command(-1_000.0, 30.0)
    rig.clock.advance(20.0)
    control = await battery.read_control()
    assert (control.enabled, control.revert_remaining_s) == (True, 10.0)
    rig.clock.advance(11.0)
    reading = await battery.read()
    assert reading.control is not None
    assert not reading.control.enabled
    assert reading.power_w == 0.0


async def test_a_device_that_restarts_is_read_again(rig: Rig) -> None:
    battery = await rig.device(DerKind.BATTERY)
    await rig.site.stop()
    with pytest.raises(DeviceFault):
        await battery.read()
    await rig.start()
    assert (await battery.read()).quality is Quality.GOOD
    assert isinstance(await battery.command(100.0, 60.0), Confirmed)
