"""Reversion: arm a timer, leave the device alone, and see when it lets go.

A timer that counts down is not proof: one vendor's never reverts. What counts is that the command is off
and that the power has left it.
"""

from typing import Annotated

from pydantic import Field

from simulators.rig.hil_bench.curves import adopt
from simulators.rig.procedures.conduct import (
    command_limit,
    command_power,
    distinct_power,
    hold,
    only,
    release,
)
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Judge, Rig

CLAUSE = "SunSpec 704: a command ends when its reversion timer has run down"
_HEARTBEAT_EVERY_S = 1.0
_BEATS = 3


class ReversionParameters(Parameters):
    timer_s: Annotated[float, Field(ge=2.0, le=3_600.0)] = 20.0
    tolerance: Annotated[float, Field(gt=0.0, le=1.0)] = 0.02
    """Of the timer, besides one second."""
    late_s_max: Annotated[float, Field(gt=0.0)] = 10.0
    """How long after its time a reversion is still awaited."""
    step_pu: Annotated[float, Field(gt=0.05, le=1.0)] = 0.5
    heartbeat_s_max: Annotated[float, Field(gt=0.0)] | None = 65.0
    """So long after its controller's last beat a device must have let go; nothing: it has no such watch."""


async def run(rig: Rig, parameters: ReversionParameters) -> None:
    """Setpoint and limit with their power, curves by their timers, then the heartbeat."""
    await only(rig, None)
    await _setpoint(rig, parameters)
    await _rearmed(rig, parameters)
    await _limit(rig, parameters)
    for number in (711, 705, 706):
        if number in rig.device.places:
            await _curve(rig, parameters, number)
    if 715 in rig.device.places and parameters.heartbeat_s_max is not None:  # noqa: PLR2004
        await _heartbeat(rig, parameters.heartbeat_s_max, parameters)


async def _setpoint(rig: Rig, parameters: ReversionParameters) -> None:
    target_w = await distinct_power(rig, parameters.step_pu)
    await _reverts(rig, parameters, "setpoint (704 WSet)", "WSet", target_w)


async def _limit(rig: Rig, parameters: ReversionParameters) -> None:
    await hold(rig, rig.ratings.injection_w)
    percent = 100.0 * (1.0 - parameters.step_pu)
    target_w = percent / 100.0 * rig.ratings.injection_w
    await _reverts(rig, parameters, "limit (704 WMaxLimPct)", "WMaxLimPct", target_w)
    await release(rig)


async def _reverts(rig: Rig, parameters: ReversionParameters, name: str, point: str, target_w: float) -> None:
    tolerance_w = rig.ratings.power_tolerance_w
    with rig.step(f"{name}: timer of {parameters.timer_s:g} s") as step:
        if point == "WSet":
            await command_power(rig, target_w, parameters.timer_s)
        else:
            await command_limit(rig, 100.0 * target_w / rig.ratings.injection_w, parameters.timer_s)
        armed_s = rig.now_s
        rig.expect(target_w, tolerance_w)
        await rig.watch(parameters.timer_s / 2)
        held_w = rig.samples[-1].measured
        step.near("power while armed", held_w, target_w, tolerance_w, "W", why="the command has no effect")
        remaining_s = (await rig.device.read(704, f"{point}RvrtRem"))[f"{point}RvrtRem"]
        if remaining_s is not None:
            awaited_s = parameters.timer_s - (rig.now_s - armed_s)
            step.near(
                "remaining time as the device shows it",
                remaining_s,
                awaited_s,
                1.0 + _slack_s(parameters),
                "s",
                why="its clock does not run as ours",
            )
        disabled_s, left_s = await _until_let_go(rig, parameters, f"{point}Ena", target_w, armed_s)
        _judge_times(step, rig, parameters, disabled_s, left_s)
    rig.expect(None)


async def _until_let_go(
    rig: Rig, parameters: ReversionParameters, enable: str, target_w: float, armed_s: float
) -> tuple[float | None, float | None]:
    """When the enable point was off, and when the power had left the command; seconds after arming."""
    disabled_s: float | None = None
    left_s: float | None = None
    while rig.now_s - armed_s <= parameters.timer_s + parameters.late_s_max:
        enabled = (await rig.device.read(704, enable))[enable]
        sample = await rig.sample({enable: enabled})
        since_s = sample.at_s - armed_s
        if disabled_s is None and not enabled:
            disabled_s = since_s
            rig.expect(None)
        away_w = abs((sample.measured or 0.0) - target_w)
        if left_s is None and away_w > 2.0 * rig.ratings.power_tolerance_w:
            left_s = since_s
        if disabled_s is not None and left_s is not None:
            break
        await rig.clock.sleep(rig.poll_s)
    return disabled_s, left_s


def _judge_times(
    step: Judge, rig: Rig, parameters: ReversionParameters, disabled_s: float | None, left_s: float | None
) -> None:
    slack_s = _slack_s(parameters)
    why = "the command outlives its timer: if the gateway is lost, nobody ends it"
    if disabled_s is not None:
        why = "the device's clock does not run as ours, or the timer is not the one that was written"
    step.check(
        "enable point off after",
        disabled_s,
        "s",
        low=parameters.timer_s - slack_s,
        high=parameters.timer_s + slack_s + rig.blur_s,
        clause=CLAUSE,
        why=why,
    )
    step.check(
        "power left the command after",
        left_s,
        "s",
        low=parameters.timer_s - slack_s,
        high=parameters.timer_s + slack_s + rig.blur_s + 1.0,
        clause=CLAUSE,
        why="the device goes on as commanded" if left_s is None else "it leaves at another time",
    )


