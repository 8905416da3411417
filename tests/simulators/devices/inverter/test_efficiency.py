"""Efficiency by load, in both directions, against the figures of its own table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.inverter.efficiency import CELLS, INVERTER, TRACKER, EfficiencyCurve, Stage

RATED_W = 10_000.0


@pytest.mark.parametrize(("load", "efficiency"), INVERTER.points)
def test_at_a_corner_it_is_the_figure_of_the_table(load: float, efficiency: float) -> None:
    stage = Stage(INVERTER, RATED_W)
    assert stage.drawn_w(load * RATED_W) == pytest.approx(load * RATED_W / efficiency)
    assert stage.drawn_w(-load * RATED_W) == pytest.approx(-load * RATED_W * efficiency)


def test_backwards_may_have_corners_of_its_own() -> None:
    stage = Stage(EfficiencyCurve(points=((1.0, 0.9),), backwards=((1.0, 0.8),)), RATED_W)
    assert stage.drawn_w(9_000.0) == pytest.approx(10_000.0)
    assert stage.drawn_w(-10_000.0) == pytest.approx(-8_000.0)


def test_at_little_load_the_idle_loss_outweighs_what_is_delivered() -> None:
    stage = Stage(INVERTER, RATED_W)
    assert stage.drawn_w(0.0) == pytest.approx(30.0)
    assert 10.0 / stage.drawn_w(10.0) < 0.3


@pytest.mark.parametrize("curve", [INVERTER, TRACKER, CELLS], ids=["inverter", "tracker", "cells"])
@given(delivered_w=st.floats(-1.2 * RATED_W, 1.2 * RATED_W))
def test_a_stage_loses_and_can_be_told_backwards(curve: EfficiencyCurve, delivered_w: float) -> None:
    stage = Stage(curve, RATED_W)
    drawn_w = stage.drawn_w(delivered_w)
    assert drawn_w >= delivered_w - 1e-9
    assert stage.delivered_w(drawn_w) == pytest.approx(delivered_w, abs=1e-6)


@pytest.mark.parametrize(
    ("points", "idle_pu", "says"),
    [
        pytest.param(((0.5, 1.01),), 0.0, "efficiency 1.01", id="more-than-all-of-it"),
        pytest.param(((0.5, 0.0),), 0.0, "efficiency 0", id="none-of-it"),
        pytest.param(((0.5, float("nan")),), 0.0, "efficiency nan", id="not-a-number"),
        pytest.param((), 0.0, "at least one corner", id="no-corner"),
        pytest.param(((0.5, 0.9), (0.2, 0.9)), 0.0, "do not ascend", id="loads-fall"),
        pytest.param(((0.0, 0.9),), 0.0, "load of 0", id="at-no-load"),
        pytest.param(((0.5, 0.9),), -0.1, "idle_pu", id="idle-gain"),
        pytest.param(((0.5, 0.9), (0.6, 0.5)), 0.0, "backwards", id="more-load-less-drawn"),
    ],
)
def test_a_curve_that_no_machine_has_is_refused(
    points: tuple[tuple[float, float], ...], idle_pu: float, says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        EfficiencyCurve(points=points, idle_pu=idle_pu)
