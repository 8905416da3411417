"""Frequency-droop above and below nominal: where power settles, and how soon."""

from typing import Annotated

from pydantic import Field

from simulators.rig.procedures.conduct import hold, only, set_up
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure, Target
from simulators.rig.procedures.rig import Rig, first_reach, latest

CLAUSE = "IEEE 1547-2018 6.5.2.7.2"
RESPONSE = "IEEE 1547-2018 6.5.2.7.2: 90 % of the change within the open-loop response time"
ACCURACY = "IEEE 1547-2018 table 3: 5 % of the rating"
_SETTLE_TIMES = 2.5
"""Open-loop response times that a point gets to settle."""
_SHARE = 0.9
_BASELINE_S = 2.0
_GATEWAY_RESPONSE_S = 5.0

Fraction = Annotated[float, Field(ge=-1.0, le=1.0)]


class DroopParameters(Parameters):
    """Deviations are magnitudes from nominal; the direction is the procedure's."""

    deviations_hz: tuple[Annotated[float, Field(gt=0.0, le=5.0)], ...] = (0.02, 0.2, 0.5, 1.1)
    """The first lies inside the dead-band."""
    power_pu: Fraction = 0.5
    """Where the unit stands before, per unit of its injection rating."""
    deadband_hz: Annotated[float, Field(ge=0.017, le=1.0)] = 0.036
    droop_pu: Annotated[float, Field(ge=0.02, le=0.07)] = 0.05
    response_s: Annotated[float, Field(ge=0.2, le=10.0)] = 5.0


class DroopBelowParameters(DroopParameters):
    power_pu: Fraction = 0.2


async def run_above(rig: Rig, parameters: DroopParameters) -> None:
    """Injection has to fall."""
    await _run(rig, parameters, +1)


async def run_below(rig: Rig, parameters: DroopParameters) -> None:
    """Injection has to rise."""
    await _run(rig, parameters, -1)


def droop_w(rig: Rig, change_hz: float, deadband_hz: float, droop_pu: float, before_w: float) -> float:
    """Where power has to settle (W) for a change of frequency from nominal (Hz)."""
    beyond_hz = max(0.0, abs(change_hz) - deadband_hz)
    per_hz = rig.ratings.injection_w / (rig.ratings.frequency_hz * droop_pu)
    target_w = before_w - (beyond_hz if change_hz > 0.0 else -beyond_hz) * per_hz
    return min(max(target_w, -rig.ratings.absorption_w), rig.ratings.injection_w)


async def set_droop(rig: Rig, deadband_hz: float, droop_pu: float, response_s: float) -> None:
    """Both directions of model 711 alike."""
    await only(rig, 711)
    await set_up(
        rig,
        711,
        {
            "DbOf": deadband_hz,
            "DbUf": deadband_hz,
            "KOf": droop_pu,
            "KUf": droop_pu,
            "RspTms": response_s,
        },
    )


async def _run(rig: Rig, parameters: DroopParameters, direction: int) -> None:
    rig.result.curve_at = "frequency, Hz"
    await rig.calm_grid()
    rig.stimulus = rig.ratings.frequency_hz
    deadband_hz, droop_pu, response_s = parameters.deadband_hz, parameters.droop_pu, parameters.response_s
    if rig.gateway is None:
        await set_droop(rig, deadband_hz, droop_pu, response_s)
    else:
        deadband_hz, droop_pu = rig.gateway.deadband_hz, rig.gateway.droop_pu
        response_s = min(response_s, _GATEWAY_RESPONSE_S)
    for deviation_hz in parameters.deviations_hz:
        before_w = await _before(rig, parameters.power_pu)
        change_hz = direction * deviation_hz
        target_w = droop_w(rig, change_hz, deadband_hz, droop_pu, before_w)
        await _point(rig, change_hz, before_w, target_w, response_s)


async def _before(rig: Rig, power_pu: float) -> float:
    """The power before the excursion (W): commanded in a device, whatever it is behind a gateway."""
    if rig.gateway is None:
        return await hold(rig, power_pu * rig.ratings.injection_w)
    rig.expect(None)
    return await rig.mean(_BASELINE_S) or 0.0


async def _point(rig: Rig, change_hz: float, before_w: float, target_w: float, response_s: float) -> None:
    frequency_hz = rig.ratings.frequency_hz + change_hz
    tolerance_w = rig.ratings.power_tolerance_w
    with rig.step(f"step to {frequency_hz:.3f} Hz") as step:
        rig.expect(target_w, tolerance_w)
        changed_s = await rig.set_grid(frequency_hz=frequency_hz)
        samples = await rig.watch(_SETTLE_TIMES * response_s)
        settled_w = latest(samples)
        step.near(
            f"power at {frequency_hz:.3f} Hz",
            settled_w,
            target_w,
            tolerance_w,
            "W",
            clause=f"{CLAUSE}; {ACCURACY}",
            why="it does not lie on the droop that was adopted",
        )
        rig.plot_point(frequency_hz, target_w, tolerance_w, settled_w)
        if abs(target_w - before_w) > tolerance_w and settled_w is not None:
            reached_s = first_reach(samples, before_w, target_w, _SHARE)
            if rig.timed:
                step.check(
                    "90 % of the change after",
                    None if reached_s is None else reached_s - changed_s,
                    "s",
                    high=response_s + rig.blur_s,
                    clause=RESPONSE,
                    why="the response is too slow",
                )
            else:
                rig.note("The grid was set by hand, so response times were not judged.")
    with rig.step(f"back from {frequency_hz:.3f} Hz to nominal") as step:
        rig.expect(before_w, tolerance_w)
        await rig.set_grid(frequency_hz=rig.ratings.frequency_hz)
        settled_w = latest(await rig.watch(_SETTLE_TIMES * response_s))
        step.near(
            "power after the excursion",
            settled_w,
            before_w,
            tolerance_w,
            "W",
            clause=CLAUSE,
            why="the unit has not returned to where it was",
        )


_ANY = frozenset(Target)
_GROUP = "IEEE 1547.1-2020, frequency-droop"

ABOVE = Procedure(
    id="frequency-droop-above-nominal",
    title="Frequency-droop above nominal",
    group=f"{_GROUP} above nominal frequency",
    clause=f"{CLAUSE}: P = P before - (change - dead-band) / (nominal frequency x droop).",
    purpose="Injection falls along the droop when the frequency rises, within the open-loop response time.",
    needs=Needs(models=(701, 704, 711), grid=True, targets=_ANY),
    parameters=DroopParameters,
    run=run_above,
    typical_s=121.0,
    stimulus="frequency",
    stimulus_unit="Hz",
)
BELOW = Procedure(
    id="frequency-droop-below-nominal",
    title="Frequency-droop below nominal",
    group=f"{_GROUP} below nominal frequency",
    clause=f"{CLAUSE}: P = P before + (change - dead-band) / (nominal frequency x droop).",
    purpose="Injection rises along the droop when the frequency falls, within the open-loop response time.",
    needs=Needs(models=(701, 704, 711), grid=True, storage=True, targets=_ANY),
    parameters=DroopBelowParameters,
    run=run_below,
    typical_s=121.0,
    stimulus="frequency",
    stimulus_unit="Hz",
)
