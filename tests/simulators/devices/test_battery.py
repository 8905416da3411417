"""A battery inverter: efficiency, window, ramp and standby, each against its closed formula."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.battery import Battery, BatteryConfig

LOSSLESS = BatteryConfig(charge_efficiency=1.0, discharge_efficiency=1.0, standby_w=0.0, ramp_w_per_s=1e9)


def run(battery: Battery, duration_s: float) -> float:
    """Let time pass, and return the net energy at the terminals (Wh)."""
    now_s, end_s, energy_wh = 0.0, duration_s, 0.0
    while end_s - now_s > 1e-9:
        line = battery.next_piece(now_s)
        piece = line.over(min(max(line.duration_s, 1e-5), end_s - now_s))
        battery.follow(piece, now_s)
        energy_wh += piece.energy_wh
        now_s += piece.duration_s
    return energy_wh


def set_w(battery: Battery, setpoint_w: float) -> None:
    battery.controls.write({"WSet": setpoint_w, "WSetEna": 1.0}, 0.0)


def test_without_a_setpoint_it_rests() -> None:
    battery = Battery(LOSSLESS)
    assert run(battery, 3_600.0) == 0.0
    assert battery.energy_wh == 6_750.0


def test_charging_stores_what_efficiency_leaves() -> None:
    battery = Battery(BatteryConfig(charge_efficiency=0.9, standby_w=0.0, ramp_w_per_s=1e9))
    set_w(battery, -2_000.0)
    assert run(battery, 3_600.0) == pytest.approx(-2_000.0)
    assert battery.energy_wh == pytest.approx(6_750.0 + 1_800.0)


def test_discharging_costs_more_than_it_gives() -> None:
    battery = Battery(BatteryConfig(discharge_efficiency=0.9, standby_w=0.0, ramp_w_per_s=1e9))
    set_w(battery, 1_800.0)
    assert run(battery, 3_600.0) == pytest.approx(1_800.0)
    assert battery.energy_wh == pytest.approx(6_750.0 - 2_000.0)


@pytest.mark.parametrize(
    ("after_s", "power_w"),
    [
        pytest.param(0.5, 500.0, id="half-a-second-up-the-ramp"),
        pytest.param(2.0, 2_000.0, id="at-the-setpoint"),
        pytest.param(60.0, 2_000.0, id="holding-it"),
    ],
)
def test_power_climbs_along_the_ramp(after_s: float, power_w: float) -> None:
    battery = Battery(BatteryConfig(ramp_w_per_s=1_000.0))
    set_w(battery, 2_000.0)
    run(battery, after_s)
    assert battery.power_w == pytest.approx(power_w)


def test_the_ramp_crosses_zero_without_a_kink() -> None:
    battery = Battery(BatteryConfig(ramp_w_per_s=1_000.0))
    set_w(battery, 2_000.0)
    run(battery, 10.0)
    set_w(battery, -2_000.0)
    run(battery, 3.0)
    assert battery.power_w == pytest.approx(-1_000.0)


def test_a_limit_bounds_both_directions() -> None:
    battery = Battery(LOSSLESS)
    battery.controls.write({"WMaxLimPct": 40.0, "WMaxLimPctEna": 1.0}, 0.0)
    for setpoint_w in (5_000.0, -5_000.0):
        set_w(battery, setpoint_w)
        run(battery, 1.0)
        assert abs(battery.power_w) == pytest.approx(2_000.0)


def test_a_full_battery_stops_charging_at_the_moment_it_is_full() -> None:
    """3,375 Wh are free; at 5 kW that is 2,430 s."""
    battery = Battery(replace(LOSSLESS, state_of_charge=0.75))
    set_w(battery, -5_000.0)
    assert run(battery, 2_400.0) == pytest.approx(-5_000.0 * 2_400.0 / 3_600.0)
    assert run(battery, 1_000.0) == pytest.approx(-5_000.0 * 30.0 / 3_600.0, abs=1e-3)
    assert battery.state_of_charge == pytest.approx(1.0)
    assert battery.power_w == 0.0


def test_an_empty_battery_gives_nothing_and_can_be_charged() -> None:
    battery = Battery(replace(LOSSLESS, state_of_charge=0.0))
    set_w(battery, 5_000.0)
    assert run(battery, 60.0) == 0.0
    set_w(battery, -3_600.0)
    assert run(battery, 100.0) == pytest.approx(-100.0)


def test_an_empty_battery_gives_again_once_half_a_percent_is_back() -> None:
    battery = Battery(replace(LOSSLESS, state_of_charge=0.0))
    set_w(battery, -3_600.0)
    run(battery, 60.0)
    set_w(battery, 3_600.0)
    assert run(battery, 10.0) == pytest.approx(0.0, abs=1e-4)
    set_w(battery, -3_600.0)
    run(battery, 60.0)
    set_w(battery, 3_600.0)
    assert run(battery, 10.0) == pytest.approx(10.0, abs=1e-3)


def test_it_empties_and_stops_while_ramping() -> None:
    """Up the ramp of 1 kW/s, 1.35 Wh last 3.118 s: the root of 2 * 1.35 * 3600 / 1000."""
    battery = Battery(replace(LOSSLESS, state_of_charge=1e-4, ramp_w_per_s=1_000.0))
    set_w(battery, 5_000.0)
    run(battery, 3.1)
    assert battery.power_w == pytest.approx(3_100.0)
    run(battery, 0.1)
    assert battery.power_w == 0.0
    assert battery.energy_wh == pytest.approx(0.0, abs=1e-3)


def test_standby_drains_the_cells_and_ends_with_them() -> None:
    battery = Battery(BatteryConfig(state_of_charge=0.01, standby_w=5.0))
    assert run(battery, 10 * 3_600.0) == 0.0
    assert battery.energy_wh == pytest.approx(135.0 - 50.0)
    run(battery, 48 * 3_600.0)
    assert battery.energy_wh == pytest.approx(0.0, abs=1e-3)
    assert battery.standby_wh == pytest.approx(135.0)


def test_a_full_battery_is_not_topped_up_for_every_drop() -> None:
    battery = Battery(BatteryConfig(state_of_charge=1.0))
    set_w(battery, -5_000.0)
    assert run(battery, 3_600.0) == 0.0
    assert run(battery, 24 * 3_600.0) == pytest.approx(-67.5 / 0.95, abs=0.2)


@given(
    st.lists(st.tuples(st.floats(-5_000.0, 5_000.0), st.floats(0.1, 7_200.0)), min_size=1, max_size=8),
    st.floats(0.0, 1.0),
    st.floats(100.0, 10_000.0),
)
def test_energy_balances_and_the_window_holds(
    steps: list[tuple[float, float]], state_of_charge: float, ramp_w_per_s: float
) -> None:
    config = BatteryConfig(
        charge_efficiency=0.9,
        discharge_efficiency=0.9,
        state_of_charge=state_of_charge,
        ramp_w_per_s=ramp_w_per_s,
    )
    battery, into_cells_wh = Battery(config), 0.0
    start_wh = battery.energy_wh
    for setpoint_w, duration_s in steps:
        set_w(battery, setpoint_w)
        now_s = 0.0
        while duration_s - now_s > 1e-9:
            line = battery.next_piece(now_s)
            piece = line.over(min(max(line.duration_s, 1e-5), duration_s - now_s))
            battery.follow(piece, now_s)
            into_cells_wh -= 0.9 * piece.energy_wh if piece.energy_wh < 0.0 else piece.energy_wh / 0.9
            now_s += piece.duration_s
            assert 0.0 <= battery.energy_wh <= config.energy_capacity_wh
            assert abs(battery.power_w) <= config.power_w_max
    assert battery.energy_wh - start_wh == pytest.approx(into_cells_wh - battery.standby_wh, abs=1e-2)


def test_an_empty_battery_that_is_charged_with_less_than_standby_comes_to_rest() -> None:
    battery = Battery(BatteryConfig(state_of_charge=1e-6))
    set_w(battery, -2.0)
    assert run(battery, 3_600.0) == pytest.approx(-2.0, rel=1e-3)
