"""Traces: what a file says is what the devices see, and what it cannot mean is refused with its line."""

from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as some

from simulators.grid.recorded import RECORDED
from simulators.grid.trace import COLUMNS, After, Shape, Trace, TraceGrid, read_trace, replay, steps
from vpp_core.faults import ConfigurationFault

T_S = 1_628_700_000.0
FALL = "at_s,frequency_hz,voltage_pu\n0,60,1\n1,59.5,0.9\n2,59.9,1.1\n"


@pytest.fixture
def fall(tmp_path: Path) -> Trace:
    return read(tmp_path, FALL)


def read(folder: Path, text: str) -> Trace:
    file = folder / "trace.csv"
    file.write_text(text, encoding="utf-8")
    return read_trace(file)


def frequency_hz(grid: TraceGrid, *after_s: float) -> list[float]:
    return [grid.frequency_hz(T_S + each_s) for each_s in after_s]


@pytest.mark.parametrize(
    ("shape", "after", "expected_hz"),
    [
        pytest.param(
            Shape.STRAIGHT, After.HOLD, [60.0, 60.0, 59.75, 59.5, 59.7, 59.9, 59.9, 59.9], id="line-hold"
        ),
        pytest.param(
            Shape.HOLD, After.HOLD, [60.0, 60.0, 60.0, 59.5, 59.5, 59.9, 59.9, 59.9], id="hold-hold"
        ),
        pytest.param(
            Shape.STRAIGHT, After.REPEAT, [60.0, 60.0, 59.75, 59.5, 59.7, 59.9, 59.95, 60.0], id="line-repeat"
        ),
        pytest.param(
            Shape.HOLD, After.REPEAT, [60.0, 60.0, 60.0, 59.5, 59.5, 59.9, 59.9, 60.0], id="hold-repeat"
        ),
    ],
)
def test_between_samples_and_after_them_it_does_as_told(
    fall: Trace, shape: Shape, after: After, expected_hz: list[float]
) -> None:
    grid = TraceGrid(fall, T_S, shape=shape, after=after)
    assert frequency_hz(grid, -5.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0) == pytest.approx(expected_hz)


def test_a_trace_repeats_for_days(fall: Trace) -> None:
    grid = TraceGrid(fall, T_S, after=After.REPEAT)
    for lap in (1, 1_000, 100_000):
        assert frequency_hz(grid, 3.0 * lap + 0.5, 3.0 * lap + 1.0) == pytest.approx([59.75, 59.5])


def test_a_trace_may_begin_at_any_second_of_its_own(tmp_path: Path) -> None:
    grid = TraceGrid(read(tmp_path, "at_s,frequency_hz\n1000,60\n1002,58\n"), T_S)
    assert frequency_hz(grid, 0.0, 1.0, 2.0) == [60.0, 59.0, 58.0]


def test_a_column_that_is_not_there_stays_at_nominal(tmp_path: Path) -> None:
    only_voltage = TraceGrid(read(tmp_path, "at_s,voltage_pu\n0,0.9\n1,0.9\n"), T_S, nominal_hz=50.0)
    assert only_voltage.frequency_hz(T_S) == 50.0
    assert only_voltage.voltage_v(T_S) == pytest.approx(216.0)
    only_frequency = TraceGrid(read(tmp_path, "at_s,frequency_hz\n0,59\n1,59\n"), T_S)
    assert only_frequency.voltage_pu(T_S) == 1.0


def test_other_known_columns_are_for_the_caller(tmp_path: Path) -> None:
    grid = TraceGrid(read(tmp_path, "at_s,available_pu,load_w\n0,0,100\n1,1,300\n"), T_S)
    sun, load = grid.signal("available_pu"), grid.signal("load_w")
    assert sun is not None
    assert load is not None
    assert (sun.at(T_S + 0.5), load.at(T_S + 0.5)) == (0.5, 200.0)
    assert grid.signal("frequency_hz") is None


