"""All records of the chain that concern one delivery day."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from cloud.chain.records import (
    Award,
    Baseline,
    Command,
    CommandReceipt,
    Delivery,
    EnrolledSite,
    Forecast,
    GridEvent,
    Invoice,
    Loss,
    Offer,
    Opportunity,
    Payment,
    Plan,
    Settlement,
    Statement,
)
from cloud.chain.store import Chain
from cloud.markets.catalogue import Catalogue
from cloud.markets.local_day import local_day
from cloud.settlement.evidence import ORDERED_BEFORE, REPORTED_AFTER, Due, due_on
from vpp_core.ids import RecordId, SiteId
from vpp_core.interval import Interval

Timed = TypeVar("Timed", Opportunity, Offer, Award, Delivery, Baseline, Settlement, GridEvent)


class DayRecords(NamedTuple):
    day: date
    zone: ZoneInfo
    span: Interval
    """The local day in UTC."""
    sites: list[EnrolledSite]
    """The newest enrollment of each."""
    joined: list[EnrolledSite]
    """The first enrollment of each; later ones tell of changes at the site."""
    forecast: Forecast | None
    """The newest one before the day began."""
    opportunities: list[Opportunity]
    plans: list[Plan]
    offers: list[Offer]
    awards: list[Award]
    events: list[GridEvent]
    due: list[Due]
    commands: list[Command]
    receipts: list[CommandReceipt]
    losses: list[Loss]
    deliveries: dict[RecordId, Delivery]
    """By commitment."""
    baselines: dict[RecordId, Baseline]
    """By delivery."""
    settlements: list[Settlement]
    invoices: list[Invoice]
    payments: list[Payment]
    statements: list[Statement]


def gather(chain: Chain, catalogue: Catalogue, day: date, zone: str) -> DayRecords:
    """Read what the chain holds about a local delivery day."""
    span = local_day(day, zone)
    made = Interval(span.start - ORDERED_BEFORE, span.end + REPORTED_AFTER)
    enrolled = [site for site in chain.of_kind(EnrolledSite) if site.at < span.end]
    forecasts = [each for each in chain.of_kind(Forecast, during=span) if each.horizon.start >= span.start]
    early = [forecast for forecast in forecasts if forecast.at < span.start]
    invoices = chain.of_kind(Invoice, day=day)
    return DayRecords(
        day=day,
        zone=ZoneInfo(zone),
        span=span,
        sites=_by_site(enrolled),
        joined=_by_site(reversed(enrolled)),
        forecast=_last(early) or _last(forecasts),
        opportunities=_newest(_within(chain.of_kind(Opportunity, during=span), span)),
        plans=[plan for plan in chain.of_kind(Plan, during=span) if plan.horizon.start >= span.start],
        offers=_within(chain.of_kind(Offer, during=span), span),
        awards=_within(chain.of_kind(Award, during=span), span),
        events=_within(chain.of_kind(GridEvent, during=span, opt="optIn"), span),
        due=due_on(chain, catalogue, day),
        commands=chain.of_kind(Command, at=made),
        receipts=chain.of_kind(CommandReceipt, at=made),
        losses=chain.of_kind(Loss, at=Interval(span.start, span.end + timedelta(seconds=1))),
        deliveries={
            each.predecessors[0]: each for each in _within(chain.of_kind(Delivery, during=span), span)
        },
        baselines={
            each.predecessors[0]: each for each in _within(chain.of_kind(Baseline, during=span), span)
        },
        settlements=_within(chain.of_kind(Settlement, during=span), span),
        invoices=invoices,
        payments=chain.of_kind(Payment, day=day),
        statements=chain.of_kind(Statement, day=day),
    )


def enrolled_before(chain: Chain, before: Interval) -> list[EnrolledSite]:
    """The newest enrolment of each site as it stood when an interval began."""
    return _by_site(site for site in chain.of_kind(EnrolledSite) if site.at < before.start)


def _by_site(records: Iterable[EnrolledSite]) -> list[EnrolledSite]:
    """The last record of each site, by site id."""
    last: dict[SiteId, EnrolledSite] = {record.site_id: record for record in records}
    return [last[site_id] for site_id in sorted(last)]


def _within(records: Iterable[Timed], span: Interval) -> list[Timed]:
    return [record for record in records if span.contains(record.interval.start)]


def _last(forecasts: list[Forecast]) -> Forecast | None:
    return forecasts[-1] if forecasts else None


def _newest(opportunities: Iterable[Opportunity]) -> list[Opportunity]:
    """The last valuation of each product and interval."""
    newest = {(each.product_id, each.interval): each for each in opportunities}
    return [newest[key] for key in sorted(newest)]
