"""Trips (IEEE 1547-2018, 6.4.1 and 6.5.1): thresholds and clearing times in whole numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.trips import NAMES, QUIET, Category, TripElement, Trips, default_trips
from edge_agent.control.functions.whole import per_million
from vpp_core.units import millihertz

pytestmark = pytest.mark.req("IEEE 1547-2018 6.4.1")

DT_S = 0.02
SETTINGS = default_trips(Category.III)
NORMAL = (1.0, 60.0)


def trip_after_s(
    trips: Trips, samples: list[tuple[float, float]], dt_s: float = DT_S
) -> tuple[str, float] | None:
    """Which element trips first, and after how long."""
    timers = QUIET
    for number, (voltage_pu, frequency_hz) in enumerate(samples):
        timers, name = trips.advance(timers, per_million(voltage_pu), millihertz(frequency_hz), dt_s)
        if name is not None:
            return name, (number + 1) * dt_s
    return None


@pytest.mark.parametrize(
    ("sample", "name", "clearing_s"),
    [
        pytest.param((1.21, 60.0), "ov2", 0.16, id="severe-over-voltage"),
        pytest.param((1.12, 60.0), "ov1", 13.0, id="over-voltage"),
        pytest.param((0.86, 60.0), "uv1", 21.0, id="under-voltage"),
        pytest.param((0.45, 60.0), "uv2", 2.0, id="severe-under-voltage"),
        pytest.param((1.0, 62.1), "of2", 0.16, id="severe-over-frequency"),
        pytest.param((1.0, 61.3), "of1", 300.0, id="over-frequency"),
        pytest.param((1.0, 58.4), "uf1", 300.0, id="under-frequency"),
        pytest.param((1.0, 56.4), "uf2", 0.16, id="severe-under-frequency"),
    ],
)
def test_each_element_clears_in_its_time(sample: tuple[float, float], name: str, clearing_s: float) -> None:
    trips = Trips(SETTINGS)
    steps = round(clearing_s / DT_S)
    tripped = trip_after_s(trips, [sample] * steps)
    assert tripped is not None
    assert tripped[0] == name
    assert tripped[1] == pytest.approx(clearing_s)
    assert trip_after_s(trips, [sample] * (steps - 1) + [NORMAL] * steps) is None, "one sample short"
    assert trip_after_s(trips, [*[sample] * (steps - 1), NORMAL, *[sample] * (steps - 1)]) is None, (
        "it resets"
    )


@pytest.mark.parametrize("edge", [(1.1, 61.2), (0.88, 58.5)])
def test_a_value_on_its_threshold_does_not_trip(edge: tuple[float, float]) -> None:
    assert trip_after_s(Trips(SETTINGS), [edge] * 16_000) is None


def test_the_first_of_several_elements_is_named() -> None:
    both = (1.25, 62.5)
    tripped = trip_after_s(Trips(SETTINGS), [both] * 8)
    assert tripped is not None
    assert tripped[0] == "ov2"


@pytest.mark.parametrize(
    ("category", "uv1", "ov1_s"),
    [
        pytest.param(Category.I, TripElement(0.7, 2.0), 2.0, id="category-i"),
        pytest.param(Category.II, TripElement(0.7, 10.0), 2.0, id="category-ii"),
        pytest.param(Category.III, TripElement(0.88, 21.0), 13.0, id="category-iii"),
    ],
)
def test_defaults_of_the_categories(category: Category, uv1: TripElement, ov1_s: float) -> None:
    settings = default_trips(category)
    assert (settings.uv1, settings.ov1.clearing_s) == (uv1, ov1_s)


def test_frequencies_scale_with_nominal() -> None:
    settings = default_trips(Category.III, 50.0)
    assert settings.of1.threshold == pytest.approx(51.0)
    assert settings.uf1.threshold == pytest.approx(48.75)
    assert trip_after_s(Trips(settings), [(1.0, 51.0)] * 10) is None


@given(
    st.sampled_from(Category),
    st.lists(st.tuples(st.floats(0.0, 1.4), st.floats(54.0, 66.0)), max_size=50),
    st.floats(0.001, 60.0),
)
def test_no_timer_counts_within_its_threshold(
    category: Category, samples: list[tuple[float, float]], dt_s: float
) -> None:
    settings = default_trips(category)
    trips, timers = Trips(settings), QUIET
    for voltage_pu, frequency_hz in samples:
        timers, name = trips.advance(timers, per_million(voltage_pu), millihertz(frequency_hz), dt_s)
        counting = {element for element, timer_us in zip(NAMES, timers, strict=True) if timer_us}
        assert ("ov1" in counting) is (per_million(voltage_pu) > per_million(settings.ov1.threshold))
        assert ("uf1" in counting) is (millihertz(frequency_hz) < millihertz(settings.uf1.threshold))
        assert name is None or name in counting
