"""All functions of one device together: who goes before whom, and what a device may never be told."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.active_power import ActivePower
from edge_agent.control.functions.capability import Capability
from edge_agent.control.functions.curve import Curve
from edge_agent.control.functions.enter_service import EnterService
from edge_agent.control.functions.fast_frequency_response import PROPORTIONAL, STEPS, FastResponse
from edge_agent.control.functions.frequency_droop import FrequencyDroop
from edge_agent.control.functions.trips import Category, default_trips
from edge_agent.control.functions.volt_var import VoltVar
from edge_agent.control.functions.volt_watt import VoltWatt
from edge_agent.control.functions.watt_var import WattVar
from edge_agent.control.grid_code import (
    OUT_OF_SERVICE,
    GridCode,
    GridCodeSettings,
    GridDecision,
    GridState,
    Measured,
    Status,
)

DT_S = 0.1
STORAGE = Capability(injection_min_pu=-1.0)
QUICK = EnterService(delay_s=1.0, ramp_s=2.0)
DROOP = FrequencyDroop()
SHARP = VoltWatt(curve=Curve(((1.03, 1.0), (1.08, -0.2))), response_s=0.0)


def storage(
    wanted_pu: float, *, voltage_pu: float = 1.0, frequency_hz: float = 60.0, available_pu: float = 1.0
) -> Measured:
    return Measured(voltage_pu, frequency_hz, available_pu, wanted_pu)


def play(
    settings: GridCodeSettings, samples: Iterable[Measured], state: GridState | None = None
) -> list[GridDecision]:
    code, decisions = GridCode(settings), []
    state = GridState() if state is None else state
    for measured in samples:
        state, decision = code.decide(state, measured, DT_S)
        decisions.append(decision)
    return decisions


def last(
    settings: GridCodeSettings, samples: Iterable[Measured], state: GridState | None = None
) -> GridDecision:
    return play(settings, samples, state)[-1]


def test_without_functions_what_is_wanted_is_injected() -> None:
    assert last(GridCodeSettings(), [storage(0.6)]) == GridDecision(0.6, 0.0, Status.CONTINUOUS)


@pytest.mark.parametrize(
    ("settings", "measured", "injection_pu"),
    [
        pytest.param({}, storage(-0.6), -0.6, id="storage-may-charge"),
        pytest.param({"capability": Capability()}, storage(-0.6), 0.0, id="pv-may-not"),
        pytest.param({}, storage(0.9, available_pu=0.5), 0.5, id="what-is-not-available-is-not-asked-for"),
        pytest.param({"active_power": ActivePower(limit_pu=0.3)}, storage(0.9), 0.3, id="the-limit-cuts"),
        pytest.param(
            {"active_power": ActivePower(limit_pu=-9.0)}, storage(0.9), -1.0, id="no-limit-is-below-the-floor"
        ),
        pytest.param(
            {"capability": Capability()},
            storage(0.0, available_pu=-0.01),
            0.0,
            id="pv-draws-nothing-at-night",
        ),
        pytest.param(
            {"active_power": ActivePower(limit_pu=0.3), "frequency_droop": DROOP},
            storage(0.3, frequency_hz=59.0),
            0.3,
            id="the-limit-holds-against-the-droop",
        ),
        pytest.param(
            {"frequency_droop": DROOP}, storage(0.2, frequency_hz=59.4), 0.388, id="low-frequency-raises"
        ),
        pytest.param(
            {"frequency_droop": DROOP}, storage(0.2, frequency_hz=60.6), 0.012, id="high-frequency-lowers"
        ),
        pytest.param(
            {"volt_watt": SHARP}, storage(0.9, voltage_pu=1.08), -0.2, id="volt-watt-makes-storage-charge"
        ),
        pytest.param(
            {"volt_watt": SHARP, "capability": Capability()},
            storage(0.9, voltage_pu=1.08),
            0.0,
            id="volt-watt-makes-pv-stop",
        ),
        pytest.param(
            {"volt_watt": SHARP, "frequency_droop": DROOP},
            storage(0.9, voltage_pu=1.055, frequency_hz=59.0),
            0.4,
            id="volt-watt-holds-against-the-droop",
        ),
    ],
)
def test_active_power(settings: dict[str, object], measured: Measured, injection_pu: float) -> None:
    made = GridCodeSettings(**{"capability": STORAGE, **settings})  # type: ignore[arg-type]
    assert last(made, [measured]).injection_pu == pytest.approx(injection_pu)


@pytest.mark.parametrize(
    ("settings", "measured", "reactive_pu"),
    [
        pytest.param({"volt_var": VoltVar()}, storage(0.5, voltage_pu=1.05), -0.22, id="volt-var"),
        pytest.param({"watt_var": WattVar()}, storage(0.75), -0.22, id="watt-var"),
        pytest.param(
            {"watt_var": WattVar(), "active_power": ActivePower(limit_pu=0.5)},
            storage(1.0),
            0.0,
            id="watt-var-looks-at-the-limited-power",
        ),
        pytest.param({}, storage(0.5, voltage_pu=1.05), 0.0, id="nothing"),
    ],
)
def test_reactive_power(settings: dict[str, object], measured: Measured, reactive_pu: float) -> None:
    made = GridCodeSettings(**settings)  # type: ignore[arg-type]
    assert last(made, [measured]).reactive_pu == pytest.approx(reactive_pu)


def test_two_functions_cannot_set_reactive_power() -> None:
    with pytest.raises(ValueError, match="volt-var or watt-var"):
        GridCodeSettings(volt_var=VoltVar(), watt_var=WattVar())


def test_wanted_power_moves_with_its_ramp() -> None:
    settings = GridCodeSettings(active_power=ActivePower(ramp_pu_per_s=1.0))
    powers = [decision.injection_pu for decision in play(settings, [storage(0.0), *[storage(0.5)] * 6])]
    assert powers == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.5])


# --- trips, ride-through, enter service ---


def test_a_trip_ends_everything_then_delay_and_ramp() -> None:
    settings = GridCodeSettings(enter_service=QUICK, volt_var=VoltVar(response_s=0.0))
    high = storage(0.8, voltage_pu=1.25)
    decisions = play(settings, [storage(0.8), high, high, *[storage(0.8)] * 40])
    assert [decision.tripped_by for decision in decisions[:4]] == [None, None, "ov2", None]
    after = decisions[2:]
    assert {(decision.injection_pu, decision.reactive_pu) for decision in after[:10]} == {(0.0, 0.0)}
    assert [decision.status for decision in after[:11]] == [Status.TRIP] * 10 + [Status.ENTERING]
    rising = [decision.injection_pu for decision in after[10:26]]
    assert rising == pytest.approx([0.05 * step for step in range(1, 17)])
    assert after[-1].injection_pu == pytest.approx(0.8)
    assert after[-1].status is Status.CONTINUOUS


def test_a_trip_is_told_once() -> None:
    decisions = play(GridCodeSettings(), [storage(0.8, voltage_pu=1.25)] * 10)
    assert [decision.tripped_by for decision in decisions if decision.tripped_by] == ["ov2"]


def test_storage_enters_with_a_ramp_in_both_directions() -> None:
    settings = GridCodeSettings(enter_service=QUICK, capability=STORAGE)
    decisions = play(settings, [storage(-1.0)] * 20, OUT_OF_SERVICE)
    assert decisions[9].injection_pu == pytest.approx(-0.05)
    assert decisions[19].injection_pu == pytest.approx(-0.55)


def test_permission_withdrawn_ceases_at_once() -> None:
    state, _ = GridCode(GridCodeSettings()).decide(GridState(), storage(0.8), DT_S)
    closed = GridCode(GridCodeSettings(permit_service=False))
    state, decision = closed.decide(state, storage(0.8), DT_S)
    assert decision == GridDecision(0.0, 0.0, Status.TRIP)
    assert GridCode(GridCodeSettings()).decide(state, storage(0.8), DT_S)[1].status is Status.TRIP, (
        "delay first"
    )


def test_momentary_cessation_comes_back_where_it_left() -> None:
    settings = GridCodeSettings(capability=STORAGE, frequency_droop=FrequencyDroop(response_s=5.0))
    low = storage(0.8, voltage_pu=0.3, frequency_hz=59.9)
    decisions = play(settings, [storage(0.8), low, storage(0.8, frequency_hz=59.9)])
    assert decisions[1] == GridDecision(0.0, 0.0, Status.MOMENTARY_CESSATION)
    assert decisions[2].injection_pu == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    ("voltage_pu", "frequency_hz", "status"),
    [(0.6, 60.0, Status.MANDATORY), (1.0, 58.6, Status.MANDATORY), (1.0, 62.5, Status.NOT_DEFINED)],
)
def test_what_must_be_ridden_through_keeps_its_power(
    voltage_pu: float, frequency_hz: float, status: Status
) -> None:
    measured = storage(0.8, voltage_pu=voltage_pu, frequency_hz=frequency_hz)
    assert last(GridCodeSettings(), [measured]) == GridDecision(0.8, 0.0, status)


def test_at_50_hz_everything_is_in_proportion() -> None:
    settings = GridCodeSettings(
        nominal_hz=50.0,
        trips=default_trips(Category.III, 50.0),
        enter_service=EnterService.at_nominal(50.0),
        capability=STORAGE,
        frequency_droop=FrequencyDroop.symmetric(nominal_hz=50.0),
    )
    decision = last(settings, [storage(0.2, frequency_hz=49.5)])
    assert decision.injection_pu == pytest.approx(0.2 + 0.464 / 2.5)
    assert decision.status is Status.CONTINUOUS


# --- contracted response ---


@pytest.mark.parametrize(
    ("droop", "frequency_hz", "injection_pu"),
    [
        pytest.param(None, 49.5, 0.4, id="all-of-the-reserve-at-full-deviation"),
        pytest.param(None, 50.5, -0.1, id="less-injection-at-high-frequency"),
        pytest.param(None, 50.0, 0.1, id="nothing-at-nominal"),
        pytest.param(
            FrequencyDroop(nominal_hz=50.0), 49.0, 0.1 + 0.964 / 2.5, id="the-droop-where-it-asks-for-more"
        ),
        pytest.param(FrequencyDroop(nominal_hz=50.0), 49.5, 0.4, id="the-contract-where-it-asks-for-more"),
        pytest.param(FrequencyDroop(nominal_hz=50.0), 50.9, 0.1 - 0.864 / 2.5, id="and-the-same-above"),
    ],
)
def test_the_stronger_of_droop_and_contract(
    droop: FrequencyDroop | None, frequency_hz: float, injection_pu: float
) -> None:
    settings = GridCodeSettings(
        nominal_hz=50.0,
        trips=default_trips(Category.III, 50.0),
        capability=STORAGE,
        frequency_droop=droop,
        fast_response=FastResponse(product=PROPORTIONAL["gb-dc"], reserve_pu=0.3, reserve_down_pu=0.2),
    )
    assert last(settings, [storage(0.1, frequency_hz=frequency_hz)]).injection_pu == pytest.approx(
        injection_pu
    )


def test_a_step_product_is_held_when_frequency_is_back() -> None:
    settings = GridCodeSettings(fast_response=FastResponse(product=STEPS["ercot-rrs-ffr"], reserve_pu=0.5))
    powers = play(settings, [storage(0.1), storage(0.1, frequency_hz=59.8), storage(0.1)])
    assert [decision.injection_pu for decision in powers] == pytest.approx([0.1, 0.6, 0.6])


# --- for any settings ---

SETTINGS = st.builds(
    GridCodeSettings,
    category=st.sampled_from(Category),
    capability=st.builds(
        Capability, injection_min_pu=st.sampled_from((0.0, -1.0)), reduced_at_low_power=st.booleans()
    ),
    enter_service=st.builds(EnterService, delay_s=st.floats(0.0, 2.0), ramp_s=st.floats(0.0, 5.0)),
    active_power=st.builds(
        ActivePower,
        limit_pu=st.none() | st.floats(0.0, 1.0),
        ramp_pu_per_s=st.none() | st.floats(0.01, 10.0),
    ),
    frequency_droop=st.none()
    | st.builds(
        FrequencyDroop, droop_over_pu=st.floats(0.02, 0.07), response_s=st.sampled_from((0.0, 0.2, 5.0, 10.0))
    ),
    volt_var=st.none()
    | st.builds(VoltVar, response_s=st.floats(1.0, 90.0), reference_pu=st.floats(0.95, 1.05)),
    volt_watt=st.none() | st.builds(VoltWatt, response_s=st.floats(0.5, 60.0)),
    fast_response=st.none() | st.just(FastResponse(product=STEPS["ercot-rrs-ffr"], reserve_pu=0.5)),
)
SAMPLES = st.lists(
    st.builds(
        Measured, st.floats(0.0, 1.4), st.floats(55.0, 65.0), st.floats(0.0, 1.0), st.floats(-1.0, 1.0)
    ),
    min_size=1,
    max_size=40,
)


@given(SETTINGS, SAMPLES)
def test_no_device_is_told_what_it_may_not_do(settings: GridCodeSettings, samples: list[Measured]) -> None:
    for measured, decision in zip(samples, play(settings, samples), strict=True):
        high_pu = measured.available_pu
        if settings.active_power.limit_pu is not None:
            high_pu = min(high_pu, settings.active_power.limit_pu)
        assert settings.capability.injection_min_pu - 1e-9 <= decision.injection_pu <= high_pu + 1e-9
        assert abs(decision.reactive_pu) <= 0.44 + 1e-9
        if decision.status in (Status.TRIP, Status.MOMENTARY_CESSATION, Status.CEASE):
            assert (decision.injection_pu, decision.reactive_pu) == (0.0, 0.0)
