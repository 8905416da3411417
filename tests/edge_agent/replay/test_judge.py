"""The checks of the standard: what passes, what fails, and how it is said."""

from pathlib import Path

import pytest

from edge_agent.replay.judge import judge_check, judge_dynamic
from edge_agent.replay.play import Played
from edge_agent.replay.vectors import (
    Check,
    DynamicCase,
    EnterServiceCheck,
    MustNotTripCheck,
    MustTripCheck,
    OpenLoopCheck,
    load_vectors,
)
from tests.edge_agent.replay.cases import write

SAMPLES = 20
STEP = OpenLoopCheck(signal="q_pu", t_step_s=0.2, t_90_max_s=0.5, from_pu=0.0, to_pu=-0.4)
TRIP = MustTripCheck(element="ov1", t_start_s=0.2, clearing_time_s=0.5)
NO_TRIP = MustNotTripCheck(element="ov1", t_start_s=0.2, clearing_time_s=0.5)
ENTER = EnterServiceCheck(v_f_ok_from_s=0.2, delay_min_s=0.5, ramp_s=0.5, target_pu=0.8)


@pytest.fixture
def case(tmp_path: Path) -> DynamicCase:
    """Any case with steps of 0.1 s; its own checks are not looked at."""
    return load_vectors(write(tmp_path)).dynamic[0]


def played(
    p_pu: list[float] | None = None,
    q_pu: list[float] | None = None,
    trip: int | None = None,
    enter: int | None = None,
) -> Played:
    status = [(0, "Trip" if enter else "Continuous Operation")]
    status += [(trip, "Trip")] if trip else []
    status += [(enter, "Entering Service")] if enter else []
    nothing = [0.0] * SAMPLES
    return Played(p_pu or nothing, q_pu or nothing, status)


def follows(reached: float, end: float = 1.0) -> list[float]:
    """-0.4 pu at the end, and a share of it at the judged sample, 8."""
    return [0.0] * 8 + [-0.4 * reached] + [-0.4 * end] * (SAMPLES - 9)


@pytest.mark.parametrize(
    ("check", "outcome", "passed"),
    [
        pytest.param(STEP, played(q_pu=follows(0.91)), True, id="90-percent-in-time"),
        pytest.param(STEP, played(q_pu=follows(0.885)), True, id="2-percent-are-forgiven"),
        pytest.param(STEP, played(q_pu=follows(0.85)), False, id="too-slow"),
        pytest.param(STEP, played(q_pu=follows(0.95, 0.9)), False, id="settles-elsewhere"),
        pytest.param(
            OpenLoopCheck(signal="p_pu", t_step_s=0.2, t_90_max_s=0.5, from_pu=0.2, to_pu=0.2),
            played(),
            True,
            id="no-step-to-follow",
        ),
        pytest.param(TRIP, played(trip=7), True, id="trips-in-time"),
        pytest.param(TRIP, played(trip=9), True, id="two-steps-late-are-forgiven"),
        pytest.param(TRIP, played(trip=10), False, id="trips-late"),
        pytest.param(TRIP, played(trip=4), False, id="trips-early"),
        pytest.param(TRIP, played(), False, id="does-not-trip"),
        pytest.param(NO_TRIP, played(), True, id="rides-through"),
        pytest.param(NO_TRIP, played(trip=7), False, id="trips-although-it-must-not"),
        pytest.param(ENTER, played([0.0] * 7 + [0.4] * 4 + [0.8] * 9, enter=7), True, id="delay-and-ramp"),
        pytest.param(ENTER, played([0.0] * 10 + [0.4] * 4 + [0.8] * 6, enter=10), False, id="a-long-delay"),
        pytest.param(ENTER, played([0.0] * 7 + [0.8] * 13, enter=7), False, id="a-step-instead-of-a-ramp"),
        pytest.param(ENTER, played([0.0] * 7 + [0.7] * 13, enter=7), False, id="never-all-of-it"),
        pytest.param(ENTER, played(trip=1), False, id="never-at-all"),
    ],
)
def test_checks(case: DynamicCase, check: Check, outcome: Played, passed: bool) -> None:  # noqa: FBT001
    wide = DynamicCase(
        id=case.id,
        kind=case.kind,
        der=case.der,
        dt_s=0.1,
        n=SAMPLES,
        inputs=case.inputs,
        outputs=case.outputs,
    )
    verdict = judge_check(check, wide, outcome)
    assert verdict.passed is passed, verdict.text


def test_an_edge_may_shift_by_one_sample_but_not_by_two(case: DynamicCase) -> None:
    expected = case.outputs.p_pu
    late = [expected[0], *expected[:-1]]
    verdict = judge_dynamic(case, Played(late, case.outputs.q_pu, []))
    assert (verdict.samples_within, verdict.same_status) == (case.n, False)
    assert verdict.worst_unshifted_pu > 0.1
    later = [expected[0], *late[:-1]]
    assert judge_dynamic(case, Played(later, case.outputs.q_pu, [])).samples_within < case.n
