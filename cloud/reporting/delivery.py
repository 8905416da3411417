"""Figures of stages 5 and 6: dispatch, latency, losses, performance, baselines and settlement. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from cloud.chain.records import (
    Baseline,
    Command,
    CommandReceipt,
    Commitment,
    Delivery,
    Loss,
    Record,
    Settlement,
)
from cloud.markets.catalogue import Product, ProductKind
from cloud.reporting.computed import HALF, MOST, Computed, computed, percentile, ratio_pct
from cloud.reporting.day_records import DayRecords
from cloud.settlement.assessment import delivered_wh
from cloud.settlement.baselining import RuleQuality
from cloud.settlement.scores import dispatch_accuracy
from cloud.settlement.settle import whole_wh
from vpp_core.ids import CommandId
from vpp_core.messages import ReceiptStatus
from vpp_core.money import MICROS_PER_CENT, MICROS_PER_UNIT, WATTS_PER_MEGAWATT
from vpp_core.units import PERCENT, kw_from_watts

TOLERANCE = 0.05
CENTS_PER_UNIT = MICROS_PER_UNIT // MICROS_PER_CENT
NO_EVENT = "there was no utility event"
SYNTHETIC_TARIFF = "the event's tariff is synthetic"


class Kept(NamedTuple):
    """One commitment with what was delivered for it (Wh, or W held for hours)."""

    commitment: Commitment
    product: Product
    delivery: Delivery
    baseline: Baseline | None
    committed_wh: int
    delivered_wh: int


def kept(records: DayRecords, kind: ProductKind) -> list[Kept]:
    """The measured commitments of one kind of product."""
    found: list[Kept] = []
    for commitment, product in records.due:
        delivery = records.deliveries.get(commitment.id)
        if product.kind is not kind or delivery is None:
            continue
        baseline = records.baselines.get(delivery.id)
        given = delivered_wh(delivery, baseline) if baseline or kind is not ProductKind.EVENT else {}
        owed = whole_wh(commitment.power_w, commitment.interval.duration_s)
        found.append(Kept(commitment, product, delivery, baseline, owed, sum(given.values())))
    return found


def dispatch_figures(records: DayRecords) -> list[Computed]:
    """How closely the meters followed what was promised."""
    event, market = kept(records, ProductKind.EVENT), kept(records, ProductKind.ENERGY)
    return [
        _accuracy("dispatch_accuracy_event", event, NO_EVENT),
        _accuracy("dispatch_accuracy_market", market, "no energy was sold"),
        _within(event),
    ]


def latency_figures(records: DayRecords) -> list[Computed]:
    """From the utility's signal to the gateway's acceptance, and from a step's start to its read-back."""
    events = {event.id: event for event in records.events}
    firsts = _first_orders(records.commands, set(events))
    accepted = _earliest(records.receipts, (ReceiptStatus.ACCEPTED, ReceiptStatus.CLAMPED))
    started = _earliest(records.receipts, (ReceiptStatus.STARTED,))
    signals: list[float] = []
    starts: list[float] = []
    used: list[Record] = list(records.events)
    for command in firsts:
        event = next(events[key] for key in command.predecessors if key in events)
        key = (command.command_id, command.revision)
        if key in accepted:
            signals.append((accepted[key].reported_at - event.received_at).total_seconds())
            used.append(accepted[key])
        if key in started:
            starts.append((started[key].reported_at - _begins(command)).total_seconds())
            used.append(started[key])
    note = f"{len(signals)} accepted, {len(starts)} started of {len(firsts)} commands; the run's own clock"
    note = note if records.events else NO_EVENT
    return [
        computed("signal_latency_p50", percentile(signals, HALF), used, note),
        computed("signal_latency_p95", percentile(signals, MOST), used, note),
        computed("start_latency_p50", percentile(starts, HALF), used, note),
        computed("start_latency_p95", percentile(starts, MOST), used, note),
    ]


def loss_figures(records: DayRecords) -> list[Computed]:
    """What dropped out of the day's events, who took it over, and what it cost."""
    losses, events = records.losses, kept(records, ProductKind.EVENT)
    reasons = "; ".join(
        f"{loss.site_id} at {loss.at.astimezone(records.zone):%H:%M}: {loss.reason}" for loss in losses
    )
    note = reasons or "no site dropped out"
    taken_w = sum(sum(loss.resplit.values()) for loss in losses)
    return [
        computed("resplit_lost", kw_from_watts(sum(loss.lost_w for loss in losses)), losses, note),
        computed("resplit_taken_over", kw_from_watts(taken_w), losses, note),
        computed("resplit_unserved", kw_from_watts(sum(loss.unserved_w for loss in losses)), losses, note),
        _forgone(losses, events),
        _penalty(records, events),
    ]


def performance_figures(records: DayRecords) -> list[Computed]:
    reserve, event = kept(records, ProductKind.RESERVE), kept(records, ProductKind.EVENT)
    held_wh = sum(each.committed_wh for each in reserve)
    weighted = sum(each.committed_wh * (each.delivery.performance or 0.0) for each in reserve)
    asked = [each for each in reserve if (each.delivery.performance or 0.0) < 1.0]
    owed_wh = sum(each.committed_wh for each in event)
    given_wh = sum(max(0, each.delivered_wh) for each in event)
    return [
        computed(
            "performance_reserve",
            weighted / held_wh if held_wh else None,
            [each.delivery for each in reserve],
            f"{len(asked)} of {len(reserve)} hours below 1" if held_wh else "no reserve was sold",
        ),
        computed(
            "performance_event",
            min(given_wh / owed_wh, 1.0) if owed_wh else None,
            _sources(event),
            "" if owed_wh else NO_EVENT,
        ),
    ]


