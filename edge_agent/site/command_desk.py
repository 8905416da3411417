"""Takes commands in, and writes a receipt for everything that becomes of them."""

from edge_agent.control.commands import (
    Accepted,
    Clamped,
    CommandTable,
    Expired,
    Held,
    Ignored,
    Outcome,
    Phase,
    Rejected,
)
from edge_agent.site.journal import Journal
from edge_agent.site.memory import COMMANDS
from vpp_core.ids import CommandId
from vpp_core.messages import Dispatch, Receipt, ReceiptStatus

_STATUS_OF_PHASE = {
    Phase.COMPLETED: ReceiptStatus.COMPLETED,
    Phase.EXPIRED: ReceiptStatus.EXPIRED,
    Phase.FAILED: ReceiptStatus.FAILED,
    Phase.STARTED: ReceiptStatus.STARTED,
}


class CommandDesk:
    """The command table with its paperwork: table and receipts change in one transaction."""

    def __init__(self, table: CommandTable, journal: Journal) -> None:
        self.table = table
        self._journal = journal

    def take(self, command: Dispatch) -> None:
        """A command from the cloud."""
        outcome = self.table.offer(command, self._journal.clock.now())
        if (receipt := self._answer(command, outcome)) is not None:
            self._file([receipt])

    def started(self, command_id: CommandId, setpoint_w: float) -> None:
        """A device holds a setpoint of this command and has read it back."""
        if (held := self.table.started(command_id)) is not None:
            self._file([self._of(held, setpoint_w=setpoint_w)])

    def failed(self, command_id: CommandId, reason: str) -> None:
        """A device refused a setpoint of this command for good."""
        if (held := self.table.failed(command_id)) is not None:
            self._file([self._of(held, reason)])

    def ended(self) -> list[Receipt]:
        """Receipts of the commands that ended since the last call; the caller stores them."""
        return [self._of(held) for held in self.table.advance(self._journal.clock.now())]

    def document(self) -> dict[str, bytes]:
        """What a restart needs, to be stored with the receipts."""
        return {COMMANDS: self.table.encode()}

    def _file(self, receipts: list[Receipt]) -> None:
        self._journal.store(receipts, self.document())

    def _answer(self, command: Dispatch, outcome: Outcome) -> Receipt | None:
        match outcome:
            case Ignored():
                return None
            case Accepted():
                reason = "" if command.schedule.steps else "cancelled"
                return self._receipt(command, ReceiptStatus.ACCEPTED, reason)
            case Clamped(setpoint_w):
                reason = "limited to the device's range"
                return self._receipt(command, ReceiptStatus.CLAMPED, reason, setpoint_w)
            case Expired():
                return self._receipt(command, ReceiptStatus.EXPIRED, "arrived after its time to live")
            case Rejected(reason):
                return self._receipt(command, ReceiptStatus.REJECTED, reason)

    def _of(self, held: Held, reason: str = "", setpoint_w: float | None = None) -> Receipt:
        return self._receipt(held.command, _STATUS_OF_PHASE[held.phase], reason, setpoint_w)

    def _receipt(
        self, command: Dispatch, status: ReceiptStatus, reason: str = "", setpoint_w: float | None = None
    ) -> Receipt:
        return Receipt(
            site_id=self._journal.site_id,
            seq=0,
            command_id=command.command_id,
            revision=command.revision,
            der_id=command.der_id,
            at=self._journal.clock.now(),
            status=status,
            reason=reason,
            setpoint_w=setpoint_w,
        )
