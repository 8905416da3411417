"""Frequency and power of a run over time, as a PNG."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulators.running.world import Reading
from vpp_core.faults import StorageFault

_BLUE, _TEAL, _AMBER, _INK, _MUTED, _LINE = (
    "#1f5fa8", "#0b8f83", "#c77700", "#1d2329", "#5b6670", "#dfe4e8",
)  # fmt: skip
_STYLE: dict[Any, Any] = {
    "font.size": 10.0,
    "text.color": _INK,
    "axes.labelcolor": _MUTED,
    "axes.edgecolor": _LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.xmargin": 0.0,
    "grid.color": _LINE,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
}
_MINUTES_FROM_S, _HOURS_FROM_S = 600.0, 4 * 3_600.0
_DPI = 120


def draw(file: Path, title: str, begins_s: float, readings: Sequence[Reading]) -> None:
    """Write a PNG of frequency, of the fleet's power, and of voltage where it is not always nominal.

    Raises:
        StorageFault: the file cannot be written.
    """
    span_s = readings[-1].at_s - begins_s if readings else 0.0
    unit, seconds = _unit(span_s)
    at = [(each.at_s - begins_s) / seconds for each in readings]
    with_voltage = any((each.voltage_pu_min, each.voltage_pu_max) != (1.0, 1.0) for each in readings)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(10.0, 7.5 if with_voltage else 5.6), layout="constrained")
        axes = figure.subplots(3 if with_voltage else 2, 1, sharex=True)
        figure.suptitle(title, x=0.01, ha="left", fontsize=12.0, fontweight="bold")
        _frequency(axes[0], at, readings)
        _power(axes[1], at, readings)
        if with_voltage:
            _voltage(axes[2], at, readings)
        axes[-1].set_xlabel(f"{unit} since the start")
        try:
            figure.savefig(file, format="png", dpi=_DPI)
        except OSError as error:
            raise StorageFault(f"The picture {file} cannot be written ({error.strerror}).") from error


def _frequency(axes: Axes, at: Sequence[float], readings: Sequence[Reading]) -> None:
    values_hz = [each.frequency_hz for each in readings]
    axes.margins(y=0.15)
    axes.plot(at, values_hz, color=_BLUE)
    _name(axes, "frequency, Hz")
    if readings:
        lowest = min(range(len(values_hz)), key=values_hz.__getitem__)
        axes.plot([at[lowest]], [values_hz[lowest]], "o", color=_BLUE, markersize=4)
        axes.annotate(
            f"{values_hz[lowest]:.3f}",
            (at[lowest], values_hz[lowest]),
            xytext=(0, -13),
            textcoords="offset points",
            ha="center",
            color=_BLUE,
        )
    for when, (before, after) in zip(at[1:], pairwise(readings), strict=False):
        if after.lost_mw != before.lost_mw:
            _mark(axes, when, after.lost_mw - before.lost_mw)


def _mark(axes: Axes, at: float, lost_mw: float) -> None:
    axes.axvline(at, color=_MUTED, linewidth=0.8, linestyle=":")
    axes.annotate(
        f"{-lost_mw:+g} MW",
        (at, 0.92),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 0),
        textcoords="offset points",
        ha="right",
        color=_MUTED,
    )


def _power(axes: Axes, at: Sequence[float], readings: Sequence[Reading]) -> None:
    largest_w = max((max(abs(each.meter_w), abs(each.battery_w)) for each in readings), default=0.0)
    unit, scale = ("MW", 1e6) if largest_w >= 1e6 else ("kW", 1e3)  # noqa: PLR2004
    axes.plot(at, [each.meter_w / scale for each in readings], color=_TEAL, label="at the meters")
    axes.plot(at, [each.battery_w / scale for each in readings], color=_AMBER, label="of the batteries")
    _name(axes, f"power of the fleet, {unit} (injection positive)")
    axes.legend(loc="best", ncols=2)


def _voltage(axes: Axes, at: Sequence[float], readings: Sequence[Reading]) -> None:
    low_pu = [each.voltage_pu_min for each in readings]
    high_pu = [each.voltage_pu_max for each in readings]
    axes.fill_between(at, low_pu, high_pu, color=_BLUE, alpha=0.25, linewidth=0.0)
    axes.plot(at, high_pu, color=_BLUE, linewidth=0.8)
    axes.plot(at, low_pu, color=_BLUE, linewidth=0.8)
    _name(axes, "voltage of the homes, lowest to highest, per unit")


def _name(axes: Axes, text: str) -> None:
    axes.set_title(text, loc="left", fontsize=9.5, color=_MUTED)
    axes.ticklabel_format(axis="y", useOffset=False)


def _unit(span_s: float) -> tuple[str, float]:
    if span_s > _HOURS_FROM_S:
        return "hours", 3_600.0
    return ("minutes", 60.0) if span_s > _MINUTES_FROM_S else ("seconds", 1.0)
