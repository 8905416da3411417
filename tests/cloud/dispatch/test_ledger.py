"""The life of a command, receipt by receipt."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from cloud.chain.records import Command
from cloud.dispatch.ledger import CommandLedger, CommandStatus
from vpp_core.ids import CommandId, DerId, RecordId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import DispatchPriority, Receipt, ReceiptStatus
from vpp_core.schedule import Schedule, ScheduleStep

NOW = datetime(2021, 8, 12, 22, 0, tzinfo=UTC)
HOUR = Interval.of(NOW, 3_600)
A, C, R, S, D, E, F = (
    ReceiptStatus.ACCEPTED,
    ReceiptStatus.CLAMPED,
    ReceiptStatus.REJECTED,
    ReceiptStatus.STARTED,
    ReceiptStatus.COMPLETED,
    ReceiptStatus.EXPIRED,
    ReceiptStatus.FAILED,
)


def command(revision: int = 0, schedule: Schedule | None = None) -> Command:
    return Command(
        id=RecordId(f"01J0000000000000000000000{revision}"),
        at=NOW,
        command_id=CommandId("command"),
        revision=revision,
        site_id=SiteId("site-01"),
        der_id=DerId("battery"),
        expires_at=HOUR.end,
        priority=DispatchPriority.EVENT,
        schedule=Schedule((ScheduleStep(HOUR, 1_000.0),)) if schedule is None else schedule,
        reason="test",
    )


def receipt(status: ReceiptStatus, revision: int = 0, after_s: float = 1.0) -> Receipt:
    return Receipt(
        site_id=SiteId("site-01"),
        seq=1,
        command_id=CommandId("command"),
        revision=revision,
        der_id=DerId("battery"),
        at=NOW + timedelta(seconds=after_s),
        status=status,
        setpoint_w=800.0 if status is C else None,
    )


def ledger_after(*statuses: ReceiptStatus) -> CommandLedger:
    ledger = CommandLedger()
    ledger.on_sent(command())
    for position, status in enumerate(statuses):
        ledger.on_receipt(receipt(status, after_s=float(position + 1)))
    return ledger


def status_of(ledger: CommandLedger) -> CommandStatus:
    entry = ledger.get(CommandId("command"))
    assert entry is not None
    return entry.status


@pytest.mark.parametrize(
    ("receipts", "expected"),
    [
        pytest.param((), CommandStatus.SENT, id="no-receipt-yet"),
        pytest.param((A, S, D), CommandStatus.COMPLETED, id="accepted-started-completed"),
        pytest.param((C, S, D), CommandStatus.COMPLETED, id="clamped-started-completed"),
        pytest.param((R,), CommandStatus.REJECTED, id="rejected"),
        pytest.param((E,), CommandStatus.EXPIRED, id="arrived-after-its-time-to-live"),
        pytest.param((A, F, S), CommandStatus.STARTED, id="a-failed-write-succeeds-later"),
        pytest.param((A, S, C), CommandStatus.CLAMPED, id="clamped-while-it-runs"),
        pytest.param((S, A), CommandStatus.STARTED, id="a-late-acceptance-changes-nothing"),
        pytest.param((A, A), CommandStatus.ACCEPTED, id="a-replay-changes-nothing"),
        pytest.param((R, A), CommandStatus.REJECTED, id="a-refusal-is-final"),
        pytest.param((A, S, D, F), CommandStatus.COMPLETED, id="completion-is-final"),
    ],
)
def test_receipts_move_a_command_forward(
    receipts: tuple[ReceiptStatus, ...], expected: CommandStatus
) -> None:
    assert status_of(ledger_after(*receipts)) is expected


def test_the_first_acknowledgement_is_kept_for_the_latency() -> None:
    entry = ledger_after(A, S).get(CommandId("command"))
    assert entry is not None
    assert entry.acknowledged_at == NOW + timedelta(seconds=1)
    assert entry.reported_at == NOW + timedelta(seconds=2)


def test_a_refusal_acknowledges_nothing() -> None:
    entry = ledger_after(R).get(CommandId("command"))
    assert entry is not None
    assert entry.acknowledged_at is None


def test_a_clamped_command_says_what_will_be_done() -> None:
    entry = ledger_after(C, S).get(CommandId("command"))
    assert entry is not None
    assert entry.setpoint_w == 800.0


def test_a_new_revision_starts_over_and_old_receipts_do_not_touch_it() -> None:
    ledger = ledger_after(A, S)
    assert ledger.on_sent(command(revision=1))
    assert status_of(ledger) is CommandStatus.SENT
    assert ledger.on_receipt(receipt(F, revision=0)) is None
    assert status_of(ledger) is CommandStatus.SENT


def test_replays_of_a_revision_are_not_entered() -> None:
    ledger = ledger_after(A)
    assert not ledger.on_sent(command())
    assert status_of(ledger) is CommandStatus.ACCEPTED


def test_receipts_for_other_devices_or_unknown_commands_are_ignored() -> None:
    ledger = ledger_after()
    other = msgspec.structs.replace(receipt(A), der_id=DerId("other"))
    unknown = msgspec.structs.replace(receipt(A), command_id=CommandId("unknown"))
    assert ledger.on_receipt(other) is None
    assert ledger.on_receipt(unknown) is None


@pytest.mark.parametrize(
    ("receipts", "after_s", "active"),
    [
        pytest.param((), 0.0, True, id="sent"),
        pytest.param((A, S), 0.0, True, id="started"),
        pytest.param((A, S), 3_600.0, False, id="past-its-end"),
        pytest.param((R,), 0.0, False, id="rejected"),
        pytest.param((F,), 0.0, True, id="failed-may-be-tried-again"),
    ],
)
def test_only_live_commands_are_active(
    receipts: tuple[ReceiptStatus, ...], after_s: float, *, active: bool
) -> None:
    now = NOW + timedelta(seconds=after_s)
    assert bool(ledger_after(*receipts).active(now)) is active


def test_a_cancelled_command_is_not_active() -> None:
    ledger = ledger_after(A)
    ledger.on_sent(command(revision=1, schedule=Schedule()))
    assert ledger.active(NOW) == ()
