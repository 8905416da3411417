"""Utility events: the opt, the commitments, the orders, and the closed loop while an event runs.

Outcomes are recorded before anything is sent. One event at a time is worked on, so that a last will, a
receipt and the minute's tick never split the same target twice.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime

from cloud.chain.records import Commitment, EnrolledSite, GridEvent, Loss
from cloud.chain.store import Chain
from cloud.dispatch.commitments import event_price, revised
from cloud.dispatch.event_plan import EventPlan, ProgramRules, plan_event, schedule_of
from cloud.dispatch.event_run import EventKey, EventRun, restored
from cloud.dispatch.fleet import FleetView
from cloud.dispatch.ledger import CommandLedger
from cloud.dispatch.member import Member, Observation
from cloud.dispatch.resplit import Resplit, ResponseRules, SiteLoss, Standing, due, losses, resplit
from cloud.dispatch.sender import CommandSender, Instruction
from cloud.markets.catalogue import Catalogue, Product, ProductKind
from cloud.markets.local_day import local_date
from cloud.openadr.intake import EventStatus, GridEventNotice, Opt
from vpp_core.der import DerKind
from vpp_core.ids import DerId, ProgramId, RecordId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import DispatchPriority
from vpp_core.schedule import Schedule, ScheduleStep

_log = logging.getLogger(__name__)

CHANGE_W_MIN = 1.0
"""A change of share below this is not worth a new revision."""


class EventDesk:
    """All events of all programs."""

    def __init__(
        self,
        chain: Chain,
        catalogue: Catalogue,
        fleet: FleetView,
        sender: CommandSender,
        ledger: CommandLedger,
        rules: tuple[ProgramRules, ResponseRules],
    ) -> None:
        self._chain = chain
        self._catalogue = catalogue
        self._fleet = fleet
        self._sender = sender
        self._ledger = ledger
        self._program_rules, self._response_rules = rules
        self._newest: dict[EventKey, GridEvent] = {}
        self._runs: dict[EventKey, EventRun] = {}
        self._lock = asyncio.Lock()

    def restore(self) -> None:
        """Take up the events of the chain that are not over."""
        now = self._chain.now()
        for event in self._chain.of_kind(GridEvent):
            self._newest[(event.source, event.event_id)] = event
        newest = [entry.command for entry in self._ledger.entries()]
        for key, event in sorted(self._newest.items()):
            product = self._product(event.program_id, event.interval)
            if event.opt != Opt.IN or not event.target_w or event.interval.end <= now or product is None:
                continue
            records = (
                self._chain.of_kind(Commitment, during=event.interval, program_id=event.program_id),
                self._chain.of_kind(Loss, at=Interval(event.received_at, event.interval.end)),
            )
            members = self._fleet.members(event.program_id)
            self._runs[key] = restored(event, product, members, newest, records)

    def events(self) -> list[GridEvent]:
        """The newest modification of every event, by start."""
        return sorted(self._newest.values(), key=lambda event: (event.interval.start, event.event_id))

    def runs(self) -> list[EventRun]:
        return [self._runs[key] for key in sorted(self._runs)]

    async def on_notice(self, notice: GridEventNotice) -> Opt:
        """Answer one modification of an event; a repeated or older one gets the answer that stands."""
        async with self._lock:
            known = self._newest.get((notice.source, notice.event_id))
            if known is not None and notice.modification <= known.modification:
                return Opt(known.opt)
            now = self._chain.now()
            if notice.status is EventStatus.CANCELLED:
                return await self._end(notice, now, Opt.IN, "cancelled by the utility")
            plan, product, refusal = self._examine(notice, now)
            if plan is None or product is None:
                _log.warning("opting out of event %s: %s", notice.event_id, refusal)
                return await self._end(notice, now, Opt.OUT, refusal)
            await self._accept(notice, plan, product, now)
            return Opt.IN

    async def rebalance(self, sites: Iterable[SiteId] | None = None) -> None:
        """Compare target and response of the running events (of those sites, if given) and split again."""
        concerned = None if sites is None else set(sites)
        async with self._lock:
            now = self._chain.now()
            for run in self.runs():
                if now >= run.event.interval.end:
                    del self._runs[run.key]
                elif run.event.interval.contains(now) and (concerned is None or concerned & run.sites):
                    await self._rebalance(run, now)

    async def stop(self) -> None:
        """Forget the running events: nothing is ordered for them any more; what was promised stays owed."""
        async with self._lock:
            self._runs.clear()

    def _examine(
        self, notice: GridEventNotice, now: datetime
    ) -> tuple[EventPlan | None, Product | None, str]:
        """A plan that carries the event, or why there is none."""
        product = self._product(notice.program_id, notice.interval)
        if product is None:
            return None, None, f"the program {notice.program_id} has no event product on that day"
        if (refusal := self._refusal(notice, product, now)) is not None:
            return None, product, refusal
        members = self._free_members(notice)
        standings = [Standing(member=m, seen=s) for m, s in self._seen(members)]
        rules = (self._program_rules, self._response_rules)
        target_w: float | None = notice.target_w
        if notice.level is not None:
            most = plan_event(standings, None, notice.interval, now, rules)
            target_w = most.capability_w * self._program_rules.level_share[notice.level]
        plan = plan_event(standings, target_w, notice.interval, now, rules)
        wanted_w = target_w or 0.0
        if wanted_w <= 0.0 or plan.capability_w < self._program_rules.share_min * wanted_w:
            return None, product, f"asked for {wanted_w:.0f} W, capable of {plan.capability_w:.0f} W"
        return plan, product, ""

    def _refusal(self, notice: GridEventNotice, product: Product, now: datetime) -> str | None:
        interval = notice.interval
        if now >= interval.end:
            return "the event is over"
        if any(int(t.timestamp()) % product.interval_s for t in (interval.start, interval.end)):
            return f"the event does not fit intervals of {product.interval_s} s"
        for run in self.runs():
            other = run.event
            same = run.key == (notice.source, notice.event_id)
            if not same and other.program_id == notice.program_id and other.interval.overlaps(interval):
                return f"the event {other.event_id} of the program is accepted for that time"
        return None

    def _free_members(self, notice: GridEventNotice) -> list[Member]:
        """The program's batteries that follow no market schedule then: one capacity is sold once."""
        sold = {
            entry.command.der_id
            for entry in self._ledger.active(self._chain.now())
            if entry.command.priority is DispatchPriority.MARKET
            and any(step.interval.overlaps(notice.interval) for step in entry.command.schedule.steps)
        }
        return [m for m in self._fleet.members(notice.program_id) if m.der_id not in sold]

    def _seen(self, members: list[Member]) -> list[tuple[Member, Observation]]:
        seen = self._fleet.observe(members)
        return [(member, seen[member.der_id]) for member in members]

    async def _accept(
        self, notice: GridEventNotice, plan: EventPlan, product: Product, now: datetime
    ) -> None:
        target_w = sum(plan.share_w.values()) + plan.unserved_w
        event = self._record(notice, now, Opt.IN, target_w, "")
        run = self._runs.get((notice.source, notice.event_id)) or EventRun(event, product, {}, {})
        dropped = sorted(set(run.commands) - set(plan.share_w))
        run.replan(event, product, self._fleet.members(notice.program_id), plan)
        self._commit(run, now)
        self._runs[run.key] = run
        for der_id in sorted(plan.share_w):
            schedule = schedule_of(plan, der_id, event.interval, now)
            await self._order(run, der_id, schedule)
        await self._limit_chargers(run, now)
        gone = [der_id for der_id in dropped if der_id not in run.chargers]
        await self._cancel_commands(run, gone, "no longer in the event")

    async def _limit_chargers(self, run: EventRun, now: datetime) -> None:
        """EVSEs of the program's sites charge at their owner's least for the event."""
        chargers = self._fleet.ders(DerKind.EVSE, run.event.program_id)
        run.chargers = {der_id: site.site_id for der_id, (site, _) in sorted(chargers.items())}
        interval = Interval(max(now, run.event.interval.start), run.event.interval.end)
        for der_id, (site, _) in sorted(chargers.items()):
            least_w = -site.owner_limits.evse_charge_w_min
            schedule = Schedule((ScheduleStep(interval, least_w),))
            await self._order(run, der_id, schedule)

    async def _end(self, notice: GridEventNotice, now: datetime, opt: Opt, reason: str) -> Opt:
        """Record a cancellation or a refusal; what was accepted before ends now."""
        target_w = 0.0 if opt is Opt.IN else notice.target_w
        event = self._record(notice, now, opt, target_w, reason)
        run = self._runs.pop((notice.source, notice.event_id), None)
        if run is not None:
            run.event, run.share_w = event, {}
            self._commit(run, now)
            await self._cancel_commands(run, sorted(run.commands), reason)
        return opt

    def _record(
        self, notice: GridEventNotice, now: datetime, opt: Opt, target_w: float, reason: str
    ) -> GridEvent:
        key = (notice.source, notice.event_id)
        known = self._newest.get(key)
        event = self._chain.append(
            GridEvent(
                id=self._chain.new_id(),
                at=now,
                predecessors=(known.id,) if known is not None else (),
                source=notice.source,
                event_id=notice.event_id,
                modification=notice.modification,
                program_id=notice.program_id,
                interval=notice.interval,
                target_w=target_w,
                opt=opt.value,
                received_at=now,
                reason=reason,
            )
        )
        self._newest[key] = event
        return event

    def _commit(self, run: EventRun, now: datetime) -> None:
        """Write what the newest modification makes us owe from now on."""
        owed_w = run.event.target_w if run.share_w else 0.0
        changes = revised(run.commitments, run.event.interval, owed_w, run.product.interval_s, now)
        sites = run.site_shares_w
        carrying = [site for site in self._fleet.sites(run.event.program_id) if site.site_id in sites]
        records = [
            self._commitment(run, interval, power_w, now, carrying)
            for interval, power_w in sorted(changes.items())
        ]
        self._chain.append_all(records)
        run.commitments.update({record.interval: record for record in records})

    def _commitment(
        self, run: EventRun, interval: Interval, power_w: float, now: datetime, sites: list[EnrolledSite]
    ) -> Commitment:
        return Commitment(
            id=self._chain.new_id(),
            at=now,
            predecessors=(run.event.id, *(site.id for site in sites)),
            product_id=run.product.id,
            program_id=run.event.program_id,
            book=run.product.book,
            interval=interval,
            power_w=power_w,
            price=event_price(run.product),
            sites=run.site_shares_w,
        )

    async def _rebalance(self, run: EventRun, now: datetime) -> None:
        rules = self._response_rules
        seen = self._fleet.observe(run.members.values())
        standings = run.standings(seen, self._ledger)
        result = resplit(standings, run.event.target_w, now, run.event.interval, rules)
        if not due(standings, result, rules):
            return
        records = [self._loss(run, loss, now) for loss in losses(standings, result, rules)]
        self._chain.append_all(records)
        back = set(run.lost) - set(result.lost)
        before = dict(run.share_w)
        run.settle(result)
        await self._reorder(run, result, before, back, tuple(record.id for record in records))

    async def _reorder(
        self,
        run: EventRun,
        result: Resplit,
        before: Mapping[DerId, float],
        back: set[DerId],
        causes: tuple[RecordId, ...],
    ) -> None:
        now = self._chain.now()
        left = Interval(now, run.event.interval.end)
        for der_id, share_w in sorted(result.share_w.items()):
            changed = abs(share_w - before[der_id]) > CHANGE_W_MIN
            if der_id in result.lost or not (changed or der_id in back):
                continue
            schedule = Schedule((ScheduleStep(left, share_w),))
            reason = "restored" if der_id in back else "split again"
            await self._order(run, der_id, schedule, reason=reason, causes=causes)

    def _loss(self, run: EventRun, loss: SiteLoss, now: datetime) -> Loss:
        _log.warning(
            "site %s lost %.0f W of event %s: %s", loss.site_id, loss.lost_w, run.key[1], loss.reason
        )
        return Loss(
            id=self._chain.new_id(),
            at=now,
            predecessors=(run.event.id, *run.left(now)),
            site_id=loss.site_id,
            lost_w=loss.lost_w,
            resplit=loss.resplit,
            unserved_w=loss.unserved_w,
            reason=loss.reason,
        )

    async def _order(
        self,
        run: EventRun,
        der_id: DerId,
        schedule: Schedule,
        *,
        reason: str = "",
        causes: tuple[RecordId, ...] = (),
    ) -> None:
        member = run.members.get(der_id)
        instruction = Instruction(
            site_id=member.site_id if member is not None else run.chargers[der_id],
            der_id=der_id,
            expires_at=run.event.interval.end,
            priority=DispatchPriority.EVENT,
            schedule=schedule,
            reason=f"event {run.event.event_id}" + (f": {reason}" if reason else ""),
            predecessors=(run.event.id, *run.left(self._chain.now()), *causes),
        )
        command = await self._sender.send(instruction, run.commands.get(der_id))
        run.commands[der_id] = command.command_id
        if member is not None:
            run.ordered_w[der_id] = schedule.steps[-1].setpoint_w

    async def _cancel_commands(self, run: EventRun, der_ids: Iterable[DerId], reason: str) -> None:
        for der_id in der_ids:
            entry = self._ledger.get(run.commands.pop(der_id))
            run.ordered_w.pop(der_id, None)
            if entry is not None and entry.active(self._chain.now()):
                await self._sender.cancel(
                    entry.command, reason, predecessors=(entry.command.id, run.event.id)
                )

    def _product(self, program_id: ProgramId, interval: Interval) -> Product | None:
        """The event product of a program on the event's local day."""
        for product in self._catalogue.on(interval.start.date()):
            if product.kind is ProductKind.EVENT and product.program_id == program_id:
                day = local_date(interval.start, product.zone)
                return self._catalogue.at(product.id, day)
        return None
