"""From records and readings to the curves of the report; pure.

Power is W, injection positive.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from cloud.chain.records import Award, Baseline, Commitment, Delivery, Forecast, ForecastSeries, Loss, Side
from cloud.markets.catalogue import RESERVE
from simulators.rig.report.outcome import EventCurves, ForecastCurves, FrequencyCurves, MarketCurves
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import EventRecord, Reading
from vpp_core.units import SECONDS_PER_HOUR

FREQUENCY_STEP_S = 0.05
FREQUENCY_BEFORE_S = 1.0
Series = Mapping[str, Sequence[Reading]]
"""Good readings of each device, oldest first."""


def event_curves(
    commitments: Sequence[Commitment],
    deliveries: Sequence[Delivery],
    baselines: Sequence[Baseline],
    losses: Sequence[Loss],
    restored_at: datetime,
) -> EventCurves | None:
    """Target and delivery above the baseline in each interval of an event; nothing without one.

    Of several commitments of an interval the newest counts, as it does in settlement.
    """
    by_commitment = {link: delivery for delivery in deliveries for link in delivery.predecessors}
    by_delivery = {link: baseline for baseline in baselines for link in baseline.predecessors}
    in_order_of_time = sorted(commitments, key=lambda commitment: (commitment.interval.start, commitment.at))
    newest = {commitment.interval: commitment for commitment in in_order_of_time}
    owed = list(newest.values())
    if not owed:
        return None
    step_s = owed[0].interval.duration_s
    delivered: dict[str, list[float]] = {site: [] for site in sorted(owed[0].sites)}
    for commitment in owed:
        delivery = by_commitment.get(commitment.id)
        baseline = by_delivery.get(delivery.id) if delivery else None
        for site, values in delivered.items():
            values.append(_above_w(delivery, baseline, site, step_s))
    loss = losses[0] if losses else None
    return EventCurves(
        times=tuple(commitment.interval.start for commitment in owed),
        step_s=step_s,
        target_w=tuple(commitment.power_w for commitment in owed),
        delivered_w={site: tuple(values) for site, values in delivered.items()},
        lost_site=loss.site_id if loss else "",
        lost_at=loss.at if loss else None,
        resplit_at=loss.at if loss and loss.resplit else None,
        restored_at=restored_at if loss else None,
        lost_w=loss.lost_w if loss else 0.0,
    )


def market_curves(
    prices: Sequence[tuple[Interval, float]],
    awards: Sequence[Award],
    stores: Series,
    capacity_wh: Mapping[str, float],
    reserve_fraction: float,
) -> MarketCurves:
    """Prices and awards by hour, and the stored share of the fleet's usable energy each quarter hour."""
    starts = [interval.start for interval, _ in prices]
    whole = Interval(starts[0], prices[-1][0].end)
    energy_w, reserve_w = ([0.0] * len(starts), [0.0] * len(starts))
    for award in awards:
        hour = bisect_right(starts, award.interval.start) - 1
        hours = award.interval.duration_s / SECONDS_PER_HOUR
        if award.product_id == RESERVE:
            reserve_w[hour] += award.quantity_wh
        else:
            energy_w[hour] += (1 if award.side is Side.SELL else -1) * award.quantity_wh / hours
    times = [piece.start for piece in whole.split(900)]
    return MarketCurves(
        hours=(*starts, whole.end),
        price_per_mwh=tuple(price for _, price in prices),
        awarded_w=tuple(energy_w),
        reserve_w=tuple(reserve_w),
        times=tuple(times),
        state_of_charge_pct=tuple(_fleet_soc_pct(stores, capacity_wh, instant) for instant in times),
        reserve_pct=100.0 * reserve_fraction,
    )


def frequency_curves(records: Sequence[EventRecord]) -> FrequencyCurves | None:
    """All gateways' records of one disturbance, summed on one time base; nothing without records."""
    if not records:
        return None
    start = min(record.triggered_at for record in records)
    last_s = min(record.trace.offset_s[-1] for record in records)
    steps = int((last_s + FREQUENCY_BEFORE_S) / FREQUENCY_STEP_S)
    offsets = [round(i * FREQUENCY_STEP_S - FREQUENCY_BEFORE_S, 3) for i in range(steps)]
    shifted = [
        (record, [offset + (record.triggered_at - start).total_seconds() for offset in record.trace.offset_s])
        for record in records
    ]

    def total(column: str) -> list[float]:
        return [
            sum(_held(at, values, getattr(record.trace, column)) for record, values in shifted)
            for at in offsets
        ]

    frequency_hz = [hz / len(records) for hz in total("frequency_hz")]
    return FrequencyCurves(
        triggered_at=start,
        sites=len(records),
        offset_s=tuple(offsets),
        frequency_hz=tuple(frequency_hz),
        demanded_w=tuple(total("demanded_w")),
        measured_w=tuple(total("measured_w")),
    )


