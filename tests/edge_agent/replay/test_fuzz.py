"""Whatever stands in a file of cases: an answer or one sentence, never a traceback."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import pytest

from edge_agent.cli import main
from tests.edge_agent.replay.cases import write

VALUES: tuple[Any, ...] = (
    None,
    0,
    -1,
    0.5,
    1e9,
    -1e9,
    1e300,
    5e-324,
    True,
    "x",
    "ENABLED",
    [],
    {},
    [1, 2],
    [[0, "x"]],
)
SETTINGS = (
    "PF_KOF",
    "PF_OLRT",
    "QV_CURVE_V1",
    "ES_DELAY",
    "ES_RAMP_RATE",
    "OV1_TRIP_V",
    "AP_LIMIT",
    "NP_VA_MAX",
)
MODES = ("PF_MODE_ENABLE", "QV_MODE_ENABLE", "PV_MODE_ENABLE", "QP_MODE_ENABLE", "AP_LIMIT_ENABLE")
Place = tuple[str | int, ...]


def places(content: Any, here: Place = ()) -> Iterator[Place]:
    keys = content if isinstance(content, dict) else range(len(content)) if isinstance(content, list) else ()
    for key in keys:
        yield (*here, key)
        yield from places(content[key], (*here, key))


@pytest.mark.parametrize("seed", range(150))
def test_a_spoilt_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    random = Random(seed)

    def spoil(content: dict[str, Any]) -> None:
        case = random.choice([*content["static"], *content["dynamic"]])
        case["settings"] = {
            random.choice(MODES): "ENABLED",
            random.choice(SETTINGS): random.choice(VALUES[:8]),
        }
        *path, last = random.choice(list(places(content)))
        parent: Any = content
        for step in path:
            parent = parent[step]
        parent[last] = deepcopy(random.choice(VALUES))

    code = main(["replay", str(write(tmp_path, spoil)), "--out", str(tmp_path / "result.json")])
    shown = capsys.readouterr().err
    assert code in (0, 1, 2)
    assert (code == 2) is shown.startswith("vpp-edge: ")
    assert shown.count("\n") <= 1
