"""The commands a site holds: idempotent, expiring, and ordered by priority.

A command is known by its id; a newer revision replaces an older one, a replay does nothing. A finished
command is remembered until its own expiry, because a replay that comes later is refused as expired.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

import msgspec

from vpp_core.envelope import Envelope
from vpp_core.ids import CommandId, DerId
from vpp_core.messages import Dispatch, DispatchPriority
from vpp_core.schedule import Schedule, ScheduleStep

COMMANDS_MAX = 512
"""More than any day of one site needs; beyond it commands are refused, not queued."""


class Phase(StrEnum):
    ACCEPTED = "accepted"
    STARTED = "started"
    """A setpoint of it was written and read back."""
    COMPLETED = "completed"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"


_OPEN = (Phase.ACCEPTED, Phase.STARTED)


class Accepted(msgspec.Struct, frozen=True):
    """The command is in force as it was sent."""


class Clamped(msgspec.Struct, frozen=True):
    """In force within the device's range; ``setpoint_w`` is the first step that had to be changed."""

    setpoint_w: float


class Rejected(msgspec.Struct, frozen=True):
    reason: str


class Expired(msgspec.Struct, frozen=True):
    """Arrived after its time to live."""


class Ignored(msgspec.Struct, frozen=True):
    """A replay, or an older revision: nothing changes and nothing is answered."""


Outcome = Accepted | Clamped | Rejected | Expired | Ignored


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One command and how far it got; its schedule already fits the device."""

    command: Dispatch
    phase: Phase = Phase.ACCEPTED

    @property
    def open(self) -> bool:
        return self.phase in _OPEN


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """The one setpoint that commands want of a device now."""

    command_id: CommandId
    revision: int
    priority: DispatchPriority
    setpoint_w: float
    started: bool


class CommandTable:
    """Every command of a site that has not passed its expiry.

    Args:
        ranges: per device that may be commanded, the range that no command may leave.
        held: what a former run of the agent remembered.
        closed: why every command is refused, if the owner has opted out.
    """

    version: int
    """Grows with every change; for those who keep an answer."""

    def __init__(
        self, ranges: Mapping[DerId, Envelope], held: Iterable[Held] = (), *, closed: str = ""
    ) -> None:
        self._ranges = dict(ranges)
        self._held = {item.command.command_id: item for item in held}
        self._closed = closed
        self.version = 0

    def offer(self, command: Dispatch, now: datetime) -> Outcome:
        """Take a command in, or say why not. An empty schedule cancels what is held of it."""
        known = self._held.get(command.command_id)
        if known is not None and command.revision <= known.command.revision:
            return Ignored()
        if now >= command.expires_at:
            return Expired()
        if (reason := self._refusal(command, known)) is not None:
            return Rejected(reason)
        limits = self._ranges[command.der_id]
        fitting, first_changed_w = _fit(command.schedule, limits)
        held = msgspec.structs.replace(command, schedule=fitting)
        phase = Phase.ACCEPTED if fitting.steps else Phase.CANCELLED
        self._put(Held(command=held, phase=phase))
        return Accepted() if first_changed_w is None else Clamped(first_changed_w)

    def in_force(self, der_id: DerId, now: datetime) -> InForce | None:
        """What commands want of a device now: the most important one, and of equals the newest."""
        best: InForce | None = None
        best_key: tuple[int, float, str] | None = None
        for held in self._held.values():
            command = held.command
            if command.der_id != der_id or not held.open or now >= command.expires_at:
                continue
            step = command.schedule.step_at(now)
            key = (command.priority, -command.issued_at.timestamp(), command.command_id)
            if step is not None and (best_key is None or key < best_key):
                best_key, best = key, _in_force(held, step)
        return best

    def next_change(self, now: datetime) -> datetime | None:
        """The earliest instant after ``now`` at which any answer of this table may differ."""
        instants = [
            instant for held in self._held.values() for instant in _instants(held.command) if instant > now
        ]
        return min(instants, default=None)

    def started(self, command_id: CommandId) -> Held | None:
        """A setpoint of the command was written and read back; the command if that is news."""
        return self._move(command_id, (Phase.ACCEPTED,), Phase.STARTED)

    def failed(self, command_id: CommandId) -> Held | None:
        """The device refused the command's setpoint; the command if that is news."""
        return self._move(command_id, _OPEN, Phase.FAILED)

    def advance(self, now: datetime) -> list[Held]:
        """Commands that ended since the last call, and forget those past their expiry.

        A command is completed at the end of its schedule if it was started, and expired if it was
        not, or if its time to live came first.
        """
        ended = []
        for command_id, held in sorted(self._held.items()):
            end = held.command.schedule.end
            if held.open and end is not None and now >= min(end, held.command.expires_at):
                done = held.phase is Phase.STARTED and end <= held.command.expires_at
                phase = Phase.COMPLETED if done else Phase.EXPIRED
                ended.append(self._put(Held(command=held.command, phase=phase)))
            if now >= held.command.expires_at:
                del self._held[command_id]
                self.version += 1
        return ended

    def commands(self) -> list[Held]:
        """Everything held, by id."""
        return [held for _, held in sorted(self._held.items())]

    def encode(self) -> bytes:
        return msgspec.json.encode(self.commands())

    def _refusal(self, command: Dispatch, known: Held | None) -> str | None:
        if self._closed:
            return self._closed
        if command.der_id not in self._ranges:
            return f"this site has no device {command.der_id} that takes commands"
        if known is not None and known.command.der_id != command.der_id:
            return "a revision cannot move a command to another device"
        if known is None and len(self._held) >= COMMANDS_MAX:
            return f"{COMMANDS_MAX} commands are held already"
        return None

    def _move(self, command_id: CommandId, before: tuple[Phase, ...], after: Phase) -> Held | None:
        held = self._held.get(command_id)
        if held is None or held.phase not in before:
            return None
        return self._put(Held(command=held.command, phase=after))

    def _put(self, held: Held) -> Held:
        self._held[held.command.command_id] = held
        self.version += 1
        return held


def _fit(schedule: Schedule, limits: Envelope) -> tuple[Schedule, float | None]:
    """The schedule within the limits, and the first setpoint that changed."""
    steps = tuple(ScheduleStep(step.interval, limits.clamp(step.setpoint_w)) for step in schedule.steps)
    pairs = zip(schedule.steps, steps, strict=True)
    changed = (new.setpoint_w for old, new in pairs if old.setpoint_w != new.setpoint_w)
    return Schedule(steps), next(changed, None)


def _in_force(held: Held, step: ScheduleStep) -> InForce:
    command = held.command
    return InForce(
        command_id=command.command_id,
        revision=command.revision,
        priority=command.priority,
        setpoint_w=step.setpoint_w,
        started=held.phase is Phase.STARTED,
    )


def _instants(command: Dispatch) -> list[datetime]:
    borders = [
        border for step in command.schedule.steps for border in (step.interval.start, step.interval.end)
    ]
    return [*borders, command.expires_at]
