"""franklinwh-modbus, unmodified: a battery in models 701, 703, 704 and 713, whose timer acts."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.integration.peers.environments import environment
from tests.integration.peers.peer import Peer, running
from tests.integration.peers.simulator import BATTERY, Simulator, simulated

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MODELS = (1, 701, 702, 703, 704, 713, 714, 715)
UNIT = 2
TIMER_S = 2


class Bench(NamedTuple):
    device: Simulator
    client: Peer
    opened: Any


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with (
        running(environment("franklinwh"), "franklinwh") as client,
        simulated(models=MODELS, manufacturer="FranklinWH", unit=UNIT, settings=BATTERY) as device,
    ):
        yield Bench(device, client, client.call("open", host=device.host, port=device.port, unit=UNIT))
        client.call("close")


def test_its_discovery_takes_the_device_for_one_of_its_own(bench: Bench) -> None:
    found = bench.client.call("find", host=bench.device.host, port=bench.device.port, unit=UNIT)
    assert (found["status"], found["base_address"], found["is_franklinwh"]) == ("sunspec", 40_000, True)


def test_it_finds_models_and_ratings(bench: Bench) -> None:
    opened = bench.opened
    assert opened["connected"] is True
    assert opened["models"] == list(MODELS)
    assert opened["nameplate"]["manufacturer"] == "FranklinWH"
    assert (opened["charge_w_max"], opened["discharge_w_max"]) == (10_000, 10_000)


def test_it_reads_what_is_so(bench: Bench) -> None:
    read, truth = bench.client.call("read"), bench.device.truth()
    battery, grid = read["battery"], read["grid"]
    assert battery["soc"] == pytest.approx(100 * truth["state_of_charge"], abs=0.5)
    assert battery["wh_available"] == pytest.approx(truth["energy_wh"], abs=50)
    assert battery["battery_power_w"] == pytest.approx(truth["battery_w"], abs=30)
    assert "partial" not in battery
    assert grid["grid_power_w"] == pytest.approx(truth["power_w"], abs=30)
    assert grid["grid_var"] == pytest.approx(truth["reactive_var"], abs=30)
    assert grid["grid_va"] == pytest.approx(truth["apparent_va"], abs=30)
    assert grid["frequency_hz"] == pytest.approx(truth["frequency_hz"], abs=0.02)
    assert grid["voltage_v"] == pytest.approx(truth["phase_voltage_v"][0], abs=0.5)
    assert (grid["connection_state"], grid["grid_mode"]) == ("Connected", "Grid Following")
    assert read["control"]["loc_rem_ctl_name"] == "Remote"
    assert read["alarms"] == []
    assert read["enter_service"]["ES"] == 1


@pytest.mark.parametrize(
    ("action", "power_w", "injected_w"),
    [
        pytest.param("discharge", 3_000, 3_000, id="discharging-injects"),
        pytest.param("charge", 2_500, -2_500, id="charging-absorbs"),
    ],
)
def test_a_dispatch_takes_effect_and_is_released(
    bench: Bench, action: str, power_w: float, injected_w: float
) -> None:
    done, said = bench.client.call("dispatch", action=action, power_w=power_w)
    assert done, said
    bench.device.settled("dispatched", lambda truth: abs(truth["power_w"] - injected_w) <= 30)
    verified = bench.client.call("verify", expected_w=-injected_w, timeout_s=5.0)
    assert verified["ok"], verified["reason"]
    assert bench.client.call("read")["grid"]["grid_power_w"] == pytest.approx(injected_w, abs=40)
    done, said = bench.client.call("dispatch", action="stop")
    assert done, said
    bench.device.settled("released", lambda truth: abs(truth["power_w"]) <= 30)
    assert bench.client.call("read")["control"]["wset_enabled"] == 0


def test_a_setpoint_reverts_by_the_timer_of_the_device(bench: Bench) -> None:
    before = bench.device.truth()
    bench.client.call("revert", power_w=4_000, after_w=0, timer_s=TIMER_S)
    bench.device.until("commanded", lambda truth: abs(truth["power_w"] - 4_000) <= 40)
    assert 0 < bench.client.call("read")["control"]["wset_revert_remain_s"] <= TIMER_S
    after = bench.device.settled("reverted", lambda truth: abs(truth["power_w"]) <= 30)
    assert after["at_s"] - before["at_s"] >= TIMER_S
    control = bench.client.call("read")["control"]
    assert (control["wset_enabled"], control["wset_revert_remain_s"]) == (0, 0)


def test_a_cosmetic_timer_ends_and_nothing_happens() -> None:
    """As in the field (the client's authors say so of the units that they have)."""
    inverter = {**BATTERY["inverter"], "reversion": "cosmetic"}
    with (
        running(environment("franklinwh"), "franklinwh") as client,
        simulated(models=MODELS, unit=UNIT, settings={**BATTERY, "inverter": inverter}) as device,
    ):
        client.call("open", host=device.host, port=device.port, unit=UNIT)
        client.call("revert", power_w=4_000, after_w=0, timer_s=TIMER_S)
        begun_s = device.settled("commanded", lambda truth: abs(truth["power_w"] - 4_000) <= 40)["at_s"]
        truth = device.until("over", lambda truth: truth["at_s"] > begun_s + TIMER_S + 0.5)
        control = client.call("read")["control"]
        client.call("close")
    assert truth["power_w"] == pytest.approx(4_000, abs=40)
    assert (control["wset_enabled"], control["wset_revert_remain_s"]) == (1, 0)
