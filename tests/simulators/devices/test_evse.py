"""A charging station: sessions come and go, the vehicle stops at its request, 6 A is the least."""

import pytest

from simulators.devices.evse import ChargingSession, Evse, EvseConfig
from simulators.devices.piece import Piece

MORNING = ChargingSession(arrival_s=1_000.0, departure_s=9_000.0, requested_wh=7_200.0)
EVENING = ChargingSession(arrival_s=20_000.0, departure_s=21_000.0, requested_wh=40_000.0)


def station(begins_s: float = 0.0) -> Evse:
    return Evse(EvseConfig(), (MORNING, EVENING), begins_s)


def run(evse: Evse, start_s: float, end_s: float) -> float:
    """Let time pass, and return the energy drawn (Wh, a magnitude)."""
    now_s, drawn_wh = start_s, 0.0
    while now_s < end_s:
        line = evse.next_piece(now_s)
        piece = line.over(min(max(line.duration_s, 1e-5), end_s - now_s))
        evse.follow(piece, now_s)
        drawn_wh -= piece.energy_wh
        now_s += piece.duration_s
    return drawn_wh


def test_without_a_vehicle_nothing_flows() -> None:
    evse = station()
    assert evse.session(999.0) is None
    assert evse.next_piece(0.0) == Piece.hold(0.0, 1_000.0)


def test_a_vehicle_charges_with_full_power_until_it_has_what_was_asked() -> None:
    evse = station()
    assert run(evse, 0.0, 2_800.0) == pytest.approx(3_600.0)
    assert evse.delivered_wh == pytest.approx(3_600.0)
    assert run(evse, 2_800.0, 8_999.0) == pytest.approx(3_600.0)
    assert evse.session(8_999.0) == MORNING


def test_a_vehicle_that_leaves_takes_what_it_has() -> None:
    evse = station()
    assert run(evse, 0.0, 25_000.0) == pytest.approx(7_200.0 + 2_000.0)
    assert evse.session(25_000.0) is None
    assert evse.delivered_wh == 0.0
    assert evse.next_piece(25_000.0) == Piece.hold(0.0)


@pytest.mark.parametrize(
    ("limit_pct", "power_w"),
    [
        pytest.param(100.0, -7_200.0, id="full-power"),
        pytest.param(50.0, -3_600.0, id="half-power"),
        pytest.param(20.0, -1_440.0, id="6-A-is-still-allowed"),
        pytest.param(19.9, 0.0, id="below-6-A-it-pauses"),
        pytest.param(0.0, 0.0, id="nothing"),
    ],
)
def test_a_limit_is_a_part_of_the_charging_rating(limit_pct: float, power_w: float) -> None:
    evse = station(1_000.0)
    evse.controls.write({"WMaxLimPct": limit_pct, "WMaxLimPctEna": 1.0}, 1_000.0)
    assert evse.next_piece(1_000.0).start_w == pytest.approx(power_w)


def test_a_setpoint_allows_so_much_and_the_smaller_one_counts() -> None:
    evse = station(1_000.0)
    evse.controls.write({"WSet": -3_000.0, "WSetEna": 1.0}, 1_000.0)
    assert evse.next_piece(1_000.0).start_w == -3_000.0
    evse.controls.write({"WMaxLimPct": 25.0, "WMaxLimPctEna": 1.0}, 1_000.0)
    assert evse.next_piece(1_000.0).start_w == -1_800.0


def test_a_pause_is_made_up_for_while_the_vehicle_stays() -> None:
    evse = station(1_000.0)
    evse.controls.write({"WMaxLimPct": 0.0, "WMaxLimPctEna": 1.0}, 1_000.0)
    assert run(evse, 1_000.0, 3_000.0) == 0.0
    evse.controls.write({"WMaxLimPctEna": 0.0}, 3_000.0)
    assert run(evse, 3_000.0, 9_000.0) == pytest.approx(7_200.0)


@pytest.mark.parametrize(
    ("begins_s", "delivered_wh"),
    [
        pytest.param(2_800.0, 3_600.0, id="half-done"),
        pytest.param(8_000.0, 7_200.0, id="done"),
        pytest.param(9_500.0, 0.0, id="gone"),
    ],
)
def test_a_vehicle_that_came_before_the_beginning_has_charged_since(
    begins_s: float, delivered_wh: float
) -> None:
    assert station(begins_s).delivered_wh == pytest.approx(delivered_wh)
