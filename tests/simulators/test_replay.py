"""``vpp-sim replay``: recorded answers beside computed ones, judged; and files that cannot be used."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.cli import main
from simulators.devices.functions.decision import Excursion, Mode
from simulators.devices.functions.settings import Category, Priority
from simulators.replay.judge import judge_check, judge_shape
from simulators.replay.opender import UnknownSetting, unit_settings
from simulators.replay.play import Played
from simulators.replay.vectors import Check, DynamicCase, Settings

NOTHING = Excursion(0)
Document = dict[str, Any]
Change = Callable[[Document], object]

DT_S = 0.1
ORACLE = Path(__file__).parents[3] / "shared" / "oracle" / "ieee1547_vectors.json"


def droop_pu(frequency_hz: float) -> float:
    """What a droop of 5 % beyond 36 mHz makes of half the power."""
    beyond_hz = max(0.0, abs(frequency_hz - 60.0) - 0.036)
    return 0.5 - math.copysign(beyond_hz / 3.0, frequency_hz - 60.0)


def document() -> Document:
    """Three cases with answers by closed formulas: settled droop and volt-var, and a loss of permission."""
    ramp_pu = [min(0.9, (number + 1) / 20.0) for number in range(50)]
    return {
        "format": "vpp-edge-oracle",
        "format_version": 1,
        "oracle": "closed formulas",
        "nominal_hz": 60.0,
        "base_settings": {"NP_P_MAX": 100e3, "NP_VA_MAX": 100e3, "PF_MODE_ENABLE": "DISABLED"},
        "static": [
            {
                "id": "droop",
                "kind": "freq_droop_static",
                "der": "bess",
                "settings": {"PF_MODE_ENABLE": "ENABLED", "PF_OLRT": 0.5},
                "p_pre_pu": 0.5,
                "p_available_pu": 1.0,
                "points_f_p": [[f, round(droop_pu(f), 6)] for f in (59.0, 59.95, 60.0, 60.5, 61.0)],
            },
            {
                "id": "volt+var",
                "kind": "volt_var_static",
                "der": "pv",
                "settings": {"QV_MODE_ENABLE": "ENABLED", "QV_OLRT": 1.0},
                "p_in_pu": 0.5,
                "points_v_p_q": [[0.95, 0.5, 0.22], [1.0, 0.5, 0.0], [1.05, 0.5, -0.22]],
            },
        ],
        "dynamic": [
            {
                "id": "permit/off",
                "kind": "enter_service",
                "der": "pv",
                "dt_s": DT_S,
                "n": 90,
                "settings": {"ES_DELAY": 2.0, "ES_RAMP_RATE": 2.0},
                "inputs": {"f_hz": 60.0, "v_pu": [1.0] * 90, "p_avl_pu": 0.9},
                "setting_changes": [
                    [10, {"ES_PERMIT_SERVICE": "DISABLED"}],
                    [20, {"ES_PERMIT_SERVICE": "ENABLED"}],
                ],
                "outputs": {
                    "p_pu": [0.9] * 10 + [0.0] * 29 + ramp_pu + [0.9],
                    "q_pu": [0.0] * 90,
                    "status": [
                        [0, "Continuous Operation"],
                        [10, "Trip"],
                        [39, "Entering Service"],
                        [59, "Continuous Operation"],
                    ],
                },
                "checks": [
                    {
                        "type": "must_trip",
                        "element": "permission",
                        "t_start_s": 1.0,
                        "clearing_time_s": 0.0,
                    }
                ],
                "model_only": [],
                "notes": "",
            }
        ],
    }


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., str]:
    """Writes the document, changed, and returns its path."""

    def write(*changes: Change) -> str:
        changed = document()
        for change in changes:
            change(changed)
        path = tmp_path / "vectors.json"
        path.write_text(json.dumps(changed))
        return str(path)

    return write


Write = Callable[..., str]


def put(value: object, *where: str | int) -> Change:
    """A change of one place."""

    def change(changed: Document) -> None:
        place: Any = changed
        for key in where[:-1]:
            place = place[key]
        place[where[-1]] = value

    return change


def drop(*where: str | int) -> Change:
    def change(changed: Document) -> None:
        place: Any = changed
        for key in where[:-1]:
            place = place[key]
        del place[where[-1]]

    return change


def test_a_file_that_agrees_passes_and_is_written_beside(
    file: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result.json"
    assert main(["replay", file(), "--out", str(out)]) == 0
    shown = capsys.readouterr()
    assert "3 of 3 cases pass against closed formulas" in shown.out
    assert shown.err == ""
    result = json.loads(out.read_text())
    assert (result["passed"], result["failed"]) == (True, [])
    assert set(result["kinds"]) == {"freq_droop_static", "volt_var_static", "enter_service"}
    droop, _, dynamic = result["cases"]
    for point in droop["points"]:
        assert point["computed_p_pu"] == pytest.approx(point["expected_p_pu"], abs=1e-5)
        assert point["passed"]
    outputs = dynamic["outputs"]
    assert len(outputs["computed_p_pu"]) == len(outputs["expected_p_pu"]) == 90
    assert outputs["computed_p_pu"] == pytest.approx(outputs["expected_p_pu"], abs=1e-6)
    assert outputs["computed_status"] == outputs["expected_status"]
    assert result["worst_pu"] == max(case["error_pu"] for case in result["cases"])


DISAGREEING = [
    pytest.param(put([60.5, 0.35], "static", 0, "points_f_p", 3), "droop", "1 of 5 points", id="a-point"),
    pytest.param(put(0.0225, "static", 1, "points_v_p_q", 1, 2), "volt+var", "1 of 3 points", id="a-q"),
    pytest.param(
        put(0.8, "dynamic", 0, "inputs", "p_avl_pu"), "permit/off", "% of samples within", id="a-shape"
    ),
    pytest.param(
        put([[0, "Continuous Operation"]], "dynamic", 0, "outputs", "status"),
        "permit/off",
        "% in the same mode",
        id="the-operating-mode",
    ),
    pytest.param(
        put(2.0, "dynamic", 0, "checks", 0, "t_start_s"),
        "permit/off",
        "must_trip: trips -1.000 s",
        id="a-check",
    ),
    pytest.param(put([], "dynamic", 0, "setting_changes"), "permit/off", "does not trip", id="no-change"),
]


@pytest.mark.parametrize(("change", "fails", "says"), DISAGREEING)
def test_one_that_disagrees_fails_by_name_and_exit_code_1(
    change: Change, fails: str, says: str, file: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "result.json"
    assert main(["replay", file(change), "--out", str(out)]) == 1
    shown = capsys.readouterr().out
    assert f"FAIL {fails}: " in shown
    assert says in shown
    assert "2 of 3 cases pass" in shown
    result = json.loads(out.read_text())
    assert (result["passed"], result["failed"], result["worst_id"]) == (False, [fails], result["worst_id"])


def test_what_is_the_oracles_own_choice_is_measured_and_not_judged(
    file: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    own_choice = (
        put([{"what": "all of it"}], "dynamic", 0, "model_only"),
        put([0.5] * 90, "dynamic", 0, "outputs", "p_pu"),
    )
    assert main(["replay", file(*own_choice)]) == 0
    unchecked = file(*own_choice, put([], "dynamic", 0, "checks"))
    assert main(["replay", unchecked, "--case", "permit/off"]) == 0
    assert "Not judged, the oracle's own choice: permit/off" in capsys.readouterr().out


def test_but_its_checks_are_judged(file: Write) -> None:
    wrong = (
        put([{"what": "all of it"}], "dynamic", 0, "model_only"),
        put(3.0, "dynamic", 0, "checks", 0, "t_start_s"),
    )
    assert main(["replay", file(*wrong)]) == 1


def test_some_cases_only(file: Write, capsys: pytest.CaptureFixture[str]) -> None:
    path = file(put([60.5, 0.9], "static", 0, "points_f_p", 3))
    assert main(["replay", path, "--case", "volt+var", "--case", "permit/off"]) == 0
    assert "2 of 2 cases pass" in capsys.readouterr().out


def test_pictures_of_the_dynamic_cases(file: Write, tmp_path: Path) -> None:
    folder = tmp_path / "plots" / "new"
    moving = put([0.0] * 89 + [0.1], "dynamic", 0, "outputs", "q_pu")
    assert main(["replay", file(moving), "--plot", str(folder)]) == 1
    assert [path.name for path in folder.iterdir()] == ["permit-off.png"]
    assert (folder / "permit-off.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


@pytest.mark.skipif(not ORACLE.exists(), reason="../shared/oracle is not there")
def test_pictures_of_every_kind_of_limit(tmp_path: Path) -> None:
    ids = ("vv-step-0", "vv+vw+fd", "es-clean-0", "fd-step-of-pv-0", "trip-ov1-short")
    chosen = [word for name in ids for word in ("--case", name)]
    assert main(["replay", str(ORACLE), "--plot", str(tmp_path), *chosen]) == 0
    assert {path.stem for path in tmp_path.iterdir()} == {name.replace("+", "-") for name in ids}


def with_check(**check: object) -> Change:
    return put([check], "dynamic", 0, "checks")


UNUSABLE = [
    pytest.param(
        put("other", "format"), "format is 'other', and must be 'vpp-edge-oracle'", id="another-format"
    ),
    pytest.param(put(2, "format_version"), "format_version is 2, and must be 1", id="another-version"),
    pytest.param(drop("format"), "format is None", id="no-format"),
    pytest.param(drop("static"), "missing required field static", id="no-static"),
    pytest.param(drop("dynamic", 0, "outputs", "q_pu"), "missing required field q_pu", id="no-output"),
    pytest.param(put(55.0, "nominal_hz"), "nominal_hz is 55, and must be 50 or 60", id="nominal"),
    pytest.param(put("x", "dynamic", 0, "dt_s"), "dynamic[0].dt_s", id="text-for-a-number"),
    pytest.param(
        put(None, "static", 0, "points_f_p", 1), "static[0].points_f_p[1]", id="nothing-for-a-point"
    ),
    pytest.param(put([60.0], "static", 0, "points_f_p", 1), "static[0].points_f_p[1]", id="half-a-point"),
    pytest.param(
        put(math.nan, "dynamic", 0, "inputs", "v_pu", 7),
        "dynamic[0].inputs.v_pu[7] is not a finite number",
        id="nan",
    ),
    pytest.param(
        put(math.inf, "static", 0, "settings", "PF_OLRT"),
        "static[0].settings.PF_OLRT is not a finite number",
        id="infinity",
    ),
    pytest.param(
        put([1.0] * 89, "dynamic", 0, "inputs", "v_pu"),
        "inputs.v_pu has 89 values, and n is 90",
        id="short-input",
    ),
    pytest.param(
        put([0.0] * 91, "dynamic", 0, "outputs", "q_pu"),
        "outputs.q_pu has 91 values, and n is 90",
        id="long-output",
    ),
    pytest.param(put(0, "dynamic", 0, "n"), "n is 0, and must be at least 1", id="no-sample"),
    pytest.param(put(0.0, "dynamic", 0, "dt_s"), "dt_s is 0, and must be above 0", id="no-step"),
    pytest.param(put("wind", "static", 0, "der"), "static[0].der", id="another-unit"),
    pytest.param(drop("static", 0, "p_pre_pu"), "points_f_p needs p_pre_pu", id="no-power-before"),
    pytest.param(drop("static", 1, "p_in_pu"), "points_v_p_q needs p_in_pu", id="no-power-in"),
    pytest.param(drop("static", 1, "points_v_p_q"), "either points_f_p or points_v_p_q", id="no-points"),
    pytest.param(
        put([], "static", 1, "points_v_p_q"), "static[1] (volt+var): there is no point", id="zero-points"
    ),
    pytest.param(put("droop", "static", 1, "id"), "the id 'droop' stands 2 times", id="an-id-twice"),
    pytest.param(
        put([[1, "Trip"]], "dynamic", 0, "outputs", "status"),
        "outputs.status does not ascend",
        id="status-late",
    ),
    pytest.param(
        put([[90, {}]], "dynamic", 0, "setting_changes"),
        "setting_changes[0] is at sample 90",
        id="change-late",
    ),
    pytest.param(drop("dynamic", 0, "inputs", "p_avl_pu"), "inputs.p_avl_pu is missing", id="no-sun"),
    pytest.param(
        put(0.5, "dynamic", 0, "inputs", "p_dem_pu"), "p_dem_pu is not for a pv", id="a-demand-of-pv"
    ),
    pytest.param(with_check(type="other"), "dynamic[0].checks[0].type", id="another-check"),
    pytest.param(
        with_check(
            type="open_loop_response", signal="p_pu", t_step_s=5.0, t_90_max_s=5.0, from_pu=0.0, to_pu=1.0
        ),
        "checks[0] is judged at 10 s, outside the samples",
        id="a-check-after-the-end",
    ),
    pytest.param(
        with_check(
            type="open_loop_response", signal="p_pu", t_step_s=1e308, t_90_max_s=5.0, from_pu=0.0, to_pu=1.0
        ),
        "outside the samples",
        id="a-check-after-all-time",
    ),
    pytest.param(put(1.0, "static", 0, "settings", "XY_Z"), "XY_Z is no setting", id="unknown-setting"),
    pytest.param(
        put(0.1, "base_settings", "NP_INV_DELAY"),
        "NP_INV_DELAY = 0.1 cannot be honoured, only 0.0",
        id="a-delay",
    ),
    pytest.param(
        put("MAYBE", "static", 0, "settings", "PF_MODE_ENABLE"),
        "Case 'droop' cannot be replayed: settings: PF_MODE_ENABLE = 'MAYBE' is none of",
        id="half-enabled",
    ),
    pytest.param(
        put(0.0, "static", 0, "settings", "PF_KOF"),
        "frequency_droop.droop_over is not above zero",
        id="no-droop",
    ),
    pytest.param(put("1", "static", 0, "settings", "PF_KOF"), "PF_KOF = '1' is not a number", id="text"),
]


@pytest.mark.parametrize(("change", "says"), UNUSABLE)
def test_a_file_that_cannot_be_used_is_one_sentence_and_exit_code_2(
    change: Change, says: str, file: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", file(change)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("vpp-sim: ")
    assert says in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"", "is not JSON", id="empty"),
        pytest.param(b"\xff\xfe\x00", "is not JSON", id="bytes"),
        pytest.param(b"{", "is not JSON", id="cut-off"),
        pytest.param(b"[" * 100_000, "is not JSON", id="deep"),
        pytest.param(b"[1, 2]", "must hold an object", id="a-list"),
    ],
)
def test_what_is_no_document(
    content: bytes, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "vectors.json"
    path.write_bytes(content)
    assert main(["replay", str(path)]) == 2
    assert says in capsys.readouterr().err


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", str(tmp_path / "none.json")]) == 2
    assert "No such file" in capsys.readouterr().err


def test_a_case_that_is_not_there_names_its_neighbours(
    file: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", file(), "--case", "drop"]) == 2
    assert "There is no case 'drop' in the file; near it are droop." in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--out", "--plot"])
def test_a_place_that_cannot_be_written(
    option: str, file: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("")
    assert main(["replay", file(), option, str(tmp_path / "taken" / "inside")]) == 2
    assert "Cannot write" in capsys.readouterr().err


PLACES = [
    ("nominal_hz",),
    ("base_settings", "NP_P_MAX"),
    ("static", 0),
    ("static", 0, "settings", "PF_OLRT"),
    ("static", 0, "p_available_pu"),
    ("static", 0, "points_f_p", 0, 0),
    ("static", 1, "points_v_p_q", 0),
    ("dynamic", 0, "dt_s"),
    ("dynamic", 0, "n"),
    ("dynamic", 0, "inputs", "v_pu", 3),
    ("dynamic", 0, "inputs", "p_avl_pu"),
    ("dynamic", 0, "outputs", "status", 1, 0),
    ("dynamic", 0, "setting_changes", 0),
    ("dynamic", 0, "settings"),
    ("dynamic", 0, "checks", 0, "t_start_s"),
]
ODD: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.just(10**400),
    st.sampled_from([1e308, -1e308, 5e-324, -0.0]),
    st.text(max_size=3),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.sampled_from(["ES_DELAY", "PF_OLRT", "OV1_TRIP_V"]), st.floats(), max_size=2),
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(PLACES), ODD)
def test_whatever_stands_in_a_place_there_is_a_verdict_or_a_sentence(
    file: Write, capsys: pytest.CaptureFixture[str], where: tuple[str | int, ...], odd: object
) -> None:
    code = main(["replay", file(put(odd, *where))])
    error = capsys.readouterr().err
    assert (code == 2) == error.startswith("vpp-sim: ")
    assert code in {0, 1, 2}


def played(p_pu: list[float], modes: list[Mode] | None = None, alarm: Excursion = NOTHING) -> Played:
    modes = modes or [Mode.CONTINUOUS] * len(p_pu)
    return Played(p_pu=p_pu, q_pu=[0.0] * len(p_pu), mode=modes, alarms=[alarm] * len(p_pu))


def case_of(p_pu: list[float], **parts: Any) -> DynamicCase:
    sample = document()["dynamic"][0] | {"n": len(p_pu), "setting_changes": [], "checks": []} | parts
    sample["inputs"] = {"f_hz": 60.0, "v_pu": 1.0, "p_avl_pu": 1.0}
    sample["outputs"] = {"p_pu": p_pu, "q_pu": [0.0] * len(p_pu), "status": [[0, Mode.CONTINUOUS.value]]}
    return msgspec.convert(sample, DynamicCase)


def check_of(**parts: object) -> Check:
    return msgspec.convert(parts, Check)  # type: ignore[no-any-return]


STEP = {"type": "open_loop_response", "signal": "p_pu", "t_step_s": 1.0, "t_90_max_s": 2.0}


@pytest.mark.parametrize(
    ("reached_pu", "passes"),
    [(1.0, True), (0.9, True), (0.881, True), (0.879, False), (0.0, False), (-1.0, False)],
)
def test_an_open_loop_response_needs_90_percent_less_2(reached_pu: float, *, passes: bool) -> None:
    samples = [0.0] * 31 + [reached_pu] * 9
    check = check_of(**STEP, from_pu=0.0, to_pu=1.0)
    assert judge_check(check, case_of(samples), played(samples)).passed == passes


def test_a_downward_response_is_judged_downwards() -> None:
    check = check_of(**STEP, from_pu=0.5, to_pu=-0.5)
    assert judge_check(check, case_of([0.0] * 40), played([-0.45] * 40)).passed
    assert not judge_check(check, case_of([0.0] * 40), played([0.5] * 40)).passed


@pytest.mark.parametrize(
    ("first", "cause", "passes"),
    [
        pytest.param(20, Excursion.OVER_VOLTAGE, True, id="in-time"),
        pytest.param(18, Excursion.OVER_VOLTAGE, True, id="two-samples-early"),
        pytest.param(22, Excursion.OVER_VOLTAGE, True, id="two-samples-late"),
        pytest.param(17, Excursion.OVER_VOLTAGE, False, id="three-samples-early"),
        pytest.param(23, Excursion.OVER_VOLTAGE, False, id="three-samples-late"),
        pytest.param(20, Excursion.UNDER_FREQUENCY, False, id="by-another-quantity"),
        pytest.param(40, Excursion.OVER_VOLTAGE, False, id="not-at-all"),
    ],
)
def test_must_trip(first: int, cause: Excursion, *, passes: bool) -> None:
    modes = [Mode.MANDATORY] * first + [Mode.TRIP] * (40 - first)
    samples = played([0.0] * 40, modes, cause)
    times = {"element": "ov1", "t_start_s": 1.0, "clearing_time_s": 1.0}
    assert judge_check(check_of(type="must_trip", **times), case_of([0.0] * 40), samples).passed == passes
    must_not = judge_check(check_of(type="must_not_trip", **times), case_of([0.0] * 40), samples)
    assert must_not.passed == (first == 40)


@pytest.mark.parametrize(
    ("enters", "ramp", "passes"),
    [
        pytest.param(15, 20, True, id="in-time"),
        pytest.param(17, 20, True, id="delay-two-samples-long"),
        pytest.param(12, 20, False, id="delay-short"),
        pytest.param(15, 17, False, id="ramp-short"),
        pytest.param(15, 24, False, id="ramp-long"),
        pytest.param(50, 20, False, id="never"),
    ],
)
def test_enter_service(enters: int, ramp: int, *, passes: bool) -> None:
    modes = [Mode.TRIP] * enters + [Mode.ENTERING_SERVICE] * (50 - enters)
    power_pu = [min(1.0, max(0.0, (number - enters) / ramp)) for number in range(50)]
    check = check_of(type="enter_service", v_f_ok_from_s=0.5, delay_min_s=1.0, ramp_s=2.0, target_pu=1.0)
    assert judge_check(check, case_of([0.0] * 50), played(power_pu, modes)).passed == passes


@pytest.mark.parametrize(
    ("computed", "same"),
    [
        pytest.param([0.0] * 50 + [1.0] * 50, True, id="equal"),
        pytest.param([0.0] * 49 + [1.0] * 51, True, id="an-edge-one-sample-early"),
        pytest.param([0.0] * 51 + [1.0] * 49, True, id="an-edge-one-sample-late"),
        pytest.param([0.0] * 52 + [1.0] * 48, True, id="two-late-is-one-percent-outside"),
        pytest.param([0.0] * 53 + [1.0] * 47, False, id="three-late-is-too-much"),
        pytest.param([0.0049] * 50 + [1.0049] * 50, True, id="offset-within-tolerance"),
        pytest.param([0.0051] * 50 + [1.0051] * 50, False, id="offset-outside"),
    ],
)
def test_the_same_shape(computed: list[float], *, same: bool) -> None:
    assert judge_shape(case_of([0.0] * 50 + [1.0] * 50), played(computed)).same == same


def test_names_of_the_common_file_format() -> None:
    named: Settings = {
        "NP_P_MAX": 80e3,
        "NP_VA_MAX": 100e3,
        "NP_Q_MAX_ABS": 30e3,
        "NP_ABNORMAL_OP_CAT": "CAT_I",
        "UV1_TRIP_T": 3.0,
        "AP_LIMIT_ENABLE": "ENABLED",
        "AP_LIMIT": 0.6,
        "CONST_PF_MODE_ENABLE": "ENABLED",
        "CONST_PF": 0.8,
        "CONST_PF_EXCITATION": "ABS",
        "QP_MODE_ENABLE": "ENABLED",
        "QP_CURVE_Q3_GEN": -0.3,
        "NP_PRIO_OUTSIDE_MIN_Q_REQ": "ACTIVE",
        "STATUS_INIT": "OFF",
    }
    unit = unit_settings(named, "pv", 60.0)
    assert unit.capability.apparent_per_power == 1.25
    assert (unit.capability.injected_max_pu, unit.capability.absorbed_max_pu) == (0.44, 0.3)
    assert unit.capability.reduced_at_low_power
    assert not unit_settings(named, "bess", 60.0).capability.reduced_at_low_power
    functions = unit.functions
    assert functions.trips.category is Category.ONE
    assert (functions.trips.under_voltage[0].at, functions.trips.under_voltage[0].clearing_s) == (0.7, 3.0)
    assert functions.watt_var.points[-1] == (1.0, -0.3)
    assert functions.volt_var.priority is Priority.ACTIVE
    assert (unit.limit_pu, unit.in_service) == (0.6, False)
    assert unit.reactive_per_active == pytest.approx(-0.75)


def test_a_constant_power_factor_and_a_limit_settle(file: Write) -> None:
    fixed = {
        "CONST_PF_MODE_ENABLE": "ENABLED",
        "CONST_PF": 0.9,
        "CONST_PF_EXCITATION": "INJ",
        "AP_LIMIT_ENABLE": "ENABLED",
        "AP_LIMIT": 0.4,
        "AP_RT": 1.0,
        "CONST_PF_RT": 1.0,
    }
    expected_q_pu = 0.4 * math.tan(math.acos(0.9))
    path = file(
        put(fixed, "static", 1, "settings"),
        put([[1.0, 0.4, expected_q_pu], [1.05, 0.4, expected_q_pu]], "static", 1, "points_v_p_q"),
    )
    assert main(["replay", path, "--case", "volt+var"]) == 0


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({"CONST_PF": 1.2}, id="a-power-factor-above-1"),
        pytest.param({"NP_P_MAX": 0.0}, id="no-rating"),
        pytest.param({"NP_CURRENT_PU": 1.1}, id="a-current-limit"),
        pytest.param({"NP_APPARENT_POWER_CHARGE_MAX": 50e3}, id="another-rating-for-charging"),
    ],
)
def test_settings_that_cannot_be_honoured(named: dict[str, float | str]) -> None:
    with pytest.raises(UnknownSetting):
        unit_settings(named, "bess", 60.0)
