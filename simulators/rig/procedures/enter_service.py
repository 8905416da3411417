"""Enter service: the wait after a trip, the ramp, the windows, and the permit."""

from typing import Annotated

from pydantic import Field

from simulators.rig.procedures.conduct import command_power, in_service, only, wait_until_back
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Rig

CLAUSE = "IEEE 1547-2018 4.10"
_IDLE_PU = 0.02
_RAMP_SLACK = 0.05
_TRIP_S_MAX = 10.0
_CEASE_S_MAX = 2.0
_TIMER_SLACK_S = 1.0
_OUT_STATES_MARGIN_S = 2.0


class EnterServiceParameters(Parameters):
    """Times that are written to model 703 for the test, and restored afterwards."""

    delay_s: Annotated[float, Field(ge=1.0, le=600.0)] = 10.0
    ramp_s: Annotated[float, Field(ge=1.0, le=1_000.0)] = 20.0
    voltage_low_pu: Annotated[float, Field(gt=0.5, lt=1.0)] = 0.917
    voltage_high_pu: Annotated[float, Field(gt=1.0, lt=1.2)] = 1.05
    frequency_low_hz: Annotated[float, Field(gt=0.9)] | None = None
    """By default 0.5 Hz below nominal."""
    frequency_high_hz: Annotated[float, Field(gt=0.9)] | None = None
    """By default 0.1 Hz above nominal."""
    trip_voltage_pu: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.3
    """So low that the unit trips within seconds."""


async def run(rig: Rig, parameters: EnterServiceParameters) -> None:
    """Trip the unit, keep it outside each window, then let it come back; last, withdraw its permit."""
    await rig.calm_grid()
    rig.stimulus = 1.0
    nominal_hz = rig.ratings.frequency_hz
    low_hz = parameters.frequency_low_hz or nominal_hz - 0.5
    high_hz = parameters.frequency_high_hz or nominal_hz + 0.1
    await only(rig, None)
    await rig.device.write(
        703,
        {
            "ES": 1.0,
            "ESVHi": 100.0 * parameters.voltage_high_pu,
            "ESVLo": 100.0 * parameters.voltage_low_pu,
            "ESHzHi": high_hz,
            "ESHzLo": low_hz,
            "ESDlyTms": parameters.delay_s,
            "ESRndTms": 0.0,
            "ESRmpTms": parameters.ramp_s,
        },
    )
    await command_power(rig, rig.ratings.injection_w)
    await rig.watch(2.0)
    await _trip(rig, parameters)
    windows = (
        ("voltage below the window", None, parameters.voltage_low_pu - 0.01),
        ("voltage above the window", None, parameters.voltage_high_pu + 0.01),
        ("frequency below the window", low_hz - 0.05, None),
        ("frequency above the window", high_hz + 0.05, None),
    )
    for name, frequency_hz, voltage_pu in windows:
        await _stays_out(rig, name, frequency_hz or nominal_hz, voltage_pu or 1.0, parameters)
    await _comes_back(rig, parameters)
    await _permit(rig, parameters)


async def _trip(rig: Rig, parameters: EnterServiceParameters) -> None:
    with rig.step(f"trip by {parameters.trip_voltage_pu:g} per unit") as step:
        rig.within(None, None)
        await rig.set_grid(voltage_pu=parameters.trip_voltage_pu)
        await rig.watch(_TRIP_S_MAX)
        out = not in_service(rig.samples[-1].reading)
        step.require("the unit is out of service", out, why="without a trip there is no return to test")


async def _stays_out(
    rig: Rig, name: str, frequency_hz: float, voltage_pu: float, parameters: EnterServiceParameters
) -> None:
    with rig.step(f"{name}: {frequency_hz:.2f} Hz, {voltage_pu:.3f} per unit") as step:
        idle_w = _IDLE_PU * rig.ratings.injection_w
        rig.expect(0.0, idle_w)
        await rig.set_grid(frequency_hz=frequency_hz, voltage_pu=voltage_pu)
        rig.stimulus = voltage_pu
        samples = await rig.watch(parameters.delay_s + _OUT_STATES_MARGIN_S)
        highest_w = max((abs(each.measured) for each in samples if each.measured is not None), default=None)
        step.check(
            "greatest power while it must stay out",
            highest_w,
            "W",
            high=idle_w,
            clause=f"{CLAUSE}.2: voltage and frequency within their windows",
            why="the unit came back on a grid that is not normal",
        )


