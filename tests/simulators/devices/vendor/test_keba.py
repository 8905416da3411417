"""The KEBA style station by its registers, as a controller reads and writes them."""

import struct

import pytest

from simulators.devices.charging.station import EvseUnit, EvseUnitConfig
from simulators.devices.charging.vehicle import Vehicle, Visit
from simulators.devices.vendor.keba import KEBA_P30, KebaIdentity, KebaStation


class Bench:
    """One station with a vehicle from second 10 to 7,200, and a clock that a test moves."""

    def __init__(self, config: EvseUnitConfig | None = None) -> None:
        self.now_s = 0.0
        visit = Visit(arrival_s=10.0, departure_s=7_200.0, vehicle=Vehicle())
        self.unit = EvseUnit(config or EvseUnitConfig(), self, (visit,), 0.0)
        self.station = KebaStation(self.unit, lambda: self.now_s, KebaIdentity(rfid_card=0xD4CD7650))

    def voltage_pu(self, at_s: float) -> float:
        del at_s
        return 1.0

    def at(self, now_s: float) -> "Bench":
        self.now_s = now_s
        return self

    def read(self, address: int) -> int:
        response = self.station.respond(struct.pack(">BHH", 3, address, 2))
        assert response[:2] == b"\x03\x04", response
        return int.from_bytes(response[2:], "big")

    def write(self, address: int, value: int) -> bytes:
        return self.station.respond(struct.pack(">BHH", 6, address, value))


ACCEPTED = 6
REFUSED = 0x86


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_session_as_the_registers_tell_it(bench: Bench) -> None:
    told = [
        (bench.at(at_s).read(1000), bench.read(1004), bench.read(1008), bench.read(1040))
        for at_s in (5.0, 10.5, 60.0, 7_300.0)
    ]
    assert told == [(1, 0, 0, 0), (2, 7, 0, 0), (3, 7, 16_000, 230), (1, 0, 0, 0)]


def test_power_and_energy_have_their_units(bench: Bench) -> None:
    power_w = 3 * 230.0 * 16.0 * 0.99
    assert bench.at(610.0).read(1020) == pytest.approx(1_000 * power_w, abs=1)
    assert bench.read(1046) == 990
    energy_wh = bench.unit.readings().total_wh
    assert energy_wh == pytest.approx(power_w / 6, rel=0.03)
    assert bench.read(1036) == round(10 * energy_wh)
    assert bench.read(1502) == round(energy_wh)


def test_the_plate(bench: Bench) -> None:
    assert bench.read(1014) == 18_416_854
    assert bench.read(1016) == 314_111
    assert bench.read(1018) == 0x030A3C00
    assert bench.read(1110) == 32_000
    assert bench.read(1500) == 0xD4CD7650


def test_the_current_is_set_in_milliamperes(bench: Bench) -> None:
    assert bench.at(60.0).write(5004, 8_000)[0] == ACCEPTED
    assert bench.read(1100) == 8_000
    assert bench.at(80.0).read(1008) == 8_000


def test_disabling_suspends_and_enabling_goes_on(bench: Bench) -> None:
    bench.at(60.0).write(5014, 0)
    assert (bench.at(80.0).read(1000), bench.read(1020)) == (5, 0)
    bench.write(5014, 1)
    assert bench.at(120.0).read(1000) == 3


def test_the_energy_limit_counts_tens_of_watt_hours(bench: Bench) -> None:
    bench.at(20.0).write(5010, 50)
    assert bench.at(3_600.0).read(1000) == 1
    assert 500 <= bench.read(1502) <= 520


def test_the_plug_is_unlocked_only_while_suspended(bench: Bench) -> None:
    assert bench.at(60.0).write(5012, 0)[0] == REFUSED
    bench.write(5014, 0)
    assert bench.at(80.0).write(5012, 0)[0] == ACCEPTED
    assert bench.read(1004) == 5


def test_phases_are_switched_by_the_source_that_is_chosen(bench: Bench) -> None:
    assert (bench.at(60.0).read(1550), bench.read(1552)) == (3, 1)
    assert bench.write(5052, 0)[0] == ACCEPTED
    assert (bench.at(63.0).read(1000), bench.read(1020)) == (5, 0)
    assert bench.at(100.0).read(1552) == 0
    assert (bench.read(1008), bench.read(1010)) == (16_000, 0)
    assert bench.write(5050, 1)[0] == ACCEPTED
    assert bench.write(5052, 1)[0] == REFUSED


def test_a_station_that_cannot_switch_refuses_to() -> None:
    bench = Bench(EvseUnitConfig(switches_phases=False))
    assert bench.read(1550) == 0
    bench.write(5050, 3)
    assert bench.write(5052, 0)[0] == REFUSED


def test_the_fail_safe_needs_writes_to_stay_away(bench: Bench) -> None:
    bench.at(60.0).write(5016, 6_000)
    bench.write(5018, 10)
    assert (bench.read(1600), bench.read(1602)) == (6_000, 10)
    bench.at(69.0).write(5018, 10)
    assert bench.at(78.0).read(1008) == 16_000
    assert bench.at(90.0).read(1008) == 6_000
    bench.write(5018, 10)
    assert bench.at(98.0).read(1008) == 16_000
    bench.write(5018, 0)
    assert bench.at(500.0).read(1008) == 16_000


def test_a_kept_fail_safe_survives_a_reboot(bench: Bench) -> None:
    bench.at(60.0).write(5018, 100)
    bench.unit.reboot()
    assert bench.read(1602) == 0
    bench.write(5018, 100)
    bench.write(5020, 1)
    bench.unit.reboot()
    assert (bench.read(1602), bench.read(1000)) == (100, 0)


@pytest.mark.parametrize(
    ("pdu", "exception"),
    [
        pytest.param(struct.pack(">BHH", 3, 1000, 4), 3, id="two-values-in-one-read"),
        pytest.param(struct.pack(">BHH", 3, 1000, 1), 2, id="half-a-value"),
        pytest.param(struct.pack(">BHH", 3, 1001, 2), 2, id="between-two-values"),
        pytest.param(struct.pack(">BHH", 3, 1002, 2), 2, id="no-such-value"),
        pytest.param(struct.pack(">BHH", 3, 5004, 1), 2, id="reading-what-is-only-written"),
        pytest.param(struct.pack(">BHH", 4, 1000, 2), 1, id="function-4"),
        pytest.param(struct.pack(">BHHBH", 16, 5004, 1, 2, 8_000), 1, id="function-16"),
        pytest.param(struct.pack(">BHH", 6, 1000, 3), 2, id="writing-what-is-only-read"),
        pytest.param(struct.pack(">BHH", 6, 1602, 30), 2, id="the-setting-of-the-fail-safe-is-read-only"),
        pytest.param(struct.pack(">BHH", 6, 5004, 5_999), 3, id="under-6-A"),
        pytest.param(struct.pack(">BHH", 6, 5004, 63_001), 3, id="over-63-A"),
        pytest.param(struct.pack(">BHH", 6, 5018, 9), 3, id="a-time-out-under-10-s"),
        pytest.param(struct.pack(">BHH", 6, 5014, 2), 3, id="neither-enabled-nor-disabled"),
    ],
)
def test_what_the_guide_does_not_allow(bench: Bench, pdu: bytes, exception: int) -> None:
    assert bench.station.respond(pdu) == bytes((pdu[0] | 0x80, exception))


def test_every_readable_point_has_a_value(bench: Bench) -> None:
    readable = {row.name for row in KEBA_P30.rows if row.address < 5000}
    assert set(bench.station.values()) == readable
