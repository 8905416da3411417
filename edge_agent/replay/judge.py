"""Compare what was computed with what was expected: static points, samples, and the standard's own checks."""

from typing import assert_never

import msgspec

from edge_agent.control.grid_code import Status
from edge_agent.replay.play import Played, StaticPoint
from edge_agent.replay.vectors import (
    Check,
    DynamicCase,
    EnterServiceCheck,
    MustNotTripCheck,
    MustTripCheck,
    OpenLoopCheck,
    StaticCase,
    judged_sample,
)

STATIC_PU_MAX = 0.002
SAMPLE_PU_MAX = 0.005
SAMPLES_SHARE_MIN = 0.99
"""A case has the expected shape where so many samples are within ``SAMPLE_PU_MAX``."""
_REACHED_SHARE = 0.9 - 0.02
"""90 % of a step, with the tolerance of the open-loop check."""
_NO_STEP_PU = 1e-3
_TIMING_STEPS = 2.01
"""Steps by which a trip, a delay or a ramp may be early or late, and a rounding error."""
_ARRIVED_PU = 1e-6
_TRIP = Status.TRIP.value


class PointVerdict(msgspec.Struct, frozen=True):
    """A static point: Hz or per unit of voltage, computed and expected power, and the worst difference."""

    at: float
    p_pu: float
    q_pu: float
    expected_p_pu: float
    expected_q_pu: float | None
    error_pu: float


class StaticVerdict(msgspec.Struct, frozen=True):
    id: str
    kind: str
    passed: bool
    worst_pu: float
    points: list[PointVerdict]


class CheckVerdict(msgspec.Struct, frozen=True):
    type: str
    passed: bool
    text: str


