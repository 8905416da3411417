"""A bad file of cases is one sentence that names the field."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_agent.replay.vectors import load_vectors, value_at
from tests.edge_agent.replay.cases import write
from vpp_core.faults import ConfigurationFault

STATIC, DYNAMIC = ("static", 0), ("dynamic", 0)
REMOVED = object()


def setting(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    """Puts a value into the file, or takes one out."""

    def change(content: Any) -> None:
        for step in path[:-1]:
            content = content[step]
        if to is REMOVED:
            del content[path[-1]]
        else:
            content[path[-1]] = to

    return change


def test_a_good_file_is_read(tmp_path: Path) -> None:
    vectors = load_vectors(write(tmp_path))
    assert (len(vectors.static), len(vectors.dynamic)) == (2, 3)


def test_a_constant_and_a_series_are_read_alike() -> None:
    assert value_at(0.5, 7) == 0.5
    assert value_at([0.1, 0.2], 1) == 0.2


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(setting("format", to="csv"), "`$.format`", id="another-format"),
        pytest.param(setting("format_version", to=2), "`$.format_version`", id="another-version"),
        pytest.param(
            setting("nominal_hz", to=0.0), "`nominal_hz` must be above 0", id="no-nominal-frequency"
        ),
        pytest.param(setting("rating_w", to=0.0), "`rating_w` must be above 0", id="no-rating"),
        pytest.param(
            setting("nominal_hz", to=REMOVED), "missing required field `nominal_hz`", id="a-missing-field"
        ),
        pytest.param(setting(*STATIC, "der", to="wind"), "`$.static[0].der`", id="a-der-of-another-kind"),
        pytest.param(
            setting(*STATIC, "p_pre_pu", to=REMOVED), "`static[0].p_pre_pu` is missing", id="no-start"
        ),
        pytest.param(
            setting("static", 1, "p_in_pu", to=None), "`static[1].p_in_pu` is missing", id="no-power"
        ),
        pytest.param(setting(*STATIC, "points_f_p", to=[]), "`static[0].points_f_p`", id="no-points"),
        pytest.param(
            setting(*STATIC, "points_f_p", 0, to=[60.0]), "`$.static[0].points_f_p[0]`", id="half-a-point"
        ),
        pytest.param(
            setting("static", 1, "id", to="droop"), "`static[1].id` is 'droop' a second time", id="twice"
        ),
        pytest.param(
            setting(*DYNAMIC, "id", to="droop"), "`dynamic[0].id` is 'droop'", id="twice-across-sorts"
        ),
        pytest.param(setting(*DYNAMIC, "dt_s", to=0), "`dynamic[0].dt_s` must be above 0", id="no-time"),
        pytest.param(setting(*DYNAMIC, "dt_s", to="x"), "`$.dynamic[0].dt_s`", id="a-time-that-is-a-word"),
        pytest.param(setting(*DYNAMIC, "n", to=0), "`dynamic[0].n` must be at least 1", id="no-samples"),
        pytest.param(
            setting(*DYNAMIC, "n", to=9), "`dynamic[0].inputs.f_hz` has 10 samples", id="too-long-an-input"
        ),
        pytest.param(
            setting(*DYNAMIC, "outputs", "q_pu", to=[0.0]),
            "`dynamic[0].outputs.q_pu` has 1",
            id="too-short-an-output",
        ),
        pytest.param(
            setting(*DYNAMIC, "inputs", "p_dem_pu", to=REMOVED),
            "`dynamic[0].inputs.p_dem_pu` is",
            id="no-demand",
        ),
        pytest.param(
            setting(*DYNAMIC, "inputs", "f_hz", to=1e300), "`$.dynamic[0].inputs.f_hz`", id="no-grid-has-that"
        ),
        pytest.param(
            setting(*DYNAMIC, "setting_changes", to=[[10, {}]]),
            "`dynamic[0].setting_changes[0]` names sample 10",
            id="a-change-after-the-end",
        ),
        pytest.param(
            setting(*DYNAMIC, "checks", 0, "t_90_max_s", to=50.0),
            "`dynamic[0].checks[0].t_90_max_s` lies beyond",
            id="a-check-after-the-end",
        ),
        pytest.param(
            setting(*DYNAMIC, "checks", 0, "type", to="x"), "`$.dynamic[0].checks[0]", id="an-unknown-check"
        ),
    ],
)
def test_a_bad_field_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], sentence: str
) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        load_vectors(write(tmp_path, change))
    text = str(caught.value)
    assert sentence in text
    assert "cases.json" in text
    assert "\n" not in text


def test_no_case_at_all(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["static"] = content["dynamic"] = []

    with pytest.raises(ConfigurationFault, match="there is no case"):
        load_vectors(write(tmp_path, change))


@pytest.mark.parametrize(
    "content", [b"", b"no json", b"\xff\xfe", b"[" * 5_000, b"[]", b'{"nominal_hz": 1e999}']
)
def test_what_is_no_such_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cases.json"
    path.write_bytes(content)
    with pytest.raises(ConfigurationFault, match=r"cases\.json"):
        load_vectors(path)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match="cannot read"):
        load_vectors(tmp_path / "nowhere.json")
