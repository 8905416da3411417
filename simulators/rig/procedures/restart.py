"""Restart: the device comes back by itself, with its map, and without an orphaned command."""

from typing import Annotated

from pydantic import Field

from simulators.rig.hil_bench.curves import active
from simulators.rig.procedures.conduct import (
    command_power,
    hold,
    only,
    release,
    return_quickly,
    wait_until_back,
)
from simulators.rig.procedures.frequency_droop import set_droop
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Rig
from vpp_core.faults import DeviceFault

_POLL_S = 1.0
_OLD_RESPONSE_S, _NEW_RESPONSE_S = 5.0, 3.0
_COMMAND_PU = 0.4


class RestartParameters(Parameters):
    answers_s_max: Annotated[float, Field(gt=0.0)] = 120.0
    """After the restart."""
    in_service_s_max: Annotated[float, Field(gt=0.0)] = 660.0
    """Enter service by default waits for 300 s and ramps for another 300 s."""
    settings_persist: bool | None = None
    """Whether settings of autonomous functions must outlast a restart; nothing: it is only noted."""


async def run(rig: Rig, parameters: RestartParameters) -> None:
    """Leave a command and new settings behind, restart, and look what is left of them."""
    has_droop = 711 in rig.device.places  # noqa: PLR2004 - the model's number is its name
    if has_droop:
        await set_droop(rig, 0.036, 0.05, _NEW_RESPONSE_S)
    else:
        await only(rig, None)
    await hold(rig, 0.0)
    target_w = _COMMAND_PU * rig.ratings.injection_w
    await command_power(rig, target_w)
    await rig.watch(2.0)
    with rig.step("the device restarts") as step:
        assert rig.restart is not None  # noqa: S101
        rig.within(None, None)
        begins_s = rig.now_s
        rig.note(await rig.restart())
        answers_s = await _until_it_answers(rig, parameters.answers_s_max, begins_s)
        step.check(
            "it answers again after",
            answers_s,
            "s",
            high=parameters.answers_s_max,
            why="the device does not come back by itself",
        )
    if answers_s is None:
        return
    with rig.step("after the restart") as step:
        places, end = await rig.device.walk()
        step.require("the map is the same", places == rig.device.places and end == rig.device.end)
        enabled = await rig.device.value(704, "WSetEna")
        step.require(
            "the command of before is not in force",
            not enabled,
            clause="a command belongs to a controller that watches it",
            why="an orphaned setpoint runs without its controller",
        )
        if has_droop:
            kept = (await active(rig.device, 711))["RspTms"] == _NEW_RESPONSE_S
            rig.note(f"Settings of model 711 {'outlast' if kept else 'do not outlast'} a restart.")
            if parameters.settings_persist is not None:
                step.require("settings outlast a restart as declared", kept is parameters.settings_persist)
        await return_quickly(rig)
        await wait_until_back(rig, step, parameters.in_service_s_max)
    await release(rig)


async def _until_it_answers(rig: Rig, answers_s_max: float, begins_s: float) -> float | None:
    while rig.now_s - begins_s <= answers_s_max:
        try:
            await rig.sample()
        except DeviceFault:
            rig.device.client.close()
            await rig.clock.sleep(_POLL_S)
            continue
        if rig.now_s - begins_s > _POLL_S:
            return rig.now_s - begins_s
        await rig.clock.sleep(_POLL_S)
    return None


PROCEDURE = Procedure(
    id="restart",
    title="Restart",
    group="Gridchorus: persistence",
    clause="No command outlives a restart; settings persist as declared.",
    purpose="After a restart the device answers and serves again, and no old command is in force.",
    needs=Needs(models=(701, 703, 704), restart=True),
    parameters=RestartParameters,
    run=run,
    typical_s=32.0,
)
