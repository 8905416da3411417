"""Accuracy of a portfolio, worked by hand."""

import pytest

from cloud.chain.records import ForecastSeries
from cloud.forecasting.accuracy import Measured, accuracy, expected_w


def series(mean: list[float], persistence: list[float], band: float = 100.0) -> ForecastSeries:
    return ForecastSeries(
        q10_w=tuple(value - band for value in mean),
        q50_w=tuple(value + 1.0 for value in mean),
        q90_w=tuple(value + band for value in mean),
        persistence_w=tuple(persistence),
        mean_w=tuple(mean),
    )


def test_errors_of_members_cancel_in_the_portfolio() -> None:
    members = [
        Measured(series([1_000.0, 2_000.0], [0.0, 0.0]), [1_500.0, 2_000.0]),
        Measured(series([3_000.0, 1_000.0], [0.0, 0.0]), [2_500.0, 2_000.0]),
    ]
    found = accuracy(members)
    assert found is not None
    assert found.steps == 2
    assert found.mae_mw == pytest.approx(0.0005)  # |0| and |-1000| W
    assert found.bias_mw == pytest.approx(-0.0005)
    assert found.nmae == pytest.approx(1_000.0 / 8_000.0)
    assert found.ratio_to_persistence == pytest.approx(1_000.0 / 8_000.0)
    assert found.coverage == pytest.approx(0.25)


def test_a_step_that_one_member_misses_is_left_out() -> None:
    members = [
        Measured(series([1_000.0, 1_000.0], [0.0, 0.0]), [1_000.0, None]),
        Measured(series([1_000.0, 1_000.0], [0.0, 0.0]), [1_000.0, 9_000.0]),
    ]
    found = accuracy(members)
    assert found is not None
    assert (found.steps, found.mae_mw) == (1, 0.0)


def test_consumption_counts_like_generation() -> None:
    found = accuracy([Measured(series([-1_000.0], [-500.0]), [-1_200.0])])
    assert found is not None
    assert found.nmae == pytest.approx(200.0 / 1_200.0)
    assert found.bias_mw == pytest.approx(0.0002)


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([], id="no members"),
        pytest.param([Measured(series([1.0], [1.0]), [None])], id="nothing measured"),
    ],
)
def test_nothing_measured_has_no_accuracy(members: list[Measured]) -> None:
    assert accuracy(members) is None


def test_ratios_without_a_base_are_none() -> None:
    found = accuracy([Measured(series([0.0], [0.0]), [0.0])])
    assert found is not None
    assert (found.nmae, found.ratio_to_persistence) == (None, None)


def test_a_series_without_means_is_added_up_by_medians() -> None:
    bare = ForecastSeries(q10_w=(0.0,), q50_w=(5.0,), q90_w=(9.0,), persistence_w=(0.0,))
    assert expected_w(bare) == (5.0,)
