"""Figures of stages 1, 3 and 4: enrollment, opportunities, plans and bids. Pure."""

from collections.abc import Iterable, Sequence

from cloud.chain.records import EnrolledSite, Offer, Opportunity, Side
from cloud.markets.catalogue import ENERGY, RESERVE
from cloud.reporting.computed import HALF, Computed, computed, percentile, ratio_pct
from cloud.reporting.day_records import DayRecords
from vpp_core.der import DerKind
from vpp_core.ids import ProductId
from vpp_core.money import MICROS_PER_UNIT, Price
from vpp_core.units import PERCENT, SECONDS_PER_DAY, mw_from_watts

P90 = 0.9
NO_BIDS = "nothing was offered"


def onboarding(records: DayRecords) -> list[Computed]:
    """From application to a commissioned site that sends accepted telemetry."""
    sites = records.joined
    days = [(site.at - site.applied_at).total_seconds() / SECONDS_PER_DAY for site in sites]
    note = "" if sites else "no site is enrolled"
    return [
        computed("onboarding_median", percentile(days, HALF), sites, note),
        computed("onboarding_p90", percentile(days, P90), sites, note),
    ]


def growth(records: DayRecords, earlier: Sequence[EnrolledSite]) -> Computed:
    """Enrolled battery power now less what was enrolled earlier."""
    by_kind = ", ".join(
        f"{kind.value} {mw_from_watts(_rated_w(records.sites, kind)):.3f} MW"
        for kind in (DerKind.BATTERY, DerKind.PV, DerKind.EVSE)
    )
    grown_w = _rated_w(records.sites, DerKind.BATTERY) - _rated_w(earlier, DerKind.BATTERY)
    return computed("portfolio_growth", mw_from_watts(grown_w), records.sites, f"enrolled now: {by_kind}")


def opportunities(records: DayRecords) -> list[Computed]:
    """What was worth bidding, and what was settled of it."""
    worthwhile = [each for each in records.opportunities if each.worthwhile]
    if not worthwhile:
        note = "no opportunity was worth bidding"
        return [
            computed("opportunity_value", None, records.opportunities, note),
            computed("opportunity_captured", None, records.opportunities, note),
        ]
    expected = _expected(worthwhile)
    products = {each.product_id for each in worthwhile}
    settled = [each for each in records.settlements if each.product_id in products]
    net = sum(each.net.micros for each in settled) / MICROS_PER_UNIT
    captured = ratio_pct(net, expected) if settled else None
    note = "expected prices are the mean of the last days; reserve prices are synthetic"
    return [
        computed("opportunity_value", expected, worthwhile, note),
        computed("opportunity_captured", captured, [*worthwhile, *settled], note),
    ]


def bids(records: DayRecords) -> list[Computed]:
    """What was offered, what the market took, and both in money."""
    offers, awards = records.offers, records.awards
    won = [award for award in awards if award.quantity_wh > 0]
    if not offers:
        names = ("bid_to_win_energy", "bid_to_win_reserve", "bid_to_win_count")
        values = ("bid_value_offered", "bid_value_cleared")
        return [computed(name, None, (), NO_BIDS) for name in (*names, *values)]
    offered = sum(_value(offer.side, offer.quantity_wh, offer.limit_price) for offer in offers)
    cleared = sum(_value(award.side, award.quantity_wh, award.clearing_price) for award in won)
    return [
        _won("bid_to_win_energy", records, ENERGY),
        _won("bid_to_win_reserve", records, RESERVE),
        computed("bid_to_win_count", ratio_pct(len(won), len(offers)), [*offers, *awards]),
        computed("bid_value_offered", offered, offers, "PV is offered at the market's lowest limit"),
        computed("bid_value_cleared", cleared, awards, "reserve prices are synthetic"),
    ]


def optimisation(records: DayRecords) -> list[Computed]:
    """How long the day's plans took, and how far from the optimum they may be."""
    plans = records.plans
    seconds = [plan.solve_s for plan in plans]
    note = f"{len(plans)} plans" if plans else "there is no plan of the day"
    gap = PERCENT * max((plan.gap for plan in plans), default=0.0)
    return [
        computed("optimisation_p50", percentile(seconds, HALF), plans, note),
        computed("optimisation_max", max(seconds, default=None), plans, note),
        computed("optimisation_gap", gap if plans else None, plans, note),
    ]


def _won(kpi: str, records: DayRecords, product_id: ProductId) -> Computed:
    offers: list[Offer] = [offer for offer in records.offers if offer.product_id == product_id]
    awards = [award for award in records.awards if award.product_id == product_id]
    share_pct = ratio_pct(
        sum(award.quantity_wh for award in awards), sum(offer.quantity_wh for offer in offers)
    )
    return computed(kpi, share_pct, [*offers, *awards], "" if offers else NO_BIDS)


def _value(side: Side, quantity_wh: int, price: Price) -> float:
    amount = price.of(quantity_wh).micros / MICROS_PER_UNIT
    return amount if side is Side.SELL else -amount


def _expected(opportunities: Iterable[Opportunity]) -> float:
    return sum(each.expected_value.micros for each in opportunities) / MICROS_PER_UNIT


def _rated_w(sites: Iterable[EnrolledSite], kind: DerKind) -> float:
    return sum(
        der.injection_w_max or der.absorption_w_max for site in sites for der in site.ders if der.kind is kind
    )