async def _comes_back(rig: Rig, parameters: EnterServiceParameters) -> None:
    rating_w = rig.ratings.injection_w
    with rig.step("normal grid: delay, then ramp") as step:
        rig.within(None, None)
        begins_s = await rig.set_grid(frequency_hz=rig.ratings.frequency_hz, voltage_pu=1.0)
        rig.stimulus = 1.0
        samples = await rig.watch(parameters.delay_s + parameters.ramp_s + _OUT_STATES_MARGIN_S * 2)
        power = [(each.at_s - begins_s, each.measured) for each in samples if each.measured is not None]
        begun_s = next((at_s for at_s, power_w in power if power_w > _IDLE_PU * rating_w), None)
        if rig.timed:
            step.check(
                "first power after",
                begun_s,
                "s",
                low=parameters.delay_s - _TIMER_SLACK_S,
                high=parameters.delay_s + _IDLE_PU * parameters.ramp_s + _TIMER_SLACK_S + rig.blur_s,
                clause=f"{CLAUSE}.3: the enter service delay",
                why="the unit does not wait as long as it was told",
            )
        if begun_s is not None:
            above_w = max(power_w - _ramp_w(at_s - begun_s, rating_w, parameters) for at_s, power_w in power)
            step.check(
                "greatest power above the ramp",
                above_w,
                "W",
                high=_RAMP_SLACK * rating_w,
                clause=f"{CLAUSE}.3: the enter service ramp",
                why="power comes back faster than allowed",
            )
        step.near(
            "power after the ramp",
            power[-1][1] if power else None,
            rating_w,
            rig.ratings.power_tolerance_w,
            "W",
            why="the unit does not come back to its setpoint",
        )


def _ramp_w(since_s: float, rating_w: float, parameters: EnterServiceParameters) -> float:
    """The most that is allowed so long after the first power was seen."""
    share = (since_s + _TIMER_SLACK_S) / parameters.ramp_s + _IDLE_PU
    return rating_w * min(1.0, max(0.0, share))


async def _permit(rig: Rig, parameters: EnterServiceParameters) -> None:
    idle_w = _IDLE_PU * rig.ratings.injection_w
    with rig.step("permit service withdrawn (703 ES = 0)") as step:
        await rig.device.write(703, {"ES": 0.0})
        begins_s = rig.now_s
        rig.expect(0.0, idle_w)
        seen = await rig.watch(
            _CEASE_S_MAX * 2,
            until=lambda sample: sample.measured is not None and abs(sample.measured) <= idle_w,
        )
        last = seen[-1]
        ceased = last.measured is not None and abs(last.measured) <= idle_w
        step.check(
            "cease to energize after",
            last.at_s - begins_s if ceased else None,
            "s",
            high=_CEASE_S_MAX + rig.blur_s,
            clause="IEEE 1547-2018 4.6.1: within 2 s",
            why="the unit goes on although it is not permitted to",
        )
        held = await rig.watch(parameters.delay_s + _OUT_STATES_MARGIN_S)
        highest_w = max((abs(each.measured) for each in held if each.measured is not None), default=None)
        step.check("greatest power without permit", highest_w, "W", high=idle_w, clause=CLAUSE)
    with rig.step("permit service given back") as step:
        rig.within(None, None)
        await rig.device.write(703, {"ES": 1.0, "ESDlyTms": 1.0, "ESRmpTms": 1.0})
        await wait_until_back(rig, step, parameters.delay_s + _TRIP_S_MAX)


PROCEDURE = Procedure(
    id="enter-service",
    title="Enter service",
    group="IEEE 1547.1-2020, enter service",
    clause=f"{CLAUSE}: windows, delay and ramp; 4.6.1: permit service.",
    purpose="After a trip the unit stays out until the grid is normal, waits, and comes back along a ramp.",
    needs=Needs(models=(701, 703, 704), grid=True),
    parameters=EnterServiceParameters,
    run=run,
    typical_s=110.0,
    stimulus="voltage",
    stimulus_unit="per unit",
)
