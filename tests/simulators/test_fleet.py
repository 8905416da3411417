"""A fleet of homes: plausible, the same for the same seed, with a past that fits its present."""

from datetime import UTC, date, datetime, timedelta

import pytest

from simulators.devices.evse import CURRENT_A_MIN
from simulators.fleet import FLEET_PLACE, history, make_fleet, make_site
from simulators.grid.script import GridScript
from vpp_core.clock import ManualClock

START = datetime(2021, 8, 11, 5, tzinfo=UTC)


def test_twelve_homes_and_every_third_charges_vehicles() -> None:
    fleet = make_fleet()
    assert [home.site_id for home in fleet][:2] == ["site-01", "site-02"]
    assert len(fleet) == 12
    assert [home.site_id for home in fleet if home.evse] == ["site-03", "site-06", "site-09", "site-12"]
    assert all(bool(home.sessions) == (home.evse is not None) for home in fleet)


def test_the_same_seed_gives_the_same_homes_whatever_their_number() -> None:
    assert make_fleet(12, 5)[:4] == make_fleet(4, 5)
    assert make_fleet(4, 5) != make_fleet(4, 6)


@pytest.mark.parametrize("seed", range(4))
def test_sizes_are_those_of_homes(seed: int) -> None:
    for home in make_fleet(30, seed):
        assert 3_000 <= home.battery.power_w_max <= 8_000
        assert 1.5 <= home.battery.energy_capacity_wh / home.battery.power_w_max <= 4.0
        assert 0.4 <= home.battery.state_of_charge <= 0.7
        assert 4_000 <= home.pv.rated_w <= 9_000


def test_visits_come_every_day_do_not_overlap_and_can_be_served() -> None:
    (home,) = [home for home in make_fleet(3, 2, date(2021, 8, 12)) if home.evse]
    days = [
        datetime.fromtimestamp(visit.arrival_s, UTC).astimezone(FLEET_PLACE).date() for visit in home.sessions
    ]
    assert set(days) >= {date(2021, 8, 12) - timedelta(days=ago) for ago in range(10)}
    for earlier, later in zip(home.sessions, home.sessions[1:], strict=False):
        assert earlier.departure_s < later.arrival_s
    assert all(visit.departure_s - visit.arrival_s >= 3_600.0 for visit in home.sessions)
    assert CURRENT_A_MIN * 240.0 < 7_200.0


def test_vehicles_keep_the_wall_clock_of_the_place_where_they_were_recorded() -> None:
    """Source: ACN-Data records arrivals at Caltech between morning and evening, hardly any at night."""
    arrivals = [
        datetime.fromtimestamp(visit.arrival_s, UTC).astimezone(FLEET_PLACE).hour
        for home in make_fleet(30, 0)
        for visit in home.sessions
    ]
    at_night = sum(hour < 5 for hour in arrivals)
    assert at_night < 0.05 * len(arrivals)


@pytest.mark.parametrize("number", [1, 3], ids=["without-charging-station", "with-charging-station"])
def test_the_past_and_the_present_of_a_meter_agree(number: int) -> None:
    """The live site with an idle battery, looked at every minute, counts what its history says."""
    home = make_fleet(number, 7)[-1]
    end = START + timedelta(days=1)
    past_wh = history(home, START, end)
    assert len(past_wh) == 96
    clock = ManualClock(START)
    site = make_site(home, clock, GridScript(7))
    before_wh = 0.0
    for quarter_wh in past_wh:
        for _ in range(15):
            clock.advance(60.0)
            site.power_w()
        net_wh = site.meter_energy(clock.now()).net_wh
        assert net_wh - before_wh == pytest.approx(quarter_wh, abs=1e-3)
        before_wh = net_wh


def test_a_history_may_be_asked_for_in_parts() -> None:
    home = make_fleet(3, 7)[-1]
    middle, end = START + timedelta(hours=13), START + timedelta(hours=24)
    assert history(home, START, middle) + history(home, middle, end) == pytest.approx(
        history(home, START, end), abs=1e-3
    )


def test_a_home_imports_at_night_and_exports_at_noon() -> None:
    homes = make_fleet(12, 1)
    by_quarter_wh = [
        sum(quarter)
        for quarter in zip(*(history(home, START, START + timedelta(days=1)) for home in homes), strict=True)
    ]
    assert by_quarter_wh[12] < 0.0
    assert max(by_quarter_wh[36:56]) > 0.0


async def test_a_fleet_runs_on_its_own_ports() -> None:
    clock = ManualClock(START)
    sites = [make_site(home, clock, GridScript()) for home in make_fleet(4)]
    ports = [await site.start() for site in sites]
    assert len(set(ports)) == 4
    for site in sites:
        await site.stop()
