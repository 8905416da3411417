"""The report's plots of curves over time, each as an inline SVG."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from simulators.rig.report.outcome import EventCurves, ForecastCurves, FrequencyCurves, MarketCurves
from simulators.rig.report.plot_style import (
    AMBER,
    BLUE,
    GRID,
    INK,
    MUTED,
    PAPER,
    RED,
    TEAL,
    VIOLET,
    canvas,
    days,
    time_axis,
    to_svg,
    value_axis,
)
from vpp_core.units import KILO

_DASHED = (0, (3, 2))


def plot_event(curves: EventCurves, zone: ZoneInfo) -> str:
    """Target against what the sites delivered, stacked, with the loss of a gateway marked."""
    with canvas(3.7) as figure:
        axes: Axes = figure.subplots()
        end = curves.times[-1] + timedelta(seconds=curves.step_s)
        edges = _days((*curves.times, end))
        names = [name for name in sorted(curves.delivered_w) if name != curves.lost_site]
        names += [curves.lost_site] if curves.lost_site in curves.delivered_w else []
        floor = [0.0] * len(curves.times)
        total = [sum(column) / KILO for column in zip(*curves.delivered_w.values(), strict=True)] or floor
        axes.stairs(total, edges, fill=True, color=PAPER)
        for number, name in enumerate(names):
            top = [low + power_w / KILO for low, power_w in zip(floor, curves.delivered_w[name], strict=True)]
            lost = name == curves.lost_site
            alpha = 0.9 if lost else 0.42 + 0.13 * (number % 2)
            axes.stairs(top, edges, baseline=floor, fill=True, color=RED if lost else TEAL, alpha=alpha)
            floor = top
        axes.stairs(_kilo(curves.target_w), edges, baseline=None, color=INK, linewidth=2.0)
        value_axis(axes, "power above baseline, kW")
        highest = max([*floor, *_kilo(curves.target_w), 1.0])
        axes.set_ylim(min(0.0, *floor), 1.3 * highest)
        _mark_loss(axes, curves, zone, highest)
        time_axis(axes, zone, curves.times[0], end)
        _legend(axes, [("target", INK, "line"), (_sites_label(curves), TEAL, "area"), *_lost_label(curves)])
        return to_svg(figure, "event", "Target of the utility event against what the sites delivered")


def plot_market(curves: MarketCurves, zone: ZoneInfo) -> str:
    """Price, awarded position and state of charge of one day, one above the other."""
    with canvas(5.6) as figure:
        price, award, charge = _stack(figure, (1.0, 1.0, 1.15))
        edges = _days(curves.hours)
        price.stairs(curves.price_per_mwh, edges, color=AMBER, linewidth=1.8, baseline=None)
        price.stairs(curves.price_per_mwh, edges, color=AMBER, alpha=0.2, fill=True)
        value_axis(price, "day-ahead price, USD/MWh", 4)
        _plot_award(award, curves, edges)
        charge.plot(_days(curves.times), curves.state_of_charge_pct, color=VIOLET)
        charge.fill_between(
            _days(curves.times), curves.state_of_charge_pct, color=VIOLET, alpha=0.14, linewidth=0
        )
        charge.axhline(curves.reserve_pct, color=MUTED, linewidth=1.0, linestyle=(0, (4, 3)))
        charge.text(edges[0], curves.reserve_pct - 3, " owners' reserve", color=MUTED, fontsize=9, va="top")
        charge.set_ylim(0, 105)
        value_axis(charge, "fleet state of charge, %", 5)
        time_axis(charge, zone, curves.hours[0], curves.hours[-1])
        return to_svg(figure, "market", "Day-ahead price, awarded position and fleet state of charge by hour")


def plot_frequency(curves: FrequencyCurves, zone: ZoneInfo) -> str:
    """Grid frequency above, the response that was demanded and measured below."""
    with canvas(4.3) as figure:
        frequency, response = _stack(figure, (1.0, 1.25))
        low, high = curves.nominal_hz - curves.deadband_hz, curves.nominal_hz + curves.deadband_hz
        frequency.axhspan(low, high, color=GRID, alpha=0.55)
        frequency.plot(curves.offset_s, curves.frequency_hz, color=BLUE)
        frequency.ticklabel_format(axis="y", useOffset=False)
        frequency.text(
            0.995,
            high,
            "dead-band",
            color=MUTED,
            fontsize=9,
            ha="right",
            va="bottom",
            transform=frequency.get_yaxis_transform(),
        )
        value_axis(frequency, "frequency, Hz", 6)
        response.plot(curves.offset_s, _kilo(curves.measured_w), color=TEAL)
        response.plot(
            curves.offset_s, _kilo(curves.demanded_w), color=INK, linewidth=1.4, linestyle=(0, (3, 2))
        )
        value_axis(response, f"response of {curves.sites} sites, kW", 5)
        when = f"{curves.triggered_at.astimezone(zone):%H:%M:%S}"
        response.set_xlabel(f"seconds since {when} local time ({zone.key})")
        response.set_xlim(curves.offset_s[0], curves.offset_s[-1])
        _legend(response, [("demanded", INK, "dashed"), ("measured", TEAL, "line")])
        return to_svg(figure, "frequency", "Grid frequency during the dip and the response of the sites")


def plot_forecasts(forecasts: Sequence[ForecastCurves], zone: ZoneInfo) -> str:
    """Forecasts of record with their band beside what was measured."""
    with canvas(3.3) as figure:
        for axes, curves in zip(figure.subplots(1, len(forecasts), squeeze=False)[0], forecasts, strict=True):
            x = _days(curves.times)
            axes.fill_between(x, _kilo(curves.q10_w), _kilo(curves.q90_w), color=BLUE, alpha=0.18)
            axes.plot(x, _kilo(curves.q50_w), color=BLUE)
            axes.plot(x, _gaps(curves.measured_w), color=INK, linewidth=1.2)
            value_axis(axes, f"{curves.what}, kW")
            axes.set_ylim(bottom=min(0.0, *_kilo(curves.q10_w)))
            time_axis(axes, zone, curves.times[0], curves.times[-1] + timedelta(seconds=curves.step_s))
        handles = _handles(axes, [("forecast, 80 % band", BLUE, "line"), ("measured", INK, "line")])
        figure.legend(handles=handles, loc="outside upper right", ncols=2, labelcolor=MUTED)
        return to_svg(figure, "forecast", "Forecasts with their band beside the measurements")


def _plot_award(axes: Axes, curves: MarketCurves, edges: Sequence[float]) -> None:
    sold = [max(0.0, power_w) / KILO for power_w in curves.awarded_w]
    bought = [min(0.0, power_w) / KILO for power_w in curves.awarded_w]
    held = [high + power_w / KILO for high, power_w in zip(sold, curves.reserve_w, strict=True)]
    axes.stairs(held, edges, baseline=sold, fill=True, color=BLUE, alpha=0.3)
    axes.stairs(sold, edges, fill=True, color=TEAL, alpha=0.75)
    axes.stairs(bought, edges, fill=True, color=RED, alpha=0.6)
    axes.axhline(0.0, color=MUTED, linewidth=0.8)
    axes.margins(y=0.18)
    value_axis(axes, "awarded position, kW", 4)
    labels = [("sold", TEAL, "area"), ("bought", RED, "area"), ("reserve held", BLUE, "area")]
    _legend(axes, labels)


def _mark_loss(axes: Axes, curves: EventCurves, zone: ZoneInfo, highest: float) -> None:
    if curves.lost_at is None:
        return
    lost = days(curves.lost_at)
    back = days(curves.restored_at or curves.times[-1])
    axes.axvspan(lost, back, color=RED, alpha=0.07, zorder=0)
    axes.axvline(lost, color=RED, linewidth=1.2)
    words = f"{curves.lost_at.astimezone(zone):%H:%M}  gateway of {curves.lost_site} killed"
    if curves.resplit_at is not None:
        took_s = (curves.resplit_at - curves.lost_at).total_seconds()
        words += f"\n{curves.lost_w / KILO:.1f} kW split again over the others"
        words += f" after {took_s:.0f} s" if took_s >= 1.0 else ""
    _say(axes, words, lost, highest)
    if curves.restored_at is not None:
        axes.axvline(back, color=RED, linewidth=1.0, linestyle=_DASHED)
        _say(axes, f"{curves.restored_at.astimezone(zone):%H:%M}  back", back, highest)


def _say(axes: Axes, words: str, at_days: float, highest: float) -> None:
    """Words to the right of an instant, above the curves."""
    axes.annotate(
        words,
        (at_days, 1.27 * highest),
        xytext=(6, 0),
        textcoords="offset points",
        color=RED,
        fontsize=9,
        va="top",
    )


def _sites_label(curves: EventCurves) -> str:
    others = len(curves.delivered_w) - (curves.lost_site in curves.delivered_w)
    return f"delivered by {others} {'other ' if curves.lost_site else ''}sites"


def _lost_label(curves: EventCurves) -> list[tuple[str, str, str]]:
    return [(f"delivered by {curves.lost_site}", RED, "area")] if curves.lost_site else []


def _legend(axes: Axes, entries: Sequence[tuple[str, str, str]]) -> None:
    """Entries of `_handles` in one row at the upper right."""
    handles = _handles(axes, entries)
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=len(handles),
        borderaxespad=0.2,
        labelcolor=MUTED,
        handlelength=1.4,
        columnspacing=1.4,
    )


def _handles(axes: Axes, entries: Sequence[tuple[str, str, str]]) -> list[Artist]:
    """What a legend shows for entries of label, colour and ``line`` | ``dashed`` | ``area``."""
    handles: list[Artist] = []
    for label, colour, kind in entries:
        if kind == "area":
            handles += [axes.fill_between([], [], [], color=colour, alpha=0.7, label=label)]
        else:
            style = _DASHED if kind == "dashed" else "-"
            handles += axes.plot([], [], color=colour, linestyle=style, label=label)
    return handles


def _stack(figure: Figure, heights: Sequence[float]) -> Sequence[Axes]:
    rows = figure.subplots(len(heights), 1, sharex=True, gridspec_kw={"height_ratios": heights})
    stacked: Sequence[Axes] = list(rows)
    return stacked


def _days(times: Sequence[datetime]) -> list[float]:
    return [days(instant) for instant in times]


def _kilo(powers_w: Sequence[float]) -> list[float]:
    return [power_w / KILO for power_w in powers_w]


def _gaps(powers_w: Sequence[float | None]) -> list[float]:
    return [float("nan") if power_w is None else power_w / KILO for power_w in powers_w]
