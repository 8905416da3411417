"""The control law against a second, independent truth: ``../shared/oracle`` (see its README)."""

from pathlib import Path

import pytest

from edge_agent.control.functions.frequency_droop import Latch
from edge_agent.replay.judge import judge_dynamic, judge_static
from edge_agent.replay.play import Player
from edge_agent.replay.vectors import DynamicCase, StaticCase, Vectors, load_vectors

ORACLE = Path(__file__).parents[4] / "shared" / "oracle" / "ieee1547_vectors.json"
VECTORS: Vectors | None = load_vectors(ORACLE) if ORACLE.exists() else None
STATIC = VECTORS.static if VECTORS else []
DYNAMIC = VECTORS.dynamic if VECTORS else []


@pytest.fixture
def vectors() -> Vectors:
    if VECTORS is None:
        pytest.skip("the oracle's vectors lie beside the repository, in ../shared/oracle, and are not there")
    return VECTORS


def test_the_oracle_is_whole(vectors: Vectors) -> None:
    points = sum(len(case.points_f_p) + len(case.points_v_p_q) for case in vectors.static)
    checks = sum(len(case.checks) for case in vectors.dynamic)
    assert (points, len(vectors.dynamic), checks) == (558, 58, 32)


@pytest.mark.parametrize("case", STATIC, ids=lambda case: case.id)
@pytest.mark.parametrize("latch", Latch)
def test_every_static_point_is_within_0_002_pu(vectors: Vectors, case: StaticCase, latch: Latch) -> None:
    verdict = judge_static(case, Player(vectors, latch).play_static(case))
    assert verdict.passed, f"{verdict.worst_pu} pu"


@pytest.mark.parametrize("case", DYNAMIC, ids=lambda case: case.id)
def test_99_percent_of_samples_are_within_0_005_pu(vectors: Vectors, case: DynamicCase) -> None:
    verdict = judge_dynamic(case, Player(vectors).play_dynamic(case))
    assert verdict.samples_within >= 0.99 * verdict.samples, f"{verdict.worst_pu} pu"


@pytest.mark.parametrize("case", [case for case in DYNAMIC if case.checks], ids=lambda case: case.id)
@pytest.mark.parametrize("latch", Latch)
def test_every_check_holds(vectors: Vectors, case: DynamicCase, latch: Latch) -> None:
    verdict = judge_dynamic(case, Player(vectors, latch).play_dynamic(case))
    assert [check.text for check in verdict.checks if not check.passed] == []
