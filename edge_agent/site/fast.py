"""The fast loop: one small frequency read, one decision, and a write only where it is worth one."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from edge_agent.control.arbiter import Decision
from edge_agent.control.commands import InForce
from edge_agent.control.excursion import Excursion, ExcursionRecorder, Sample
from edge_agent.control.fail_safe import Trust
from edge_agent.control.site_control import SiteControl
from edge_agent.site.actuator import Actuator, Done, Refused, Released, Silent
from edge_agent.site.command_desk import CommandDesk
from edge_agent.site.faults import FaultBook
from edge_agent.site.slot import DeviceSlot
from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault, Severity
from vpp_core.ids import DerId
from vpp_core.measurement import Quality
from vpp_core.messages import ControlState

FREQUENCY = "frequency"
REFUSES = "refuses_commands"

Decisions = Mapping[DerId, Decision | None]


@dataclass(kw_only=True)
class FastLoop:
    """One tick of the control, again and again."""

    meter: DeviceSlot
    """Where grid frequency is measured."""
    actuators: Mapping[DerId, Actuator]
    """The devices that take commands, by id."""
    control: SiteControl
    desk: CommandDesk
    recorder: ExcursionRecorder
    faults: FaultBook
    clock: Clock
    patience_s: float
    """How long a tick waits for the power of a device that is being recorded; real seconds."""
    state: ControlState = ControlState.STARTING
    busy: dict[DerId, asyncio.Task[None]] = field(default_factory=dict)
    """Devices that are being written to: a slow one holds nobody else up, and gets the newest decision."""
    measuring: dict[DerId, asyncio.Task[float]] = field(default_factory=dict)
    before_w: dict[DerId, float] = field(default_factory=dict)
    """Power of the devices that answer the excursion being recorded, before it (W)."""

    async def tick(self, hands: asyncio.TaskGroup) -> Excursion | None:
        """Measure, decide, act; the record of an excursion that has just ended.

        Args:
            hands: runs what is done to the devices, one thing at a time for each.
        """
        frequency_hz = await self._frequency_hz()
        now, now_s = self.clock.now(), self.clock.monotonic_s()
        self.control.on_frequency(frequency_hz, now_s)
        decisions = self.control.decide(now, now_s)
        wanted = {der_id: self.control.wanted(der_id, now) for der_id in decisions}
        for der_id, decision in decisions.items():
            if der_id not in self.busy or self.busy[der_id].done():
                act = self._act(self.actuators[der_id], decision, wanted[der_id], now_s)
                self.busy[der_id] = hands.create_task(act, name=f"act on {der_id}")
        self.state = self._state(decisions, now)
        if frequency_hz is None:
            return None
        return await self._record(frequency_hz, decisions, now, now_s, hands)

    async def release(self) -> None:
        """Give every device back, in order; bounded, and never fails."""
        for der_id, actuator in self.actuators.items():
            await actuator.let_go()
            self.control.on_setpoint(der_id, actuator.setpoint_w)

    async def _frequency_hz(self) -> float | None:
        try:
            measured = await self.meter.read_frequency()
        except DeviceFault:
            return None
        return measured.value if measured.quality is Quality.GOOD else None

    async def _act(
        self, actuator: Actuator, decision: Decision | None, decided_for: InForce | None, now_s: float
    ) -> None:
        """Bring a device to a decision; receipts go to the command that the decision was made for.

        While a device is written to, a newer revision may arrive: what was done is not its doing.
        """
        slot, now = actuator.slot, self.clock.now()
        if not actuator.met or not slot.found:
            return
        effect = await actuator.apply(decision, now_s)
        wanted = _still(decided_for, self.control.wanted(slot.der_id, now))
        name = slot.settings.name
        match effect:
            case Refused(reason, final):
                self.faults.raise_(REFUSES, name, reason, now, Severity.ALARM)
                if final and wanted is not None:
                    self.desk.failed(wanted.command_id, reason)
            case Silent(reason):
                self.faults.raise_(DeviceFault.code, name, reason, now)
            case Done() | Released() | None:
                if actuator.obeys:
                    self.faults.clear(REFUSES, name, now)
        if effect is not None:
            self.control.on_setpoint(slot.der_id, actuator.setpoint_w)
        if wanted is None or wanted.started or decision is None or decision.setpoint_w is None:
            return
        if (holding_w := actuator.holding_w(decision.setpoint_w)) is not None:
            self.desk.started(wanted.command_id, holding_w)

    async def _record(
        self,
        frequency_hz: float,
        decisions: Decisions,
        now: datetime,
        now_s: float,
        hands: asyncio.TaskGroup,
    ) -> Excursion | None:
        outside = self.control.outside_deadband()
        if not outside and not self.recorder.recording:
            self.before_w.clear()
            return self.recorder.add(Sample(now_s, frequency_hz), outside=False, now=now)
        responders = self.control.responders()
        for der_id, before_w in responders.items():
            self.before_w.setdefault(der_id, before_w)
        demanded_w = sum(
            decision.setpoint_w - responders[der_id]
            for der_id in responders
            if (decision := decisions[der_id]) is not None and decision.setpoint_w is not None
        )
        measured_w = await self._changes_w(hands)
        sample = Sample(now_s, frequency_hz, demanded_w, measured_w)
        return self.recorder.add(sample, outside=outside, now=now)

    async def _changes_w(self, hands: asyncio.TaskGroup) -> float:
        """Measured change of all devices of the excursion; who does not answer in time counts nothing."""
        asked = []
        for der_id, was_w in self.before_w.items():
            if (task := self.measuring.get(der_id)) is None or task.done():
                task = hands.create_task(self._change_w(der_id, was_w), name=f"measure {der_id}")
                self.measuring[der_id] = task
                asked.append(task)
        answered: set[asyncio.Task[float]] = set()
        if asked:
            answered, _ = await asyncio.wait(asked, timeout=self.patience_s)
        return sum(task.result() for task in asked if task in answered)

    async def _change_w(self, der_id: DerId, before_w: float) -> float:
        """Measured change of a device's injection; none if it cannot be measured, as for delivery."""
        try:
            power = await self.actuators[der_id].slot.read_power()
        except DeviceFault:
            return 0.0
        return 0.0 if power.value is None or power.quality is not Quality.GOOD else power.value - before_w

    def _state(self, decisions: Decisions, now: datetime) -> ControlState:
        lost = self.control.frequency_trust is Trust.LOST
        if lost and self.state is not ControlState.STARTING:
            text = "no trustworthy grid frequency; frequency response is withdrawn until the meter is back"
            self.faults.raise_(FREQUENCY, self.meter.settings.name, text, now)
        elif not lost:
            self.faults.clear(FREQUENCY, self.meter.settings.name, now)
        trusts = [self.control.trust(der_id) for der_id in decisions]
        if lost or Trust.LOST in trusts:
            return ControlState.STARTING if self.state is ControlState.STARTING else ControlState.FAIL_SAFE
        if self.control.responders():
            return ControlState.RESPONDING
        commanded = any(self.control.wanted(der_id, now) is not None for der_id in decisions)
        return ControlState.FOLLOWING if commanded else ControlState.READY


def _still(decided_for: InForce | None, now_wanted: InForce | None) -> InForce | None:
    """What is wanted now, if it is the revision that the decision was made for."""
    if decided_for is None or now_wanted is None:
        return None
    same = (now_wanted.command_id, now_wanted.revision) == (decided_for.command_id, decided_for.revision)
    return now_wanted if same else None
