"""What every telemetry store must do; a new store is added to ``STORES`` and passes as it is."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloud.telemetry.duckdb_store import DuckDbStore
from cloud.telemetry.store import EnergyStep, TelemetryStore, columns_of
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import Reading

NOON = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)
SITE = SiteId("site-00")
BATTERY, METER = DerId("site-00-battery"), DerId("site-00-meter")

STORES: list[Callable[[Path], TelemetryStore]] = [
    pytest.param(lambda _: DuckDbStore(None), id="DuckDB in memory"),  # type: ignore[list-item]
    pytest.param(lambda path: DuckDbStore(path / "telemetry.duckdb"), id="DuckDB in a file"),  # type: ignore[list-item]
]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TelemetryStore]:
    store = request.param(tmp_path)
    yield store
    store.close()


def _reading(
    offset_s: float,
    injected_wh: float | None = None,
    absorbed_wh: float | None = 0.0,
    *,
    der_id: DerId = BATTERY,
    quality: Quality = Quality.GOOD,
    power_w: float | None = None,
) -> Reading:
    return Reading(
        der_id=der_id,
        at=NOON + timedelta(seconds=offset_s),
        quality=quality,
        power_w=power_w,
        energy_injected_wh=injected_wh,
        energy_absorbed_wh=absorbed_wh,
    )


def _write(store: TelemetryStore, *readings: Reading) -> int:
    return store.write_batch(columns_of([(SITE, reading) for reading in readings]))


def _energy(store: TelemetryStore, duration_s: float = 1_800.0, step_s: float = 900.0) -> list[EnergyStep]:
    return store.energy([BATTERY], Interval.of(NOON, duration_s), step_s)[BATTERY]


def test_a_reading_comes_back_as_it_was_with_its_gaps(store: TelemetryStore) -> None:
    reading = Reading(
        der_id=BATTERY,
        at=NOON + timedelta(microseconds=1),
        quality=Quality.SUSPECT,
        power_w=-1_250.5,
        voltage_v=240.1,
    )
    _write(store, reading)
    assert store.series(BATTERY, Interval.of(NOON, 60.0)) == [reading]
    assert store.latest([BATTERY, METER]) == {BATTERY: reading}


def test_an_empty_batch_is_nothing(store: TelemetryStore) -> None:
    assert _write(store) == 0
    assert store.latest([BATTERY]) == {}
    assert store.latest([]) == {}


def test_a_reading_counts_once_however_often_it_arrives(store: TelemetryStore) -> None:
    first = _reading(0.0, power_w=1.0)
    assert _write(store, first, first) == 1
    assert _write(store, _reading(0.0, power_w=2.0), _reading(60.0, power_w=3.0)) == 1
    assert [reading.power_w for reading in store.series(BATTERY, Interval.of(NOON, 61.0))] == [1.0, 3.0]


def test_a_series_is_half_open_and_in_order(store: TelemetryStore) -> None:
    _write(store, _reading(60.0), _reading(0.0), _reading(120.0), _reading(30.0, der_id=METER))
    series = store.series(BATTERY, Interval.of(NOON, 120.0))
    assert [reading.at for reading in series] == [NOON, NOON + timedelta(seconds=60)]


def test_the_latest_is_the_newest_instant_not_the_last_arrival(store: TelemetryStore) -> None:
    _write(store, _reading(60.0, power_w=2.0))
    _write(store, _reading(0.0, power_w=1.0))
    assert store.latest([BATTERY])[BATTERY].power_w == 2.0


def test_energy_is_the_counters_difference_between_the_borders(store: TelemetryStore) -> None:
    _write(store, _reading(0.0, 100.0, 10.0), _reading(900.0, 350.0, 10.0), _reading(1_800.0, 350.0, 40.0))
    first, second = _energy(store)
    assert (first.injected_wh, first.absorbed_wh, first.quality) == (250.0, 0.0, Quality.GOOD)
    assert (second.injected_wh, second.absorbed_wh, second.quality) == (0.0, 30.0, Quality.GOOD)
    assert (first.net_wh, second.net_wh) == (250.0, -30.0)


def test_a_border_between_two_samples_is_interpolated(store: TelemetryStore) -> None:
    _write(store, *(_reading(offset_s, 2.0 * offset_s) for offset_s in (-30.0, 500.0, 1_100.0, 1_900.0)))
    assert [step.injected_wh for step in _energy(store)] == pytest.approx([1_800.0, 1_800.0])


@pytest.mark.parametrize(
    ("offsets_s", "expected"),
    [
        pytest.param([0, 900, 1_800], ["good", "good"], id="samples on the borders"),
        pytest.param([-450, 450, 1_350, 2_250], ["good", "good"], id="each pair within the longest gap"),
        pytest.param([0, 901, 1_801], ["estimated", "estimated"], id="one second too far across a border"),
        pytest.param([0, 60, 1_740, 1_800], ["estimated", "estimated"], id="a hole across both steps"),
        pytest.param([0, 900], ["good", "missing"], id="nothing after the step"),
        pytest.param([900, 1_800], ["missing", "good"], id="nothing before the step"),
        pytest.param([450], ["missing", "missing"], id="a single sample"),
        pytest.param([], ["missing", "missing"], id="no sample at all"),
        pytest.param([-3_600, 5_400], ["estimated", "estimated"], id="only samples far outside"),
        pytest.param([-2 * 86_400, 2 * 86_400], ["missing", "missing"], id="only samples days away"),
        pytest.param([-5_000, 0, 900, 1_800, 9_000], ["good", "good"], id="gaps outside do not count"),
    ],
)
def test_the_quality_of_a_step_says_what_spans_it(
    store: TelemetryStore, offsets_s: list[float], expected: list[str]
) -> None:
    _write(store, *(_reading(offset_s, 1_000_000.0 + offset_s) for offset_s in offsets_s))
    steps = _energy(store)
    assert [step.quality for step in steps] == expected
    for step in steps:
        assert step.injected_wh == (None if step.quality is Quality.MISSING else pytest.approx(900.0))
        assert (step.net_wh is None) == (step.quality is Quality.MISSING)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(_reading(450.0, 9e9, quality=Quality.SUSPECT), id="a suspect counter"),
        pytest.param(_reading(450.0, None), id="a reading without counters"),
        pytest.param(_reading(450.0, 9e9, der_id=METER), id="another device"),
    ],
)
def test_only_good_counters_of_the_device_count(store: TelemetryStore, bad: Reading) -> None:
    _write(store, _reading(0.0, 0.0), bad, _reading(900.0, 90.0), _reading(1_800.0, 180.0))
    assert [step.injected_wh for step in _energy(store)] == [90.0, 90.0]


def test_a_counter_that_runs_backwards_makes_its_step_unknown(store: TelemetryStore) -> None:
    _write(store, _reading(0.0, 500.0), _reading(450.0, 3.0), _reading(900.0, 10.0), _reading(1_800.0, 20.0))
    first, second = _energy(store)
    assert first.quality is Quality.MISSING
    assert second.injected_wh == 10.0


def test_every_device_asked_for_has_every_step(store: TelemetryStore) -> None:
    found = store.energy([METER, BATTERY, METER], Interval.of(NOON, 1_000.0), 900.0)
    assert list(found) == [BATTERY, METER]
    assert [step.interval.duration_s for step in found[METER]] == [900.0, 100.0]
    assert store.energy([], Interval.of(NOON, 900.0), 900.0) == {}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    increments_wh=st.lists(st.floats(0.0, 500.0), min_size=3, max_size=40),
    step_s=st.sampled_from([60.0, 300.0, 450.0, 900.0]),
)
def test_steps_add_up_to_the_counters_rise_whatever_the_step(
    increments_wh: list[float], step_s: float
) -> None:
    store = DuckDbStore(None)
    counter_wh = np.cumsum([0.0, *increments_wh])
    _write(store, *(_reading(60.0 * i, float(value)) for i, value in enumerate(counter_wh)))
    duration_s = 60.0 * len(increments_wh)
    steps = _energy(store, duration_s, step_s)
    assert all(step.quality is Quality.GOOD for step in steps)
    assert all(step.injected_wh is not None and step.injected_wh >= -1e-9 for step in steps)
    assert sum(step.injected_wh or 0.0 for step in steps) == pytest.approx(counter_wh[-1], abs=1e-6)
    store.close()
