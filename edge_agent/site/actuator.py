"""The hand on one device: brings it to what was decided, and knows what it was told."""

import asyncio
import contextlib
from collections.abc import Callable

import msgspec

from edge_agent.control.arbiter import Decision
from edge_agent.control.setpoint_write import REARM_SHARE, Armed, Keep, Release, Write, WritePolicy
from edge_agent.devices.command import Confirmed, NotConfirmed
from edge_agent.devices.driver import Device
from edge_agent.devices.reading import ControlReadback
from edge_agent.site.slot import DeviceSlot
from firmware_profiles.profile import PersistenceKind
from vpp_core.faults import DeviceFault

RETRY_S = 1.0
"""Pause after a write that failed."""
REFUSALS_MAX = 2
"""Writes that fail in a row before the command counts as failed."""
READBACK_SHARE = 0.01
"""Resolution of a setpoint register that is no foreign write, as a share of the setpoint."""
RELEASE_S_MAX = 1.0
_REARM_LATE = 1.1
"""A re-arming comes this much after the write budget allows it: a write takes time."""


class Done(msgspec.Struct, frozen=True):
    """The device holds a setpoint and has read it back."""

    setpoint_w: float


class Released(msgspec.Struct, frozen=True):
    """The device is back in its owner's use."""


class Refused(msgspec.Struct, frozen=True):
    """The device answered, but did not do it; ``final`` after several in a row."""

    reason: str
    final: bool


class Silent(msgspec.Struct, frozen=True):
    """The device did not answer; it is tried again."""

    reason: str


Effect = Done | Released | Refused | Silent


