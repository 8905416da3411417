"""Limit active power: an upper bound in percent, and how soon it is kept."""

from typing import Annotated

from pydantic import Field

from simulators.rig.procedures.conduct import command_limit, hold, only, release
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Rig

CLAUSE = "IEEE 1547-2018 4.6.2: the limit is kept within 30 s"


class LimitParameters(Parameters):
    limits_pct: tuple[Annotated[float, Field(ge=0.0, le=100.0)], ...] = (75.0, 50.0, 20.0, 0.0)
    settle_s_max: Annotated[float, Field(gt=0.0, le=300.0)] = 30.0
    hold_s: Annotated[float, Field(gt=0.0)] = 5.0


async def run(rig: Rig, parameters: LimitParameters) -> None:
    """Limits on full injection, and their release."""
    await only(rig, None)
    full_w = await hold(rig, rig.ratings.injection_w)
    tolerance_w = rig.ratings.power_tolerance_w
    for percent in parameters.limits_pct:
        bound_w = percent / 100.0 * rig.ratings.injection_w
        with rig.step(f"limit {percent:g} %") as step:
            begins_s = rig.now_s
            await command_limit(rig, percent)
            rig.expect(bound_w, tolerance_w)
            seen = await rig.watch(
                parameters.settle_s_max,
                until=lambda sample, at_w=bound_w + tolerance_w: (  # type: ignore[misc]
                    sample.measured is not None and sample.measured <= at_w
                ),
            )
            last = seen[-1]
            kept = last.measured is not None and last.measured <= bound_w + tolerance_w
            step.check(
                "limit kept after",
                last.at_s - begins_s if kept else None,
                "s",
                high=parameters.settle_s_max,
                clause=CLAUSE,
                why="injection stays above the limit",
            )
            held = await rig.watch(parameters.hold_s)
            highest_w = max((each.measured for each in held[1:] if each.measured is not None), default=None)
            step.check(
                f"highest power in {parameters.hold_s:g} s",
                highest_w,
                "W",
                high=bound_w + tolerance_w,
                clause=CLAUSE,
                why="the limit is not held",
            )
            shown = await rig.device.value(704, "WMaxLimPct")
            step.near("limit read back", shown, percent, 0.5, "%", why="another limit is in force")
    with rig.step("limit released") as step:
        await rig.device.write(704, {"WMaxLimPctEna": 0.0})
        rig.expect(full_w, tolerance_w)
        back_s = await rig.settle(full_w, tolerance_w, parameters.hold_s)
        step.check("former power after", back_s, "s", high=parameters.hold_s, why="the unit stays limited")
    await release(rig)


PROCEDURE = Procedure(
    id="limit-active-power",
    title="Limit active power",
    group="IEEE 1547.1-2020, limit active power",
    clause=CLAUSE,
    purpose="Injection goes under a limit in time, stays there, and comes back when the limit is released.",
    needs=Needs(models=(701, 704)),
    parameters=LimitParameters,
    run=run,
    typical_s=31.0,
)
