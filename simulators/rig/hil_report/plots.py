"""Demanded and measured response over time with its limits, and settled points on their curve."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from simulators.rig.procedures.result import CurvePoint, ProcedureResult, Step, Verdict
from simulators.rig.procedures.rig import Sample
from simulators.rig.report.plot_style import AMBER, BLUE, GRID, INK, RED, TEAL, canvas, to_svg, value_axis

POINTS_MAX = 1_600
"""More samples than this are drawn by the extremes of each stretch."""
_MINUTES_FROM_S = 900.0
_KILO_FROM = 2_000.0
_ROOM = 0.08
_Line = Sequence[float]


def plot_time(result: ProcedureResult, samples: Sequence[Sample]) -> str:
    """The response over time, and below it what disturbed the device."""
    shown = thin(samples)
    span_s = max(result.duration_s, shown[-1].at_s)
    per, unit = (60.0, "min") if span_s >= _MINUTES_FROM_S else (1.0, "s")
    at = [sample.at_s / per for sample in shown]
    disturbed = any(sample.stimulus is not None for sample in shown)
    with canvas(4.3 if disturbed else 3.1) as figure:
        ratios = {"height_ratios": (3, 1)} if disturbed else None
        drawn = figure.subplots(2 if disturbed else 1, 1, sharex=True, gridspec_kw=ratios, squeeze=False)
        main: Axes = drawn[0][0]
        scale, label = _scale(shown, result)
        _response(main, at, shown, scale)
        _steps(main, result.steps, per)
        value_axis(main, label)
        main.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, borderaxespad=0.0, handlelength=1.6
        )
        lowest: Axes = drawn[-1][0]
        if disturbed:
            lowest.plot(at, _values(shown, "stimulus"), color=AMBER, drawstyle="steps-post")
            value_axis(lowest, f"{result.stimulus}, {result.stimulus_unit}", ticks=3)
            lowest.yaxis.get_major_formatter().set_useOffset(False)  # type: ignore[attr-defined]
            _roomy(lowest)
        lowest.set_xlabel(f"time, {unit}")
        lowest.set_xlim(0.0, span_s / per)
        lowest.xaxis.set_major_locator(MaxNLocator(10))
        said = f"Demanded and measured {result.quantity} of {result.title} over time."
        return to_svg(figure, f"time{_letters(result.id)}", said)


def plot_curve(result: ProcedureResult) -> str:
    """Settled points on the characteristic, with what was allowed."""
    points = sorted(result.curve, key=lambda point: point.at)
    with canvas(3.2) as figure:
        axes: Axes = figure.subplots()
        at = [point.at for point in points]
        size = max((abs(point.demanded) for point in points), default=0.0)
        scale, unit = (1e-3, f"k{result.unit}") if size >= _KILO_FROM else (1.0, result.unit)
        axes.fill_between(
            at,
            [scale * point.low for point in points],
            [scale * point.high for point in points],
            color=TEAL,
            alpha=0.16,
            label="allowed",
        )
        axes.plot(
            at, [scale * point.demanded for point in points], color=INK, linewidth=1.3, label="demanded"
        )
        _dots(axes, points, scale)
        value_axis(axes, f"settled {result.quantity}, {unit}")
        axes.set_xlabel(result.curve_at)
        axes.margins(x=0.03)
        axes.legend(
            loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=4, borderaxespad=0.0, handlelength=1.6
        )
        return to_svg(figure, f"curve{_letters(result.id)}", f"Settled points of {result.title}.")


def thin(samples: Sequence[Sample]) -> list[Sample]:
    """As many samples as can be seen: of each stretch the least and the greatest."""
    if len(samples) <= POINTS_MAX:
        return list(samples)
    stretch = math.ceil(2 * len(samples) / POINTS_MAX)
    kept: list[Sample] = []
    for start in range(0, len(samples), stretch):
        part = samples[start : start + stretch]
        ordered = sorted(part, key=lambda sample: sample.measured if sample.measured is not None else 0.0)
        kept += sorted({id(each): each for each in (ordered[0], ordered[-1])}.values(), key=lambda s: s.at_s)
    return kept


def _response(axes: Axes, at: _Line, samples: Sequence[Sample], scale: float) -> None:
    low, high = (_values(samples, name, scale) for name in ("low", "high"))
    demanded = _values(samples, "demanded", scale)
    measured = _values(samples, "measured", scale)
    if any(not math.isnan(value) for value in low):
        axes.fill_between(at, low, high, step="post", color=TEAL, alpha=0.16, label="allowed")
    if any(not math.isnan(value) for value in demanded):
        axes.plot(at, demanded, color=INK, linewidth=1.3, drawstyle="steps-post", label="demanded")
    axes.plot(at, measured, color=BLUE, label="measured")
    _roomy(axes)


def _steps(axes: Axes, steps: Sequence[Step], per: float) -> None:
    for step in steps:
        axes.axvline(step.begins_s / per, color=GRID, linewidth=0.7, zorder=0)
        if step.verdict is Verdict.FAIL:
            end_s = max(step.ends_s, step.begins_s + 1e-3)
            axes.axvspan(step.begins_s / per, end_s / per, color=RED, alpha=0.09, zorder=0)
            axes.axvline(step.begins_s / per, color=RED, linewidth=1.0, linestyle=(0, (3, 2)))


def _dots(axes: Axes, points: Sequence[CurvePoint], scale: float) -> None:
    for colour, good, label in ((BLUE, True, "measured"), (RED, False, "measured, not allowed")):
        chosen = [
            point
            for point in points
            if point.measured is not None and (point.low <= point.measured <= point.high) is good
        ]
        if chosen:
            axes.plot(
                [point.at for point in chosen],
                [scale * (point.measured or 0.0) for point in chosen],
                "o",
                color=colour,
                markersize=6,
                label=label,
            )


def _scale(samples: Sequence[Sample], result: ProcedureResult) -> tuple[float, str]:
    size = max((abs(sample.measured) for sample in samples if sample.measured is not None), default=0.0)
    if result.unit in {"W", "var"} and size >= _KILO_FROM:
        return 1e-3, f"{result.quantity}, k{result.unit}"
    return 1.0, f"{result.quantity}, {result.unit}" if result.unit else result.quantity


def _roomy(axes: Axes) -> None:
    low, high = axes.get_ylim()
    room = _ROOM * (high - low) or 0.5
    axes.set_ylim(low - room, high + room)


def _values(samples: Sequence[Sample], name: str, scale: float = 1.0) -> list[float]:
    found = (getattr(sample, name) for sample in samples)
    return [math.nan if value is None else scale * value for value in found]


def _letters(name: str) -> str:
    return "".join(letter for letter in name if letter.isalnum())
