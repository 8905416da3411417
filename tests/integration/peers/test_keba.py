"""keba-modbus-client, unmodified: a charging station with u32 values from register 1000."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.integration.peers.environments import environment
from tests.integration.peers.peer import Peer, PeerError, running
from tests.integration.peers.simulator import EVSE, Simulator, Truth, simulated

pytestmark = [pytest.mark.integration, pytest.mark.slow]

UNIT = 255
CHARGING, SUSPENDED = 3, 5
LOCKED_AT_THE_VEHICLE = 7


class Bench(NamedTuple):
    device: Simulator
    client: Peer


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with (
        running(environment("keba"), "keba") as client,
        simulated(unit=UNIT, settings=EVSE) as device,
    ):
        client.call("open", host=device.host, port=device.port, unit=UNIT)
        yield Bench(device, client)
        client.call("close")


def charges(truth: Truth) -> bool:
    return bool(truth["power_w"] < -1_000)


def rests(truth: Truth) -> bool:
    return bool(truth["power_w"] == 0.0)


def test_it_reads_what_is_so(bench: Bench) -> None:
    bench.device.settled("charging", charges)
    read, truth = bench.client.call("read"), bench.device.truth()
    assert read["chargingState"]["state"] == CHARGING
    assert read["cableState"]["state"] == LOCKED_AT_THE_VEHICLE
    assert read["activePower"] == pytest.approx(-truth["power_w"], rel=0.01)
    assert (read["maxSupportedCurrent"], read["maxChargingCurrent"]) == (32, 32)
    assert read["chargedEnergy"] == pytest.approx(truth["session_wh"] / 1000, abs=0.006)
    assert read["totalEnergy"] == pytest.approx(truth["total_wh"] / 1000, abs=0.006)
    assert read["firmwareVersion"].count(".") == 2
    assert read["serialNumber"] > 0
    assert len(read["RFIDcard"]) == 8


def test_a_current_limit_takes_effect(bench: Bench) -> None:
    before_w = bench.device.settled("charging", charges)["power_w"]
    bench.client.call("set_current", current_a=8)
    truth = bench.device.settled(
        "limited", lambda truth: charges(truth) and truth["power_w"] > 0.75 * before_w
    )
    assert truth["power_w"] == pytest.approx(before_w * 8 / 16, rel=0.02)
    assert bench.client.call("read")["maxChargingCurrent"] == 8
    bench.client.call("set_current", current_a=32)
    bench.device.settled("released", lambda truth: truth["power_w"] < 0.98 * before_w)


def test_it_pauses_and_resumes(bench: Bench) -> None:
    bench.client.call("disable")
    bench.device.settled("paused", rests)
    read = bench.client.call("read")
    assert (read["chargingState"]["state"], read["activePower"]) == (SUSPENDED, 0.0)
    bench.client.call("enable")
    bench.device.settled("resumed", charges)
    assert bench.client.call("read")["chargingState"]["state"] == CHARGING


def test_it_refuses_a_current_below_six_amperes_before_the_device_is_asked(bench: Bench) -> None:
    with pytest.raises(PeerError, match="out of range"):
        bench.client.call("set_current", current_a=5)


def test_a_session_ends_at_its_energy_limit(bench: Bench) -> None:
    bench.device.settled("charging", charges)
    bench.client.call("limit_energy", kwh=30)
    bench.device.settled("still charging", charges)
    charged_wh = 1000 * bench.client.call("read")["chargedEnergy"]
    bench.client.call("limit_energy_wh", energy_wh=charged_wh + 10)
    bench.device.settled("ended", rests)
    read = bench.client.call("read")
    assert read["chargingState"]["state"] != CHARGING
    assert bench.device.truth()["session_wh"] == pytest.approx(charged_wh + 10, abs=3)
