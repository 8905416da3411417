"""Enter service (IEEE 1547-2018, 4.10): window, delay that any excursion restarts, and ramp."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.enter_service import (
    CEASED,
    IN_SERVICE,
    EnterService,
    Phase,
    ServiceState,
    advance,
)
from edge_agent.control.functions.whole import per_million
from vpp_core.units import millihertz

pytestmark = pytest.mark.req("IEEE 1547-2018 4.10")

SETTINGS = EnterService(delay_s=5.0, ramp_s=10.0)
DT_S = 0.1
GOOD = (1.0, 60.0)


def play(
    settings: EnterService,
    samples: list[tuple[float, float]],
    state: ServiceState = CEASED,
    dt_s: float = DT_S,
) -> list[ServiceState]:
    states = []
    for voltage_pu, frequency_hz in samples:
        state = advance(settings, state, per_million(voltage_pu), millihertz(frequency_hz), dt_s)
        states.append(state)
    return states


def entered_after_s(settings: EnterService, samples: list[tuple[float, float]]) -> float:
    phases = [state.phase for state in play(settings, samples)]
    return (phases.index(Phase.ENTERING) + 1) * DT_S


def test_the_delay_runs_while_voltage_and_frequency_are_good() -> None:
    assert entered_after_s(SETTINGS, [GOOD] * 60) == pytest.approx(5.0)


def test_a_random_delay_is_added() -> None:
    settings = EnterService(delay_s=5.0, random_delay_s=2.5)
    assert entered_after_s(settings, [GOOD] * 90) == pytest.approx(7.5)


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param((0.9, 60.0), id="low-voltage-restarts-the-delay"),
        pytest.param((1.06, 60.0), id="high-voltage-restarts-the-delay"),
        pytest.param((1.0, 59.4), id="low-frequency-restarts-the-delay"),
        pytest.param((1.0, 60.2), id="high-frequency-restarts-the-delay"),
    ],
)
def test_one_bad_sample(bad: tuple[float, float]) -> None:
    assert entered_after_s(SETTINGS, [*[GOOD] * 40, bad, *[GOOD] * 60]) == pytest.approx(4.1 + 5.0)


@pytest.mark.parametrize("edge", [(0.917, 59.5), (1.05, 60.1)])
def test_the_edges_of_the_window_belong_to_it(edge: tuple[float, float]) -> None:
    assert entered_after_s(SETTINGS, [edge] * 60) == pytest.approx(5.0)


def test_power_rises_with_the_ramp_and_then_the_device_is_in_service() -> None:
    states = play(SETTINGS, [GOOD] * 200)
    rising = [state for state in states if state.phase is Phase.ENTERING]
    assert [state.ramp_pu for state in rising] == pytest.approx([n / 100.0 for n in range(1, 101)])
    assert states[49 + 100] == IN_SERVICE


def test_without_a_ramp_power_is_there_at_once() -> None:
    states = play(EnterService(delay_s=0.0, ramp_s=0.0), [GOOD] * 2)
    assert [state.phase for state in states] == [Phase.ENTERING, Phase.IN_SERVICE]
    assert states[0].ramp_pu == 1.0


def test_an_excursion_while_entering_holds_the_ramp() -> None:
    entering = play(SETTINGS, [GOOD] * 60)[-1]
    held = play(SETTINGS, [(0.9, 60.0)] * 5, entering)
    assert {state.ramp_pu for state in held} == {entering.ramp_pu}
    assert play(SETTINGS, [GOOD], held[-1])[-1].ramp_pu > entering.ramp_pu


def test_a_device_in_service_stays_so() -> None:
    assert play(SETTINGS, [(0.0, 0.0)], IN_SERVICE) == [IN_SERVICE]


def test_the_window_scales_with_nominal_frequency() -> None:
    settings = EnterService.at_nominal(50.0)
    assert (settings.frequency_low_hz, settings.frequency_high_hz) == pytest.approx(
        (49.583, 50.083), abs=1e-3
    )


@given(st.floats(0.0, 600.0), st.floats(1.0, 1_000.0), st.sampled_from((0.02, 0.1, 1.0)))
def test_any_delay_of_the_standard_is_kept_to_a_step(delay_s: float, ramp_s: float, dt_s: float) -> None:
    settings = EnterService(delay_s=delay_s, ramp_s=ramp_s)
    nearly = ServiceState(Phase.CEASED, max(round((delay_s - 2.5 * dt_s) * 1e6), 0), 0.0)
    states = play(settings, [GOOD] * 4, nearly, dt_s)
    early = [state for state in states if state.phase is Phase.CEASED]
    assert all(state.good_us < delay_s * 1e6 for state in early)
    assert states[-1].phase is not Phase.CEASED
