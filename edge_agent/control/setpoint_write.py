"""When a setpoint is worth a write: on a real change, when it became unsafe, and to re-arm the timer."""

import msgspec

from vpp_core.envelope import Envelope

REARM_SHARE = 1.0 / 3.0
"""A setpoint is written again after this share of its reversion time (design, invariant 2)."""


class Write(msgspec.Struct, frozen=True):
    setpoint_w: float


class Release(msgspec.Struct, frozen=True):
    """Withdraw the setpoint; the device goes back to its owner's use."""


class Keep(msgspec.Struct, frozen=True):
    """Nothing to do."""


Action = Write | Release | Keep


class Armed(msgspec.Struct, frozen=True):
    """What a device was told last, and when (monotonic seconds)."""

    setpoint_w: float
    at_s: float


class WritePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """How often one device may and must be written."""

    deadband_w: float
    """A smaller change waits for the next re-arming."""
    revert_s: float
    """The reversion time that every write arms."""
    write_s_min: float = 0.0
    """Shortest pause between two writes, for registers that wear out or may; safety does not wait."""

    def action(
        self, setpoint_w: float | None, armed: Armed | None, allowed: Envelope, now_s: float
    ) -> Action:
        """The action that brings a device from what it was told to what is wanted.

        Args:
            setpoint_w: wanted now, or nothing.
            armed: what the device was told, or nothing.
            allowed: what protection allows now; a setpoint outside it is replaced whatever the rest says.
            now_s: monotonic seconds.
        """
        if setpoint_w is None:
            return Keep() if armed is None else Release()
        if armed is None:
            return Write(setpoint_w)
        age_s = now_s - armed.at_s
        moved = abs(setpoint_w - armed.setpoint_w) > self.deadband_w and age_s >= self.write_s_min
        unsafe = not allowed.contains(armed.setpoint_w)
        due = age_s >= self.revert_s * REARM_SHARE
        return Write(setpoint_w) if moved or unsafe or due else Keep()
