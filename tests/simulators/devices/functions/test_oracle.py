"""The functions beside EPRI OpenDER 2.2.0: settled points, checks and shapes of ``../shared/oracle``."""

from pathlib import Path

import pytest

from simulators.replay.judge import judge_check, judge_points, judge_shape
from simulators.replay.play import play_dynamic, play_static
from simulators.replay.vectors import DynamicCase, StaticCase, Vectors, read_vectors

FILE = Path(__file__).parents[5] / "shared" / "oracle" / "ieee1547_vectors.json"
VECTORS: Vectors | None = read_vectors(FILE) if FILE.exists() else None
ABSENT = "the recorded answers lie in ../shared/oracle, which is not there"
STATIC = VECTORS.static if VECTORS else []
DYNAMIC = VECTORS.dynamic if VECTORS else []

pytestmark = pytest.mark.skipif(VECTORS is None, reason=ABSENT)


@pytest.mark.parametrize("case", STATIC, ids=lambda case: case.id)
def test_settled_points_within_0_002(case: StaticCase) -> None:
    assert VECTORS is not None
    points = judge_points(case, list(play_static(case, VECTORS)))
    assert len(points) >= 10
    assert [point for point in points if not point.passed] == []


@pytest.mark.parametrize("case", DYNAMIC, ids=lambda case: case.id)
def test_shape_and_checks(case: DynamicCase) -> None:
    """Also where the oracle's way is its own choice: our response has been built with the same shape."""
    assert VECTORS is not None
    played = play_dynamic(case, VECTORS)
    results = [judge_check(check, case, played) for check in case.checks]
    assert [result for result in results if not result.passed] == []
    shape = judge_shape(case, played)
    assert shape.same, shape
    assert shape.mode_share == 1.0
    assert max(shape.worst_p_pu, shape.worst_q_pu) < 0.0011


def test_the_file_is_the_one_that_is_meant() -> None:
    points = sum(len(case.points_f_p or case.points_v_p_q or ()) for case in STATIC)
    checks = sum(len(case.checks) for case in DYNAMIC)
    assert (len(STATIC), points, len(DYNAMIC), checks) == (28, 558, 58, 32)
