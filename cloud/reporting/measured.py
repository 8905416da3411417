"""Figures that need telemetry: how good the forecast was, and how much of the fleet was available."""

from collections.abc import Sequence

from cloud.chain.records import EnrolledSite, Forecast
from cloud.forecasting.accuracy import Measured, accuracy
from cloud.reporting.computed import Computed, computed
from cloud.reporting.day_records import DayRecords
from cloud.telemetry.store import GAP_S_MAX, EnergyStep, TelemetryStore
from vpp_core.der import DerDescription, DerKind
from vpp_core.ids import DerId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import Reading
from vpp_core.units import PERCENT, SECONDS_PER_HOUR

SUSTAIN_S = 900.0
"""Power counts as available if the stored energy carries it this long."""
SYNTHETIC_LOAD = "house load is synthetic"


def forecast_figures(records: DayRecords, telemetry: TelemetryStore) -> list[Computed]:
    """Errors of the forecast of record against the sum of PV and house load as metered."""
    names = ("forecast_mae", "forecast_nmae", "forecast_to_persistence", "forecast_bias", "forecast_coverage")
    forecast = records.forecast
    if forecast is None:
        return [computed(name, None, (), "there is no forecast of the day") for name in names]
    found = accuracy(_members(forecast, records.sites, telemetry))
    if found is None:
        note = "in no step were all sites measured"
        return [computed(name, None, (forecast,), note) for name in names]
    values = (
        found.mae_mw,
        None if found.nmae is None else PERCENT * found.nmae,
        found.ratio_to_persistence,
        found.bias_mw,
        PERCENT * found.coverage,
    )
    note = f"{found.steps} steps in which all sites were measured; {SYNTHETIC_LOAD}"
    return [computed(name, value, (forecast,), note) for name, value in zip(names, values, strict=True)]


def availability(records: DayRecords, telemetry: TelemetryStore) -> Computed:
    """Time-weighted battery power that could be injected, over what is enrolled."""
    enrolled_w = available_w = 0.0
    for site in records.sites:
        for der in _ders(site, DerKind.BATTERY):
            enrolled_w += der.injection_w_max
            reserve = 1.0 if site.owner_limits.opted_out else site.owner_limits.reserve_fraction
            readings = telemetry.series(der.der_id, records.span)
            available_w += _mean_available_w(der, reserve, readings, records.span)
    if enrolled_w <= 0.0:
        return computed("availability", None, records.sites, "no battery is enrolled")
    return computed("availability", PERCENT * available_w / enrolled_w, records.sites)


def _members(forecast: Forecast, sites: Sequence[EnrolledSite], telemetry: TelemetryStore) -> list[Measured]:
    devices = [der.der_id for site in sites for der in site.ders]
    steps = telemetry.energy(devices, forecast.horizon, forecast.step_s)
    power_w = {der_id: [_mean_w(step) for step in row] for der_id, row in steps.items()}
    members = [
        Measured(series, power_w[der_id])
        for der_id, series in sorted(forecast.pv.items())
        if der_id in power_w
    ]
    for site in sites:
        meters = _ders(site, DerKind.METER)
        if site.site_id in forecast.load and meters:
            behind = [power_w[der.der_id] for der in site.ders if der.kind is not DerKind.METER]
            load_w = _difference(power_w[meters[0].der_id], behind)
            members.append(Measured(forecast.load[site.site_id], load_w))
    return members


def _difference(
    meter_w: Sequence[float | None], behind: Sequence[Sequence[float | None]]
) -> list[float | None]:
    """The house alone: the meter less every device behind it; unknown where one of them is."""
    load_w: list[float | None] = []
    for index, total_w in enumerate(meter_w):
        parts = [row[index] for row in behind]
        known = [part for part in parts if part is not None]
        unknown = total_w is None or len(known) < len(parts)
        load_w.append(None if unknown or total_w is None else total_w - sum(known))
    return load_w


def _mean_w(step: EnergyStep) -> float | None:
    if step.quality is not Quality.GOOD or step.net_wh is None:
        return None
    return step.net_wh * SECONDS_PER_HOUR / step.interval.duration_s


def _mean_available_w(
    der: DerDescription, reserve_fraction: float, readings: Sequence[Reading], span: Interval
) -> float:
    """Each good reading holds until the next one, but no longer than a gap that telemetry may have."""
    total_ws = 0.0
    for index, reading in enumerate(readings):
        end = readings[index + 1].at if index + 1 < len(readings) else span.end
        held_s = min((end - reading.at).total_seconds(), GAP_S_MAX)
        total_ws += held_s * _available_w(der, reserve_fraction, reading)
    return total_ws / span.duration_s


def _available_w(der: DerDescription, reserve_fraction: float, reading: Reading) -> float:
    if reading.quality is not Quality.GOOD or reading.state_of_charge_pct is None:
        return 0.0
    above = max(0.0, reading.state_of_charge_pct / PERCENT - reserve_fraction)
    stored_wh = above * der.energy_capacity_wh * der.discharge_efficiency
    return min(der.injection_w_max, stored_wh * SECONDS_PER_HOUR / SUSTAIN_S)


def _ders(site: EnrolledSite, kind: DerKind) -> list[DerDescription]:
    return sorted((der for der in site.ders if der.kind is kind), key=_der_id)


def _der_id(der: DerDescription) -> DerId:
    return der.der_id