def test_the_built_in_steps_stay_where_a_device_must_go_on_as_before() -> None:
    grid = TraceGrid(steps(50.0), T_S, shape=Shape.HOLD, after=After.REPEAT)
    seen_hz = {grid.frequency_hz(T_S + at_s) for at_s in range(160)}
    seen_pu = {grid.voltage_pu(T_S + at_s) for at_s in range(160)}
    assert seen_hz == {50.0, 49.9, 49.5, 50.1, 50.5}
    assert (min(seen_pu), max(seen_pu)) == (0.9, 1.09)
    assert frequency_hz(grid, 9.9, 10.0, 19.9, 20.0, 160.0, 170.0) == [50.0, 49.9, 49.9, 49.5, 50.0, 49.9]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "at_s,frequency_hz\n0,60\n1,60\n2,60\n5,60\n6,60\n",
            "line 5: a gap of 3 s before at_s = 5",
            id="gap",
        ),
        pytest.param(
            "at_s,frequency_hz\n0,60\n\n1,60\n2,60\n9,60\n",
            "line 6: a gap of 7 s",
            id="gap-after-a-blank-line",
        ),
        pytest.param("at_s,frequency_hz\n0,60\n1,\n", "line 3: frequency_hz is missing", id="nothing-there"),
        pytest.param(
            "at_s,frequency_hz\n0,60\n1,nan\n", "line 3: frequency_hz is 'nan', not a number", id="nan"
        ),
        pytest.param(
            "at_s,frequency_hz\n0,60\n1,high\n", "line 3: frequency_hz is 'high', not a number", id="a-word"
        ),
        pytest.param(
            "at_s,frequency_hz\n0,60\n1,inf\n",
            "line 3: frequency_hz = inf is outside 10 to 100",
            id="infinite",
        ),
        pytest.param(
            "at_s,frequency_hz\n0,60\n1,1.0\n",
            "line 3: frequency_hz = 1.0 is outside",
            id="per-unit-for-hertz",
        ),
        pytest.param(
            "at_s,voltage_pu\n0,1\n1,240\n", "line 3: voltage_pu = 240 is outside 0 to 2", id="volts"
        ),
        pytest.param(
            "at_s,frequency_hz\n0,60\n1,60\n1,60\n", "line 4: at_s = 1 does not come after 1", id="same-time"
        ),
        pytest.param(
            "at_s,frequency_hz\n0,60\n2,60\n1,60\n", "line 4: at_s = 1 does not come after 2", id="backwards"
        ),
        pytest.param(
            "at_s,frequency_hz\n0,60\n1,60,1\n",
            "line 3: 3 fields where the head has 2",
            id="a-field-too-many",
        ),
        pytest.param("at_s,frequency_hz\n0,60\n", "has 1 samples", id="one-sample"),
        pytest.param("at_s,frequency_hz\n", "has 0 samples", id="no-sample"),
        pytest.param("", "needs the column at_s", id="empty"),
        pytest.param("frequency_hz\n60\n60\n", "needs the column at_s", id="no-times"),
        pytest.param("at_s\n0\n1\n", "one of frequency_hz, voltage_pu", id="no-values"),
        pytest.param(
            "at_s,freq\n0,60\n", "has a column 'freq'; the known ones are at_s, frequency_hz", id="unknown"
        ),
        pytest.param("at_s,load_w,load_w\n0,1,1\n", "names a column twice", id="twice"),
        pytest.param('at_s,load_w\n0,"1\n', "cannot be read", id="no-csv"),
    ],
)
def test_what_a_trace_cannot_mean_is_refused_with_its_line(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigurationFault) as refused:
        read(tmp_path, text)
    assert reason in str(refused.value)


def test_too_many_samples_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.grid.trace.ROWS_MAX", 2)
    with pytest.raises(ConfigurationFault, match="line 4: more than 2 samples"):
        read(tmp_path, FALL)


@pytest.mark.parametrize("name", ["nothing.csv", "nothing.parquet", "trace.txt"])
def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationFault, match=name):
        read_trace(tmp_path / name)


