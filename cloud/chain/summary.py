"""One plain line about each kind of record, and the stage that it belongs to."""

from datetime import UTC
from typing import assert_never

from cloud.chain.records import (
    AnyRecord,
    Award,
    Baseline,
    Command,
    CommandReceipt,
    Commitment,
    Consent,
    Delivery,
    EnrolledSite,
    Figure,
    Forecast,
    GridEvent,
    Invoice,
    Loss,
    Offer,
    Opportunity,
    Payment,
    Plan,
    Record,
    Settlement,
    Statement,
)
from vpp_core.ids import ProductId
from vpp_core.interval import Interval
from vpp_core.money import Money, Price
from vpp_core.units import kw_from_watts, kwh_from_watt_hours

_STAGES: tuple[tuple[type[AnyRecord], ...], ...] = (
    (Consent, EnrolledSite),
    (Forecast,),
    (Opportunity,),
    (Plan, Offer, Award),
    (GridEvent, Commitment, Command, CommandReceipt, Loss),
    (Delivery, Baseline, Settlement, Invoice),
    (Payment, Statement, Figure),
)
STAGE_BY_KIND: dict[type[AnyRecord], int] = {
    kind: number for number, kinds in enumerate(_STAGES, start=1) for kind in kinds
}
"""The stage of the value stream (1 enrollment .. 7 payout) by record class."""


def tag_of(kind: type[Record]) -> str:
    """What records of a class are stored as, such as ``enrolled_site``."""
    return str(kind.__struct_config__.tag)


def kind_of(record: Record) -> str:
    """What a record is stored as, such as ``enrolled_site``."""
    return tag_of(type(record))


def summary(record: AnyRecord) -> str:
    """What the record says, in one line with quantities and amounts."""
    match record:
        case Consent() | EnrolledSite() | Forecast() | Opportunity():
            return _outlook(record)
        case Plan() | Offer() | Award():
            return _bid(record)
        case GridEvent() | Commitment() | Command() | CommandReceipt() | Loss():
            return _dispatch(record)
        case Delivery() | Baseline() | Settlement() | Invoice():
            return _settlement(record)
        case Payment() | Statement() | Figure():
            return _payout(record)
        case _:
            assert_never(record)


def _outlook(record: Consent | EnrolledSite | Forecast | Opportunity) -> str:
    match record:
        case Consent():
            return (
                f"{record.owner_id} joins {record.program_id} with {record.site_id}, "
                f"share {record.owner_share_pct} %, terms {record.terms_version}"
            )
        case EnrolledSite():
            return f"{record.site_id} enrolled in {record.program_id} with {len(record.ders)} devices"
        case Forecast():
            return f"forecast for {_span(record.horizon)}, {_kw(record.enrolled_w)} enrolled"
        case Opportunity():
            verdict = "worth it" if record.worthwhile else "not worth it"
            return (
                f"{record.product_id} {_span(record.interval)}: {_kw(record.offerable_w)}, "
                f"expected {record.expected_value}, {verdict} ({record.reason})"
            )
        case _:
            assert_never(record)


def _bid(record: Plan | Offer | Award) -> str:
    match record:
        case Plan():
            return (
                f"{record.purpose} plan for {_span(record.horizon)}: {len(record.devices)} devices, "
                f"objective {record.objective}, {record.solver} {record.status}"
            )
        case Offer():
            return (
                f"{record.side} {_traded(record)} {record.product_id} {_span(record.interval)} "
                f"at {_price(record.limit_price, record.product_id)}"
            )
        case Award():
            return (
                f"{record.side} {_traded(record)} {record.product_id} {_span(record.interval)} "
                f"cleared at {_price(record.clearing_price, record.product_id)}"
            )
        case _:
            assert_never(record)


