"""The command ledger: what was ordered, and what each gateway said about it.

A command is known by its id and revision. Receipts move a revision along its life; a replayed one, or
one that arrives after a later stage was reported, changes nothing.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from cloud.chain.records import Command
from vpp_core.ids import CommandId
from vpp_core.messages import Receipt, ReceiptStatus


class CommandStatus(StrEnum):
    SENT = "sent"
    ACCEPTED = "accepted"
    CLAMPED = "clamped"
    STARTED = "started"
    COMPLETED = "completed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"


_NEXT: dict[CommandStatus, frozenset[CommandStatus]] = {
    CommandStatus.SENT: frozenset(CommandStatus) - {CommandStatus.SENT},
    CommandStatus.ACCEPTED: frozenset(
        {
            CommandStatus.CLAMPED,
            CommandStatus.STARTED,
            CommandStatus.COMPLETED,
            CommandStatus.EXPIRED,
            CommandStatus.FAILED,
        }
    ),
    CommandStatus.CLAMPED: frozenset(
        {CommandStatus.STARTED, CommandStatus.COMPLETED, CommandStatus.EXPIRED, CommandStatus.FAILED}
    ),
    CommandStatus.STARTED: frozenset(
        {CommandStatus.CLAMPED, CommandStatus.COMPLETED, CommandStatus.EXPIRED, CommandStatus.FAILED}
    ),
    CommandStatus.COMPLETED: frozenset(),
    CommandStatus.REJECTED: frozenset(),
    CommandStatus.EXPIRED: frozenset(),
    CommandStatus.FAILED: frozenset({CommandStatus.STARTED, CommandStatus.COMPLETED, CommandStatus.EXPIRED}),
}
"""From each status, the ones that may follow; a failed write may succeed when the gateway tries again."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One command at its newest revision."""

    command: Command
    status: CommandStatus = CommandStatus.SENT
    reason: str = ""
    setpoint_w: float | None = None
    """What the gateway said it will do, when it clamped."""
    reported_at: datetime | None = None
    """The gateway's stamp of the receipt that set the status."""
    acknowledged_at: datetime | None = None
    """The gateway's stamp of its first receipt of this revision that was not a refusal."""

    def active(self, now: datetime) -> bool:
        """Still orders something: steps left, time to live left, and not refused."""
        end = self.command.schedule.end
        alive = end is not None and now < min(self.command.expires_at, end)
        return alive and self.status not in (CommandStatus.REJECTED, CommandStatus.EXPIRED)


class CommandLedger:
    """The newest revision of every command; idempotent by id and revision."""

    def __init__(self) -> None:
        self._entries: dict[CommandId, Entry] = {}

    def on_sent(self, command: Command) -> bool:
        """Enter a command; False for a replay or an older revision, which change nothing."""
        known = self._entries.get(command.command_id)
        if known is not None and command.revision <= known.command.revision:
            return False
        self._entries[command.command_id] = Entry(command=command)
        return True

    def on_receipt(self, receipt: Receipt) -> Entry | None:
        """The entry after the receipt; nothing if it is a replay, out of order, or of no command of ours."""
        known = self._entries.get(receipt.command_id)
        status = CommandStatus(receipt.status.value)
        if (
            known is None
            or receipt.revision != known.command.revision
            or receipt.der_id != known.command.der_id
            or status not in _NEXT[known.status]
        ):
            return None
        refused = receipt.status in (ReceiptStatus.REJECTED, ReceiptStatus.EXPIRED, ReceiptStatus.FAILED)
        entry = msgspec.structs.replace(
            known,
            status=status,
            reason=receipt.reason,
            reported_at=receipt.at,
            setpoint_w=known.setpoint_w if receipt.setpoint_w is None else receipt.setpoint_w,
            acknowledged_at=known.acknowledged_at or (None if refused else receipt.at),
        )
        self._entries[receipt.command_id] = entry
        return entry

    def get(self, command_id: CommandId) -> Entry | None:
        return self._entries.get(command_id)

    def entries(self) -> tuple[Entry, ...]:
        """Every command, oldest id first."""
        return tuple(self._entries[command_id] for command_id in sorted(self._entries))

    def active(self, now: datetime) -> tuple[Entry, ...]:
        return tuple(entry for entry in self.entries() if entry.active(now))
