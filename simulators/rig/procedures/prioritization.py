"""Prioritization: which of several demands on power wins."""

from typing import Annotated

from pydantic import Field

from simulators.rig.hil_bench.curves import adopt
from simulators.rig.procedures.conduct import command_limit, command_power, hold, only
from simulators.rig.procedures.frequency_droop import droop_w, set_droop
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Rig, latest

CLAUSE = "IEEE 1547-2018 4.7"
_DEADBAND_HZ, _DROOP_PU, _RESPONSE_S = 0.036, 0.05, 1.0


class PriorityParameters(Parameters):
    limit_pct: Annotated[float, Field(gt=0.0, lt=100.0)] = 50.0
    deviation_hz: Annotated[float, Field(gt=0.1, le=1.1)] = 1.0
    voltage_pu: Annotated[float, Field(gt=1.06, lt=1.1)] = 1.085
    settle_s: Annotated[float, Field(gt=0.0)] = 5.0


async def run(rig: Rig, parameters: PriorityParameters) -> None:
    """One pair of demands after the other."""
    await rig.calm_grid()
    rig.stimulus = rig.ratings.frequency_hz
    rating_w, nominal_hz = rig.ratings.injection_w, rig.ratings.frequency_hz
    limit_w = parameters.limit_pct / 100.0 * rating_w
    await set_droop(rig, _DEADBAND_HZ, _DROOP_PU, _RESPONSE_S)
    await command_power(rig, rating_w)
    await command_limit(rig, parameters.limit_pct)
    await _settles(rig, parameters, "the limit bounds the setpoint", limit_w)
    await rig.set_grid(frequency_hz=nominal_hz - parameters.deviation_hz)
    await _settles(rig, parameters, "the limit bounds droop at low frequency", limit_w)
    await rig.set_grid(frequency_hz=nominal_hz)
    await rig.watch(parameters.settle_s)
    lowered_w = droop_w(rig, parameters.deviation_hz, _DEADBAND_HZ, _DROOP_PU, limit_w)
    await rig.set_grid(frequency_hz=nominal_hz + parameters.deviation_hz)
    await _settles(rig, parameters, "droop at high frequency lowers power under the limit", lowered_w)
    await rig.set_grid(frequency_hz=nominal_hz)
    await rig.device.write(704, {"WMaxLimPctEna": 0.0})
    before_w = await hold(rig, 0.1 * rating_w)
    raised_w = droop_w(rig, -parameters.deviation_hz, _DEADBAND_HZ, _DROOP_PU, before_w)
    if rig.ratings.storage:
        await rig.set_grid(frequency_hz=nominal_hz - parameters.deviation_hz)
        await _settles(rig, parameters, "droop goes before the setpoint", raised_w)
        await rig.set_grid(frequency_hz=nominal_hz)
    if rig.device.has((706,)):
        await _volt_watt(rig, parameters)


async def _volt_watt(rig: Rig, parameters: PriorityParameters) -> None:
    rating_w = rig.ratings.injection_w
    await only(rig, 706)
    curve = {"Pt[1].V": 106.0, "Pt[1].W": 100.0, "Pt[2].V": 110.0, "Pt[2].W": 0.0}
    await adopt(rig.device, 706, {"ActPt": 2.0, "DeptRef": 0.0, "RspTms": _RESPONSE_S, **curve}, rig.clock)
    await rig.device.write(706, {"Ena": 1.0})
    await command_power(rig, rating_w)
    await rig.source_voltage(parameters.voltage_pu)
    bound_w = rating_w * (1.10 - parameters.voltage_pu) / 0.04
    await _settles(rig, parameters, "volt-watt goes before the setpoint", bound_w)
    await command_limit(rig, 10.0)
    await _settles(rig, parameters, "of volt-watt and the limit the lower one holds", 0.1 * rating_w)
    await rig.source_voltage(1.0)


async def _settles(rig: Rig, parameters: PriorityParameters, name: str, target_w: float) -> None:
    with rig.step(name) as step:
        rig.expect(target_w, rig.ratings.power_tolerance_w)
        settled_w = latest(await rig.watch(parameters.settle_s))
        step.near(
            "power",
            settled_w,
            target_w,
            rig.ratings.power_tolerance_w,
            "W",
            clause=CLAUSE,
            why="another demand has won",
        )


PROCEDURE = Procedure(
    id="prioritization",
    title="Prioritization",
    group="IEEE 1547.1-2020, prioritization of responses",
    clause=f"{CLAUSE}: limits bound everything, droop goes before the setpoint.",
    purpose="Of setpoint, limit, droop and volt-watt the right one wins.",
    needs=Needs(models=(701, 704, 711), grid=True),
    parameters=PriorityParameters,
    run=run,
    typical_s=42.0,
    stimulus="frequency",
    stimulus_unit="Hz",
)