def _dispatch(record: GridEvent | Commitment | Command | CommandReceipt | Loss) -> str:
    match record:
        case GridEvent():
            return (
                f"{record.source} event {record.event_id} {_span(record.interval)}: "
                f"{_kw(record.target_w)} asked, {record.opt}"
            )
        case Commitment():
            return (
                f"{record.product_id} {_span(record.interval)}: {_kw(record.power_w)} owed "
                f"by {len(record.sites)} sites at {_price(record.price, record.product_id)}"
            )
        case Command():
            steps = len(record.schedule.steps)
            return (
                f"{record.der_id} revision {record.revision}: {steps} steps, "
                f"{record.priority.name.lower()}{_because(record.reason)}"
            )
        case CommandReceipt():
            power = "" if record.setpoint_w is None else f" at {_kw(record.setpoint_w)}"
            return f"{record.der_id} {record.status}{power}{_because(record.reason)}"
        case Loss():
            taken_w = sum(record.resplit.values())
            return (
                f"{record.site_id} lost {_kw(record.lost_w)}, {_kw(taken_w)} taken over, "
                f"{_kw(record.unserved_w)} unserved{_because(record.reason)}"
            )
        case _:
            assert_never(record)


def _settlement(record: Delivery | Baseline | Settlement | Invoice) -> str:
    match record:
        case Delivery():
            metered_wh = sum(site.energy_wh for site in record.sites.values())
            score = "" if record.performance is None else f", performance {record.performance:.3f}"
            return f"{record.product_id} {_span(record.interval)}: {_kwh(metered_wh)} metered{score}"
        case Baseline():
            baseline_wh = sum(record.sites.values())
            return f"{record.rule} {_span(record.interval)}: {_kwh(baseline_wh)} without us"
        case Settlement():
            return f"{record.product_id} {_span(record.interval)}: {_money(record.net)} by {record.rule}"
        case Invoice():
            return (
                f"{record.counterparty} pays {_cents(record.amount_cents, record.currency)} "
                f"for the {record.book} book of {record.day} "
                f"(ours: {_cents(record.ours_cents, record.currency)})"
            )
        case _:
            assert_never(record)


def _payout(record: Payment | Statement | Figure) -> str:
    match record:
        case Payment():
            return (
                f"{record.owner_id} is paid {_cents(record.amount_cents, record.currency)} from the "
                f"{record.book} book of {record.day}, due {record.due_on}"
            )
        case Statement():
            return f"{record.owner_id}, {record.day}: {_cents(record.amount_cents, record.currency)}"
        case Figure():
            value = "not applicable" if record.value is None else f"{record.value:g} {record.unit}"
            return f"{record.kpi} {record.label}: {value}"
        case _:
            assert_never(record)


def _span(interval: Interval) -> str:
    start, end = interval.start.astimezone(UTC), interval.end.astimezone(UTC)
    until = f"{end:%H:%M}" if end.date() == start.date() else f"{end:%Y-%m-%d %H:%M}"
    return f"{start:%Y-%m-%d %H:%M}-{until} UTC"


def _kw(power_w: float) -> str:
    return f"{kw_from_watts(power_w):.3f} kW"


def _kwh(energy_wh: float) -> str:
    return f"{kwh_from_watt_hours(energy_wh):.3f} kWh"


def _traded(record: Offer | Award) -> str:
    return f"{kwh_from_watt_hours(record.quantity_wh):.3f} k{_hourly(record.product_id)}"


def _price(price: Price, product_id: ProductId) -> str:
    return f"{price.to_decimal():.2f} {price.currency}/M{_hourly(product_id)}"


def _hourly(product_id: ProductId) -> str:
    """Energy, or reserve: power held for an hour, which is another thing than its energy.

    The records do not say which; the catalogue's names do.
    """
    return "W-h" if "reserve" in product_id else "Wh"


def _money(money: Money) -> str:
    """To a hundredth of a cent: one interval's settlement is often less than a cent."""
    return f"{money.to_decimal():.4f} {money.currency}"


def _cents(cents: int, currency: str) -> str:
    return str(Money.from_cents(cents, currency))


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