def test_what_is_not_parquet_or_not_text_is_one_sentence(tmp_path: Path) -> None:
    for name in ("broken.parquet", "broken.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe\x00nothing")
        with pytest.raises(ConfigurationFault, match=f"{name} cannot be read") as refused:
            read_trace(tmp_path / name)
        assert "\n" not in str(refused.value)


def parquet(folder: Path, select: str) -> Path:
    file = folder / "trace.parquet"
    with duckdb.connect() as connection:
        connection.sql(select).write_parquet(str(file))
    return file


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    file = parquet(tmp_path, "SELECT range::INTEGER AS at_s, 60 - range / 10 AS frequency_hz FROM range(4)")
    assert frequency_hz(TraceGrid(read_trace(file), T_S), 0.5, 3.0) == pytest.approx([59.95, 59.7])


@pytest.mark.parametrize(
    ("select", "reason"),
    [
        (
            "SELECT range AS at_s, NULL::DOUBLE AS frequency_hz FROM range(3)",
            "row 1: frequency_hz is missing",
        ),
        ("SELECT range AS at_s, 'nan'::DOUBLE AS frequency_hz FROM range(3)", "row 1: frequency_hz is nan"),
        ("SELECT range AS second, 60 AS freq_hz FROM range(9) WHERE range != 5", "row 6: a gap of 2 s"),
        ("SELECT range AS at_s, 60 AS hz FROM range(3)", "has a column 'hz'"),
    ],
    ids=["null", "nan", "gap", "unknown"],
)
def test_what_parquet_cannot_mean_is_refused_with_its_row(tmp_path: Path, select: str, reason: str) -> None:
    with pytest.raises(ConfigurationFault) as refused:
        read_trace(parquet(tmp_path, select))
    assert reason in str(refused.value)


def test_the_recorded_day_is_replayed_second_by_second() -> None:
    if not RECORDED.is_file():
        pytest.skip("the recorded frequency lies in ../shared/data, which is not there")
    trace = read_trace(RECORDED)
    grid = TraceGrid(trace, T_S, after=After.REPEAT)
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT second, freq_hz, v1_pu FROM '{RECORDED}'").fetchall()
    assert len(rows) == len(trace.at_s) == 86_400
    for second, recorded_hz, recorded_pu in rows[::997]:
        assert grid.frequency_hz(T_S + second) == recorded_hz
        assert grid.voltage_pu(T_S + 86_400.0 + second) == pytest.approx(recorded_pu, abs=1e-5)


def test_unless_told_otherwise_steps_repeat_as_steps_and_a_file_holds_its_last_sample(tmp_path: Path) -> None:
    (tmp_path / "fall.csv").write_text(FALL, encoding="utf-8")
    file = replay(str(tmp_path / "fall.csv"), T_S)
    assert frequency_hz(file, 0.5, 100.0) == [59.75, 59.9]
    built_in = replay("steps", T_S, nominal_hz=50.0)
    assert frequency_hz(built_in, 9.0, 10.0, 170.0) == [50.0, 49.9, 49.9]
    told = replay("steps", T_S, shape=Shape.STRAIGHT, after=After.HOLD)
    assert frequency_hz(told, 5.0, 1_000.0) == pytest.approx([59.95, 60.0])


@given(
    values=some.lists(some.floats(*COLUMNS["voltage_pu"]), min_size=2, max_size=20),
    at_s=some.floats(-10.0, 1_000.0),
    shape=some.sampled_from(Shape),
    after=some.sampled_from(After),
)
def test_a_replay_never_leaves_the_range_of_its_trace(
    values: list[float], at_s: float, shape: Shape, after: After
) -> None:
    times_s = [float(number) for number in range(len(values))]
    trace = Trace(name="some", at_s=times_s, columns={"voltage_pu": values}, step_s=1.0)
    replayed_pu = TraceGrid(trace, T_S, shape=shape, after=after).voltage_pu(T_S + at_s)
    assert min(values) - 1e-9 <= replayed_pu <= max(values) + 1e-9
