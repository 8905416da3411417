"""Volt-var: where reactive power settles over voltage, and how soon."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from simulators.rig.procedures.conduct import hold, only, set_up
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Rig, first_reach, latest

CLAUSE = "IEEE 1547-2018 5.3.3"
ACCURACY = "IEEE 1547-2018 table 3: 5 % of the rating"
_SETTLE_TIMES = 2.5
_SHARE = 0.9
_OF_VAR_MAX = 1.0
_REACTIVE_FIRST = 1.0

Voltage = Annotated[float, Field(gt=0.5, lt=1.2)]


class VoltVarParameters(Parameters):
    """The curve is in per unit of nominal voltage and of the reactive power rating."""

    curve: tuple[tuple[Voltage, Annotated[float, Field(ge=-1.0, le=1.0)]], ...] = (
        (0.92, 1.0),
        (0.98, 0.0),
        (1.02, 0.0),
        (1.08, -1.0),
    )
    """The default of category B."""
    voltages_pu: tuple[Voltage, ...] = (0.90, 0.95, 1.0, 1.05, 1.09)
    power_pu: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    response_s: Annotated[float, Field(ge=1.0, le=90.0)] = 5.0

    @model_validator(mode="after")
    def _check(self) -> "VoltVarParameters":
        if any(after[0] <= before[0] for before, after in pairwise(self.curve)):
            raise ValueError("the voltages of the curve do not ascend")
        return self


def on_curve(curve: tuple[tuple[float, float], ...], at: float) -> float:
    """Flat outside the corners, straight between them."""
    if at <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in pairwise(curve):
        if at <= x1:
            return y0 + (y1 - y0) * (at - x0) / (x1 - x0)
    return curve[-1][1]


async def run(rig: Rig, parameters: VoltVarParameters) -> None:
    """Each voltage from nominal and back."""
    rig.result.curve_at = "voltage, per unit"
    rig.quantity = "power_w"
    await rig.calm_grid()
    rig.stimulus = 1.0
    await only(rig, 705)
    points: dict[str, float] = {}
    for number, (voltage_pu, reactive_pu) in enumerate(parameters.curve, start=1):
        points |= {f"Pt[{number}].V": 100.0 * voltage_pu, f"Pt[{number}].Var": 100.0 * reactive_pu}
    head = {"ActPt": float(len(parameters.curve)), "DeptRef": _OF_VAR_MAX, "Pri": _REACTIVE_FIRST}
    middle = {"VRef": 100.0, "VRefAutoEna": 0.0, "RspTms": parameters.response_s}
    await set_up(rig, 705, head | middle | points)
    await hold(rig, parameters.power_pu * rig.ratings.injection_w)
    rig.samples.clear()
    rig.quantity = "reactive_var"
    before_var = 0.0
    for voltage_pu in parameters.voltages_pu:
        before_var = await _point(rig, parameters, voltage_pu, before_var)


async def _point(rig: Rig, parameters: VoltVarParameters, voltage_pu: float, before_var: float) -> float:
    share = on_curve(parameters.curve, voltage_pu)
    ratings = rig.ratings
    target_var = share * (ratings.reactive_injection_var if share > 0.0 else ratings.reactive_absorption_var)
    tolerance_var = ratings.reactive_tolerance_var
    with rig.step(f"{voltage_pu:.3f} per unit") as step:
        rig.expect(target_var, tolerance_var)
        changed_s = await rig.set_grid(voltage_pu=voltage_pu)
        samples = await rig.watch(_SETTLE_TIMES * parameters.response_s)
        settled_var = latest(samples)
        step.near(
            f"reactive power at {voltage_pu:.3f} per unit",
            settled_var,
            target_var,
            tolerance_var,
            "var",
            clause=f"{CLAUSE}; {ACCURACY}",
            why="it does not lie on the curve that was adopted",
        )
        rig.plot_point(voltage_pu, target_var, tolerance_var, settled_var)
        if rig.timed and settled_var is not None and abs(target_var - before_var) > tolerance_var:
            reached_s = first_reach(samples, before_var, target_var, _SHARE)
            step.check(
                "90 % of the change after",
                None if reached_s is None else reached_s - changed_s,
                "s",
                high=parameters.response_s + rig.blur_s,
                clause=f"{CLAUSE}: open-loop response time",
                why="the response is too slow",
            )
    return settled_var if settled_var is not None else target_var


PROCEDURE = Procedure(
    id="volt-var",
    title="Volt-var",
    group="IEEE 1547.1-2020, voltage-reactive power (volt-var) mode",
    clause=f"{CLAUSE}: reactive power follows the curve within the open-loop response time.",
    purpose="At low voltage the unit injects reactive power, at high voltage it absorbs, along its curve.",
    needs=Needs(models=(701, 702, 704, 705), grid=True),
    parameters=VoltVarParameters,
    run=run,
    typical_s=68.0,
    quantity="reactive power",
    unit="var",
    stimulus="voltage",
    stimulus_unit="per unit",
)