async def _rearmed(rig: Rig, parameters: ReversionParameters) -> None:
    """A write to the command begins its time anew."""
    target_w = parameters.step_pu * rig.ratings.injection_w
    with rig.step("a repeated setpoint begins its time anew") as step:
        await command_power(rig, target_w, parameters.timer_s)
        rig.expect(target_w, rig.ratings.power_tolerance_w)
        await rig.watch(0.6 * parameters.timer_s)
        await rig.device.write(704, {"WSet": target_w})
        await rig.watch(0.6 * parameters.timer_s)
        enabled = (await rig.device.read(704, "WSetEna"))["WSetEna"]
        step.require(
            "the command is still in force after 1.2 times its timer",
            bool(enabled),
            clause="sunspec/models issue 215: a write starts the timer again",
            why="a gateway that refreshes its command in time would lose it",
        )
    await release(rig)


async def _curve(rig: Rig, parameters: ReversionParameters, number: int) -> None:
    """A function that was switched on with a timer goes back to another curve, here with another time."""
    with rig.step(f"model {number}: timer of {parameters.timer_s:g} s") as step:
        rig.within(None, None)
        group = "Ctl" if number == 711 else "Crv"  # noqa: PLR2004
        curves = int(await rig.device.value(number, f"N{group}"))
        if curves < 3:  # noqa: PLR2004 - active, new, and the one to return to
            rig.note(f"Model {number} has no third curve to revert to; its timer was not tested.")
            return
        now_s = await rig.device.value(number, f"{group}[1].RspTms")
        other_s = now_s + 1.0
        await rig.device.write(
            number,
            {f"{group}[3].{name}": value for name, value in (await _points(rig, number, group)).items()},
        )
        await adopt(rig.device, number, {"RspTms": other_s}, rig.clock)
        await rig.device.write(number, {"Ena": 1.0, "RvrtTms": parameters.timer_s, f"Rvrt{group}": 3.0})
        armed_s = rig.now_s
        reverted_s: float | None = None
        while reverted_s is None and rig.now_s - armed_s <= parameters.timer_s + parameters.late_s_max:
            if await rig.device.value(number, f"{group}[1].RspTms") == now_s:
                reverted_s = rig.now_s - armed_s
            else:
                await rig.clock.sleep(rig.poll_s)
        slack_s = _slack_s(parameters)
        step.check(
            "former settings in force after",
            reverted_s,
            "s",
            low=parameters.timer_s - slack_s,
            high=parameters.timer_s + slack_s + rig.blur_s,
            clause=f"SunSpec {number}: RvrtTms",
            why="the settings outlive their timer",
        )
        await rig.device.write(number, {"RvrtTms": 0.0, "Ena": 0.0})


async def _points(rig: Rig, number: int, group: str) -> dict[str, float]:
    plan = await rig.device.plan(number)
    values = await rig.device.read_model(number)
    names = [
        point.name.partition(".")[2]
        for point in plan.points.values()
        if point.name.startswith(f"{group}[1].")
    ]
    skipped = {"ReadOnly", "VRefAuto"}
    return {
        name: value
        for name in names
        if name not in skipped and (value := values.get(f"{group}[1].{name}")) is not None
    }


async def _heartbeat(rig: Rig, heartbeat_s_max: float, parameters: ReversionParameters) -> None:
    """Beat a few times, fall silent, and see whether a command without a timer ends."""
    target_w = parameters.step_pu * rig.ratings.injection_w
    with rig.step("a controller that has beaten falls silent (715 ControllerHb)") as step:
        own_before = await rig.device.value(715, "DERHb")
        begins_s = rig.now_s
        await command_power(rig, target_w)
        rig.expect(target_w, rig.ratings.power_tolerance_w)
        for beat in range(1, _BEATS + 1):
            await rig.device.write(715, {"ControllerHb": float(beat)})
            await rig.watch(_HEARTBEAT_EVERY_S)
        counted = await rig.device.value(715, "DERHb") - own_before
        passed_s = rig.now_s - begins_s
        step.check(
            "the device's own counter moved by",
            counted,
            "",
            low=passed_s - 1.5,
            high=passed_s + 1.5,
            clause="SunSpec 715: DERHb counts once a second",
            why="its heartbeat does not show that it lives",
        )
        silent_s = rig.now_s
        gone_s: float | None = None
        while gone_s is None and rig.now_s - silent_s <= heartbeat_s_max + parameters.late_s_max:
            enabled = (await rig.device.read(704, "WSetEna"))["WSetEna"]
            await rig.sample({"WSetEna": enabled})
            if not enabled:
                gone_s = rig.now_s - silent_s
            else:
                await rig.clock.sleep(_HEARTBEAT_EVERY_S)
        step.check(
            "command ended after",
            gone_s,
            "s",
            high=heartbeat_s_max,
            clause="SunSpec 715: ControllerHb",
            why="a controller that is lost goes on commanding",
        )
    await release(rig)


def _slack_s(parameters: ReversionParameters) -> float:
    return 1.0 * parameters.tolerance * parameters.timer_s + 0.2


PROCEDURE = Procedure(
    id="reversion",
    title="Reversion",
    group="SunSpec models 704, 705, 706, 711, 715: reversion timers and heartbeat",
    clause=f"{CLAUSE}.",
    purpose="Commands and settings end by themselves when their time is over or their controller is lost.",
    needs=Needs(models=(701, 704)),
    parameters=ReversionParameters,
    run=run,
    typical_s=196.0,
)