def baseline_figures(records: DayRecords, quality: Sequence[RuleQuality]) -> list[Computed]:
    """How the rule that settled the day's events does on days without one."""
    baselines = [records.baselines[key] for key in sorted(records.baselines)]
    tested = [each for each in quality if each.placebo is not None]
    if not tested or tested[-1].placebo is None:
        note = "history is too short for placebo days" if quality else NO_EVENT
        return [computed(name, None, baselines, note) for name in ("baseline_bias", "baseline_cvrmse")]
    found = tested[-1].placebo
    note = f"{tested[-1].rule} on {found.days} placebo days; house load is synthetic"
    return [
        computed("baseline_bias", found.bias_pct, baselines, note),
        computed("baseline_cvrmse", found.cvrmse_pct, baselines, note),
    ]


def settlement_figures(records: DayRecords) -> list[Computed]:
    """What the counterparties state, and how far we are from it."""
    invoices = records.invoices
    if not invoices:
        note = "no counterparty has stated the day yet"
        return [computed(name, None, (), note) for name in ("settlement_value", "settlement_accuracy")]
    theirs = sum(abs(invoice.amount_cents) for invoice in invoices)
    wrong = sum(abs(invoice.amount_cents - invoice.ours_cents) for invoice in invoices)
    by_book = ", ".join(
        f"{invoice.book.value} {invoice.amount_cents / CENTS_PER_UNIT:.2f} USD" for invoice in invoices
    )
    value = sum(invoice.amount_cents for invoice in invoices) / CENTS_PER_UNIT
    accuracy = PERCENT * (1.0 - wrong / theirs) if theirs else None
    note = f"{by_book}; deviation, reserve and event prices are synthetic"
    return [
        computed("settlement_value", value, invoices, note),
        computed("settlement_accuracy", accuracy, invoices, note),
    ]


def _accuracy(kpi: str, commitments: Sequence[Kept], missing: str) -> Computed:
    share = dispatch_accuracy(
        [float(each.delivered_wh) for each in commitments], [float(each.committed_wh) for each in commitments]
    )
    value = None if share is None else PERCENT * share
    return computed(kpi, value, _sources(commitments), "" if commitments and share is not None else missing)


def _within(event: Sequence[Kept]) -> Computed:
    close = [
        each
        for each in event
        if abs(each.delivered_wh - each.committed_wh) <= TOLERANCE * abs(each.committed_wh)
    ]
    return computed(
        "dispatch_within_5pct", ratio_pct(len(close), len(event)), _sources(event), "" if event else NO_EVENT
    )


def _forgone(losses: Sequence[Loss], events: Sequence[Kept]) -> Computed:
    micros = 0.0
    used: list[Record] = list(losses)
    for loss in losses:
        for each in events:
            interval = each.commitment.interval
            if interval.end <= loss.at:
                continue
            left = min(1.0, (interval.end - loss.at).total_seconds() / interval.duration_s)
            planned_wh = left * whole_wh(each.commitment.sites.get(loss.site_id, 0.0), interval.duration_s)
            given = delivered_wh(each.delivery, each.baseline) if each.baseline else {}
            missing_wh = max(0.0, planned_wh - max(0, given.get(loss.site_id, 0)))
            micros += missing_wh * each.commitment.price.micros_per_mwh / WATTS_PER_MEGAWATT
            used.append(each.delivery)
    note = SYNTHETIC_TARIFF if losses else "no site dropped out"
    return computed("resplit_forgone", micros / MICROS_PER_UNIT, used, note)


def _penalty(records: DayRecords, events: Sequence[Kept]) -> Computed:
    products = {each.product.id for each in events}
    settled: list[Settlement] = [each for each in records.settlements if each.product_id in products]
    micros = sum(
        line.amount.micros for each in settled for line in each.lines if line.what.startswith("penalty")
    )
    note = SYNTHETIC_TARIFF if settled else NO_EVENT
    return computed("shortfall_penalty", micros / MICROS_PER_UNIT if settled else None, settled, note)


def _sources(commitments: Sequence[Kept]) -> list[Record]:
    return [
        record
        for each in commitments
        for record in (each.commitment, each.delivery, each.baseline)
        if record is not None
    ]


def _first_orders(commands: Sequence[Command], events: set[str]) -> list[Command]:
    """The first revision of each command that an event led to."""
    firsts: dict[CommandId, Command] = {}
    for command in commands:
        if events.intersection(command.predecessors):
            firsts.setdefault(command.command_id, command)
    return list(firsts.values())


def _earliest(
    receipts: Sequence[CommandReceipt], statuses: tuple[ReceiptStatus, ...]
) -> dict[tuple[CommandId, int], CommandReceipt]:
    found: dict[tuple[CommandId, int], CommandReceipt] = {}
    for receipt in receipts:
        if receipt.status in statuses:
            found.setdefault((receipt.command_id, receipt.revision), receipt)
    return found


def _begins(command: Command) -> datetime:
    """When the command's first step is to be in force."""
    steps = command.schedule.steps
    return max(command.at, steps[0].interval.start) if steps else command.at
