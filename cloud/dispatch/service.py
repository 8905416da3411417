"""Dispatch: awards and events become commitments, commands and, while an event runs, corrections."""

import logging
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from cloud.chain.records import (
    Award,
    Command,
    CommandReceipt,
    Commitment,
    EnrolledSite,
    GridEvent,
    Plan,
)
from cloud.chain.store import Chain
from cloud.dispatch.awards import batteries_of, committed_w, reserve_steps, schedule_of, site_shares_w
from cloud.dispatch.event_plan import ProgramRules
from cloud.dispatch.events import EventDesk
from cloud.dispatch.fleet import FleetView, LatestReadings
from cloud.dispatch.ledger import CommandLedger, Entry
from cloud.dispatch.resplit import ResponseRules
from cloud.dispatch.sender import CommandSender, Instruction
from cloud.markets.catalogue import ENERGY, RESERVE, Catalogue, Product
from cloud.markets.local_day import local_date
from cloud.openadr.intake import GridEventNotice, Opt
from cloud.telemetry.wire import CommandSink
from vpp_core.clock import Clock
from vpp_core.der import DerKind
from vpp_core.ids import CommandId, DerId, RecordId
from vpp_core.interval import Interval
from vpp_core.messages import (
    DispatchPriority,
    FrequencyResponse,
    GatewayState,
    Receipt,
    ReceiptStatus,
    SiteConfig,
)

_log = logging.getLogger(__name__)

TICK_S = 60
_SETBACKS = (ReceiptStatus.REJECTED, ReceiptStatus.FAILED, ReceiptStatus.CLAMPED)

ReceiptKey = tuple[CommandId, int, ReceiptStatus, datetime]


