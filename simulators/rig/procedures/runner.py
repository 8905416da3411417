"""Runs procedures one after the other, and leaves the device as it was found whatever happens."""

import asyncio
import contextlib
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from simulators.rig.hil_bench.keeper import Keeper
from simulators.rig.hil_bench.preconditions import require_ready
from simulators.rig.hil_bench.settings import RunSettings
from simulators.rig.hil_bench.station import Station
from simulators.rig.hil_bench.wire import READ, NoAnswer
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.result import ProcedureResult, RunResult, Step
from simulators.rig.procedures.rig import Rig, Sample
from vpp_core.faults import DeviceFault

GIVE_BACK = "give the device back"
RECOVER_S_MAX = 60.0
"""So long a device that does not answer is awaited, before the run goes on without it."""
_RECOVER_POLL_S = 1.0
RELEASE_S_MAX = 60.0
"""So long the rig tries to give a device back."""


class Chosen(NamedTuple):
    procedure: Procedure
    parameters: Parameters


class Observer(Protocol):
    """Somebody who shows where the run is, and keeps what was measured."""

    def on_ready(self) -> None:
        """The device may be tested; procedures begin."""
        ...

    def on_procedure(self, procedure: Procedure, number: int, total: int) -> None: ...

    def on_step(self, name: str) -> None: ...

    def on_result(self, result: ProcedureResult, samples: Sequence[Sample]) -> None: ...


async def run_procedures(
    station: Station, chosen: Sequence[Chosen], run: RunSettings, result: RunResult, observer: Observer
) -> None:
    """Fill ``result``; it holds what was found so far even if this is cancelled.

    Raises:
        DeviceFault: the device must not be tested now, or nothing more can be said to it.
    """
    result.target, result.identity = station.name, station.identity
    result.grid, result.instruments = station.grid_name, station.instruments.name
    result.clock = station.clock_name
    result.models = list(station.unit.places) if station.unit else []
    result.ratings = {
        name: getattr(station.ratings, name) for name in type(station.ratings).__struct_fields__
    }
    keeper: Keeper | None = None
    if station.source is not None:
        await station.source.apply(frequency_hz=station.ratings.frequency_hz, voltage_pu=1.0)
    if station.unit is not None:
        keeper = Keeper(station.unit, station.clock)
        await keeper.read()
        await require_ready(station.unit, keeper, run, station.clock)
    observer.on_ready()
    for number, one in enumerate(chosen, start=1):
        observer.on_procedure(one.procedure, number, len(chosen))
        found = _blank(one.procedure, one.parameters, station)
        result.procedures.append(found)
        found.not_run = missing(one.procedure, station)
        if found.not_run:
            observer.on_result(found, ())
            continue
        rig = _rig(station, run, found, observer)
        await _run_one(one, rig, keeper, found, observer)
        if rig.lost:
            result.fault = f"The run ended with {found.id}: {rig.lost}"
            return


def missing(procedure: Procedure, station: Station) -> str:
    """Why a procedure cannot be run here; empty if it can."""
    return next(_missing(procedure.needs, station), "")


def _missing(needs: Needs, station: Station) -> Iterator[str]:
    if station.kind not in needs.targets:
        yield f"needs a device as target, and this is a gateway ({station.kind})"
    if (needs.grid or station.gateway is not None) and station.source is None:
        yield "needs a grid source: name one in [grid]"
    if needs.restart and station.restart is None:
        yield "needs a way to restart the device: name one in target.restart"
    if needs.storage and not station.ratings.storage:
        yield "needs a device that can also absorb power"
    if station.unit is not None:
        places = station.unit.places
        lacking = [str(number) for number in needs.models if number not in places]
        if lacking:
            yield f"needs SunSpec model {', '.join(lacking)}, which the device does not show"
        if needs.one_of and not any(number in places for number in needs.one_of):
            yield f"needs one of the SunSpec models {', '.join(map(str, needs.one_of))}"


async def _run_one(
    chosen: Chosen, rig: Rig, keeper: Keeper | None, found: ProcedureResult, observer: Observer
) -> None:
    try:
        try:
            await chosen.procedure.run(rig, chosen.parameters)
        except DeviceFault as fault:
            _note(rig, await _with_recovery(rig, fault))
    except asyncio.CancelledError:
        _note_interruption(rig)
        raise
    finally:
        try:
            await _release(rig, keeper, found)
        finally:
            found.duration_s = rig.now_s
            observer.on_result(found, rig.samples)


def _rig(station: Station, run: RunSettings, found: ProcedureResult, observer: Observer) -> Rig:
    return Rig(
        clock=station.clock,
        instruments=station.instruments,
        ratings=station.ratings,
        result=found,
        poll_s=run.poll_s,
        unit=station.unit,
        source=station.source,
        gateway=station.gateway,
        restart=station.restart,
        observer=observer,
    )


def _note(rig: Rig, text: str) -> None:
    """A device that fails ends the procedure and not the run."""
    steps = rig.result.steps
    if not steps or not steps[-1].fault:
        steps.append(Step(name="prepare", begins_s=rig.now_s))
    steps[-1].ends_s, steps[-1].fault = rig.now_s, text


def _note_interruption(rig: Rig) -> None:
    """What was not tried to its end has not passed."""
    steps = rig.result.steps
    if not steps:
        steps.append(Step(name="prepare", begins_s=0.0))
    steps[-1].ends_s = rig.now_s
    steps[-1].fault = steps[-1].fault or "The run was interrupted here."


async def _with_recovery(rig: Rig, fault: DeviceFault) -> str:
    """What happened, and whether a device that did not answer has come back."""
    if not isinstance(fault, NoAnswer) or rig.unit is None:
        return str(fault)
    begins_s = rig.now_s
    while rig.now_s - begins_s <= RECOVER_S_MAX:
        rig.unit.client.close()
        await rig.clock.sleep(_RECOVER_POLL_S)
        with contextlib.suppress(DeviceFault):
            await rig.unit.client.ask(struct.pack(">BHH", READ, rig.unit.base_register, 2), "again", 1)
            return f"{fault} It answers again {rig.now_s - begins_s:.0f} s later, as after a restart."
    rig.lost = f"the device does not answer for {RECOVER_S_MAX:g} s more, on new connections either."
    return f"{fault} Then {rig.lost}"


async def _release(rig: Rig, keeper: Keeper | None, found: ProcedureResult) -> None:
    """Calm the grid and restore the settings, also when the run is being ended."""
    failures = ["The rig was ended before the device was given back; look at its settings."]
    try:
        async with asyncio.timeout(RELEASE_S_MAX):
            if rig.gateway is not None:
                await rig.gateway.mend()
            await rig.calm_grid()
            failures = [] if keeper is None else await keeper.restore()
    except (DeviceFault, TimeoutError) as error:
        failures = [f"The device could not be given back: {error}"]
    finally:
        if failures:
            step = Step(name=GIVE_BACK, begins_s=rig.now_s, ends_s=rig.now_s)
            step.fault = " ".join(failures)
            rig.lost = rig.lost or "the device could not be given back as it was found."
            found.steps.append(step)


def _blank(procedure: Procedure, parameters: Parameters, station: Station) -> ProcedureResult:
    return ProcedureResult(
        id=procedure.id,
        title=procedure.title,
        group=procedure.group,
        clause=procedure.clause,
        purpose=procedure.purpose,
        parameters=parameters.model_dump(mode="json"),
        started_at=station.clock.now(),
        quantity=procedure.quantity,
        unit=procedure.unit,
        stimulus=procedure.stimulus,
        stimulus_unit=procedure.stimulus_unit,
    )
