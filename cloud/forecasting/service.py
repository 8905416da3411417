"""Stage 2, the shell: fetch history under the owner's grant, issue the forecast of a market day."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np

from cloud.chain.records import Consent, EnrolledSite, Forecast, ForecastSeries
from cloud.chain.store import Chain
from cloud.forecasting.fleet import Readings, StorageUnit, ders_of, enrolled_sites, storage_units
from cloud.forecasting.like_days import (
    LAG_DAYS_MAX,
    Alike,
    FloatArray,
    Samples,
    SlotForecast,
    any_day,
    forecast_slots,
    same_day_type,
    sample_steps,
)
from cloud.forecasting.repository import HistoryRepository
from cloud.markets.local_day import local_day
from cloud.markets.utility_http import IntervalHistory, UtilityClient
from vpp_core.der import DerKind
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval, floor_to
from vpp_core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

STEP_S = 900
HISTORY_DAYS = LAG_DAYS_MAX + 2


class ForecastingService:
    """Forecasts of every enrolled site's PV and house load, and of what the fleet's batteries can do.

    Args:
        chain: the chain of record.
        histories: where interval history is kept.
        utility: who delivers it.
        readings: newest telemetry, for the stored energy.
        zone: the market's time zone; the horizon is its calendar day.
    """

    def __init__(
        self,
        chain: Chain,
        histories: HistoryRepository,
        utility: UtilityClient,
        readings: Readings,
        *,
        zone: str = "America/Chicago",
    ) -> None:
        self._chain = chain
        self._histories = histories
        self._utility = utility
        self._readings = readings
        self._zone = zone

    def now(self) -> datetime:
        return self._chain.now()

    async def ingest_history(self, site_id: SiteId) -> int:
        """Present the owner's consent and store the site's recent history; returns the number of steps.

        Raises:
            CounterpartyFault: the utility refused or did not answer.
            LookupError: the owner of the site has not consented.
        """
        consent = self._chain.latest(Consent, site_id=site_id)
        if consent is None:
            raise LookupError(f"The owner of site '{site_id}' has not consented to the use of meter data.")
        now = self._chain.now()
        first = floor_to(now - timedelta(days=HISTORY_DAYS), SECONDS_PER_DAY)
        await self._utility.grant(site_id, consent.id)
        history = await self._utility.interval_history(site_id, Interval(first, floor_to(now, STEP_S)))
        self._histories.save(history)
        return len(history.net_wh)

    def history_steps(self) -> dict[SiteId, int]:
        """How many steps of meter history each site has."""
        return self._histories.steps()

    def issue(self, day: date, now: datetime) -> Forecast:
        """The forecast of a local market day from what is known at ``now``; appended to the chain."""
        sites = enrolled_sites(self._chain)
        horizon = local_day(day, self._zone)
        pv: dict[DerId, ForecastSeries] = {}
        load: dict[SiteId, ForecastSeries] = {}
        for site in sites:
            history = self._history(site, horizon, now)
            samples = sample_steps(horizon, STEP_S, history.start, self._zone)
            known_steps = int((now - history.start).total_seconds()) // STEP_S
            load[site.site_id] = _series(_load_w(history), samples, known_steps, same_day_type)
            pv |= _pv_series(site, history, samples, known_steps)
        units = storage_units(
            [site for site in sites if not site.owner_limits.opted_out], self._readings, now
        )
        steps = len(list(horizon.split(STEP_S)))
        return self._chain.append(
            Forecast(
                id=self._chain.new_id(),
                at=now,
                predecessors=tuple(site.id for site in sites),
                horizon=horizon,
                step_s=STEP_S,
                pv=pv,
                load=load,
                capability_up_w=(capability_up_w(units),) * steps,
                enrolled_w=sum(
                    der.injection_w_max for site in sites for der in ders_of(site, DerKind.BATTERY)
                ),
            )
        )

    def forecasts(self) -> list[Forecast]:
        return self._chain.of_kind(Forecast)

    def _history(self, site: EnrolledSite, horizon: Interval, now: datetime) -> IntervalHistory:
        first = floor_to(horizon.start - timedelta(days=HISTORY_DAYS), SECONDS_PER_DAY)
        history = self._histories.load(site.site_id, Interval(first, max(now, first + timedelta(days=1))))
        if history is None or history.step_s != STEP_S:
            return IntervalHistory(
                site_id=site.site_id, step_s=STEP_S, start=first, net_wh=(), pv_wh=(), evse_wh=()
            )
        return history


def capability_up_w(units: Sequence[StorageUnit]) -> float:
    """What the batteries can add for one step, starting from the stored energy that is known or assumed."""
    return sum(unit.lasting_w(STEP_S) for unit in units)


def _load_w(history: IntervalHistory) -> FloatArray:
    """The house alone, as injection: the meter's consumption without PV and vehicle."""
    consumption_wh = _array(history.net_wh) + _array(history.pv_wh) - _array(history.evse_wh)
    return np.asarray(-consumption_wh * SECONDS_PER_HOUR / history.step_s, dtype=np.float64)


def _pv_series(
    site: EnrolledSite, history: IntervalHistory, samples: Samples, known_steps: int
) -> dict[DerId, ForecastSeries]:
    """The site's PV channel, shared among its inverters by rating."""
    inverters = ders_of(site, DerKind.PV)
    rated_w = sum(der.injection_w_max for der in inverters)
    pv_w = _array(history.pv_wh) * SECONDS_PER_HOUR / history.step_s
    return {
        der.der_id: _series(pv_w * (der.injection_w_max / rated_w), samples, known_steps, any_day)
        for der in inverters
        if rated_w > 0.0
    }


def _series(series_w: FloatArray, samples: Samples, known_steps: int, alike: Alike) -> ForecastSeries:
    slots: SlotForecast = forecast_slots(series_w, samples, known_steps, alike)
    return ForecastSeries(
        q10_w=_tuple(slots.q10),
        q50_w=_tuple(slots.q50),
        q90_w=_tuple(slots.q90),
        persistence_w=_tuple(slots.persistence),
        mean_w=_tuple(slots.mean),
    )


def _array(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _tuple(values: FloatArray) -> tuple[float, ...]:
    return tuple(round(value, 3) + 0.0 for value in values.tolist())
