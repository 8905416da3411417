"""Looking ahead tells exactly what advancing finds, whatever happens meanwhile."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from simulators.devices.physics import BATTERY, METER
from simulators.fleet import make_fleet, make_site
from simulators.grid.bench import BenchGrid
from simulators.running.outlook import SitePowers
from vpp_core.clock import ManualClock

MORNING = datetime(2021, 8, 12, 13, tzinfo=UTC)
START_S = MORNING.timestamp()
HOMES = make_fleet(3, 4)


@settings(max_examples=60, deadline=None)
@given(
    happenings=some.lists(
        some.tuples(
            some.floats(0.0, 900.0),
            some.sampled_from(["nothing", "read", "setpoint", "timer", "limit", "release"]),
            some.integers(-3_500, 3_500),
        ),
        max_size=30,
    ),
    number=some.integers(0, 2),
)
def test_powers_are_those_of_a_twin_that_is_advanced_every_time(
    happenings: list[tuple[float, str, int]], number: int
) -> None:
    clock = ManualClock(MORNING)
    lazy, twin = (make_site(HOMES[number], clock, BenchGrid()) for _ in range(2))
    powers, now_s = SitePowers(lazy.physics), START_S
    for later_s, what, value_w in happenings:
        now_s += later_s
        for physics in (lazy.physics, twin.physics):
            if physics is twin.physics or what != "nothing":
                physics.advance(now_s)
            match what:
                case "setpoint":
                    physics.battery.controls.write({"WSet": value_w, "WSetEna": 1}, now_s)
                case "timer":
                    physics.battery.controls.write(
                        {"WSetEna": 1, "WSetRvrtTms": 30.0, "WSet": value_w}, now_s
                    )
                case "limit":
                    physics.pv.controls.write({"WMaxLimPctEna": 1, "WMaxLimPct": abs(value_w) / 35.0}, now_s)
                case "release":
                    physics.battery.controls.write({"WSetEna": 0}, now_s)
                case _:
                    pass
        seen = powers.at(now_s)
        assert seen.meter_w == pytest.approx(twin.physics.power_w(METER), abs=1e-6)
        assert seen.battery_w == pytest.approx(twin.physics.power_w(BATTERY), abs=1e-6)
    lazy.physics.advance(now_s)
    assert lazy.state_of_charge() == pytest.approx(twin.state_of_charge(), abs=1e-9)


def test_an_idle_home_is_moved_at_events_only() -> None:
    physics = make_site(HOMES[0], ManualClock(MORNING), BenchGrid()).physics
    powers = SitePowers(physics)
    moved_s: list[float] = []
    for tick in range(1, 6_001):
        powers.at(START_S + 0.05 * tick)
        if not moved_s or physics.now_s != moved_s[-1]:
            moved_s.append(physics.now_s)
    assert len(moved_s) <= 4


def test_an_order_at_the_very_moment_of_a_look_is_seen_at_the_next() -> None:
    physics = make_site(HOMES[0], ManualClock(MORNING), BenchGrid()).physics
    powers = SitePowers(physics)
    powers.at(START_S + 1.0)
    physics.battery.controls.write({"WSet": 3_000, "WSetEna": 1}, START_S + 1.0)
    assert powers.at(START_S + 1.1).battery_w == pytest.approx(1_000.0, abs=1.0)
    assert powers.at(START_S + 2.0).battery_w == pytest.approx(3_000.0)
