"""Fast frequency response: how soon the whole response to a step is there, by three markets' rules."""

from typing import Annotated, NamedTuple

from pydantic import Field

from simulators.rig.procedures.conduct import hold
from simulators.rig.procedures.frequency_droop import droop_w, set_droop
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure, Target
from simulators.rig.procedures.rig import Rig, first_reach

_BLUR_SHARE_MAX = 0.6
"""Instruments that blur more of a limit than this cannot judge it."""
_BASELINE_S = 2.0
_WATCH_AFTER_S = 1.0
_INITIATED_SHARE = 0.1
_CALM_S = 2.0


class Service(NamedTuple):
    """One market's demand on speed."""

    name: str
    below_hz: float
    """How far below nominal the step goes."""
    initiated_s: float | None
    full_s: float
    support_s: float
    source: str


SERVICES = (
    Service("Nordic FFR, 49.5 Hz", 0.5, None, 0.7, 5.0, "Fingrid, Technical requirements for FFR"),
    Service("GB Dynamic Containment", 0.5, 0.5, 1.0, 5.0, "NESO, Dynamic Containment service terms"),
    Service("ERCOT RRS-FFR, 15 cycles", 0.5, None, 0.25, 5.0, "ERCOT NPRR863"),
)


class FastParameters(Parameters):
    power_pu: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.2
    """Where the unit stands before, per unit of its injection rating."""
    deadband_hz: Annotated[float, Field(ge=0.0, le=1.0)] = 0.017
    droop_pu: Annotated[float, Field(ge=0.01, le=0.07)] = 0.02
    response_s: Annotated[float, Field(ge=0.02, le=10.0)] = 0.2
    """Set in the device: the fastest of IEEE 1547-2018 category III."""
    full_share: Annotated[float, Field(gt=0.5, le=1.0)] = 0.9
    """Share of the demanded change that counts as all of it."""
    poll_s: Annotated[float, Field(gt=0.0, le=1.0)] = 0.02


async def run(rig: Rig, parameters: FastParameters) -> None:
    """A step for each service, measured from the step on."""
    await rig.calm_grid()
    rig.stimulus, rig.poll_s = rig.ratings.frequency_hz, parameters.poll_s
    deadband_hz, droop_pu = parameters.deadband_hz, parameters.droop_pu
    if rig.gateway is None:
        await set_droop(rig, deadband_hz, droop_pu, parameters.response_s)
    else:
        deadband_hz, droop_pu = rig.gateway.deadband_hz, rig.gateway.droop_pu
    if not rig.timed:
        rig.note("The grid was set by hand, so no speed was judged.")
        return
    for service in SERVICES:
        if rig.blur_s > _BLUR_SHARE_MAX * service.full_s:
            rig.note(
                f"{service.name} was not judged: a reading may be {rig.blur_s:.2f} s old, and the limit is "
                f"{service.full_s:g} s. Name a faster meter in [measure]."
            )
            continue
        if rig.gateway is None:
            before_w = await hold(rig, parameters.power_pu * rig.ratings.injection_w, _CALM_S)
        else:
            rig.expect(None)
            before_w = await rig.mean(_BASELINE_S) or 0.0
        target_w = droop_w(rig, -service.below_hz, deadband_hz, droop_pu, before_w)
        await _judge(rig, service, before_w, target_w, parameters.full_share)


async def _judge(rig: Rig, service: Service, before_w: float, target_w: float, full_share: float) -> None:
    frequency_hz = rig.ratings.frequency_hz - service.below_hz
    with rig.step(f"{service.name}: step to {frequency_hz:.2f} Hz") as step:
        rig.expect(target_w, rig.ratings.power_tolerance_w)
        changed_s = await rig.set_grid(frequency_hz=frequency_hz)
        samples = await rig.watch(service.full_s + _WATCH_AFTER_S)
        if service.initiated_s is not None:
            begun_s = first_reach(samples, before_w, target_w, _INITIATED_SHARE)
            step.check(
                "response begins after",
                None if begun_s is None else begun_s - changed_s,
                "s",
                high=service.initiated_s + rig.blur_s,
                clause=service.source,
                why="the response begins too late",
            )
        full_s = first_reach(samples, before_w, target_w, full_share)
        step.check(
            "full response after",
            None if full_s is None else full_s - changed_s,
            "s",
            high=service.full_s + rig.blur_s,
            clause=f"{service.source}; readings may be {rig.blur_s:.2f} s old",
            why="the response is too slow for this service",
        )
        floor_w = before_w + full_share * (target_w - before_w) - rig.ratings.power_tolerance_w
        held = await rig.watch(service.support_s, poll_s=0.1)
        lowest_w = min((sample.measured for sample in held if sample.measured is not None), default=None)
        step.check(
            f"least power during {service.support_s:g} s of support",
            lowest_w,
            "W",
            low=floor_w,
            clause=service.source,
            why="the response is not held",
        )
    rig.expect(before_w, rig.ratings.power_tolerance_w)
    await rig.set_grid(frequency_hz=rig.ratings.frequency_hz)
    await rig.watch(_CALM_S, poll_s=0.1)


PROCEDURE = Procedure(
    id="fast-frequency-response",
    title="Fast frequency response",
    group="Market rules: ERCOT RRS-FFR, GB Dynamic Containment, Nordic FFR",
    clause="All of the response within 250 ms (ERCOT), 0.5 s to begin and 1 s (GB), 0.7 s (Nordic).",
    purpose="After a step of the frequency all of the response is there as fast as three markets ask.",
    needs=Needs(models=(701, 704, 711), grid=True, storage=True, targets=frozenset(Target)),
    parameters=FastParameters,
    run=run,
    typical_s=33.0,
    stimulus="frequency",
    stimulus_unit="Hz",
)
