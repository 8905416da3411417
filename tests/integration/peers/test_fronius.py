"""fronius-modbus, unmodified: an inverter with storage in the legacy models, in integers and in floats."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.integration.peers.environments import environment
from tests.integration.peers.peer import Peer, PeerError, running
from tests.integration.peers.simulator import HYBRID, Simulator, simulated

pytestmark = [pytest.mark.integration, pytest.mark.slow]

INTEGERS = (1, 103, 120, 121, 122, 123, 124, 160)
FLOATS = (1, 113, 120, 121, 122, 123, 124, 160)
MPPT, THROTTLED = 4, 5
TIMER_S = 2


class Bench(NamedTuple):
    device: Simulator
    client: Peer
    opened: Any
    models: tuple[int, ...]


@pytest.fixture(
    scope="module",
    params=[pytest.param(INTEGERS, id="integers-with-scale-factors"), pytest.param(FLOATS, id="floats")],
)
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    models = request.param
    with (
        running(environment("sunspec-vendors", 12), "fronius") as client,
        simulated(models=models, manufacturer="Fronius", settings=HYBRID) as device,
    ):
        device.delivering()
        yield Bench(device, client, client.call("open", host=device.host, port=device.port, unit=1), models)
        client.call("close")


def test_it_finds_the_models_their_encoding_and_the_storage(bench: Bench) -> None:
    assert bench.opened == {
        "models": list(bench.models),
        "float": bench.models == FLOATS,
        "has_storage": True,
    }


def test_it_reads_what_is_so(bench: Bench) -> None:
    read, truth = bench.client.call("read"), bench.device.truth()
    inverter, storage = read["inverter"], read["storage"]
    assert read["common"]["manufacturer"] == "Fronius"
    assert inverter["ac_power"] == pytest.approx(truth["power_w"], abs=20)
    assert inverter["reactive_power"] == pytest.approx(truth["reactive_var"], abs=20)
    assert inverter["apparent_power"] == pytest.approx(truth["apparent_va"], abs=20)
    assert inverter["frequency"] == pytest.approx(truth["frequency_hz"], abs=0.02)
    assert inverter["voltage_phase_1"] == pytest.approx(truth["phase_voltage_v"][0], abs=0.5)
    assert inverter["voltage_phase_1_2"] == pytest.approx(truth["phase_voltage_v"][0] * 3**0.5, abs=1.0)
    assert inverter["ac_current"] == pytest.approx(sum(truth["phase_current_a"]), abs=0.3)
    assert inverter["operating_state"] in {MPPT, THROTTLED}
    assert read["max_power"] == 10_000
    assert storage["state_of_charge"] == pytest.approx(100 * truth["state_of_charge"], abs=0.5)
    assert storage["charge_reference_power"] == 10_000


def test_it_tells_modules_of_the_sun_from_those_of_the_battery(bench: Bench) -> None:
    modules, truth = bench.client.call("read")["modules"], bench.device.truth()
    sun_w = sum(module["power"] for module in modules if module["role"] == "pv")
    assert sun_w == pytest.approx(truth["pv_w"], abs=30)
    assert {module["role"] for module in modules} > {"pv"}


def test_it_may_write(bench: Bench) -> None:
    assert bench.client.call("accepts_writes") is True


def test_a_power_limit_is_kept_until_it_is_released(bench: Bench) -> None:
    before_w = bench.device.truth()["power_w"]
    bench.client.call("limit_power", percent=20.0)
    bench.device.settled("limited", lambda truth: truth["power_w"] <= 2_020)
    read = bench.client.call("read")
    assert read["controls"] == {"power_limit": 20.0, "revert_seconds": 0, "enabled": True}
    assert read["inverter"]["ac_power"] == pytest.approx(2_000, abs=30)
    bench.client.call("release_power")
    bench.device.settled("released", lambda truth: truth["power_w"] >= before_w - 50)
    assert bench.client.call("read")["controls"]["enabled"] is False


def test_a_power_limit_reverts_by_its_timer(bench: Bench) -> None:
    before = bench.device.truth()
    bench.client.call("limit_power", percent=30.0, revert_s=TIMER_S)
    bench.device.until("limited", lambda truth: truth["power_w"] <= 3_030)
    after = bench.device.settled("reverted", lambda truth: truth["power_w"] >= before["power_w"] - 50)
    assert after["at_s"] - before["at_s"] >= TIMER_S
    assert bench.client.call("read")["controls"]["enabled"] is False


def test_a_negative_charge_limit_forces_discharging_until_it_is_released(bench: Bench) -> None:
    before = bench.device.truth()
    bench.client.call("limit_storage", charge=-40.0)
    truth = bench.device.settled("discharging", lambda truth: abs(truth["battery_w"] - 4_000) <= 400)
    assert truth["power_w"] > before["power_w"] + 3_000
    assert limits_enabled(bench) == (True, False)
    bench.client.call("limit_storage")
    bench.device.settled("released", lambda truth: abs(truth["battery_w"] - before["battery_w"]) <= 50)
    assert limits_enabled(bench) == (False, False)


def test_a_negative_discharge_limit_forces_charging_and_reverts_by_its_timer(bench: Bench) -> None:
    before = bench.device.truth()
    bench.client.call("limit_storage", discharge=-40.0, revert_s=TIMER_S)
    bench.device.until("charging", lambda truth: abs(truth["battery_w"] + 4_000) <= 400)
    assert limits_enabled(bench) == (False, True)
    after = bench.device.settled(
        "reverted", lambda truth: abs(truth["battery_w"] - before["battery_w"]) <= 50
    )
    assert after["at_s"] - before["at_s"] >= TIMER_S
    assert limits_enabled(bench) == (False, False)


def limits_enabled(bench: Bench) -> tuple[bool, bool]:
    """Of charging and of discharging, as the client reads them."""
    storage = bench.client.call("read")["storage"]
    return storage["charge_limit_enabled"], storage["discharge_limit_enabled"]


def test_reserve_and_charging_from_the_grid_are_kept(bench: Bench) -> None:
    bench.client.call("reserve", percent=12.0)
    bench.client.call("charge_from_grid", allowed=False)
    storage = bench.client.call("read")["storage"]
    assert (storage["minimum_reserve"], storage["grid_charging"]) == (12.0, False)
    bench.client.call("charge_from_grid", allowed=True)
    assert bench.client.call("read")["storage"]["grid_charging"] is True


def test_it_notices_a_map_that_has_shifted_and_finds_the_models_again(bench: Bench) -> None:
    bench.device.tell("fault", name="shifted-map")
    with pytest.raises(PeerError, match="SunSpecMapShiftError"):
        bench.client.call("read")
    assert bench.client.call("discover")["models"] != []
    bench.device.tell("clear", name="shifted-map")
    assert bench.client.call("discover")["models"] == list(bench.models)
    assert bench.client.call("read")["max_power"] == 10_000
