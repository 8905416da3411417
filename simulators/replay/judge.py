"""How far computed values lie from the expected ones, and whether that is near enough.

Tolerances are those of the oracle's own description: settled points within 0.002 per unit; the same shape
within 0.005 per unit at 99 % of the samples, where an edge may lie one sample to either side; open-loop
responses 90 % less 2 %; trips, delays and ramps within two samples.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import msgspec

from simulators.devices.functions.decision import Decided, Excursion, Mode
from simulators.replay.play import Played
from simulators.replay.vectors import (
    Check,
    DynamicCase,
    EnterServiceCheck,
    MustNotTrip,
    MustTrip,
    OpenLoopCheck,
    StaticCase,
    check_sample,
)

STATIC_PU_MAX = 0.002
SHAPE_PU_MAX = 0.005
SHAPE_SHARE_MIN = 0.99
EDGE_SAMPLES = 1
OPEN_LOOP_SHARE_MIN = 0.9 - 0.02
STEP_PU_MIN = 1e-3
"""A smaller step says nothing of a response."""
TIMING_SAMPLES = 2.01
TARGET_PU = 1e-6

ELEMENTS = {
    "ov": Excursion.OVER_VOLTAGE,
    "uv": Excursion.UNDER_VOLTAGE,
    "of": Excursion.OVER_FREQUENCY,
    "uf": Excursion.UNDER_FREQUENCY,
}

Value = TypeVar("Value")


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """A settled point: at a frequency or voltage, expected and computed powers."""

    at: float
    expected_p_pu: float
    computed_p_pu: float
    expected_q_pu: float | None = None
    computed_q_pu: float | None = None
    error_pu: float
    passed: bool


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    check: Check
    passed: bool
    says: str


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Likeness of all samples."""

    worst_p_pu: float
    """With edges allowed to lie one sample to either side; so all that follow."""
    worst_q_pu: float
    worst_unshifted_pu: float
    within_share: float
    """Of the samples at which both powers are within tolerance."""
    mode_share: float
    """Of the samples at which the operating mode is the same."""
    same: bool


def judge_points(case: StaticCase, decided: Sequence[Decided]) -> list[Point]:
    if case.points_f_p is not None:
        return [
            _point(at, expected_pu, None, each)
            for (at, expected_pu), each in zip(case.points_f_p, decided, strict=True)
        ]
    return [
        _point(at, p_pu, q_pu, each)
        for (at, p_pu, q_pu), each in zip(case.points_v_p_q or (), decided, strict=True)
    ]


def _point(at: float, p_pu: float, q_pu: float | None, decided: Decided) -> Point:
    error_pu = abs(decided.power_pu - p_pu)
    if q_pu is not None:
        error_pu = max(error_pu, abs(decided.reactive_pu - q_pu))
    return Point(
        at=at,
        expected_p_pu=p_pu,
        computed_p_pu=round(decided.power_pu, 6),
        expected_q_pu=q_pu,
        computed_q_pu=None if q_pu is None else round(decided.reactive_pu, 6),
        error_pu=round(error_pu, 9),
        passed=error_pu <= STATIC_PU_MAX,
    )


def judge_shape(case: DynamicCase, played: Played) -> Shape:
    errors_p_pu = list(_nearest(case.outputs.p_pu, played.p_pu, _distance))
    errors_q_pu = list(_nearest(case.outputs.q_pu, played.q_pu, _distance))
    modes = list(_nearest(expected_status(case), played.mode, _differs))
    pairs = zip(errors_p_pu, errors_q_pu, strict=True)
    within_share = sum(max(pair) <= SHAPE_PU_MAX for pair in pairs) / case.n
    mode_share = modes.count(0.0) / case.n
    return Shape(
        worst_p_pu=round(max(errors_p_pu), 9),
        worst_q_pu=round(max(errors_q_pu), 9),
        worst_unshifted_pu=round(
            max(
                *map(_distance, case.outputs.p_pu, played.p_pu),
                *map(_distance, case.outputs.q_pu, played.q_pu),
            ),
            9,
        ),
        within_share=round(within_share, 6),
        mode_share=round(mode_share, 6),
        same=within_share >= SHAPE_SHARE_MIN and mode_share >= SHAPE_SHARE_MIN,
    )


def expected_status(case: DynamicCase) -> list[str]:
    """The run-length status, one a sample."""
    runs = [*case.outputs.status, (case.n, "")]
    return [status for (first, status), (end, _) in pairwise(runs) for _ in range(first, end)]


def _nearest(
    expected: Sequence[Value], computed: Sequence[Value], distance: Callable[[Value, Value], float]
) -> Iterator[float]:
    """The distance of each expected sample from the nearest computed one around it."""
    for number, value in enumerate(expected):
        around = computed[max(0, number - EDGE_SAMPLES) : number + EDGE_SAMPLES + 1]
        yield min(distance(value, each) for each in around)


def _distance(expected: float, computed: float) -> float:
    return abs(expected - computed)


def _differs(expected: str, computed: str) -> float:
    return float(expected != computed)


def judge_check(check: Check, case: DynamicCase, played: Played) -> CheckResult:
    """One requirement of the standard, on computed samples alone."""
    passed, says = False, ""
    match check:
        case OpenLoopCheck():
            passed, says = _open_loop(check, case.dt_s, played)
        case MustTrip():
            passed, says = _must_trip(check, case.dt_s, played)
        case MustNotTrip():
            passed, says = _must_not_trip(played)
        case EnterServiceCheck():
            passed, says = _enter_service(check, case.dt_s, played)
    return CheckResult(check=check, passed=passed, says=says)


def _open_loop(check: OpenLoopCheck, dt_s: float, played: Played) -> tuple[bool, str]:
    step_pu = check.to_pu - check.from_pu
    if abs(step_pu) <= STEP_PU_MIN:
        return True, "the step is too small to judge"
    values = played.p_pu if check.signal == "p_pu" else played.q_pu
    share = (values[check_sample(check, dt_s)] - check.from_pu) / step_pu
    return share >= OPEN_LOOP_SHARE_MIN, f"{100.0 * share:.1f} % of the step at the response time"


def _must_trip(check: MustTrip, dt_s: float, played: Played) -> tuple[bool, str]:
    if Mode.TRIP not in played.mode:
        return False, "does not trip"
    first = played.mode.index(Mode.TRIP)
    late_s = first * dt_s - check.t_start_s - check.clearing_time_s
    cause = ELEMENTS.get(check.element[:2])
    right = cause is None or cause in played.alarms[first]
    says = f"trips {late_s:+.3f} s from its clearing time"
    return right and abs(late_s) <= TIMING_SAMPLES * dt_s, says if right else f"{says}, by another quantity"


def _must_not_trip(played: Played) -> tuple[bool, str]:
    return (False, "trips") if Mode.TRIP in played.mode else (True, "does not trip")


def _enter_service(check: EnterServiceCheck, dt_s: float, played: Played) -> tuple[bool, str]:
    enters = next((number for number, mode in enumerate(played.mode) if mode is not Mode.TRIP), None)
    full = next((number for number, p in enumerate(played.p_pu) if p >= check.target_pu - TARGET_PU), None)
    if enters is None or full is None:
        return False, "does not come back to full power"
    delay_off_s = enters * dt_s - check.v_f_ok_from_s - check.delay_min_s
    ramp_off_s = (full - enters) * dt_s - check.ramp_s * check.target_pu
    passed = max(abs(delay_off_s), abs(ramp_off_s)) <= TIMING_SAMPLES * dt_s
    return passed, f"delay {delay_off_s:+.3f} s, ramp {ramp_off_s:+.3f} s off"
