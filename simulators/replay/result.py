"""The outcome of a replay as a document: computed beside expected, worst errors, and the ids that fail."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from simulators.replay.judge import (
    SHAPE_PU_MAX,
    SHAPE_SHARE_MIN,
    STATIC_PU_MAX,
    CheckResult,
    Point,
    Shape,
    judge_check,
    judge_points,
    judge_shape,
)
from simulators.replay.opender import UnknownSetting
from simulators.replay.play import Played, play_dynamic, play_static
from simulators.replay.vectors import DynamicCase, StaticCase, Vectors
from vpp_core.faults import ConfigurationFault

FORMAT, FORMAT_VERSION = "vpp-replay-result", 1


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    NOT_JUDGED = "not judged"
    """Nothing that is the standard's: no check, and the oracle's way in it is its own choice."""


class Outputs(msgspec.Struct, frozen=True, kw_only=True):
    """A value a sample."""

    expected_p_pu: list[float]
    computed_p_pu: list[float]
    expected_q_pu: list[float]
    computed_q_pu: list[float]
    expected_status: list[tuple[int, str]]
    computed_status: list[tuple[int, str]]
    """Run-length: the first sample of each."""


class CaseResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    id: str
    kind: str
    verdict: Verdict
    error_pu: float
    """The worst of the case; of samples with edges one sample to either side."""
    points: list[Point] = []
    checks: list[CheckResult] = []
    shape: Shape | None = None
    model_only: bool = False
    """Parts of the case are the oracle's own choice, so that its shape is measured and not judged."""
    outputs: Outputs | None = None


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """All cases of a kind together."""

    cases: int
    failed: int
    points: int
    checks: int
    same_shape: int
    worst_pu: float
    worst_id: str


class Result(msgspec.Struct, frozen=True, kw_only=True):
    format: str
    format_version: int
    file: str
    sha256: str
    oracle: str
    tolerances: dict[str, float]
    passed: bool
    worst_pu: float
    worst_id: str
    failed: list[str]
    kinds: dict[str, Kind]
    cases: list[CaseResult]


Case = StaticCase | DynamicCase


def replay(vectors: Vectors, cases: Iterable[Case]) -> Iterator[tuple[CaseResult, Played | None]]:
    """One case after another.

    Raises:
        ConfigurationFault: a case with a setting that cannot be honoured; names both.
    """
    for case in cases:
        try:
            yield _static(case, vectors) if isinstance(case, StaticCase) else _dynamic(case, vectors)
        except UnknownSetting as error:
            raise ConfigurationFault(f"Case {case.id!r} cannot be replayed: settings: {error}") from error


def _static(case: StaticCase, vectors: Vectors) -> tuple[CaseResult, None]:
    points = judge_points(case, list(play_static(case, vectors)))
    result = CaseResult(
        id=case.id,
        kind=case.kind,
        verdict=Verdict.PASS if all(point.passed for point in points) else Verdict.FAIL,
        error_pu=max((point.error_pu for point in points), default=0.0),
        points=points,
    )
    return result, None


def _dynamic(case: DynamicCase, vectors: Vectors) -> tuple[CaseResult, Played]:
    played = play_dynamic(case, vectors)
    shape = judge_shape(case, played)
    checks = [judge_check(check, case, played) for check in case.checks]
    model_only = bool(case.model_only)
    held = all(check.passed for check in checks) and (model_only or shape.same)
    nothing = model_only and not checks and not shape.same
    result = CaseResult(
        id=case.id,
        kind=case.kind,
        verdict=Verdict.NOT_JUDGED if nothing else Verdict.PASS if held else Verdict.FAIL,
        error_pu=max(shape.worst_p_pu, shape.worst_q_pu),
        checks=checks,
        shape=shape,
        model_only=model_only,
        outputs=Outputs(
            expected_p_pu=case.outputs.p_pu,
            computed_p_pu=[round(value, 6) for value in played.p_pu],
            expected_q_pu=case.outputs.q_pu,
            computed_q_pu=[round(value, 6) for value in played.q_pu],
            expected_status=case.outputs.status,
            computed_status=runs(played.mode),
        ),
    )
    return result, played


def runs(values: Iterable[str]) -> list[tuple[int, str]]:
    """Run-length: the first sample of each value."""
    found: list[tuple[int, str]] = []
    for number, value in enumerate(values):
        if not found or found[-1][1] != value:
            found.append((number, str(value)))
    return found


def summarize(cases: list[CaseResult], *, file: str, sha256: str, oracle: str) -> Result:
    failed = [case.id for case in cases if case.verdict is Verdict.FAIL]
    worst = max(cases, key=_error_pu)
    return Result(
        format=FORMAT,
        format_version=FORMAT_VERSION,
        file=file,
        sha256=sha256,
        oracle=oracle,
        tolerances={"static_pu": STATIC_PU_MAX, "shape_pu": SHAPE_PU_MAX, "shape_share": SHAPE_SHARE_MIN},
        passed=not failed,
        worst_pu=worst.error_pu,
        worst_id=worst.id,
        failed=failed,
        kinds={kind: _kind([case for case in cases if case.kind == kind]) for kind in _kinds(cases)},
        cases=cases,
    )


def _kinds(cases: list[CaseResult]) -> list[str]:
    return list(dict.fromkeys(case.kind for case in cases))


def _kind(cases: list[CaseResult]) -> Kind:
    worst = max(cases, key=_error_pu)
    return Kind(
        cases=len(cases),
        failed=sum(case.verdict is Verdict.FAIL for case in cases),
        points=sum(len(case.points) for case in cases),
        checks=sum(len(case.checks) for case in cases),
        same_shape=sum(case.shape is not None and case.shape.same for case in cases),
        worst_pu=worst.error_pu,
        worst_id=worst.id,
    )


def _error_pu(case: CaseResult) -> float:
    return case.error_pu
