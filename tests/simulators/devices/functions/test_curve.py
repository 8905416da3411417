"""Curves: through their corners, straight between them, flat outside."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.functions.curve import Curve

DEFAULT = ((0.92, 0.44), (0.98, 0.0), (1.02, 0.0), (1.08, -0.44))
CORNERS = st.lists(
    st.tuples(st.integers(0, 2_000), st.integers(-1_000, 1_000)),
    min_size=1,
    max_size=10,
    unique_by=lambda corner: corner[0],
).map(lambda corners: tuple((x / 1_000, y / 1_000) for x, y in sorted(corners)))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        pytest.param(0.5, 0.44, id="flat-below-the-first-corner"),
        pytest.param(0.92, 0.44, id="first-corner"),
        pytest.param(0.95, 0.22, id="half-way-down"),
        pytest.param(0.98, 0.0, id="second-corner"),
        pytest.param(1.0, 0.0, id="dead-band"),
        pytest.param(1.05, -0.22, id="half-way-on"),
        pytest.param(1.3, -0.44, id="flat-above-the-last-corner"),
    ],
)
def test_the_default_volt_var_curve(at: float, expected: float) -> None:
    assert Curve(DEFAULT).at(at) == pytest.approx(expected, abs=1e-12)


def test_one_corner_is_a_constant() -> None:
    assert {Curve(((1.0, 0.3),)).at(x) for x in (0.0, 1.0, 2.0)} == {0.3}


def test_of_two_corners_above_one_another_the_later_holds() -> None:
    step = Curve(((1.0, 1.0), (1.1, 1.0), (1.1, 0.0)))
    assert (step.at(1.0999), step.at(1.1), step.at(1.2)) == (1.0, 0.0, 0.0)


@given(CORNERS)
def test_it_goes_through_every_corner_and_is_continuous_there(
    corners: tuple[tuple[float, float], ...],
) -> None:
    curve = Curve(corners)
    for x, y in corners:
        assert curve.at(x) == pytest.approx(y, abs=1e-9)
        assert curve.at(x - 1e-9) == pytest.approx(y, abs=1e-5)
        assert curve.at(x + 1e-9) == pytest.approx(y, abs=1e-5)


@given(CORNERS, st.floats(-1.0, 3.0))
def test_it_stays_within_its_corners(corners: tuple[tuple[float, float], ...], at: float) -> None:
    values = [y for _, y in corners]
    assert min(values) - 1e-9 <= Curve(corners).at(at) <= max(values) + 1e-9
