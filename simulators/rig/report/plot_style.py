"""How plots look, and how they become inline SVG that follows the page's light or dark colours.

Plots are drawn in stand-in colours, one a role; on the way out each becomes a CSS variable of the page,
and text stays text in the page's own font.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import DateFormatter, HourLocator, MinuteLocator, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

INK = "#010101"
MUTED = "#020202"
GRID = "#030303"
PAPER = "#040404"
BLUE = "#050505"
TEAL = "#060606"
AMBER = "#070707"
RED = "#080808"
VIOLET = "#090909"
_VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    PAPER: "--paper",
    BLUE: "--blue",
    TEAL: "--teal",
    AMBER: "--amber",
    RED: "--red",
    VIOLET: "--violet",
}

WIDTH_IN = 9.6
_SIZE_PT = 10.0
_SMALL_PT = 9.0
_HALF_DAY_H = 12.0
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": _SIZE_PT,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.labelsize": _SMALL_PT,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.xmargin": 0.0,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": _SMALL_PT,
    "ytick.labelsize": _SMALL_PT,
    "ytick.major.size": 0.0,
    "figure.facecolor": "none",
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "patch.linewidth": 0.0,
    "legend.frameon": False,
    "legend.fontsize": _SMALL_PT,
}


@contextmanager
def canvas(height_in: float) -> Iterator[Figure]:
    """A figure of the report's width in its style; hand it to `to_svg` inside the block."""
    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(WIDTH_IN, height_in), layout="constrained")


def to_svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an ``<svg>`` element that fills its place.

    Args:
        figure: drawn in the colours above.
        name: unique in the page, in letters; keeps the ids of several figures apart.
        description: what is to be seen, for who cannot see it.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": name}):
        FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(id=")|(url\(#)|(href="#)', lambda found: f"{found[0]}{name}-", text)
    text = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans)", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    label = f'<svg role="img" aria-label="{description}"'
    return text.replace("<svg", label, 1).strip()


def days(instant: datetime) -> float:
    """An instant as the plots count it."""
    return float(date2num(instant))  # type: ignore[no-untyped-call]


def time_axis(axes: Axes, zone: ZoneInfo, start: datetime, end: datetime) -> None:
    """Local time below the lowest axes, with ticks that suit the span."""
    hours = (end - start).total_seconds() / 3_600.0
    axes.set_xlim(days(start), days(end))
    narrow = axes.get_subplotspec().get_gridspec().ncols > 1  # type: ignore[union-attr]
    axes.xaxis.set_major_locator(
        HourLocator(byhour=range(0, 24, 6 if narrow else 3), tz=zone)  # type: ignore[no-untyped-call]
        if hours > _HALF_DAY_H
        else MinuteLocator(byminute=(0, 30), tz=zone)  # type: ignore[no-untyped-call]
    )
    axes.xaxis.set_major_formatter(DateFormatter("%H:%M", tz=zone))  # type: ignore[no-untyped-call]
    axes.set_xlabel(f"local time ({zone.key})")


def value_axis(axes: Axes, label: str, ticks: int = 5) -> None:
    """A horizontal name above the axis, where it can be read without turning the head."""
    axes.set_title(label, loc="left", fontsize=_SMALL_PT, color=MUTED, pad=7)
    axes.yaxis.set_major_locator(MaxNLocator(ticks))
