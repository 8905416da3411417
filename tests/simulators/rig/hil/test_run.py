"""What the rig does around its procedures: refuses, leaves out, restores, and ends in order."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from simulators.bench.device import BenchDevice
from simulators.bench.settings import load
from simulators.devices.faults.script import FaultScript, Occurrence
from simulators.devices.functions.settings import FrequencyDroop, FunctionSettings
from simulators.devices.inverter.inverter import Inverter
from simulators.rig.hil_run import Order, choose, run_station
from simulators.rig.hil_simulated import DEVICE, NOON, bench_station, simulated_settings
from simulators.rig.procedures.catalogue import PROCEDURES
from simulators.rig.procedures.result import RunResult, Verdict
from simulators.rig.virtual.virtual_time import run_virtual
from tests.simulators.rig.hil.rigged import Run
from vpp_core.clock import VirtualClock
from vpp_core.faults import DeviceFault

pytestmark = pytest.mark.hil

PV = {**DEVICE, "kind": "pv", "sun": {"power_pu": 1.0}}
LEGACY = {**DEVICE, "models": "legacy"}


def inverter(bench: BenchDevice) -> Inverter:
    assert isinstance(bench.unit, Inverter)
    return bench.unit


class Staged:
    """A bench that is prepared before the rig looks at it."""

    def __init__(self, prepare: Callable[[Inverter], None], device: Mapping[str, Any] = DEVICE) -> None:
        self.result = RunResult(started_at=NOON, target="", grid="", instruments="", clock="")
        self._prepare, self._device = prepare, device

    def run(self, *names: str, during: Callable[[BenchDevice], None] | None = None) -> BenchDevice:
        async def main(clock: VirtualClock) -> BenchDevice:
            bench = BenchDevice(load(None, self._device), clock)
            self._prepare(inverter(bench))
            settings = simulated_settings()
            ready = None if during is None else lambda: during(bench)
            order = Order(settings, choose(settings, names), self.result, None, None, ready)
            try:
                async with bench_station(bench, settings, clock) as station:
                    await run_station(order, station)
            finally:
                bench.faults.close()
            return bench

        return run_virtual(main, NOON)


def test_a_device_under_local_control_is_refused() -> None:
    def local(unit: Inverter) -> None:
        unit.local = True

    staged = Staged(local)
    with pytest.raises(DeviceFault, match="set it to REMOTE"):
        staged.run("limit-active-power")
    assert "LOCAL" in staged.result.fault
    assert staged.result.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("state_of_charge", "advice"),
    [pytest.param(0.05, "Charge it first", id="empty"), pytest.param(0.98, "Discharge it first", id="full")],
)
def test_a_battery_that_cannot_follow_is_refused(state_of_charge: float, advice: str) -> None:
    device = {**DEVICE, "inverter": {**DEVICE["inverter"], "state_of_charge": state_of_charge}}
    with pytest.raises(DeviceFault, match=advice):
        Staged(lambda _: None, device).run("limit-active-power")


def test_another_master_is_seen_before_anything_is_written() -> None:
    device = {**DEVICE, "faults": [{"fault": "second-master", "period_s": 1.0, "power_pu": 0.3}]}

    async def main(clock: VirtualClock) -> None:
        bench = BenchDevice(load(None, DEVICE), clock)
        settings = simulated_settings()
        result = RunResult(started_at=NOON, target="", grid="", instruments="", clock="")
        async with asyncio.TaskGroup() as tasks:

            async def foreign() -> None:
                await clock.sleep(1.0)
                bench.faults.raise_("second-master", {"power_pu": 0.3})

            tasks.create_task(foreign())
            async with bench_station(bench, settings, clock) as station:
                order = Order(settings, choose(settings, ["limit-active-power"]), result)
                await run_station(order, station)

    del device
    with pytest.raises(BaseExceptionGroup) as group:
        run_virtual(main, NOON)
    assert "stop the other master first" in str(group.value.exceptions[0])


@pytest.mark.parametrize(
    ("device", "name", "why"),
    [
        pytest.param(PV, "frequency-droop-below-nominal", "can also absorb power", id="pv-cannot-rise"),
        pytest.param(LEGACY, "volt-var", "needs SunSpec model", id="no-such-model"),
    ],
)
def test_what_cannot_be_run_is_said_and_is_no_failure(device: Mapping[str, Any], name: str, why: str) -> None:
    run = Run(name, device=device)
    assert why in run.procedure(name).not_run
    assert run.procedure(name).verdict is Verdict.NOT_RUN
    assert run.result.verdict is Verdict.FAIL, "a run in which nothing was tested has not passed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("device", "left_out"),
    [
        pytest.param(PV, {"frequency-droop-below-nominal", "fast-frequency-response"}, id="pv"),
        pytest.param({**DEVICE, "kind": "battery"}, set(), id="battery"),
        pytest.param({**DEVICE, "models": "both"}, set(), id="hybrid-with-legacy-models-too"),
        pytest.param(LEGACY, set(PROCEDURES) - {"interoperability"}, id="legacy-models-only"),
    ],
)
def test_other_kinds_pass_what_they_can_do(device: Mapping[str, Any], left_out: set[str]) -> None:
    run = Run(device=device)
    assert {found.id for found in run.result.procedures if found.not_run} == left_out
    assert [reason for name in PROCEDURES for reason in run.reasons(name)] == []
    assert run.result.verdict is Verdict.PASS


@pytest.mark.slow
def test_slow_instruments_that_are_declared_pass_and_judge_no_fast_service() -> None:
    device = {**DEVICE, "inverter": {**DEVICE["inverter"], "refresh_s": 0.5}}
    names = ("frequency-droop-above-nominal", "fast-frequency-response", "voltage-ride-through-and-trip")
    run = Run(*names, device=device, refresh_s=0.5)
    assert [reason for name in names for reason in run.reasons(name)] == []
    assert "ERCOT RRS-FFR, 15 cycles was not judged" in " ".join(
        run.procedure("fast-frequency-response").notes
    )


def test_instruments_that_are_slower_than_declared_fail_the_response_times() -> None:
    device = {**DEVICE, "inverter": {**DEVICE["inverter"], "refresh_s": 0.6}}
    run = Run("frequency-droop-above-nominal", device=device)
    assert any("the response is too slow" in each for each in run.reasons("frequency-droop-above-nominal"))


def test_settings_and_commands_that_were_found_are_restored() -> None:
    droop = FrequencyDroop(enabled=True, deadband_over_hz=0.1, deadband_under_hz=0.2, droop_over=0.04)
    found = FunctionSettings(frequency_droop=droop)

    def prepare(unit: Inverter) -> None:
        unit.adopt(found)
        unit.commands.limit.value, unit.commands.limit.enabled = 0.9, True

    bench = Staged(prepare).run("frequency-droop-above-nominal", "active-power-setpoint")
    unit = inverter(bench)
    assert unit.settings == found
    assert unit.commands.limit.enabled
    assert unit.commands.limit.value == pytest.approx(0.9)
    assert not unit.commands.setpoint_w.enabled


def test_a_cancelled_run_gives_the_device_back_and_keeps_what_it_found() -> None:
    result = RunResult(started_at=NOON, target="", grid="", instruments="", clock="")
    benches: list[BenchDevice] = []

    async def main(clock: VirtualClock) -> None:
        bench = BenchDevice(load(None, DEVICE), clock)
        benches.append(bench)
        settings = simulated_settings()

        async def test() -> None:
            async with bench_station(bench, settings, clock) as station:
                names = ["active-power-setpoint", "frequency-droop-above-nominal"]
                await run_station(Order(settings, choose(settings, names), result), station)

        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(test())
            await clock.sleep(40.0)
            running.cancel()

    run_virtual(main, NOON)
    (bench,) = benches
    unit = inverter(bench)
    assert result.interrupted
    assert result.verdict is Verdict.FAIL
    assert [found.id for found in result.procedures] == [
        "active-power-setpoint",
        "frequency-droop-above-nominal",
    ]
    assert [found.verdict for found in result.procedures] == [Verdict.PASS, Verdict.FAIL]
    assert "interrupted" in result.procedures[1].steps[-1].reasons[-1]
    assert unit.settings == FunctionSettings()
    assert not unit.commands.setpoint_w.enabled
    assert bench.around.frequency_hz(NOON.timestamp() + 1e6) == 60.0


def test_a_device_that_is_gone_ends_the_run_with_that_reason() -> None:
    run = Run(
        "active-power-setpoint",
        "limit-active-power",
        disturb=lambda bench: bench.faults.raise_("half-open"),
    )
    assert [found.id for found in run.result.procedures] == ["active-power-setpoint"]
    assert "on new connections either" in run.result.fault


def test_a_device_that_cannot_be_given_back_is_a_failure_that_says_what_to_do() -> None:
    run = Run(
        "limit-active-power",
        "active-power-setpoint",
        disturb=lambda bench: bench.faults.play(
            FaultScript(occurrences=(Occurrence(at_s=9.0, fault="half-open"),))
        ),
    )
    assert [found.id for found in run.result.procedures] == ["limit-active-power"]
    assert any("set it by hand" in reason for reason in run.reasons("limit-active-power"))


def test_nothing_is_written_where_the_map_has_moved() -> None:
    run = Run("limit-active-power", disturb=lambda bench: bench.faults.raise_("shifted-map"))
    assert any("nothing was written" in reason for reason in run.reasons("limit-active-power"))
    assert not inverter(run.bench).commands.limit.enabled


def test_a_slow_ramp_shows_in_the_settling_time() -> None:
    """From nothing to 10 kW in 40 s: 5 kW are within 500 W after 18 s."""
    device = {**DEVICE, "inverter": {**DEVICE["inverter"], "response": {"ramp_s": 40.0}}, "kind": "battery"}
    run = Run("active-power-setpoint", device=device)
    settled_s = run.checks("active-power-setpoint")["setpoint +5000 W: settling time"]
    assert settled_s == pytest.approx(18.0, abs=0.3)


def test_a_parameter_of_the_configuration_is_used_and_reported() -> None:
    run = Run("limit-active-power", procedure={"limit-active-power": {"limits_pct": [40.0], "hold_s": 2.0}})
    found = run.procedure("limit-active-power")
    assert found.parameters["limits_pct"] == [40.0]
    assert [step.name for step in found.steps] == ["limit 40 %", "limit released"]
