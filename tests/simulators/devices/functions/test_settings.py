"""Settings: what no unit can follow is refused as a whole, anything else may change at any time."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.devices.functions.autonomous import AutonomousFunctions
from simulators.devices.functions.capability import Capability
from simulators.devices.functions.checks import ImpossibleSettings, problems
from simulators.devices.functions.decision import Sensed
from simulators.devices.functions.settings import (
    Category,
    EnterService,
    FrequencyDroop,
    FunctionSettings,
    Threshold,
    Trips,
    VoltVar,
    VoltWatt,
    WattVar,
    default_settings,
)
from tests.simulators.devices.functions.bench import bench

IMPOSSIBLE = [
    pytest.param({"frequency_droop": FrequencyDroop(droop_over=0.0)}, "droop_over", id="droop-of-nothing"),
    pytest.param(
        {"frequency_droop": FrequencyDroop(deadband_over_hz=-0.1)}, "deadband_over_hz", id="dead-band"
    ),
    pytest.param(
        {"frequency_droop": FrequencyDroop(response_s=math.inf)}, "response_s", id="endless-response"
    ),
    pytest.param({"volt_var": VoltVar(points=())}, "volt_var.points has no corner", id="no-corner"),
    pytest.param(
        {"volt_var": VoltVar(points=((1.0, 0.0), (0.9, 0.1)))}, "does not ascend", id="falling-corners"
    ),
    pytest.param({"volt_watt": VoltWatt(points=((1.0, math.nan),))}, "volt_watt.points", id="corner-of-nan"),
    pytest.param(
        {"watt_var": WattVar(response_s=-1.0)}, "watt_var.response_s is negative", id="negative-response"
    ),
    pytest.param(
        {"enter_service": EnterService(voltage_low_pu=1.1)},
        "above voltage_high_pu",
        id="empty-voltage-window",
    ),
    pytest.param(
        {"enter_service": EnterService(frequency_low_hz=61.0)},
        "above frequency_high_hz",
        id="empty-frequency-window",
    ),
    pytest.param(
        {"trips": Trips(over_voltage=(Threshold(at=1.2, clearing_s=-1.0),))},
        "trips.over_voltage[0]",
        id="negative-clearing-time",
    ),
    pytest.param(
        {"trips": Trips(under_frequency=(Threshold(at=60.0, clearing_s=1.0),))},
        "trips.under_frequency[0] at 60 trips at nominal 60",
        id="trips-at-nominal",
    ),
]


@pytest.mark.parametrize(("parts", "says"), IMPOSSIBLE)
def test_what_cannot_be_followed_is_refused_with_its_name(parts: dict[str, Any], says: str) -> None:
    with pytest.raises(ImpossibleSettings) as refused:
        AutonomousFunctions(FunctionSettings(**parts))
    assert says in str(refused.value)


@pytest.mark.parametrize(("parts", "says"), IMPOSSIBLE)
def test_a_refused_change_leaves_everything_as_it_was(parts: dict[str, Any], says: str) -> None:
    del says
    unit = bench()
    before = unit.functions.settings
    with pytest.raises(ImpossibleSettings):
        unit.functions.settings = FunctionSettings(**parts)
    assert unit.functions.settings is before
    assert unit.step().power_pu == 1.0


def test_the_defaults_of_60_hz_are_refused_at_50() -> None:
    with pytest.raises(ImpossibleSettings, match="trips at nominal 50"):
        AutonomousFunctions(FunctionSettings(), nominal_hz=50.0)
    AutonomousFunctions(default_settings(50.0), nominal_hz=50.0)


def test_without_a_nominal_frequency_nothing_is_said_of_it() -> None:
    assert list(problems(FunctionSettings())) == []
    assert list(problems(FunctionSettings(), 50.0)) != []


@pytest.mark.parametrize("category", Category)
def test_the_defaults_of_every_category_can_be_followed(category: Category) -> None:
    assert list(problems(FunctionSettings(trips=Trips.of(category)), 60.0)) == []


EVERYTHING = FunctionSettings(
    frequency_droop=FrequencyDroop(enabled=True),
    volt_var=VoltVar(enabled=True, tracks_voltage=True),
    volt_watt=VoltWatt(enabled=True),
    watt_var=WattVar(enabled=True),
    enter_service=EnterService(delay_s=1.0, ramp_s=2.0, random_delay_s=1.0),
)
SETTINGS = st.sampled_from(
    [
        EVERYTHING,
        FunctionSettings(),
        replace(EVERYTHING, volt_var=VoltVar()),
        replace(EVERYTHING, trips=Trips.of(Category.ONE)),
        replace(
            EVERYTHING, frequency_droop=FrequencyDroop(enabled=True, droop_over=0.02, follows_demand=True)
        ),
        replace(EVERYTHING, enter_service=EnterService(permitted=False)),
    ]
)
SAMPLES = st.builds(
    Sensed,
    dt_s=st.sampled_from([0.005, 0.02, 0.1, 1.0]),
    frequency_hz=st.floats(40.0, 70.0),
    voltage_pu=st.floats(0.0, 1.5),
    demand_pu=st.floats(-1.5, 1.5),
    available_pu=st.floats(0.0, 1.0),
    floor_pu=st.floats(-1.0, 0.0),
    reactive_demand_pu=st.floats(-1.0, 1.0),
    limit_pu=st.floats(0.0, 1.0),
    permitted=st.sampled_from([True, True, True, False]),
)


@settings(max_examples=150)
@given(st.lists(st.tuples(SETTINGS, SAMPLES), min_size=1, max_size=40))
def test_whatever_happens_it_stays_within_what_it_can_and_may(
    moments: list[tuple[FunctionSettings, Sensed]],
) -> None:
    functions = AutonomousFunctions(EVERYTHING, capability=Capability(reduced_at_low_power=True))
    for changed, sensed in moments:
        functions.settings = changed
        decided = functions.step(sensed)
        assert math.isfinite(decided.power_pu)
        assert math.hypot(decided.power_pu, decided.reactive_pu) <= 1.0 + 1e-9
        assert sensed.floor_pu - 1e-9 <= decided.power_pu <= min(sensed.available_pu, sensed.limit_pu) + 1e-9
        assert abs(decided.reactive_pu) <= 0.44 + 1e-9
        assert not decided.ceased or (decided.power_pu, decided.reactive_pu) == (0.0, 0.0)
        assert decided.enter_service_remaining_s >= 0.0


@settings(max_examples=30)
@given(st.lists(SAMPLES, min_size=1, max_size=40))
def test_the_same_samples_give_the_same_decisions(samples: list[Sensed]) -> None:
    first, second = (AutonomousFunctions(EVERYTHING, seed=7) for _ in range(2))
    assert [first.step(sample) for sample in samples] == [second.step(sample) for sample in samples]
