"""Loss of communication: the controller goes away, and what it had commanded must end by itself."""

from typing import Annotated

from pydantic import Field

from simulators.rig.hil_bench.subject import Gateway
from simulators.rig.procedures.conduct import command_power, distinct_power, only, release
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure, Target
from simulators.rig.procedures.rig import Rig

CLAUSE = "A command that nobody renews ends with its reversion time"
_POLL_SLOW_S = 1.0


class LossParameters(Parameters):
    timer_s: Annotated[float, Field(ge=2.0, le=3_600.0)] = 10.0
    renew_s: Annotated[float, Field(gt=0.0)] = 3.0
    """How often the setpoint is renewed before the loss."""
    slack_s: Annotated[float, Field(ge=0.0)] = 2.0
    step_pu: Annotated[float, Field(gt=0.05, le=1.0)] = 0.5
    back_s_max: Annotated[float, Field(gt=0.0)] = 180.0
    """A gateway has taken its device up again after so long."""


async def run(rig: Rig, parameters: LossParameters) -> None:
    """A connection that is dropped, and one that falls silent."""
    if rig.gateway is not None:
        await _gateway(rig, rig.gateway, parameters)
        return
    await only(rig, None)
    await _dropped(rig, parameters)
    await _silent(rig, parameters)


async def _command_and_renew(rig: Rig, parameters: LossParameters) -> float:
    target_w = await distinct_power(rig, parameters.step_pu)
    for _ in range(3):
        await command_power(rig, target_w, parameters.timer_s)
        rig.expect(target_w, rig.ratings.power_tolerance_w)
        await rig.watch(parameters.renew_s)
    return target_w


async def _dropped(rig: Rig, parameters: LossParameters) -> None:
    """Hang up, stay away for longer than the timer, and look again."""
    with rig.step("the connection is dropped") as step:
        target_w = await _command_and_renew(rig, parameters)
        step.near(
            "power before the loss",
            rig.samples[-1].measured,
            target_w,
            rig.ratings.power_tolerance_w,
            "W",
            why="there was nothing to lose",
        )
        rig.device.client.close()
        rig.expect(None)
        await rig.clock.sleep(parameters.timer_s + parameters.slack_s)
        await _has_let_go(rig, target_w, "after the loss")
    await release(rig)


async def _silent(rig: Rig, parameters: LossParameters) -> None:
    """Stay connected and only read: reading is no sign of a living controller."""
    with rig.step("the controller falls silent and only reads") as step:
        target_w = await _command_and_renew(rig, parameters)
        lost_s = rig.now_s - parameters.renew_s
        rig.expect(None)
        seen = await rig.watch(
            parameters.timer_s + parameters.slack_s,
            until=lambda sample: (
                sample.measured is not None
                and abs(sample.measured - target_w) > 2.0 * rig.ratings.power_tolerance_w
            ),
        )
        left = abs((seen[-1].measured or 0.0) - target_w) > 2.0 * rig.ratings.power_tolerance_w
        step.check(
            "power left the command after",
            seen[-1].at_s - lost_s if left else None,
            "s",
            high=parameters.timer_s + parameters.slack_s,
            clause=CLAUSE,
            why="the device goes on as commanded although its controller is gone",
        )
        await _has_let_go(rig, target_w, "of a silent controller")
    await release(rig)


async def _has_let_go(rig: Rig, target_w: float, when: str) -> None:
    enabled = await rig.device.value(704, "WSetEna")
    sample = await rig.sample({"WSetEna": enabled})
    judge = rig.judge()
    judge.require(
        f"the command is off {when}",
        not enabled,
        clause=CLAUSE,
        why="the device goes on as commanded although its controller is gone",
    )
    away_w = abs((sample.measured or 0.0) - target_w)
    judge.check(
        f"distance of power from the command {when}",
        away_w,
        "W",
        low=2.0 * rig.ratings.power_tolerance_w,
        clause=CLAUSE,
        why="the power has not left the command",
    )


async def _gateway(rig: Rig, gateway: Gateway, parameters: LossParameters) -> None:
    """Part a gateway from its device: its command ends, and comes back with the gateway."""
    with rig.step("a command of the gateway is in force") as step:
        rig.within(None, None)
        commanded = await _until_commanded(rig, gateway, wanted=True, duration_s=parameters.back_s_max)
        step.require("a command is in force", commanded, why="there is nothing to lose; send it a schedule")
    with rig.step("the gateway is parted from its device") as step:
        rig.note(await gateway.cut())
        begins_s = rig.now_s
        allowed_s = gateway.command_expires_s + parameters.slack_s
        ended = await _until_commanded(rig, gateway, wanted=False, duration_s=allowed_s)
        step.check(
            "its command ended after",
            rig.now_s - begins_s if ended else None,
            "s",
            high=allowed_s,
            clause=CLAUSE,
            why="the device goes on as commanded although its gateway is gone",
        )
        await rig.watch(2.0)
    with rig.step("the gateway has its device back") as step:
        begins_s = rig.now_s
        await gateway.mend()
        back = await _until_commanded(rig, gateway, wanted=True, duration_s=parameters.back_s_max)
        step.check(
            "its command is in force again after",
            rig.now_s - begins_s if back else None,
            "s",
            high=parameters.back_s_max,
            why="the gateway does not take its device up again",
        )


async def _until_commanded(rig: Rig, gateway: Gateway, *, wanted: bool, duration_s: float) -> bool:
    begins_s = rig.now_s
    while rig.now_s - begins_s <= duration_s:
        await rig.sample()
        if await gateway.commanded() is wanted:
            return True
        await rig.clock.sleep(_POLL_SLOW_S)
    return False


PROCEDURE = Procedure(
    id="loss-of-communication",
    title="Loss of communication",
    group="Gridchorus: fail-safe behaviour (IEEE 1547-2018 10.3 leaves it to agreement)",
    clause=f"{CLAUSE}.",
    purpose="When the controller or its connection is gone, its command ends by itself.",
    needs=Needs(models=(701, 704), targets=frozenset(Target)),
    parameters=LossParameters,
    run=run,
)
