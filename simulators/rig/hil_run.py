"""One run from configuration to results: on real hardware, or on a target that is built in."""

import importlib.metadata
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from simulators.rig.hil_bench.settings import HilSettings
from simulators.rig.hil_bench.station import Station, open_device
from simulators.rig.hil_report.folder import RunFolder
from simulators.rig.procedures.catalogue import PROCEDURES
from simulators.rig.procedures.procedure import Procedure
from simulators.rig.procedures.result import ProcedureResult, RunResult
from simulators.rig.procedures.rig import Sample
from simulators.rig.procedures.runner import Chosen, run_procedures
from vpp_core.clock import Clock
from vpp_core.faults import ConfigurationFault, DeviceFault


class Shows(Protocol):
    """Somebody who shows where the run is."""

    def on_procedure(self, procedure: Procedure, number: int, total: int) -> None: ...

    def on_step(self, name: str) -> None: ...

    def on_result(self, result: ProcedureResult, samples: Sequence[object]) -> None: ...


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run, and where its results go."""

    settings: HilSettings
    chosen: Sequence[Chosen]
    result: RunResult
    folder: RunFolder | None = None
    shows: Shows | None = None
    ready: Callable[[], None] | None = None
    """Called when procedures begin."""


class _Keeps:
    """Shows the run, and writes samples as soon as a procedure has ended."""

    def __init__(self, order: Order) -> None:
        self._order = order

    def on_ready(self) -> None:
        if self._order.ready is not None:
            self._order.ready()

    def on_procedure(self, procedure: Procedure, number: int, total: int) -> None:
        if self._order.shows is not None:
            self._order.shows.on_procedure(procedure, number, total)

    def on_step(self, name: str) -> None:
        if self._order.shows is not None:
            self._order.shows.on_step(name)

    def on_result(self, result: ProcedureResult, samples: Sequence[Sample]) -> None:
        if self._order.folder is not None and not result.not_run:
            self._order.folder.keep_samples(result.id, samples)
        if self._order.shows is not None:
            self._order.shows.on_result(result, samples)


def choose(settings: HilSettings, names: Sequence[str]) -> list[Chosen]:
    """Procedures with the parameters of the configuration.

    Raises:
        ConfigurationFault: the configuration names no such procedure or parameter.
    """
    for name in settings.procedure:
        if name not in PROCEDURES:
            raise ConfigurationFault(f"procedure.{name}: there is no such procedure; see vpp-hil list")
    return [
        Chosen(PROCEDURES[name], PROCEDURES[name].configure(settings.procedure.get(name, {})))
        for name in dict.fromkeys(names)
    ]


async def run_real(order: Order, clock: Clock) -> None:
    """Run against what the configuration names.

    Raises:
        DeviceFault: no connection, or the device must not be tested now; the result says so too.
    """
    try:
        async with open_device(order.settings, clock) as station:
            await run_station(order, station)
    except DeviceFault as fault:
        order.result.fault = order.result.fault or str(fault)
        raise


async def run_station(order: Order, station: Station) -> None:
    """Run against an open station, and note with what; cancellation leaves a result that says so."""
    result = order.result
    result.environment = environment()
    try:
        await run_procedures(station, order.chosen, order.settings.run, result, _Keeps(order))
    except DeviceFault as fault:
        result.fault = str(fault)
        raise
    except BaseException:
        result.interrupted = True
        raise
    finally:
        result.ended_at = station.clock.now()
        if station.unit is not None:
            result.traffic = _traffic(station)


def environment() -> dict[str, str]:
    return {
        "Gridchorus": importlib.metadata.version("gridchorus"),
        "Python": platform.python_version(),
        "system": platform.platform(terse=True),
    }


def _traffic(station: Station) -> dict[str, float]:
    assert station.unit is not None  # noqa: S101
    traffic = station.unit.client.traffic
    times_s = sorted(traffic.answer_s) or [0.0]
    return {
        "Modbus requests": traffic.requests,
        "unanswered": traffic.unanswered,
        "late answers": traffic.late,
        "answers to nothing asked": traffic.strange,
        "answer time, median (ms)": 1e3 * times_s[len(times_s) // 2],
        "answer time, 99th percentile (ms)": 1e3 * times_s[int(0.99 * (len(times_s) - 1))],
    }