class DispatchService:
    """Stage 5. Records first, then sends; every command has a time to live.

    Args:
        chain: the chain of record; also where a restarted service finds what it had ordered.
        catalogue: rules of the products.
        readings: the newest telemetry, for state of charge and response.
        sink: the way down to the gateways.
        clock: paces the control loop.
        rules: when an event is accepted, and when a device counts as not responding.
    """

    def __init__(
        self,
        *,
        chain: Chain,
        catalogue: Catalogue,
        readings: LatestReadings,
        sink: CommandSink,
        clock: Clock,
        rules: tuple[ProgramRules, ResponseRules] = (ProgramRules(), ResponseRules()),
    ) -> None:
        self._chain = chain
        self._catalogue = catalogue
        self._clock = clock
        self._ledger = CommandLedger()
        self._sender = CommandSender(chain, sink, self._ledger)
        self._fleet = FleetView(chain, readings)
        self._events = EventDesk(chain, catalogue, self._fleet, self._sender, self._ledger, rules)
        self._receipts: set[ReceiptKey] = set()
        self._planned: dict[tuple[DerId, datetime], CommandId] = {}
        self._restore()

    def commit_awards(self, day: date, plan: Plan | None = None) -> list[Commitment]:
        """What the market's awards of a local delivery day make us owe; repeated, it adds nothing.

        Args:
            day: local delivery day of the products.
            plan: says which site carries what; by default the newest plan that covers the day.

        Raises:
            ConfigurationFault: an award of a product that the catalogue does not know on that day.
        """
        committed = {
            predecessor
            for commitment in self._chain.of_kind(Commitment, during=_around(day))
            for predecessor in commitment.predecessors
        }
        return [
            self._commit(award, product, plan)
            for award in self._chain.of_kind(Award, during=_around(day))
            if award.id not in committed and award.quantity_wh > 0
            for product in (self._catalogue.at(award.product_id, day),)
            if local_date(award.interval.start, product.zone) == day
        ]

    async def dispatch_plan(self, plan: Plan) -> list[Command]:
        """Send a plan: one schedule a battery, and the reserve that each site holds.

        A newer plan for the same horizon is the next revision; the same plan again sends nothing.
        """
        ders = self._fleet.ders(DerKind.BATTERY)
        batteries = batteries_of(plan, {der_id: der.kind for der_id, (_, der) in ders.items()})
        owed = self._chain.of_kind(Commitment, during=plan.horizon)
        commands: list[Command] = []
        for device in batteries:
            key = (device.der_id, plan.horizon.start)
            links = tuple(c.id for c in owed if c.product_id == ENERGY and device.site_id in c.sites)
            instruction = Instruction(
                site_id=device.site_id,
                der_id=device.der_id,
                expires_at=plan.horizon.end,
                priority=DispatchPriority.MARKET,
                schedule=schedule_of(plan, device),
                reason=f"{plan.purpose} plan",
                predecessors=(plan.id, *links),
            )
            command = await self._sender.send(instruction, self._planned.get(key))
            self._planned[key] = command.command_id
            commands.append(command)
        await self._configure_reserve(plan)
        return commands

    async def on_grid_event(self, notice: GridEventNotice) -> Opt:
        """Answer a utility's event; on opt-in it is committed and ordered when this returns."""
        return await self._events.on_notice(notice)

    async def on_state(self, state: GatewayState) -> None:
        """A gateway came, left or lost a device; running events are split again at once."""
        if self._fleet.on_state(state, self._clock.now()):
            await self._events.rebalance({state.site_id})

    async def on_receipt(self, receipt: Receipt) -> None:
        """Record what a gateway says about a command; a refusal splits its share again at once."""
        key = (receipt.command_id, receipt.revision, receipt.status, receipt.at)
        command = self._command(receipt)
        if command is None or key in self._receipts:
            return
        self._receipts.add(key)
        self._chain.append(
            CommandReceipt(
                id=self._chain.new_id(),
                at=self._clock.now(),
                predecessors=(command.id,),
                command_id=receipt.command_id,
                revision=receipt.revision,
                site_id=receipt.site_id,
                der_id=receipt.der_id,
                status=receipt.status,
                reason=receipt.reason,
                setpoint_w=receipt.setpoint_w,
                reported_at=receipt.at,
            )
        )
        if self._ledger.on_receipt(receipt) is not None and receipt.status in _SETBACKS:
            await self._events.rebalance({receipt.site_id})

    async def stop_all(self, reason: str) -> list[Command]:
        """Fleet emergency stop: every live command is replaced by an empty schedule.

        Frequency response goes on: it stands above instructions. What was promised stays owed and is
        settled as not delivered.
        """
        await self._events.stop()
        return [
            await self._sender.cancel(entry.command, f"stopped: {reason}", DispatchPriority.EMERGENCY)
            for entry in self._ledger.active(self._clock.now())
        ]

    async def tick(self) -> None:
        """One pass of the control loop: send what waits, then compare the running events."""
        await self._sender.retry()
        await self._events.rebalance()

    async def run(self) -> None:
        """The control loop, every minute of the clock, until cancelled; a missed minute is skipped."""
        while True:
            await self.tick()
            now = self._clock.now()
            await self._clock.sleep(TICK_S - now.timestamp() % TICK_S)

    def commands(self) -> tuple[Entry, ...]:
        """Every command at its newest revision, with what the gateway said."""
        return self._ledger.entries()

    def events(self) -> list[GridEvent]:
        """Every event at its newest modification."""
        return self._events.events()

    def latest_plan(self, day: date) -> Plan | None:
        """The newest plan that covers the start of a local delivery day."""
        start = self._catalogue.at(ENERGY, day).delivery_day(day).start
        plans = self._chain.of_kind(Plan, during=Interval.of(start, 1.0))
        return plans[-1] if plans else None

    def _restore(self) -> None:
        for command in self._chain.of_kind(Command):
            self._ledger.on_sent(command)
            if command.priority is DispatchPriority.MARKET and command.schedule.steps:
                start = command.schedule.steps[0].interval.start
                self._planned[(command.der_id, start)] = command.command_id
        for record in self._chain.of_kind(CommandReceipt):
            self._receipts.add((record.command_id, record.revision, record.status, record.reported_at))
            self._ledger.on_receipt(_receipt(record))
        self._events.restore()

    def _commit(self, award: Award, product: Product, plan: Plan | None) -> Commitment:
        day = local_date(award.interval.start, product.zone)
        plan = plan or self.latest_plan(day)
        power_w = committed_w(award, product.kind)
        sites = self._fleet.sites(product.program_id)
        return self._chain.append(
            Commitment(
                id=self._chain.new_id(),
                at=self._clock.now(),
                predecessors=(award.id, *(() if plan is None else (plan.id,)), *_ids(sites)),
                product_id=product.id,
                program_id=product.program_id,
                book=product.book,
                interval=award.interval,
                power_w=power_w,
                price=award.clearing_price,
                sites=site_shares_w(power_w, award.interval, product.kind, plan, sites),
            )
        )

    async def _configure_reserve(self, plan: Plan) -> None:
        product = self._catalogue.at(RESERVE, self._local_day(plan))
        steps = {
            site_id: tuple(
                step
                for device in plan.devices
                if device.site_id == site_id
                for step in reserve_steps(plan, device)
            )
            for site_id in sorted({device.site_id for device in plan.devices})
        }
        defaults = FrequencyResponse()
        for site_id, reserve in steps.items():
            response = FrequencyResponse(
                nominal_hz=product.nominal_hz or defaults.nominal_hz,
                deadband_hz=defaults.deadband_hz if product.deadband_hz is None else product.deadband_hz,
                full_activation_hz=product.full_activation_hz or defaults.full_activation_hz,
                steps=reserve,
            )
            await self._sender.configure(
                SiteConfig(
                    site_id=site_id,
                    revision=0,
                    issued_at=self._clock.now(),
                    expires_at=plan.horizon.end,
                    frequency_response=response,
                )
            )

    def _local_day(self, plan: Plan) -> date:
        zone = self._catalogue.at(ENERGY, plan.horizon.start.date()).zone
        return local_date(plan.horizon.start, zone)

    def _command(self, receipt: Receipt) -> Command | None:
        """The record of the revision that a receipt is about."""
        entry = self._ledger.get(receipt.command_id)
        if entry is None or entry.command.site_id != receipt.site_id:
            _log.warning("site %s answers a command that it was not sent", receipt.site_id)
            return None
        if entry.command.revision == receipt.revision:
            return entry.command
        same = self._chain.of_kind(
            Command, site_id=receipt.site_id, command_id=receipt.command_id, revision=receipt.revision
        )
        return same[-1] if same else None


def _around(day: date) -> Interval:
    """A span that holds the local day of every zone."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return Interval(noon - timedelta(days=2), noon + timedelta(days=2))


def _ids(sites: Iterable[EnrolledSite]) -> tuple[RecordId, ...]:
    return tuple(site.id for site in sites)


def _receipt(record: CommandReceipt) -> Receipt:
    return Receipt(
        site_id=record.site_id,
        seq=0,
        command_id=record.command_id,
        revision=record.revision,
        der_id=record.der_id,
        at=record.reported_at,
        status=record.status,
        reason=record.reason,
        setpoint_w=record.setpoint_w,
    )