def forecast_curves(
    what: str, forecast: Forecast, ids: Sequence[str], measured: Mapping[str, Sequence[float | None]]
) -> ForecastCurves:
    """The summed forecast of some devices or sites beside the sum of what was measured.

    Quantiles are added up, which is the band of errors that all go the same way.
    """
    known: dict[str, ForecastSeries] = {str(key): series for key, series in forecast.pv.items()}
    known |= {str(key): series for key, series in forecast.load.items()}
    chosen = [known[one] for one in ids if one in known]
    steps = [piece.start for piece in forecast.horizon.split(forecast.step_s)]
    rows = [measured[one] for one in ids if one in measured]

    def at(i: int) -> float | None:
        values = [row[i] for row in rows]
        known_values = [value for value in values if value is not None]
        return sum(known_values) if values and len(known_values) == len(values) else None

    return ForecastCurves(
        what=what,
        times=tuple(steps),
        step_s=forecast.step_s,
        q10_w=tuple(sum(series.q10_w[i] for series in chosen) for i in range(len(steps))),
        q50_w=tuple(sum(series.q50_w[i] for series in chosen) for i in range(len(steps))),
        q90_w=tuple(sum(series.q90_w[i] for series in chosen) for i in range(len(steps))),
        measured_w=tuple(at(i) for i in range(len(steps))),
    )


def mean_powers_w(readings: Sequence[Reading], steps: Sequence[Interval]) -> list[float | None]:
    """Mean injection in each step from the energy counters; ``None`` where no samples span it."""
    stamps = [reading.at for reading in readings]
    net_wh = [
        (reading.energy_injected_wh or 0.0) - (reading.energy_absorbed_wh or 0.0) for reading in readings
    ]
    borders = [_counter_at(stamps, net_wh, instant) for instant in (steps[0].start, *(s.end for s in steps))]
    return [
        None if before is None or after is None else (after - before) * SECONDS_PER_HOUR / step.duration_s
        for before, after, step in zip(borders, borders[1:], steps, strict=False)
    ]


def _above_w(delivery: Delivery | None, baseline: Baseline | None, site: str, step_s: float) -> float:
    if delivery is None or baseline is None:
        return 0.0
    metered = {str(key): value for key, value in delivery.sites.items()}.get(site)
    expected_wh = {str(key): value for key, value in baseline.sites.items()}.get(site)
    if metered is None or expected_wh is None or metered.quality is not Quality.GOOD:
        return 0.0
    return (metered.energy_wh - expected_wh) * SECONDS_PER_HOUR / step_s


def _fleet_soc_pct(stores: Series, capacity_wh: Mapping[str, float], instant: datetime) -> float:
    stored_wh = total_wh = 0.0
    for der_id, readings in stores.items():
        stamps = [reading.at for reading in readings]
        found = bisect_right(stamps, instant + timedelta(seconds=1)) - 1
        share_pct = readings[max(0, found)].state_of_charge_pct if readings else None
        if share_pct is not None:
            stored_wh += share_pct / 100.0 * capacity_wh[der_id]
            total_wh += capacity_wh[der_id]
    return 100.0 * stored_wh / total_wh if total_wh else 0.0


def _held(at: float, offsets: Sequence[float], values: Sequence[float]) -> float:
    """The newest value at or before an offset; the first one before there is any."""
    return values[max(0, bisect_right(offsets, at) - 1)]


def _counter_at(stamps: Sequence[datetime], values: Sequence[float], instant: datetime) -> float | None:
    after = bisect_right(stamps, instant)
    if after == 0 or (after == len(stamps) and stamps[-1] < instant):
        return None
    if after == len(stamps) or stamps[after - 1] == instant:
        return values[after - 1]
    whole_s = (stamps[after] - stamps[after - 1]).total_seconds()
    part_s = (instant - stamps[after - 1]).total_seconds()
    return values[after - 1] + (values[after] - values[after - 1]) * part_s / whole_s
