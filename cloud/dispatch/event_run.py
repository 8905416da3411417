"""One accepted event while it lasts: who carries what, by which commands, against which commitments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cloud.chain.records import Command, Commitment, GridEvent, Loss
from cloud.dispatch.event_plan import EventPlan, by_site
from cloud.dispatch.ledger import CommandLedger, CommandStatus, Entry
from cloud.dispatch.member import Member, Observation
from cloud.dispatch.resplit import LossReason, Order, Resplit, Standing
from cloud.markets.catalogue import Product
from vpp_core.ids import CommandId, DerId, RecordId, SiteId
from vpp_core.interval import Interval

EventKey = tuple[str, str]
"""Source and event id: what a modification refers to."""


@dataclass
class EventRun:
    """The state of one event; changed only by :class:`cloud.dispatch.events.EventDesk`."""

    event: GridEvent
    product: Product
    members: dict[DerId, Member]
    share_w: dict[DerId, float]
    chargers: dict[DerId, SiteId] = field(default_factory=dict)
    """EVSEs that are held at their owner's least."""
    commands: dict[DerId, CommandId] = field(default_factory=dict)
    commitments: dict[Interval, Commitment] = field(default_factory=dict)
    ordered_w: dict[DerId, float] = field(default_factory=dict)
    """Setpoints that stand; a lost member keeps its last one."""
    lost: dict[DerId, LossReason] = field(default_factory=dict)
    cap_w: dict[DerId, float] = field(default_factory=dict)
    unserved_w: float = 0.0

    @property
    def key(self) -> EventKey:
        return (self.event.source, self.event.event_id)

    @property
    def sites(self) -> set[SiteId]:
        return {member.site_id for member in self.members.values()}

    @property
    def site_shares_w(self) -> dict[SiteId, float]:
        return by_site(self.share_w, self.members.values())

    def replan(self, event: GridEvent, product: Product, members: Iterable[Member], plan: EventPlan) -> None:
        """Take over a modification; what was learnt about the members stays."""
        known = {member.der_id: member for member in members}
        self.event, self.product = event, product
        self.members = {der_id: known[der_id] for der_id in plan.share_w}
        self.share_w = dict(plan.share_w)
        self.unserved_w = plan.unserved_w
        self.lost = {der_id: reason for der_id, reason in self.lost.items() if der_id in self.members}

    def settle(self, result: Resplit) -> None:
        """Take over a new split."""
        self.share_w, self.lost = dict(result.share_w), dict(result.lost)
        self.cap_w, self.unserved_w = dict(result.cap_w), result.unserved_w

    def standings(self, seen: Mapping[DerId, Observation], ledger: CommandLedger) -> list[Standing]:
        return [
            Standing(
                member=member,
                seen=seen[der_id],
                order=self._order(der_id, ledger),
                share_w=self.share_w.get(der_id, 0.0),
                cap_w=self.cap_w.get(der_id),
                lost=self.lost.get(der_id),
            )
            for der_id, member in sorted(self.members.items())
        ]

    def left(self, now: datetime) -> tuple[RecordId, ...]:
        """The commitments that are not over."""
        return tuple(
            self.commitments[interval].id for interval in sorted(self.commitments) if interval.end > now
        )

    def _order(self, der_id: DerId, ledger: CommandLedger) -> Order | None:
        entry = ledger.get(self.commands[der_id]) if der_id in self.commands else None
        if entry is None or der_id not in self.ordered_w:
            return None
        return Order(
            setpoint_w=self.ordered_w[der_id],
            at=entry.command.at,
            status=entry.status,
            clamped_w=self._clamped_w(entry),
        )

    def _clamped_w(self, entry: Entry) -> float | None:
        """What the gateway clamped to; before the event that concerns the charging ahead of it."""
        during = entry.reported_at is not None and entry.reported_at >= self.event.interval.start
        return entry.setpoint_w if during and entry.status is CommandStatus.CLAMPED else None


def restored(
    event: GridEvent,
    product: Product,
    members: Iterable[Member],
    newest: Iterable[Command],
    records: tuple[Iterable[Commitment], Iterable[Loss]],
) -> EventRun:
    """The run of an event after a restart, from the records that follow from it."""
    run = EventRun(event=event, product=product, members={}, share_w={})
    known = {member.der_id: member for member in members}
    commitments, losses = records
    run.commitments = {record.interval: record for record in commitments if event.id in record.predecessors}
    lost_since = {loss.site_id: loss for loss in losses if event.id in loss.predecessors}
    for command in sorted(newest, key=lambda command: command.der_id):
        if event.id not in command.predecessors or not command.schedule.steps:
            continue
        der_id = command.der_id
        run.commands[der_id] = command.command_id
        if der_id not in known:
            run.chargers[der_id] = command.site_id
        else:
            run.members[der_id] = known[der_id]
            run.ordered_w[der_id] = run.share_w[der_id] = command.schedule.steps[-1].setpoint_w
            loss = lost_since.get(command.site_id)
            if loss is not None and loss.id > command.id:
                run.share_w[der_id], run.lost[der_id] = 0.0, LossReason(loss.reason)
    return run
