"""A grid that replays a trace: a built-in sequence of steps, a CSV file, or recorded frequency in Parquet.

A file has the column ``at_s`` (seconds, ascending, evenly spaced) and any of :data:`COLUMNS`. A gap, a value
that is missing or that cannot be: refused when it is read, with the reason and the line.
"""

import csv
import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from statistics import median

from simulators.grid.bench import (
    FREQUENCY_HZ_MAX,
    FREQUENCY_HZ_MIN,
    NOMINAL_HZ,
    VOLTAGE_PU_MAX,
    VOLTAGE_PU_MIN,
    checked,
)
from simulators.grid.recorded import RECORDED, read_parquet
from simulators.grid.script import VOLTAGE_NOMINAL_V
from vpp_core.faults import ConfigurationFault

COLUMNS: Mapping[str, tuple[float, float]] = {
    "frequency_hz": (FREQUENCY_HZ_MIN, FREQUENCY_HZ_MAX),
    "voltage_pu": (VOLTAGE_PU_MIN, VOLTAGE_PU_MAX),
    "available_pu": (0.0, 2.0),
    "load_w": (-1e9, 1e9),
}
"""What a trace may hold, and the range in which a value is believed."""
ROWS_MAX = 2_000_000
GAP_STEPS = 1.5
"""A step longer than this many usual steps is a gap."""
STEPS_HOLD_S = 10.0
STEPS, RECORDING = "steps", "recorded"
"""Names of what needs no file of the user's."""

_FREQUENCY_STEPS_PU = (0.0, -0.1, -0.5, 0.0, 0.1, 0.5, 0.0)
_VOLTAGE_STEPS_PU = (1.0, 0.97, 0.94, 0.9, 1.0, 1.03, 1.06, 1.09, 1.0)


class Shape(StrEnum):
    """What happens between two samples."""

    STRAIGHT = "straight"
    HOLD = "hold"


class After(StrEnum):
    """What follows the last sample."""

    HOLD = "hold"
    REPEAT = "repeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Samples of one or more columns over ``at_s``, evenly spaced but for jitter below a gap."""

    name: str
    at_s: Sequence[float]
    columns: Mapping[str, Sequence[float]]
    step_s: float
    """The usual time from one sample to the next."""

    @property
    def period_s(self) -> float:
        """How long the trace is when it repeats: the last sample lasts a usual step."""
        return self.at_s[-1] - self.at_s[0] + self.step_s


class Signal:
    """One column of a trace as a pure function of Unix seconds.

    Before the beginning the first sample counts.
    """

    def __init__(self, trace: Trace, column: str, begins_s: float, shape: Shape, after: After) -> None:
        self._at_s, self._values = trace.at_s, trace.columns[column]
        self._offset_s = checked("begins_s", begins_s, 0.0, 1e11) - trace.at_s[0]
        self._first_s, self._period_s, self._step_s = trace.at_s[0], trace.period_s, trace.step_s
        self._straight, self._repeats = shape is Shape.STRAIGHT, after is After.REPEAT

    def at(self, at_s: float) -> float:
        trace_s = at_s - self._offset_s
        if self._repeats and trace_s > self._first_s:
            trace_s = self._first_s + (trace_s - self._first_s) % self._period_s
        index = bisect_right(self._at_s, trace_s) - 1
        if index < 0:
            return self._values[0]
        if not self._straight:
            return self._values[index]
        return self._line(index, trace_s)

    def _line(self, index: int, trace_s: float) -> float:
        start_s, start = self._at_s[index], self._values[index]
        if index + 1 < len(self._at_s):
            end_s, end = self._at_s[index + 1], self._values[index + 1]
        elif self._repeats:
            end_s, end = start_s + self._step_s, self._values[0]
        else:
            return start
        return start + (end - start) * (trace_s - start_s) / (end_s - start_s)


class TraceGrid:
    """Frequency and voltage of a trace; a column that it lacks stays at nominal.

    Args:
        trace: what is replayed; :func:`read_trace` and :func:`steps` make one.
        begins_s: Unix seconds at which its first sample counts.
        shape: straight lines between samples, or each sample until the next.
        after: hold the last sample, or begin again.
        nominal_hz: frequency where the trace has none.
    """

    def __init__(
        self,
        trace: Trace,
        begins_s: float,
        *,
        shape: Shape = Shape.STRAIGHT,
        after: After = After.HOLD,
        nominal_hz: float = NOMINAL_HZ,
    ) -> None:
        self.trace = trace
        self.nominal_hz = nominal_hz
        self._signals = {name: Signal(trace, name, begins_s, shape, after) for name in trace.columns}
        self._frequency_hz = self._signals.get("frequency_hz")
        self._voltage_pu = self._signals.get("voltage_pu")

    def signal(self, column: str) -> Signal | None:
        """Another column of the trace, such as ``available_pu`` or ``load_w``; None where it has none."""
        return self._signals.get(column)

    def frequency_hz(self, at_s: float) -> float:
        return self._frequency_hz.at(at_s) if self._frequency_hz else self.nominal_hz

    def voltage_pu(self, at_s: float) -> float:
        return self._voltage_pu.at(at_s) if self._voltage_pu else 1.0

    def voltage_v(self, at_s: float) -> float:
        return VOLTAGE_NOMINAL_V * self.voltage_pu(at_s)


