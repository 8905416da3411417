"""Volt-watt: the upper bound of injection over voltage, and how soon it is kept."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from simulators.rig.procedures.conduct import hold, only, set_up
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Rig, first_reach, latest
from simulators.rig.procedures.volt_var import ACCURACY, Voltage, on_curve

CLAUSE = "IEEE 1547-2018 5.4.2"
_SETTLE_TIMES = 2.5
_SHARE = 0.9


class VoltWattParameters(Parameters):
    """The curve is in per unit of nominal voltage and of the power rating."""

    curve: tuple[tuple[Voltage, Annotated[float, Field(ge=0.0, le=1.0)]], ...] = ((1.06, 1.0), (1.10, 0.0))
    """The default of category B."""
    voltages_pu: tuple[Voltage, ...] = (1.04, 1.07, 1.08, 1.09)
    response_s: Annotated[float, Field(ge=0.5, le=60.0)] = 5.0

    @model_validator(mode="after")
    def _check(self) -> "VoltWattParameters":
        if any(after[0] <= before[0] for before, after in pairwise(self.curve)):
            raise ValueError("the voltages of the curve do not ascend")
        return self


async def run(rig: Rig, parameters: VoltWattParameters) -> None:
    """Each voltage from the one before, at full injection."""
    rig.result.curve_at = "voltage, per unit"
    await rig.calm_grid()
    rig.stimulus = 1.0
    await only(rig, 706)
    points: dict[str, float] = {}
    for number, (voltage_pu, power_pu) in enumerate(parameters.curve, start=1):
        points |= {f"Pt[{number}].V": 100.0 * voltage_pu, f"Pt[{number}].W": 100.0 * power_pu}
    head = {"ActPt": float(len(parameters.curve)), "DeptRef": 0.0, "RspTms": parameters.response_s}
    await set_up(rig, 706, head | points)
    before_w = await hold(rig, rig.ratings.injection_w)
    for voltage_pu in parameters.voltages_pu:
        before_w = await _point(rig, parameters, voltage_pu, before_w)
    with rig.step("back to nominal voltage") as step:
        rig.expect(rig.ratings.injection_w, rig.ratings.power_tolerance_w)
        await rig.set_grid(voltage_pu=1.0)
        settled_w = latest(await rig.watch(_SETTLE_TIMES * parameters.response_s))
        step.near(
            "power at nominal voltage",
            settled_w,
            rig.ratings.injection_w,
            rig.ratings.power_tolerance_w,
            "W",
            clause=CLAUSE,
            why="the unit has not returned to its setpoint",
        )


async def _point(rig: Rig, parameters: VoltWattParameters, voltage_pu: float, before_w: float) -> float:
    bound_w = on_curve(parameters.curve, voltage_pu) * rig.ratings.injection_w
    tolerance_w = rig.ratings.power_tolerance_w
    with rig.step(f"{voltage_pu:.3f} per unit") as step:
        rig.expect(bound_w, tolerance_w)
        changed_s = await rig.set_grid(voltage_pu=voltage_pu)
        samples = await rig.watch(_SETTLE_TIMES * parameters.response_s)
        settled_w = latest(samples)
        step.near(
            f"power at {voltage_pu:.3f} per unit",
            settled_w,
            bound_w,
            tolerance_w,
            "W",
            clause=f"{CLAUSE}; {ACCURACY}",
            why="it does not lie on the curve that was adopted",
        )
        rig.plot_point(voltage_pu, bound_w, tolerance_w, settled_w)
        if rig.timed and before_w - bound_w > tolerance_w:
            reached_s = first_reach(samples, before_w, bound_w, _SHARE)
            step.check(
                "90 % of the change after",
                None if reached_s is None else reached_s - changed_s,
                "s",
                high=parameters.response_s + rig.blur_s,
                clause=f"{CLAUSE}: open-loop response time",
                why="the response is too slow",
            )
    return settled_w if settled_w is not None else bound_w


PROCEDURE = Procedure(
    id="volt-watt",
    title="Volt-watt",
    group="IEEE 1547.1-2020, voltage-active power (volt-watt) mode",
    clause=f"{CLAUSE}: injection stays at or under the curve over voltage.",
    purpose="High voltage holds injection down along the curve, within the open-loop response time.",
    needs=Needs(models=(701, 704, 706), grid=True),
    parameters=VoltWattParameters,
    run=run,
    typical_s=69.0,
    stimulus="voltage",
    stimulus_unit="per unit",
)