class Actuator:
    """Writes to one device, as seldom as the policy allows.

    Args:
        slot: where the device is.
        policy: how often to write; the device's own limits narrow it.
        owned: whether a setpoint of ours may be in the device from a former run.
        remember: called when ``owned`` changes, before the first write.
    """

    def __init__(
        self, slot: DeviceSlot, policy: WritePolicy, *, owned: bool, remember: Callable[[], None]
    ) -> None:
        self.slot = slot
        self._asked = self._policy = policy
        self._armed: Armed | None = None
        self._confirmed_w: float | None = None
        self._owned = owned
        self._remember = remember
        self._refusals = 0
        self._forgive_s = 0.0
        self._pause_until_s = 0.0
        self.met = False
        """The device was read since it was found, control points first; nothing is written before."""
        self.yielding = False
        """Somebody else commands the device; it is left alone for one reversion time."""

    @property
    def setpoint_w(self) -> float | None:
        """What the device was told, or nothing."""
        return None if self._armed is None else self._armed.setpoint_w

    def holding_w(self, wanted_w: float) -> float | None:
        """What the device has read back, if that is what is wanted within the dead-band."""
        close = self._armed is not None and abs(self._armed.setpoint_w - wanted_w) <= self._policy.deadband_w
        return self._confirmed_w if close else None

    @property
    def owned(self) -> bool:
        """A setpoint of ours may be in the device; survives a restart."""
        return self._owned

    @property
    def obeys(self) -> bool:
        """It took its last write, or its refusal is one reversion time ago; and nobody else commands it."""
        return self._refusals == 0 and not self.yielding

    def lose(self) -> None:
        """The device is gone; it is met again when it is found."""
        self.met = False

    async def meet(self, now_s: float) -> bool:
        """Read the control points of a device that was just found, before anything is written.

        Returns:
            False if somebody else has it under control.
        """
        self._policy = _suited(self._asked, self.slot.device)
        control = await self.slot.read_control()
        self._confirmed_w = self._armed = None
        if not control.enabled:
            self._own(owned=False)
            return True
        if not self._owned:
            self._yield(now_s)
            return False
        # Ours, from before the loss: due at once, so that the next decision renews or withdraws it.
        self._armed = Armed(control.setpoint_w or 0.0, now_s - self._policy.revert_s)
        return True

    def look(self, control: ControlReadback | None, now_s: float) -> bool:
        """Compare what a poll read with what was written; False if somebody else wrote."""
        if control is None or self._armed is None or self._confirmed_w is None:
            return True
        if not control.enabled:
            self._armed = self._confirmed_w = None
            return True
        if control.setpoint_w is None:
            return True
        tolerance_w = max(self._policy.deadband_w, abs(self._confirmed_w) * READBACK_SHARE)
        if abs(control.setpoint_w - self._confirmed_w) <= tolerance_w:
            return True
        self._armed = self._confirmed_w = None
        self._own(owned=False)
        self._yield(now_s)
        return False

    async def apply(self, decision: Decision | None, now_s: float) -> Effect | None:
        """Do what was decided, if it needs doing now."""
        if decision is None or now_s < self._pause_until_s:
            return None
        self.yielding = False
        if now_s >= self._forgive_s:
            self._refusals = 0
        match self._policy.action(decision.setpoint_w, self._armed, decision.allowed, now_s):
            case Keep():
                return None
            case Write(setpoint_w):
                return await self._write(setpoint_w, now_s)
            case Release():
                return await self._release(now_s)

    async def let_go(self) -> None:
        """Release at the end of the agent's run; bounded, and never fails."""
        if not self._owned:
            return
        with contextlib.suppress(DeviceFault, TimeoutError):
            async with asyncio.timeout(RELEASE_S_MAX):
                if isinstance(await self.slot.release(), Confirmed):
                    self._forget()

    async def _write(self, setpoint_w: float, now_s: float) -> Effect:
        self._own(owned=True)
        # Until it is confirmed, the device may hold the old setpoint or this one: due again at once.
        self._armed, self._confirmed_w = Armed(setpoint_w, now_s - self._policy.revert_s), None
        try:
            result = await self.slot.command(setpoint_w, self._policy.revert_s)
        except DeviceFault as fault:
            return self._silent(fault, now_s)
        if isinstance(result, NotConfirmed):
            return self._refused(result.reason, now_s)
        self._armed, self._confirmed_w = Armed(setpoint_w, now_s), result.setpoint_w
        self._refusals = 0
        return Done(result.setpoint_w)

    async def _release(self, now_s: float) -> Effect:
        try:
            result = await self.slot.release()
        except DeviceFault as fault:
            return self._silent(fault, now_s)
        if isinstance(result, NotConfirmed):
            return self._refused(result.reason, now_s)
        self._forget()
        return Released()

    def _forget(self) -> None:
        self._armed = self._confirmed_w = None
        self._own(owned=False)

    def _own(self, *, owned: bool) -> None:
        if owned != self._owned:
            self._owned = owned
            self._remember()

    def _silent(self, fault: DeviceFault, now_s: float) -> Silent:
        self._pause_until_s = now_s + RETRY_S
        return Silent(str(fault))

    def _refused(self, reason: str, now_s: float) -> Refused:
        self._refusals += 1
        self._pause_until_s = now_s + RETRY_S
        self._forgive_s = now_s + self._policy.revert_s
        return Refused(reason, final=self._refusals >= REFUSALS_MAX)

    def _yield(self, now_s: float) -> None:
        self.yielding = True
        self._pause_until_s = now_s + self._policy.revert_s


def _suited(asked: WritePolicy, device: Device) -> WritePolicy:
    """The policy within what the device's timer counts and its memory endures.

    Where a setpoint may wear memory out, the timer is long enough that each re-arming may carry a new one.
    """
    control = device.profile.control
    if control is None:
        return asked
    timer, persistence = control.reversion, control.persistence
    wears = persistence.of(control.setpoint) is not PersistenceKind.RAM
    pause_s = persistence.write_interval_s_min if wears else 0.0
    shortest_s = max(timer.timer_s_min, pause_s * _REARM_LATE / REARM_SHARE)
    return msgspec.structs.replace(
        asked, revert_s=min(max(asked.revert_s, shortest_s), timer.timer_s_max), write_s_min=pause_s
    )
