"""Pictures of dynamic cases: expected and computed samples, with the limits that are judged."""

import re
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from simulators.replay.judge import OPEN_LOOP_SHARE_MIN, SHAPE_PU_MAX, TIMING_SAMPLES, expected_status
from simulators.replay.play import Played, series
from simulators.replay.result import CaseResult, Verdict, runs
from simulators.replay.vectors import (
    DynamicCase,
    EnterServiceCheck,
    MustNotTrip,
    MustTrip,
    OpenLoopCheck,
)

EXPECTED, COMPUTED, LIMIT, INPUT, MUTED = "#f2a33c", "#1f6feb", "#d1242f", "#57606a", "#8c959f"
VERDICT_COLOURS = {Verdict.PASS: "#1a7f37", Verdict.FAIL: LIMIT, Verdict.NOT_JUDGED: MUTED}
MODE_COLOURS = {
    "Continuous Operation": "#d8f0dd",
    "Mandatory Operation": "#fff1c2",
    "Permissive Operation": "#ffdfb6",
    "Momentary Cessation": "#ffc9c2",
    "Cease to Energize": "#f8a9a0",
    "Trip": "#e5534b",
    "Entering Service": "#cfe3ff",
    "Not Defined": "#e3d7f5",
}
OTHER_MODE_COLOUR = "#dddddd"
WIDTH_IN, HEIGHT_IN, DPI = 10.0, 6.4, 110
FLAT_PU = 1e-6


def plot(case: DynamicCase, played: Played, result: CaseResult, folder: Path) -> Path:
    """Write one PNG, named for the case, and return its path."""
    reactive = max(map(abs, (*case.outputs.q_pu, *played.q_pu))) > FLAT_PU
    rows = [1.0, 2.2] + [2.2] * reactive + [0.5]
    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN + 1.6 * reactive), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes: list[Axes] = list(figure.subplots(len(rows), 1, sharex=True, height_ratios=rows))
    at_s = [number * case.dt_s for number in range(case.n)]
    _inputs(axes[0], case, at_s)
    _signal(axes[1], at_s, case.outputs.p_pu, played.p_pu, "P (per unit)")
    if reactive:
        _signal(axes[2], at_s, case.outputs.q_pu, played.q_pu, "Q (per unit)")
    for check in case.checks:
        if isinstance(check, OpenLoopCheck):
            _open_loop(axes[2] if reactive and check.signal == "q_pu" else axes[1], check)
        else:
            _times(axes[1], case.dt_s, check)
    _modes(axes[-1], case, played)
    axes[-1].set_xlim(0.0, case.n * case.dt_s)
    axes[1].legend(loc="best", fontsize=8, frameon=False)
    figure.suptitle(f"{case.id}  ({case.der})", x=0.01, ha="left", fontsize=13, fontweight="bold")
    _verdict(figure, result)
    path = folder / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', case.id)}.png"
    figure.savefig(path)
    return path


def _verdict(figure: Figure, result: CaseResult) -> None:
    share = f", {100.0 * result.shape.within_share:.1f} % of samples within" if result.shape else ""
    figure.text(
        0.99,
        0.985,
        f"{result.verdict}: worst {result.error_pu:.6f} per unit{share}",
        ha="right",
        va="top",
        color=VERDICT_COLOURS[result.verdict],
        fontsize=10,
    )


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e8eb", linewidth=0.8)
    axes.tick_params(labelsize=8)


def _inputs(axes: Axes, case: DynamicCase, at_s: Sequence[float]) -> None:
    """The input that moves; the frequency where none or both do, and the voltage beside it."""
    frequency_hz, voltage_pu = series(case.inputs.f_hz, case.n), series(case.inputs.v_pu, case.n)
    moves = isinstance(case.inputs.v_pu, list)
    if isinstance(case.inputs.f_hz, list) or not moves:
        axes.step(at_s, frequency_hz, where="post", color=INPUT, linewidth=1.2)
        axes.set_ylabel("f (Hz)", fontsize=9, color=INPUT)
    _tidy(axes)
    if not moves:
        return
    beside = axes.twinx() if isinstance(case.inputs.f_hz, list) else axes
    beside.step(at_s, voltage_pu, where="post", color="#8250df", linewidth=1.2)
    beside.set_ylabel("V (per unit)", fontsize=9, color="#8250df")
    beside.tick_params(labelsize=8)