def replay(
    source: str,
    begins_s: float,
    *,
    shape: Shape | None = None,
    after: After | None = None,
    nominal_hz: float = NOMINAL_HZ,
) -> TraceGrid:
    """The grid of ``steps``, of ``recorded`` (a day of frequency beside the repository) or of a file.

    Unless told otherwise the first two repeat and a file holds its last sample; steps are steps, and
    everything else is joined by straight lines.

    Raises:
        ConfigurationFault: as :func:`read_trace` does.
    """
    built_in = source == STEPS
    endless = built_in or source == RECORDING
    trace = steps(nominal_hz) if built_in else read_trace(RECORDED if source == RECORDING else Path(source))
    return TraceGrid(
        trace,
        begins_s,
        shape=shape or (Shape.HOLD if built_in else Shape.STRAIGHT),
        after=after or (After.REPEAT if endless else After.HOLD),
        nominal_hz=nominal_hz,
    )


def steps(nominal_hz: float = NOMINAL_HZ) -> Trace:
    """The built-in sequence: frequency steps of 0.1 Hz and 0.5 Hz, then voltage steps from 0.9 to 1.09.

    Every value is held for 10 s and lies where a device must go on as before (IEEE 1547-2018, 6.4.2.2
    and 6.5.2.2). Replay it with :attr:`Shape.HOLD`.
    """
    quiet = [1.0] * len(_FREQUENCY_STEPS_PU)
    frequency_hz = [nominal_hz + deviation_hz for deviation_hz in _FREQUENCY_STEPS_PU]
    return Trace(
        name="steps",
        at_s=[STEPS_HOLD_S * number for number in range(len(quiet) + len(_VOLTAGE_STEPS_PU))],
        columns={
            "frequency_hz": frequency_hz + [nominal_hz] * len(_VOLTAGE_STEPS_PU),
            "voltage_pu": [*quiet, *_VOLTAGE_STEPS_PU],
        },
        step_s=STEPS_HOLD_S,
    )


def read_trace(path: Path) -> Trace:
    """The trace of a ``.csv`` or ``.parquet`` file.

    Raises:
        ConfigurationFault: the file cannot be read, a column is unknown or missing, or a row is wrong; the
            message names the line (for Parquet the row).
    """
    if path.suffix == ".parquet":
        names, rows = read_parquet(path, ROWS_MAX + 1)
        return _trace(path.name, names, enumerate(rows, start=1), "row")
    if path.suffix != ".csv":
        raise ConfigurationFault(f"The trace {path} is neither a .csv nor a .parquet file.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            names = [name.strip() for name in next(reader, [])]
            return _trace(path.name, names, ((reader.line_num, row) for row in reader if row), "line")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigurationFault(f"The trace {path} cannot be read ({error}).") from error


def _trace(
    name: str, columns: Sequence[str], rows: Iterable[tuple[int, Sequence[object]]], unit: str
) -> Trace:
    _check_columns(name, columns)
    places = array("q")
    samples = {column: array("d") for column in columns}
    for place, row in rows:
        where = f"The trace {name}, {unit} {place}"
        if len(places) >= ROWS_MAX:
            raise ConfigurationFault(f"{where}: more than {ROWS_MAX:,} samples; use a shorter part of it.")
        if len(row) != len(columns):
            raise ConfigurationFault(f"{where}: {len(row)} fields where the head has {len(columns)}.")
        for column, value in zip(columns, row, strict=True):
            samples[column].append(_number(where, column, value))
        places.append(place)
    at_s = samples.pop("at_s")
    step_s = _usual_step_s(name, unit, at_s, places)
    return Trace(name=name, at_s=at_s, columns=samples, step_s=step_s)


def _check_columns(name: str, columns: Sequence[str]) -> None:
    known = ("at_s", *COLUMNS)
    if unknown := [column for column in columns if column not in known]:
        raise ConfigurationFault(
            f"The trace {name} has a column {unknown[0]!r}; the known ones are {', '.join(known)}."
        )
    if "at_s" not in columns or len(columns) == 1:
        raise ConfigurationFault(f"The trace {name} needs the column at_s and one of {', '.join(COLUMNS)}.")
    if len(set(columns)) < len(columns):
        raise ConfigurationFault(f"The trace {name} names a column twice.")


def _number(where: str, column: str, value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if math.isnan(number):
        shown = "is missing" if value is None or not str(value).strip() else f"is {value!r}, not a number"
        raise ConfigurationFault(f"{where}: {column} {shown}.")
    low, high = COLUMNS.get(column, (-1e11, 1e11))
    if not low <= number <= high:
        raise ConfigurationFault(f"{where}: {column} = {value} is outside {low:g} to {high:g}.")
    return number


def _usual_step_s(name: str, unit: str, at_s: Sequence[float], places: Sequence[int]) -> float:
    """The median step.

    Raises:
        ConfigurationFault: times do not ascend, there is a gap, or too few rows for a step.
    """
    if len(at_s) <= 1:
        raise ConfigurationFault(f"The trace {name} has {len(at_s)} samples; it needs two or more.")
    steps_s = [after - before for before, after in pairwise(at_s)]
    for number, step_s in enumerate(steps_s, start=1):
        if step_s <= 0.0:
            raise ConfigurationFault(
                f"The trace {name}, {unit} {places[number]}: at_s = {at_s[number]:g} does not come after "
                f"{at_s[number - 1]:g}."
            )
    usual_s = median(steps_s)
    for number, step_s in enumerate(steps_s, start=1):
        if step_s > GAP_STEPS * usual_s:
            raise ConfigurationFault(
                f"The trace {name}, {unit} {places[number]}: a gap of {step_s:g} s before at_s = "
                f"{at_s[number]:g}, where samples usually come every {usual_s:g} s; fill it or cut it off."
            )
    return usual_s