class DynamicVerdict(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    kind: str
    passed: bool
    """The checks hold, and the shape is the expected one."""
    samples: int
    samples_within: int
    """Samples within tolerance of the expected one or a neighbour of it: edges may shift by one."""
    worst_pu: float
    """The same comparison at the worst sample."""
    worst_unshifted_pu: float
    """At the worst sample, without the shift."""
    same_status: bool
    checks: list[CheckVerdict]
    computed: Played
    expected: Played


def judge_static(case: StaticCase, points: list[StaticPoint]) -> StaticVerdict:
    """A case passes if active and reactive power are right at every point."""
    if case.points_f_p:
        expected: list[tuple[float, float | None]] = [(p_pu, None) for _, p_pu in case.points_f_p]
    else:
        expected = [(p_pu, q_pu) for _, p_pu, q_pu in case.points_v_p_q]
    verdicts = []
    for (at, p_pu, q_pu), (wanted_p_pu, wanted_q_pu) in zip(points, expected, strict=True):
        error_pu = max(abs(p_pu - wanted_p_pu), 0.0 if wanted_q_pu is None else abs(q_pu - wanted_q_pu))
        verdicts.append(PointVerdict(at, p_pu, q_pu, wanted_p_pu, wanted_q_pu, error_pu))
    worst_pu = max(verdict.error_pu for verdict in verdicts)
    return StaticVerdict(case.id, case.kind, worst_pu <= STATIC_PU_MAX, worst_pu, verdicts)


def judge_dynamic(case: DynamicCase, played: Played) -> DynamicVerdict:
    """A case passes if its checks do, and if it has the expected shape."""
    unshifted = [_error_pu(case, played, sample, sample) for sample in range(case.n)]
    shifted = [
        error_pu if error_pu <= SAMPLE_PU_MAX else _shifted_error_pu(case, played, sample)
        for sample, error_pu in enumerate(unshifted)
    ]
    within = sum(error_pu <= SAMPLE_PU_MAX for error_pu in shifted)
    checks = [judge_check(check, case, played) for check in case.checks]
    expected = Played(case.outputs.p_pu, case.outputs.q_pu, case.outputs.status)
    return DynamicVerdict(
        id=case.id,
        kind=case.kind,
        passed=within >= SAMPLES_SHARE_MIN * case.n and all(check.passed for check in checks),
        samples=case.n,
        samples_within=within,
        worst_pu=max(shifted),
        worst_unshifted_pu=max(unshifted),
        same_status=played.status == expected.status,
        checks=checks,
        computed=played,
        expected=expected,
    )


def judge_check(check: Check, case: DynamicCase, played: Played) -> CheckVerdict:
    """One check of the standard, with the tolerances of the format: 2 % of a step, two samples of time."""
    match check:
        case OpenLoopCheck():
            return _open_loop(check, case, played)
        case MustTripCheck():
            return _must_trip(check, case, played)
        case MustNotTripCheck():
            tripped = _first(played, _TRIP)
            text = "no trip" if tripped is None else f"tripped after {tripped * case.dt_s:g} s"
            return CheckVerdict("must_not_trip", tripped is None, f"{check.element}: {text}")
        case EnterServiceCheck():
            return _enters(check, case, played)
        case never:
            assert_never(never)


def _open_loop(check: OpenLoopCheck, case: DynamicCase, played: Played) -> CheckVerdict:
    step_pu = check.to_pu - check.from_pu
    series = played.p_pu if check.signal == "p_pu" else played.q_pu
    if abs(step_pu) <= _NO_STEP_PU:
        return CheckVerdict("open_loop_response", passed=True, text="no step to follow")
    reached = (series[judged_sample(check, case.dt_s)] - check.from_pu) / step_pu
    settled_pu = abs(series[-1] - check.to_pu)
    text = f"{reached:.1%} of the step after {check.t_90_max_s:g} s, {settled_pu:.6f} pu off at the end"
    passed = reached >= _REACHED_SHARE and settled_pu <= SAMPLE_PU_MAX
    return CheckVerdict("open_loop_response", passed, text)


def _must_trip(check: MustTripCheck, case: DynamicCase, played: Played) -> CheckVerdict:
    tripped = _first(played, _TRIP)
    if tripped is None:
        return CheckVerdict("must_trip", passed=False, text=f"{check.element}: no trip")
    after_s = tripped * case.dt_s - check.t_start_s
    passed = abs(after_s - check.clearing_time_s) <= _TIMING_STEPS * case.dt_s
    return CheckVerdict(
        "must_trip", passed, f"{check.element}: after {after_s:.3f} s of {check.clearing_time_s:g} s"
    )


def _enters(check: EnterServiceCheck, case: DynamicCase, played: Played) -> CheckVerdict:
    entered = next((sample for sample, status in played.status if status != _TRIP), case.n)
    arrived = next(
        (sample for sample in range(entered, case.n) if played.p_pu[sample] >= check.target_pu - _ARRIVED_PU),
        None,
    )
    if arrived is None:
        return CheckVerdict("enter_service", passed=False, text=f"never reaches {check.target_pu:g} pu")
    delay_s = entered * case.dt_s - check.v_f_ok_from_s
    rise_s = (arrived - entered) * case.dt_s
    late_s = max(abs(delay_s - check.delay_min_s), abs(rise_s - check.ramp_s * check.target_pu))
    passed = late_s <= _TIMING_STEPS * case.dt_s
    return CheckVerdict("enter_service", passed, f"after {delay_s:.3f} s, rises for {rise_s:.3f} s")


def _first(played: Played, status: str) -> int | None:
    return next((sample for sample, text in played.status if text == status), None)


def _shifted_error_pu(case: DynamicCase, played: Played, sample: int) -> float:
    neighbours = range(max(sample - 1, 0), min(sample + 2, case.n))
    return min(_error_pu(case, played, sample, neighbour) for neighbour in neighbours)


def _error_pu(case: DynamicCase, played: Played, sample: int, expected: int) -> float:
    outputs = case.outputs
    return max(
        abs(played.p_pu[sample] - outputs.p_pu[expected]), abs(played.q_pu[sample] - outputs.q_pu[expected])
    )
