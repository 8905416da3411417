"""Piecewise-linear curves: flat outside, continuous at the corners, monotone where the corners are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.curve import Curve

CURVE = Curve(((0.9, 0.25), (1.0, 0.0), (1.0, 0.0), (1.1, -0.25)))


@pytest.mark.parametrize(
    ("x", "y"),
    [
        pytest.param(0.5, 0.25, id="flat-before-the-first-corner"),
        pytest.param(0.9, 0.25, id="the-first-corner"),
        pytest.param(0.95, 0.125, id="half-way-between-corners"),
        pytest.param(1.0, 0.0, id="a-doubled-corner"),
        pytest.param(1.1, -0.25, id="the-last-corner"),
        pytest.param(1.5, -0.25, id="flat-after-the-last-corner"),
    ],
)
def test_values(x: float, y: float) -> None:
    assert CURVE.at(x) == pytest.approx(y)


def test_one_corner_is_a_constant() -> None:
    assert Curve(((1.0, 0.3),)).at(0.0) == Curve(((1.0, 0.3),)).at(2.0) == 0.3


@pytest.mark.parametrize(
    ("corners", "text"),
    [
        pytest.param((), "at least one corner", id="no-corner"),
        pytest.param(((1.0, 0.0), (0.9, 0.0)), "0.9 stands after 1", id="corners-out-of-order"),
        pytest.param(((1.0, 0.0), (1.0, 0.4)), "may not jump", id="a-jump"),
    ],
)
def test_what_is_no_curve(corners: tuple[tuple[float, float], ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Curve(corners)


@st.composite
def falling(draw: st.DrawFn) -> Curve:
    """Corners of any standard-like falling curve, at least 0.01 pu apart."""
    xs = sorted(draw(st.lists(st.integers(77, 118), min_size=2, max_size=6, unique=True)))
    ys = sorted(draw(st.lists(st.floats(-1.0, 1.0), min_size=len(xs), max_size=len(xs))), reverse=True)
    return Curve(tuple((x / 100.0, y) for x, y in zip(xs, ys, strict=True)))


@given(falling(), st.floats(0.7, 1.25), st.floats(0.7, 1.25))
def test_a_falling_curve_never_rises_and_stays_within_its_corners(
    curve: Curve, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    ys = [y for _, y in curve.corners]
    assert curve.at(high) <= curve.at(low) + 1e-12
    assert min(ys) - 1e-12 <= curve.at(one) <= max(ys) + 1e-12


@given(falling())
def test_a_curve_is_continuous_at_every_corner(curve: Curve) -> None:
    for x, y in curve.corners:
        assert curve.at(x - 1e-9) == pytest.approx(y, abs=1e-6)
        assert curve.at(x + 1e-9) == pytest.approx(y, abs=1e-6)
