"""Makers' profiles of SunSpec devices: the maker's name chooses them, and a simulated device obeys them.

What the makers' quirks say of real devices is not tried here.
"""

from typing import Any, NamedTuple

import pytest

from edge_agent.devices.command import Confirmed
from tests.integration.profiles.bench import BATTERY, PROFILES, PV, Bench
from vpp_core.der import DerKind
from vpp_core.measurement import Quality

SETTLED_S = 5.0


class Case(NamedTuple):
    profile: str
    maker: str
    kind: DerKind
    settings: dict[str, Any]
    revert_s: float | None
    """What a command of 60 s promises: nothing where the profile does not trust the timer."""


LEGACY_PV = {**PV, "models": "legacy"}
LEGACY_BATTERY = {**BATTERY, "models": "legacy"}
CASES = (
    Case("fronius-pv", "Fronius", DerKind.PV, LEGACY_PV, 60.0),
    Case("fronius-battery", "Fronius", DerKind.BATTERY, LEGACY_BATTERY, None),
    Case("kaco-pv", "KACO new energy", DerKind.PV, LEGACY_PV, 60.0),
    Case("sma-pv", "SMA", DerKind.PV, {**PV, "models": [1, 113, 120, 121, 122, 123]}, 60.0),
    Case("franklinwh-battery", "FranklinWH", DerKind.BATTERY, {**BATTERY, "base": 0}, None),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.profile)
async def test_a_makers_device_is_found_by_its_name_read_commanded_and_released(case: Case) -> None:
    bench = Bench(case.settings, identity={"manufacturer": case.maker})
    free_w = bench.power_w()
    device = await bench.driver(case.kind)
    assert device.profile.name == case.profile
    reading = await device.read()
    assert reading.quality is Quality.GOOD
    assert reading.power_w == pytest.approx(free_w, abs=1.0)
    assert await device.command(2_500.0, 60.0) == Confirmed(2_500.0, case.revert_s)
    bench.wait(SETTLED_S)
    assert bench.power_w() == pytest.approx(2_500.0, abs=10.0)
    assert isinstance(await device.release(), Confirmed)
    bench.wait(SETTLED_S)
    assert bench.power_w() == pytest.approx(free_w, abs=10.0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.profile)
async def test_another_makers_device_is_not_taken_for_it(case: Case) -> None:
    device = await Bench(case.settings).driver(case.kind)
    assert device.profile.name.startswith("generic-sunspec-")


async def test_franklinwh_gets_its_rest_between_writes() -> None:
    bench = Bench({**BATTERY, "base": 0}, identity={"manufacturer": "FranklinWH"})
    device = await bench.driver(DerKind.BATTERY)
    began_s, writes = bench.clock.monotonic_s(), len(bench.link.writes)
    await device.command(1_000.0, 60.0)
    rest_s = PROFILES["franklinwh-battery"].access.write_gap_ms_min / 1_000.0
    assert bench.clock.monotonic_s() - began_s >= rest_s * (len(bench.link.writes) - writes)


async def test_a_fronius_that_limits_its_injection_by_rating_tells_what_it_holds() -> None:
    bench = Bench(LEGACY_PV, identity={"manufacturer": "Fronius"})
    device = await bench.driver(DerKind.PV)
    await device.command(3_333.3, 60.0)
    held = await device.read_control()
    assert held.setpoint_w == pytest.approx(3_333.0, abs=1.0), "in the register's own steps"
    assert held.revert_s == 60.0
