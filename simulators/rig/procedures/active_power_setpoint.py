"""Active-power setpoint: steps up and down, and what the device makes of them."""

from typing import Annotated

from pydantic import Field

from simulators.rig.procedures.conduct import command_power, only, release
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Rig, latest

ACCURACY = "IEEE 1547-2018 table 3: 5 % of the rating"


class SetpointParameters(Parameters):
    """Setpoints are per unit of the rating of their direction, injection positive."""

    steps_pu: tuple[Annotated[float, Field(ge=-1.0, le=1.0)], ...] = (0.5, -0.5, 0.25, 0.0)
    settle_s_max: Annotated[float, Field(gt=0.0)] = 30.0
    hold_s: Annotated[float, Field(gt=0.0)] = 2.0


async def run(rig: Rig, parameters: SetpointParameters) -> None:
    """For each step the time until power is within tolerance, and the error after a hold."""
    await only(rig, None)
    tolerance_w = rig.ratings.power_tolerance_w
    for step_pu in parameters.steps_pu:
        if step_pu < 0.0 and not rig.ratings.storage:
            rig.note(f"The step to {step_pu:g} per unit was left out: the device cannot absorb power.")
            continue
        rating_w = rig.ratings.injection_w if step_pu >= 0.0 else rig.ratings.absorption_w
        setpoint_w = float(round(step_pu * rating_w))
        with rig.step(f"setpoint {setpoint_w:+.0f} W") as step:
            begins_s = rig.now_s
            await command_power(rig, setpoint_w)
            rig.expect(setpoint_w, tolerance_w)
            seen = await rig.watch(
                parameters.settle_s_max,
                until=lambda sample, at_w=setpoint_w: (  # type: ignore[misc]
                    sample.measured is not None and abs(sample.measured - at_w) <= tolerance_w
                ),
            )
            last = seen[-1]
            settled = last.measured is not None and abs(last.measured - setpoint_w) <= tolerance_w
            step.check(
                "settling time",
                last.at_s - begins_s if settled else None,
                "s",
                high=parameters.settle_s_max,
                why="power does not follow the setpoint",
            )
            step.near(
                "measured power",
                latest(await rig.watch(parameters.hold_s), 0.5),
                setpoint_w,
                tolerance_w,
                "W",
                clause=ACCURACY,
                why="power does not follow the setpoint",
            )
            shown_w = await rig.device.value(704, "WSet")
            step.near("setpoint read back", shown_w, setpoint_w, 1.0, "W", why="another one is in force")
    await release(rig)


PROCEDURE = Procedure(
    id="active-power-setpoint",
    title="Active power setpoint",
    group="SunSpec model 704, WSet",
    clause=f"The measured power is the setpoint. {ACCURACY}.",
    purpose="Power follows setpoints up and down, in both directions where the device can absorb.",
    needs=Needs(models=(701, 704)),
    parameters=SetpointParameters,
    run=run,
    typical_s=9.0,
)