def _signal(
    axes: Axes, at_s: Sequence[float], expected: Sequence[float], computed: Sequence[float], label: str
) -> None:
    low = [value - SHAPE_PU_MAX for value in expected]
    high = [value + SHAPE_PU_MAX for value in expected]
    axes.fill_between(
        at_s, low, high, step="post", color=EXPECTED, alpha=0.25, linewidth=0, label="tolerance"
    )
    axes.step(at_s, expected, where="post", color=EXPECTED, linewidth=3.2, label="expected")
    axes.step(at_s, computed, where="post", color=COMPUTED, linewidth=1.2, label="computed")
    axes.set_ylabel(label, fontsize=9)
    _tidy(axes)


def _open_loop(axes: Axes, check: OpenLoopCheck) -> None:
    """The corner that the response has to be beyond in time."""
    judged_s = check.t_step_s + check.t_90_max_s
    least_pu = check.from_pu + OPEN_LOOP_SHARE_MIN * (check.to_pu - check.from_pu)
    axes.plot([judged_s, judged_s], [check.from_pu, least_pu], color=LIMIT, linestyle="--", linewidth=1.2)
    axes.axhline(least_pu, color=LIMIT, linestyle=":", linewidth=1.0)
    axes.annotate(
        f"{100 * OPEN_LOOP_SHARE_MIN:.0f} % within {check.t_90_max_s:g} s",
        (judged_s, check.from_pu),
        xytext=(4, 0),
        textcoords="offset points",
        color=LIMIT,
        fontsize=8,
        va="center",
    )


def _times(axes: Axes, dt_s: float, check: MustTrip | MustNotTrip | EnterServiceCheck) -> None:
    """When something has to happen, give or take the tolerance."""
    if isinstance(check, EnterServiceCheck):
        entered_s = check.v_f_ok_from_s + check.delay_min_s
        marks = {
            "enter service": entered_s,
            "full power": entered_s + check.ramp_s * check.target_pu,
        }
    else:
        verb = "must trip" if isinstance(check, MustTrip) else "trips if it lasts"
        marks = {f"{check.element} {verb}": check.t_start_s + check.clearing_time_s}
    off_s = TIMING_SAMPLES * dt_s
    for text, at_s in marks.items():
        axes.axvspan(at_s - off_s, at_s + off_s, color=LIMIT, alpha=0.2, linewidth=0)
        axes.axvline(at_s, color=LIMIT, linestyle="--", linewidth=1.0)
        axes.annotate(
            text,
            (at_s, 0.5),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            color=LIMIT,
            fontsize=8,
        )


def _modes(axes: Axes, case: DynamicCase, played: Played) -> None:
    """Expected and computed operating mode, one lane each."""
    lanes = {"expected": runs(expected_status(case)), "computed": runs(played.mode)}
    for lane, (name, found) in enumerate(reversed(lanes.items())):
        ends = [first for first, _ in found[1:]] + [case.n]
        for (first, mode), end in zip(found, ends, strict=True):
            colour = MODE_COLOURS.get(mode, OTHER_MODE_COLOUR)
            axes.barh(lane, (end - first) * case.dt_s, left=first * case.dt_s, height=0.9, color=colour)
            if (end - first) / case.n > 0.12:  # noqa: PLR2004 - the text has to fit
                middle_s = 0.5 * (first + end) * case.dt_s
                axes.text(middle_s, lane, mode, ha="center", va="center", fontsize=7)
        del name
    axes.set_yticks([0, 1], list(reversed(lanes)), fontsize=8)
    axes.set_xlabel("time (s)", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)
