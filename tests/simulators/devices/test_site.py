"""What a site shows in its registers is what is physically so."""

import struct
from datetime import UTC, datetime, timedelta

import pytest

from simulators.data.extracts import pv_profile
from simulators.data.house_load import HouseLoad
from simulators.devices.battery import BatteryConfig
from simulators.devices.evse import ChargingSession, EvseConfig
from simulators.devices.image import BASE, RegisterImage
from simulators.devices.models import Value, model
from simulators.devices.pv import PvConfig
from simulators.devices.site import UNITS, SimulatedSite, SiteConfig
from simulators.grid.script import Dip, GridScript
from vpp_core.clock import ManualClock

NOON = datetime(2021, 8, 12, 17, tzinfo=UTC)
NOON_S = NOON.timestamp()
VISIT = ChargingSession(arrival_s=NOON_S - 600.0, departure_s=NOON_S + 9_000.0, requested_wh=72_000.0)
ORDER = {1: (1, 701), 2: (1, 701, 702, 704, 713), 3: (1, 701, 702, 704), 4: (1, 701, 702, 704, 713)}


class Home:
    """A site with everything, its clock and its grid, read point by point."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON)
        self.grid = GridScript(1)
        config = SiteConfig(
            site_id="site-07",
            battery=BatteryConfig(state_of_charge=0.4),
            pv=PvConfig(rated_w=8_000),
            evse=EvseConfig(),
            sessions=(VISIT,),
        )
        self.site = SimulatedSite(config, self.clock, self.grid, HouseLoad(7), pv_profile())

    def read(self, device: str, number: int, name: str) -> Value:
        unit = UNITS[device]
        point = model(number).points[name]
        start = BASE + 2
        for before in ORDER[unit]:
            if before == number:
                break
            start += model(before).size
        coded = ask(self.site.images[unit], start + point.offset, point.size)
        if point.kind == "string":
            return coded.rstrip(b"\0").decode()
        exponent = self.read(device, number, point.scale_factor) if point.scale_factor else 0
        assert isinstance(exponent, int | float)
        return point.decode(coded, int(exponent))

    def number(self, device: str, number: int, name: str) -> float:
        value = self.read(device, number, name)
        assert isinstance(value, float)
        return value

    def write_setpoint(self, setpoint_w: int, timer_s: int) -> None:
        start = BASE + 2 + 68 + 155 + 52
        for offset, registers in (
            (24, struct.pack(">i", setpoint_w)),
            (31, struct.pack(">I", timer_s)),
            (22, b"\0\1"),
        ):
            head = struct.pack(">BHHB", 16, start + offset, len(registers) // 2, len(registers))
            assert self.site.images[2].respond(head + registers)[0] == 16


def ask(image: RegisterImage, address: int, count: int) -> bytes:
    answer = image.respond(struct.pack(">BHH", 3, address, count))
    assert answer[0] == 3
    return answer[2:]


@pytest.fixture
def home() -> Home:
    return Home()


def test_each_device_says_who_it_is(home: Home) -> None:
    assert {device: home.read(device, 1, "Md") for device in UNITS} == {
        "meter": "Site meter",
        "battery": "Home battery",
        "pv": "PV inverter",
        "evse": "Charging station",
    }
    assert home.read("pv", 1, "SN") == "site-07-pv"


def test_the_meter_shows_the_true_net_power_with_injection_positive(home: Home) -> None:
    home.write_setpoint(4_000, 0)
    home.clock.advance(60.0)
    assert home.read("meter", 701, "W") == round(home.site.power_w())
    parts_w = sum(home.site.power_w(device) for device in ("load", "battery", "pv", "evse"))
    assert home.site.power_w() == pytest.approx(parts_w)
    assert home.read("battery", 701, "W") == 4_000.0
    assert home.read("evse", 701, "W") == -7_200.0


def test_the_meters_counters_follow_the_truth_to_a_hundredth_of_a_wh(home: Home) -> None:
    home.clock.advance(5 * 86_400.0)
    truth = home.site.meter_energy(home.clock.now())
    assert home.number("meter", 701, "TotWhInj") == pytest.approx(truth.injected_wh, abs=0.006)
    assert home.number("meter", 701, "TotWhAbs") == pytest.approx(truth.absorbed_wh, abs=0.006)
    assert truth.net_wh == pytest.approx(truth.injected_wh - truth.absorbed_wh)


def test_counters_stay_exact_over_months() -> None:
    """A 64-bit counter of hundredths: 400 MWh and 1 Wh more differ by 1 Wh."""
    point = model(701).points["TotWhAbs"]
    first, second = (point.decode(point.encode(value, -2), -2) for value in (4e8, 4e8 + 1.0))
    assert first is not None
    assert second is not None
    assert second - first == pytest.approx(1.0)


@pytest.mark.parametrize("after_s", [0.0, 0.5, 2.0, 6.3])
def test_frequency_is_read_to_1_mhz(home: Home, after_s: float) -> None:
    home.grid.add_dip(Dip(at=NOON))
    home.clock.advance(after_s)
    true_hz = home.grid.frequency_hz(home.clock.now().timestamp())
    for device in UNITS:
        assert home.number(device, 701, "Hz") == pytest.approx(true_hz, abs=0.000_51)


def test_voltage_stands_in_both_points(home: Home) -> None:
    true_v = home.grid.voltage_v(NOON_S)
    assert home.number("meter", 701, "LNV") == pytest.approx(true_v, abs=0.051)
    assert home.read("meter", 701, "LNV") == home.read("meter", 701, "LLV")


def test_what_a_single_phase_device_lacks_is_not_implemented(home: Home) -> None:
    assert home.read("pv", 701, "WL2") is None
    assert home.read("pv", 701, "TmpCab") is None
    assert home.read("pv", 702, "WDisChaRteMaxRtg") is None


def test_ratings_are_magnitudes_by_direction(home: Home) -> None:
    ratings = {
        device: (home.read(device, 702, "WMaxRtg"), home.read(device, 702, "WChaRteMaxRtg"))
        for device in ("battery", "pv", "evse")
    }
    assert ratings == {"battery": (5_000.0, 5_000.0), "pv": (8_000.0, 0.0), "evse": (0.0, 7_200.0)}


def test_the_battery_shows_its_state_of_charge(home: Home) -> None:
    home.write_setpoint(-5_000, 0)
    home.clock.advance(3_600.0)
    assert home.number("battery", 713, "SoC") == pytest.approx(100.0 * home.site.state_of_charge(), abs=0.006)
    assert home.number("battery", 713, "WHAvail") == pytest.approx(5_400.0 + 4_750.0 - 5.0, abs=1.0)
    assert home.read("battery", 713, "WHRtg") == 13_500.0


def test_the_charging_station_speaks_of_its_session(home: Home) -> None:
    assert home.read("evse", 713, "WHRtg") == 72_000.0
    assert home.read("evse", 713, "WHAvail") == 1_200.0
    home.clock.advance(1_800.0)
    assert home.read("evse", 713, "WHAvail") == 4_800.0
    home.clock.advance(9_000.0)
    assert home.read("evse", 713, "WHRtg") == 0.0
    assert home.read("evse", 713, "SoC") is None


def test_the_remaining_time_counts_down_and_the_setpoint_reverts(home: Home) -> None:
    home.write_setpoint(3_000, 60)
    assert home.read("battery", 704, "WSetRvrtRem") == 60.0
    home.clock.advance(20.5)
    assert home.read("battery", 704, "WSetRvrtRem") == 40.0
    home.clock.advance(39.5)
    assert home.read("battery", 704, "WSetRvrtRem") == 0.0
    assert home.read("battery", 704, "WSetEna") == 0.0
    home.clock.advance(1.0)
    assert home.read("battery", 701, "W") == 0.0


def test_a_throttled_inverter_says_so(home: Home) -> None:
    running, throttled, sleeping = 3.0, 4.0, 1.0
    assert home.read("pv", 701, "InvSt") == running
    home.site.physics.pv.controls.write({"WMaxLimPct": 1.0, "WMaxLimPctEna": 1.0}, NOON_S)
    assert home.read("pv", 701, "InvSt") == throttled
    home.clock.advance(timedelta(hours=12).total_seconds())
    assert home.read("pv", 701, "InvSt") == sleeping
