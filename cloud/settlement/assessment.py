"""One commitment, measured: its lines and what each site earned of it. Pure."""

from fractions import Fraction
from typing import NamedTuple, assert_never

from cloud.chain.records import Baseline, Commitment, Delivery, SettlementLine
from cloud.markets.catalogue import Product, ProductKind
from cloud.markets.local_day import local_date
from cloud.settlement.rules import EventRule, RuleBook
from cloud.settlement.settle import (
    add_up,
    attribute,
    carried_by,
    missing_by,
    settle_energy,
    settle_event,
    settle_reserve,
    total,
    whole_wh,
)
from vpp_core.ids import SiteId
from vpp_core.measurement import Quality
from vpp_core.money import Money, Price


class Measured(NamedTuple):
    """A commitment with what was measured for it."""

    commitment: Commitment
    delivery: Delivery
    baseline: Baseline | None


class Assessment(NamedTuple):
    rule: str
    lines: tuple[SettlementLine, ...]
    net: Money
    sites: dict[SiteId, Money]


def assess(product: Product, measured: Measured, rules: RuleBook) -> Assessment:
    """Settle one commitment by the product's rules and share its net among the sites.

    Energy is shared by what flowed in the direction of the total, reserve by what each site made good,
    an event's pay by what each delivered and its penalty by what each fell short of its plan. Where
    nobody has any of that, the plan decides.
    """
    match product.kind:
        case ProductKind.ENERGY:
            return _energy(product, measured)
        case ProductKind.RESERVE:
            return _reserve(product, measured)
        case ProductKind.EVENT:
            day = local_date(measured.commitment.interval.start, product.zone)
            return _event(product, measured, rules.event_rule(product.id, day))
        case _:
            assert_never(product.kind)


def delivered_wh(delivery: Delivery, baseline: Baseline | None) -> dict[SiteId, int]:
    """What each site delivered (Wh): metered, less its baseline if there is one; good data only."""
    if baseline is None:
        return {site: energy.energy_wh for site, energy in delivery.sites.items()}
    return {
        site: energy.energy_wh - baseline.sites[site]
        for site, energy in delivery.sites.items()
        if energy.quality is Quality.GOOD and site in baseline.sites
    }


def planned_wh(commitment: Commitment) -> dict[SiteId, int]:
    """The energy that each site was planned to carry (Wh, signed)."""
    duration_s = commitment.interval.duration_s
    return {site: whole_wh(power_w, duration_s) for site, power_w in commitment.sites.items()}


def _energy(product: Product, measured: Measured) -> Assessment:
    commitment, delivery, _ = measured
    metered_wh = delivered_wh(delivery, None)
    lines = settle_energy(
        product,
        awarded_wh=whole_wh(commitment.power_w, commitment.interval.duration_s),
        metered_wh=sum(metered_wh.values()),
        clearing=commitment.price,
    )
    plan = {site: abs(energy_wh) for site, energy_wh in planned_wh(commitment).items()}
    return _shared(product, lines, carried_by(metered_wh), plan)


def _reserve(product: Product, measured: Measured) -> Assessment:
    commitment, delivery, _ = measured
    lines = settle_reserve(
        held_wh=whole_wh(commitment.power_w, commitment.interval.duration_s),
        performance=delivery.performance or 0.0,
        price=commitment.price,
    )
    return _shared(product, lines, delivered_wh(delivery, None), planned_wh(commitment))


def _event(product: Product, measured: Measured, rule: EventRule) -> Assessment:
    commitment, delivery, baseline = measured
    given_wh = delivered_wh(delivery, baseline) if baseline else {}
    lines = settle_event(
        committed_wh=whole_wh(commitment.power_w, commitment.interval.duration_s),
        delivered_wh=sum(given_wh.values()),
        pay=Price.from_decimal(product.event_price_per_mwh or 0),
        penalty=Price.from_decimal(product.shortfall_price_per_mwh or 0),
        paid_share_max=Fraction(rule.paid_share_max),
    )
    useful_wh = {site: max(0, energy_wh) for site, energy_wh in given_wh.items()}
    plan = planned_wh(commitment)
    shares = [attribute(lines[0].amount, useful_wh, plan)]
    shares.extend(attribute(line.amount, missing_by(plan, given_wh), plan) for line in lines[1:])
    net = total(lines, commitment.price.currency)
    return Assessment(product_label(product), lines, net, add_up(shares))


def product_label(product: Product) -> str:
    return f"{product.id} v{product.version}"


def _shared(
    product: Product, lines: tuple[SettlementLine, ...], first: dict[SiteId, int], plan: dict[SiteId, int]
) -> Assessment:
    net = total(lines, lines[0].price.currency)
    return Assessment(product_label(product), lines, net, attribute(net, first, plan))
