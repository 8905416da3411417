"""A receipt goes to the revision whose setpoint was read back, and to no other."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from edge_agent.control.commands import InForce
from edge_agent.site.actuator import Actuator, Done
from edge_agent.site.fast import FastLoop
from vpp_core.clock import ManualClock
from vpp_core.ids import CommandId, DerId
from vpp_core.messages import DispatchPriority

BATTERY = DerId("site-01.battery")


def in_force(revision: int, setpoint_w: float) -> InForce:
    return InForce(
        command_id=CommandId("c"),
        revision=revision,
        priority=DispatchPriority.EVENT,
        setpoint_w=setpoint_w,
        started=False,
    )


class Scene:
    """A fast loop whose device takes a write during which another revision may arrive."""

    def __init__(self, arrives: InForce | None) -> None:
        self.started: list[tuple[str, float]] = []
        self.current = in_force(0, 1_229.0)
        self._arrives = arrives
        control = SimpleNamespace(wanted=lambda _der, _now: self.current, on_setpoint=lambda *_: None)
        desk = SimpleNamespace(started=lambda command, held_w: self.started.append((command, held_w)))
        faults = SimpleNamespace(clear=lambda *_: None)
        self.loop = FastLoop(
            meter=cast("Any", None),
            actuators={},
            control=cast("Any", control),
            desk=cast("Any", desk),
            recorder=cast("Any", None),
            faults=cast("Any", faults),
            clock=ManualClock(datetime(2021, 8, 12, tzinfo=UTC)),
            patience_s=1.0,
        )
        slot = SimpleNamespace(der_id=BATTERY, found=True, settings=SimpleNamespace(name="battery"))
        self.actuator = cast(
            "Actuator",
            SimpleNamespace(
                slot=slot,
                met=True,
                obeys=True,
                setpoint_w=1_229.0,
                apply=self._apply,
                holding_w=lambda wanted_w: wanted_w,
            ),
        )

    async def act(self) -> None:
        decision = cast("Any", SimpleNamespace(setpoint_w=1_229.0))
        await self.loop._act(self.actuator, decision, self.current, 0.0)

    async def _apply(self, _decision: object, _now_s: float) -> Done:
        self.current = self._arrives or self.current
        return Done(1_229.0)


async def test_the_revision_that_was_decided_for_is_started_with_what_the_device_holds() -> None:
    scene = Scene(arrives=None)
    await scene.act()
    assert scene.started == [("c", 1_229.0)]


async def test_a_revision_that_arrives_during_the_write_is_not_credited_with_the_old_setpoint() -> None:
    scene = Scene(arrives=in_force(1, 1_585.0))
    await scene.act()
    assert scene.started == []
