"""The machine: hysteresis, minimum times, bounds of power, and an occupant who has had enough."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.thermostat.house import House, ImpossibleHouse, Weather
from simulators.thermostat.hvac import Hvac, HvacConfig, HvacReadings, Mode
from simulators.thermostat.orders import NO_ORDER, Cap, CapKind, Order

HOUR_S = 3_600.0
HOT = Weather(mean_c=34.0, swing_c=0.0, sun_w_max=0.0, people_w=1_500.0)
COLD = Weather(mean_c=-5.0, swing_c=0.0, sun_w_max=0.0)
EVENT_S = 6.0 * HOUR_S
"""When events begin in these tests."""


def machine(order: Order = NO_ORDER, *, weather: Weather = HOT, **config: object) -> Hvac:
    """A machine that gets one order from ``EVENT_S`` on."""
    settled = HvacConfig(**config)  # type: ignore[arg-type]
    return Hvac(settled, House(), weather, 0.0, orders=lambda at_s: order if at_s >= EVENT_S else NO_ORDER)


def play(hvac: Hvac, until_s: float, every_s: float = 10.0) -> list[HvacReadings]:
    shown = []
    at_s = hvac.now_s
    while at_s < until_s:
        at_s += every_s
        hvac.advance(at_s)
        shown.append(hvac.readings())
    return shown


def event(**asked: object) -> Order:
    return Order(event_id="event", begins_s=EVENT_S, **asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("mode", "weather"),
    [pytest.param(Mode.COOL, HOT, id="cooling"), pytest.param(Mode.HEAT, COLD, id="heating")],
)
def test_the_temperature_stays_within_the_hysteresis(mode: Mode, weather: Weather) -> None:
    hvac = machine(weather=weather, mode=mode, setpoint_c=22.0, hysteresis_k=1.0, on_s_min=0.0, off_s_min=0.0)
    inside = [shown.inside_c for shown in play(hvac, 24 * HOUR_S)]
    assert min(inside) == pytest.approx(21.5, abs=0.05)
    assert max(inside) == pytest.approx(22.5, abs=0.05)
    assert hvac.readings().starts > 10


def test_the_mean_power_is_what_the_walls_and_the_people_demand() -> None:
    """34 C outside, 24 C inside, 5 K a kW: 2 kW through the walls and 1.5 kW from people."""
    hvac = machine(standby_w=0.0, efficiency=3.0)
    hvac.advance(100 * HOUR_S)
    assert hvac.mean_w(80 * HOUR_S, 100 * HOUR_S) == pytest.approx(3_500.0 / 3.0, rel=0.05)


def test_energy_is_the_sum_of_power_and_standby_counts() -> None:
    hvac = machine()
    shown = play(hvac, 5 * HOUR_S)
    consumed_wh = sum(-before.power_w * 10.0 / HOUR_S for before in [machine().readings(), *shown[:-1]])
    running_s = 10.0 * sum(each.running for each in shown[:-1])
    assert shown[-1].consumed_wh == pytest.approx(
        (running_s * 3_000.0 + (5 * HOUR_S - running_s) * 5.0) / HOUR_S, abs=9.0
    )
    assert shown[-1].consumed_wh == pytest.approx(consumed_wh, abs=9.0)
    assert hvac.mean_w(0.0, 5 * HOUR_S) == pytest.approx(shown[-1].consumed_wh / 5.0)


orders = st.builds(
    Order,
    event_id=st.just("event"),
    begins_s=st.just(0.0),
    offset_k=st.floats(0.0, 5.0),
    off=st.booleans(),
    cap=st.none()
    | st.builds(Cap, st.sampled_from(CapKind), st.floats(0.0, 2.0))
    | st.builds(Cap, st.just(CapKind.POWER), st.floats(0.0, 4_000.0)),
)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(orders, min_size=1, max_size=8),
    st.floats(0.0, 1_800.0),
    st.floats(0.0, 1_800.0),
    st.floats(20.0, 30.0),
)
def test_the_compressor_keeps_its_minimum_times_whatever_is_asked(
    asked: list[Order], on_s_min: float, off_s_min: float, inside_c: float
) -> None:
    config = HvacConfig(on_s_min=on_s_min, off_s_min=off_s_min, inside_c=inside_c, hysteresis_k=0.2)
    hvac = Hvac(config, House(), HOT, 0.0, orders=lambda at_s: asked[int(at_s / 600.0) % len(asked)])
    shown = play(hvac, 8 * HOUR_S)
    changes = [
        (after.at_s, after.running) for before, after in pairwise(shown) if before.running != after.running
    ]
    for (begun_s, running), (ended_s, _) in pairwise(changes):
        least_s = on_s_min if running else off_s_min
        assert ended_s - begun_s >= least_s - 1e-6


def test_an_offset_lets_it_get_warmer_and_saves_energy() -> None:
    plain, asked = machine(), machine(event(offset_k=2.0))
    for hvac in (plain, asked):
        hvac.advance(EVENT_S + 2 * HOUR_S)
    assert asked.readings().setpoint_c == 26.0
    saved_w = plain.mean_w(EVENT_S, EVENT_S + 2 * HOUR_S) - asked.mean_w(EVENT_S, EVENT_S + 2 * HOUR_S)
    assert saved_w > 500.0
    assert asked.readings().inside_c > 24.6


def test_heating_is_offset_downwards() -> None:
    hvac = machine(event(offset_k=2.0), weather=COLD, mode=Mode.HEAT, setpoint_c=21.0)
    hvac.advance(EVENT_S + 60.0)
    assert hvac.readings().setpoint_c == 19.0


def test_a_setpoint_takes_the_place_of_the_occupants() -> None:
    hvac = machine(event(setpoint_c=27.0))
    hvac.advance(EVENT_S + 60.0)
    assert hvac.readings().setpoint_c == 27.0


def test_off_is_off_after_the_minimum_time() -> None:
    hvac = machine(event(off=True), on_s_min=300.0)
    hvac.advance(EVENT_S + 310.0)
    shown = play(hvac, EVENT_S + HOUR_S)
    assert not any(each.running for each in shown)


@pytest.mark.parametrize(
    ("cap", "bound_w", "of_baseline"),
    [
        pytest.param(Cap(CapKind.POWER, 500.0), 500.0, 0.0, id="a-load"),
        pytest.param(Cap(CapKind.SHARE, 0.2), 600.0, 0.0, id="a-share-of-the-rating"),
        pytest.param(Cap(CapKind.REDUCTION, 600.0), -600.0, 1.0, id="less-than-the-baseline"),
        pytest.param(Cap(CapKind.MULTIPLE, 0.5), 0.0, 0.5, id="a-part-of-the-baseline"),
        pytest.param(Cap(CapKind.REDUCTION, 9_000.0), 0.0, 0.0, id="more-than-there-is"),
    ],
)
def test_a_bound_holds_on_average(cap: Cap, bound_w: float, of_baseline: float) -> None:
    hvac = machine(event(cap=cap), on_s_min=120.0, off_s_min=120.0, hysteresis_k=0.3)
    hvac.advance(EVENT_S)
    baseline_w = hvac.mean_w(EVENT_S - HOUR_S, EVENT_S)
    assert baseline_w > 700.0
    hvac.advance(EVENT_S + 3 * HOUR_S)
    bound_w += of_baseline * baseline_w
    mean_w = hvac.mean_w(EVENT_S + 300.0, EVENT_S + 3 * HOUR_S)
    assert mean_w <= max(bound_w, 5.0) + 40.0
    assert mean_w >= 0.8 * bound_w - 40.0


def test_a_bound_beyond_what_is_needed_changes_nothing() -> None:
    plain, asked = machine(), machine(event(cap=Cap(CapKind.POWER, 5_000.0)))
    for hvac in (plain, asked):
        hvac.advance(EVENT_S + 3 * HOUR_S)
    assert asked.readings().consumed_wh == plain.readings().consumed_wh


def test_an_occupant_who_suffers_too_long_ends_the_event() -> None:
    overridden: list[float] = []
    config = HvacConfig(tolerance_k=1.0, patience_s=600.0)
    hvac = Hvac(
        config,
        House(),
        HOT,
        0.0,
        orders=lambda at_s: event(off=True) if at_s >= EVENT_S and not overridden else NO_ORDER,
        on_override=overridden.append,
    )
    shown = play(hvac, EVENT_S + 4 * HOUR_S)
    too_warm_s = next(each.at_s for each in shown if each.at_s > EVENT_S and each.inside_c > 25.0)
    assert overridden[0] == pytest.approx(too_warm_s + 600.0, abs=20.0)
    assert len(overridden) == 1
    assert shown[-1].inside_c < 24.6


@settings(deadline=None)
@given(st.lists(st.floats(0.1, 900.0), min_size=1, max_size=20))
def test_it_does_not_matter_how_often_it_is_looked_at(pauses: list[float]) -> None:
    often, once, at_s = machine(), machine(), 0.0
    for pause_s in pauses:
        at_s += pause_s
        often.advance(at_s)
    once.advance(at_s)
    assert once.readings() == often.readings()


@pytest.mark.parametrize(
    "figures", [pytest.param({"rated_w": 0.0}, id="no-power"), pytest.param({"on_s_min": -1.0}, id="times")]
)
def test_an_impossible_machine_says_why(figures: dict[str, float]) -> None:
    with pytest.raises(ImpossibleHouse):
        HvacConfig(**figures)  # type: ignore[arg-type]
