"""A fleet of plausible homes, the same for the same seed, and what their meters counted before."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from simulators.data.extracts import RecordedSession, charging_sessions, pv_profile
from simulators.data.house_load import HouseLoad
from simulators.devices.battery import Battery, BatteryConfig
from simulators.devices.evse import ChargingSession, Evse, EvseConfig
from simulators.devices.physics import EVSE, METER, PV, SitePhysics
from simulators.devices.pv import Pv, PvConfig
from simulators.devices.site import Grid, SimulatedSite, SiteConfig
from vpp_core.clock import Clock
from vpp_core.interval import Interval

SITES = 12
EVSE_EVERY = 3
METER_INTERVAL_S = 900

SESSION_PLACE = ZoneInfo("America/Los_Angeles")
FLEET_PLACE = ZoneInfo("America/Chicago")
SESSION_DAYS_BEFORE, SESSION_DAYS_AFTER = 30, 3
SESSION_S_MIN, SESSION_WH_MIN, SESSION_WH_MAX = 3_600.0, 4_000.0, 40_000.0
"""Recorded visits that a home charger could have seen; the others are left out."""

VisitsByDay = Mapping[date, Sequence[ChargingSession]]

_BATTERIES = ((5_000, 13_500), (5_000, 13_500), (4_600, 9_800), (7_000, 16_000), (3_800, 10_000))
"""Rated power (W) and usable energy (Wh) of usual home batteries."""


def make_fleet(sites: int = SITES, seed: int = 0, day: date = date(2021, 8, 12)) -> list[SiteConfig]:
    """``sites`` homes named ``site-01``, ``site-02`` ...; every third one has a charging station.

    Args:
        sites: how many.
        seed: the same seed gives the same homes, whatever their number.
        day: market day; vehicles come from 30 days before it to 3 days after.

    Raises:
        ConfigurationFault: a data file is missing or damaged.
    """
    visits = _visits_by_day(charging_sessions())
    return [_make_site(number, seed, day, visits) for number in range(1, sites + 1)]


def make_site(
    config: SiteConfig, clock: Clock, grid: Grid, *, begins_at: datetime | None = None
) -> SimulatedSite:
    """The live site of a configuration: registers, physics, house load and sun."""
    load = HouseLoad(config.seed, config.load_scale)
    return SimulatedSite(config, clock, grid, load, pv_profile(config.pv.plant), begins_at=begins_at)


class ChannelHistory(NamedTuple):
    """Energies of a site by quarter of an hour (Wh, injection positive)."""

    net_wh: list[float]
    pv_wh: list[float]
    evse_wh: list[float]


def history(config: SiteConfig, start: datetime, end: datetime) -> list[float]:
    """Net energy of a site in Wh for each 15 minutes of ``[start, end)``, injection positive."""
    return channel_history(config, start, end).net_wh


def channel_history(config: SiteConfig, start: datetime, end: datetime) -> ChannelHistory:
    """What the meter and the channels behind it counted in each 15 minutes of ``[start, end)``.

    The battery is idle: house load, sun and vehicles, by the same physics as the live site.
    """
    begins_s = start.timestamp()
    physics = SitePhysics(
        HouseLoad(config.seed, config.load_scale),
        Battery(config.battery),
        Pv(config.pv, pv_profile(config.pv.plant)),
        Evse(config.evse, config.sessions, begins_s) if config.evse else None,
        begins_s=begins_s,
    )
    found = ChannelHistory([], [], [])
    counters = [physics.counters.get(name) for name in (METER, PV, EVSE)]
    before_wh = [0.0] * len(counters)
    for interval in Interval(start, end).split(METER_INTERVAL_S):
        physics.advance(interval.end.timestamp())
        now_wh = [counter.net_wh if counter else 0.0 for counter in counters]
        for channel, now, before in zip(found, now_wh, before_wh, strict=True):
            channel.append(now - before)
        before_wh = now_wh
    return found


def _make_site(number: int, seed: int, day: date, visits: VisitsByDay) -> SiteConfig:
    chance = random.Random(f"fleet {seed} site {number}")  # noqa: S311
    power_w, energy_wh = chance.choice(_BATTERIES)
    has_evse = number % EVSE_EVERY == 0
    return SiteConfig(
        site_id=f"site-{number:02d}",
        seed=1_000 * seed + number,
        load_scale=round(chance.uniform(0.7, 1.3), 3),
        battery=BatteryConfig(
            power_w_max=power_w,
            energy_capacity_wh=energy_wh,
            charge_efficiency=round(chance.uniform(0.94, 0.97), 3),
            discharge_efficiency=round(chance.uniform(0.94, 0.97), 3),
            state_of_charge=round(chance.uniform(0.4, 0.7), 2),
        ),
        pv=PvConfig(
            rated_w=100 * chance.randint(40, 90),
            yield_factor=round(chance.uniform(0.9, 1.0), 3),
            delay_s=300.0 * chance.randint(0, 3),
        ),
        evse=EvseConfig() if has_evse else None,
        sessions=_sessions(chance, day, visits) if has_evse else (),
    )


def _visits_by_day(recorded: Sequence[RecordedSession]) -> VisitsByDay:
    """What home chargers could have seen, by the day of arrival at the fleet's place."""
    by_day: dict[date, list[ChargingSession]] = {}
    for visit in recorded:
        if session := _as_home_visit(visit):
            arrival = datetime.fromtimestamp(session.arrival_s, UTC).astimezone(FLEET_PLACE)
            by_day.setdefault(arrival.date(), []).append(session)
    return by_day


def _sessions(chance: random.Random, day: date, visits: VisitsByDay) -> tuple[ChargingSession, ...]:
    """One recorded visit a day, at the wall-clock time of its place, taken to the fleet's place."""
    chosen: list[ChargingSession] = []
    for offset in range(-SESSION_DAYS_BEFORE, SESSION_DAYS_AFTER + 1):
        free_s = chosen[-1].departure_s if chosen else 0.0
        candidates = visits.get(day + timedelta(days=offset), ())
        if free := [session for session in candidates if session.arrival_s > free_s]:
            chosen.append(chance.choice(free))
    return tuple(chosen)


def _as_home_visit(visit: RecordedSession) -> ChargingSession | None:
    moved_s = [_moved_s(instant) for instant in (visit.arrival, visit.departure)]
    long_enough = moved_s[1] - moved_s[0] >= SESSION_S_MIN
    usual = SESSION_WH_MIN <= visit.requested_wh <= SESSION_WH_MAX
    if not (visit.claimed and long_enough and usual):
        return None
    return ChargingSession(arrival_s=moved_s[0], departure_s=moved_s[1], requested_wh=visit.requested_wh)


def _moved_s(instant: datetime) -> float:
    """The same wall-clock time at the fleet's place, in Unix seconds."""
    return instant.astimezone(SESSION_PLACE).replace(tzinfo=FLEET_PLACE).timestamp()
