"""kaco-modbus, unmodified: an inverter whose manufacturer begins with KACO, models 103 and 120-123."""

import subprocess
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.integration.peers.environments import environment, plain_variables
from tests.integration.peers.peer import Peer, PeerError, running
from tests.integration.peers.simulator import PV, Simulator, simulated

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MODELS = (1, 103, 120, 121, 122, 123)
TIMER_S = 2
PROGRAM_S = 60.0
"""Ends a program that hangs; no measure of anything."""
FIXED_WATTS, FIXED_VARS, FIXED_POWER_FACTOR = 1, 2, 4


class Bench(NamedTuple):
    device: Simulator
    client: Peer
    opened: Any


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with (
        running(environment("sunspec-vendors", 12), "kaco") as client,
        simulated(models=MODELS, manufacturer="KACO new energy", settings=PV) as device,
    ):
        device.delivering()
        yield Bench(device, client, client.call("open", host=device.host, port=device.port, unit=1))
        client.call("close")


def test_it_takes_the_device_for_a_kaco_and_reads_all_of_it(bench: Bench) -> None:
    opened = bench.opened
    assert opened["manufacturer"] == "KACO new energy"
    assert (opened["base"], opened["models"]) == (40_000, list(MODELS))
    assert opened["updated"] == ["inverter", "status", "nameplate", "settings", "controls"]
    assert opened["failed"] == {}


def test_it_reads_what_is_so(bench: Bench) -> None:
    read, truth = bench.client.call("read"), bench.device.truth()
    assert read["failed"] == {}
    assert read["running"] is True
    assert read["power_w"] == pytest.approx(truth["power_w"], abs=20)
    assert read["apparent_va"] == pytest.approx(truth["apparent_va"], abs=20)
    assert read["reactive_var"] == pytest.approx(truth["reactive_var"], abs=20)
    assert read["frequency_hz"] == pytest.approx(truth["frequency_hz"], abs=0.02)
    assert read["phase_voltages_v"] == pytest.approx(truth["phase_voltage_v"], abs=0.5)
    assert read["current_a"] == pytest.approx(sum(truth["phase_current_a"]), abs=0.3)
    assert read["temperature_c"] == pytest.approx(truth["temperature_c"], abs=30)
    assert read["dc_w"] == pytest.approx(truth["pv_w"], abs=30)
    assert (read["rating_w"], read["rating_va"], read["setting_w_max"]) == (10_000, 10_000, 10_000)


def test_a_power_limit_is_held_until_it_is_released(bench: Bench) -> None:
    before_w = bench.device.truth()["power_w"]
    assert bench.client.call("limit_power", percent=25.0) is True
    bench.device.settled("limited", lambda truth: truth["power_w"] <= 2_525)
    read = bench.client.call("read")
    assert (read["limit_pct"], read["limit_enabled"], read["revert_s"]) == (25.0, 1, None)
    assert read["power_w"] == pytest.approx(2_500, abs=30)
    assert read["active_controls"] & FIXED_WATTS
    bench.client.call("release_power")
    bench.device.settled("released", lambda truth: truth["power_w"] >= before_w - 50)
    assert not bench.client.call("read")["active_controls"] & FIXED_WATTS


def test_a_power_limit_reverts_by_its_timer(bench: Bench) -> None:
    before = bench.device.truth()
    bench.client.call("limit_power_for", percent=10.0, revert_s=TIMER_S)
    bench.device.until("limited", lambda truth: truth["power_w"] <= 1_010)
    after = bench.device.settled("reverted", lambda truth: truth["power_w"] >= before["power_w"] - 50)
    assert after["at_s"] - before["at_s"] >= TIMER_S
    assert bench.client.call("read")["limit_enabled"] == 0


@pytest.mark.parametrize(
    ("percent", "mode"),
    [
        pytest.param(20.0, "WMax", id="of-the-power-rating-injected"),
        pytest.param(-50.0, "VArMax", id="of-the-reactive-rating-absorbed"),
    ],
)
def test_reactive_power_is_set_and_released(bench: Bench, percent: float, mode: str) -> None:
    wanted_var = percent / 100 * (10_000 if mode == "WMax" else 4_400)
    bench.client.call("reactive", percent=percent, mode=mode)
    bench.device.settled("commanded", lambda truth: abs(truth["reactive_var"] - wanted_var) <= 50)
    read = bench.client.call("read")
    assert read["reactive_var"] == pytest.approx(wanted_var, abs=60)
    assert read["active_controls"] & FIXED_VARS
    bench.client.call("release_reactive")
    bench.device.settled("released", lambda truth: abs(truth["reactive_var"]) <= 50)


def test_a_power_factor_is_set_and_released(bench: Bench) -> None:
    bench.client.call("power_factor", value=0.9)
    truth = bench.device.settled("commanded", lambda truth: abs(truth["power_factor"]) <= 0.91)
    read = bench.client.call("read")
    assert abs(read["power_factor"]) / 100 == pytest.approx(0.9, abs=0.01)
    assert read["reactive_var"] == pytest.approx(truth["reactive_var"], abs=50)
    assert read["active_controls"] & FIXED_POWER_FACTOR
    bench.client.call("release_power_factor")
    bench.device.settled("released", lambda truth: abs(truth["power_factor"]) >= 0.99)


def test_it_disconnects_and_connects(bench: Bench) -> None:
    before_w = bench.device.truth()["power_w"]
    bench.client.call("connect", connected=False)
    bench.device.settled("disconnected", lambda truth: abs(truth["power_w"]) <= 1)
    read = bench.client.call("read")
    assert (read["connected"], read["running"], read["frequency_hz"]) == (0, False, None)
    bench.client.call("connect", connected=True)
    bench.device.settled("connected", lambda truth: truth["power_w"] >= before_w - 50)
    assert bench.client.call("read")["running"] is True


def test_its_own_program_prints_everything(bench: Bench) -> None:
    done = subprocess.run(  # noqa: S603 - the program of the package
        [
            *environment("sunspec-vendors", 12).script("kaco-query"),
            bench.device.host,
            f"--port={bench.device.port}",
        ],
        env=plain_variables(),
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"SunSpec base 40000, models {list(MODELS)}" in done.stdout
    assert "failed to read" not in done.stdout


def test_it_refuses_the_inverter_of_another_maker() -> None:
    with (
        running(environment("sunspec-vendors", 12), "kaco") as client,
        simulated(models=MODELS, manufacturer="Gridchorus", settings=PV) as device,
        pytest.raises(PeerError, match="NotAKacoInverterError"),
    ):
        client.call("open", host=device.host, port=device.port, unit=1)


def test_it_finds_the_map_at_the_last_place_where_one_may_begin() -> None:
    with (
        running(environment("sunspec-vendors", 12), "kaco") as client,
        simulated(models=MODELS, manufacturer="KACO new energy", base=50_000, settings=PV) as device,
    ):
        opened = client.call("open", host=device.host, port=device.port, unit=1)
        client.call("close")
    assert (opened["base"], opened["models"], opened["failed"]) == (50_000, list(MODELS), {})
