"""Loss of communication: the controller goes away, and what it had commanded must end by itself."""

from typing import Annotated

from pydantic import Field

from simulators.rig.hil_bench.subject import Gateway
from simulators.rig.procedures.conduct import command_power, distinct_power, only, release
from simulators.rig.procedures.frequency_droop import droop_w
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure, Target
from simulators.rig.procedures.rig import Rig, Sample

CLAUSE = "A command that nobody renews ends with its reversion time"
_BASELINE_S = 2.0
_STAYS_S = 1.0


class LossParameters(Parameters):
    timer_s: Annotated[float, Field(ge=2.0, le=3_600.0)] = 10.0
    renew_s: Annotated[float, Field(gt=0.0)] = 3.0
    """How often the setpoint is renewed before the loss."""
    slack_s: Annotated[float, Field(ge=0.0)] = 2.0
    step_pu: Annotated[float, Field(gt=0.05, le=1.0)] = 0.5
    deviation_hz: Annotated[float, Field(gt=0.1, le=2.0)] = 0.8
    """A gateway is parted from its device while the frequency is so much below nominal."""
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
    """While the frequency is low, part a gateway from its device: its response ends, and comes back."""
    await rig.calm_grid()
    rig.stimulus = rig.ratings.frequency_hz
    rig.within(None, None)
    before_w = await rig.mean(_BASELINE_S) or 0.0
    change_hz = -parameters.deviation_hz
    target_w = droop_w(rig, change_hz, gateway.deadband_hz, gateway.droop_pu, before_w)
    tolerance_w = rig.ratings.power_tolerance_w
    with rig.step("the gateway responds to a low frequency") as step:
        rig.expect(target_w, tolerance_w)
        await rig.set_grid(frequency_hz=rig.ratings.frequency_hz + change_hz)
        reached_s = await _until(rig, target_w, parameters.back_s_max)
        step.check(
            "response after", reached_s, "s", high=parameters.back_s_max, why="there is nothing to lose"
        )
    with rig.step("the gateway is parted from its device") as step:
        rig.note(await gateway.cut())
        rig.expect(before_w, tolerance_w)
        allowed_s = gateway.command_expires_s + parameters.slack_s
        ended_s = await _until(rig, before_w, allowed_s)
        step.check(
            "its command ended after",
            ended_s,
            "s",
            high=allowed_s,
            clause=CLAUSE,
            why="the device goes on as commanded although its gateway is gone",
        )
    with rig.step("the gateway has its device back") as step:
        await gateway.mend()
        rig.expect(target_w, tolerance_w)
        back_s = await _until(rig, target_w, parameters.back_s_max)
        step.check(
            "it responds again after",
            back_s,
            "s",
            high=parameters.back_s_max,
            why="the gateway does not take its device up again",
        )


async def _until(rig: Rig, target_w: float, duration_s: float) -> float | None:
    """How many seconds until power is near a target and stays there; ``None`` if it does not come."""
    tolerance_w = rig.ratings.power_tolerance_w
    begins_s = rig.now_s
    arrived_s: list[float] = []

    def stays(sample: Sample) -> bool:
        if sample.measured is None or abs(sample.measured - target_w) > tolerance_w:
            arrived_s.clear()
            return False
        arrived_s.append(sample.at_s)
        return sample.at_s - arrived_s[0] >= _STAYS_S

    seen = await rig.watch(duration_s + _STAYS_S, until=stays)
    return arrived_s[0] - begins_s if stays(seen[-1]) else None


PROCEDURE = Procedure(
    id="loss-of-communication",
    title="Loss of communication",
    group="Gridchorus: fail-safe behaviour (IEEE 1547-2018 10.3 leaves it to agreement)",
    clause=f"{CLAUSE}.",
    purpose="When the controller or its connection is gone, its command ends by itself.",
    needs=Needs(models=(701, 704), targets=frozenset(Target)),
    parameters=LossParameters,
    run=run,
    typical_s=41.0,
    stimulus="frequency",
    stimulus_unit="Hz",
)
