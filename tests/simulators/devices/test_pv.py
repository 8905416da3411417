"""A PV inverter: the measured profile times the rating, cut by limit and setpoint at the right moment."""

import pytest

from simulators.data.pv_profile import PvProfile
from simulators.devices.piece import Piece
from simulators.devices.pv import Pv, PvConfig

RISING = PvProfile([0.0, 1_000.0, 2_000.0], [0.0, 1.0, 1.0])


def inverter(limit_pct: float | None = None, config: PvConfig | None = None) -> Pv:
    pv = Pv(config or PvConfig(rated_w=4_000), RISING)
    if limit_pct is not None:
        pv.controls.write({"WMaxLimPct": limit_pct, "WMaxLimPctEna": 1.0}, 0.0)
    return pv


@pytest.mark.parametrize(
    ("limit_pct", "now_s", "piece"),
    [
        pytest.param(None, 0.0, Piece(1_000.0, 0.0, 4_000.0), id="follows-the-sun-to-the-next-sample"),
        pytest.param(None, 250.0, Piece(750.0, 1_000.0, 4_000.0), id="from-the-middle-too"),
        pytest.param(50.0, 0.0, Piece(500.0, 0.0, 2_000.0), id="up-to-the-moment-the-limit-is-met"),
        pytest.param(50.0, 600.0, Piece(400.0, 2_000.0, 2_000.0), id="then-on-the-limit"),
        pytest.param(100.0, 0.0, Piece(1_000.0, 0.0, 4_000.0), id="a-limit-of-100-percent-cuts-nothing"),
        pytest.param(0.0, 600.0, Piece(400.0, 0.0, 0.0), id="a-limit-of-0-percent-leaves-nothing"),
    ],
)
def test_power_is_a_line_up_to_the_next_corner(limit_pct: float | None, now_s: float, piece: Piece) -> None:
    assert inverter(limit_pct).next_piece(now_s) == pytest.approx(piece)


def test_it_leaves_the_limit_when_the_sun_falls_below() -> None:
    pv = Pv(PvConfig(rated_w=4_000), PvProfile([0.0, 1_000.0], [1.0, 0.0]))
    pv.controls.write({"WMaxLimPct": 25.0, "WMaxLimPctEna": 1.0}, 0.0)
    assert pv.next_piece(0.0) == pytest.approx(Piece(750.0, 1_000.0, 1_000.0))


def test_after_the_last_sample_it_is_dark_for_ever() -> None:
    assert inverter().next_piece(5_000.0) == Piece.hold(0.0)


def test_a_setpoint_is_a_cap_and_the_smaller_of_both_counts() -> None:
    pv = inverter(50.0)
    pv.controls.write({"WSet": 1_500.0, "WSetEna": 1.0}, 0.0)
    assert pv.next_piece(900.0).start_w == 1_500.0


def test_a_roof_yields_its_share_and_sees_the_clouds_later() -> None:
    pv = inverter(config=PvConfig(rated_w=4_000, yield_factor=0.9, delay_s=300.0))
    assert pv.available_w(800.0) == pytest.approx(0.9 * 2_000.0)


def test_it_never_injects_more_than_its_rating() -> None:
    pv = Pv(PvConfig(rated_w=4_000), PvProfile([0.0, 1_000.0], [1.2, 1.2]))
    assert pv.next_piece(0.0).start_w == 4_000.0
