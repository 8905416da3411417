"""What one commitment is worth: its lines, and their attribution to sites.

Both sides of a contract must come to the same cent, so rounding is part of the rules, always half to
even: energy in whole Wh, a performance score to four decimals, a deviation price and each line's exact
fraction to the micro-unit, and a statement's total once to cents.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from cloud.chain.records import SettlementLine
from cloud.markets.catalogue import Product
from vpp_core.ids import SiteId
from vpp_core.money import WATTS_PER_MEGAWATT, Money, Price, allocate_cents, zero
from vpp_core.units import SECONDS_PER_HOUR

PERFORMANCE_DECIMALS = 4
_PERFORMANCE_SCALE = 10**PERFORMANCE_DECIMALS


def whole_wh(power_w: float, duration_s: float) -> int:
    """Energy of a committed power in whole Wh, half to even."""
    return round(Fraction(power_w) * Fraction(duration_s) / int(SECONDS_PER_HOUR))


def settle_energy(
    product: Product, *, awarded_wh: int, metered_wh: int, clearing: Price
) -> tuple[SettlementLine, ...]:
    """The award at the day-ahead price, and the deviation at the product's worse one.

    Args:
        product: the version in force.
        awarded_wh: net awarded injection (Wh); negative where energy was bought.
        metered_wh: net metered injection (Wh).
        clearing: the day-ahead price of the interval; may be negative.
    """
    lines = [_line("award at the day-ahead price", awarded_wh, clearing)]
    deviation_wh = metered_wh - awarded_wh
    if deviation_wh:
        what = "surplus sold" if deviation_wh > 0 else "shortfall bought"
        price = product.deviation_price(clearing, deviation_wh)
        lines.append(_line(f"{what} at the deviation price", deviation_wh, price))
    return tuple(lines)


def settle_reserve(*, held_wh: int, performance: float, price: Price) -> tuple[SettlementLine, ...]:
    """Reserve held (W times hours), paid by its performance score (0 to 1, four decimals count)."""
    part = Fraction(round(performance * _PERFORMANCE_SCALE), _PERFORMANCE_SCALE)
    what = f"reserve held, performance {float(part):.4f}"
    exact = Fraction(price.micros_per_mwh * held_wh, WATTS_PER_MEGAWATT) * part
    return (_rounded(what, held_wh, price, exact),)


def settle_event(
    *, committed_wh: int, delivered_wh: int, pay: Price, penalty: Price, paid_share_max: Fraction
) -> tuple[SettlementLine, ...]:
    """Delivery above the baseline is paid up to a multiple of the commitment, what is missing is charged.

    Args:
        committed_wh: change of injection owed in the interval (Wh, >= 0).
        delivered_wh: metered minus baseline injection of all sites (Wh); below zero nothing was delivered.
        pay: price of delivered energy.
        penalty: price of missing energy.
        paid_share_max: the multiple.
    """
    useful_wh = max(delivered_wh, 0)
    paid_wh = min(Fraction(useful_wh), committed_wh * paid_share_max)
    exact = paid_wh * pay.micros_per_mwh / WATTS_PER_MEGAWATT
    lines = [_rounded("delivered above the baseline", round(paid_wh), pay, exact)]
    missing_wh = committed_wh - useful_wh
    if missing_wh > 0:
        lines.append(_line("penalty for the shortfall", -missing_wh, penalty))
    return tuple(lines)


def total(lines: Iterable[SettlementLine], currency: str) -> Money:
    """The sum of some lines; ``total(...).cents`` is what a statement comes to."""
    return sum((line.amount for line in lines), zero(currency))


def attribute(amount: Money, *choices: Mapping[SiteId, int]) -> dict[SiteId, Money]:
    """Share an amount by the first set of weights that has any weight; equally if none has.

    The parts sum to the amount exactly (largest remainder in micro-units, ties to the smaller id).

    Raises:
        ValueError: there is an amount but no site at all, or a weight is negative.
    """
    weights: Mapping[SiteId, int] = next((each for each in choices if any(each.values())), {})
    if not weights:
        weights = {site: 1 for choice in choices for site in choice}
    parts = allocate_cents(amount.micros, weights)
    return {site: Money(micros, amount.currency) for site, micros in sorted(parts.items())}


def carried_by(sites_wh: Mapping[SiteId, int]) -> dict[SiteId, int]:
    """What each site carried of the total: the energy that flowed in the total's direction (Wh, >= 0)."""
    direction = 1 if sum(sites_wh.values()) >= 0 else -1
    return {site: max(0, direction * energy_wh) for site, energy_wh in sites_wh.items()}


def missing_by(planned_wh: Mapping[SiteId, int], delivered_wh: Mapping[SiteId, int]) -> dict[SiteId, int]:
    """What each site delivered less than it was planned to carry (Wh, >= 0)."""
    return {site: max(0, planned - max(0, delivered_wh.get(site, 0))) for site, planned in planned_wh.items()}


def add_up(parts: Iterable[Mapping[SiteId, Money]]) -> dict[SiteId, Money]:
    """The sum of several attributions, by site."""
    total: dict[SiteId, Money] = {}
    for part in parts:
        for site, amount in part.items():
            total[site] = total[site] + amount if site in total else amount
    return dict(sorted(total.items()))


def _line(what: str, quantity_wh: int, price: Price) -> SettlementLine:
    return SettlementLine(what=what, quantity_wh=quantity_wh, price=price, amount=price.of(quantity_wh))


def _rounded(what: str, quantity_wh: int, price: Price, exact_micros: Fraction) -> SettlementLine:
    amount = Money(round(exact_micros), price.currency)
    return SettlementLine(what=what, quantity_wh=quantity_wh, price=price, amount=amount)
