"""What each product may be worth in each interval, and why it is bid or not. Pure.

An estimate before optimisation, made so that it could be earned: storage is counted once a day and where
it is worth most, and no capacity is counted for two products in one interval.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec

from cloud.forecasting.fleet import StorageUnit
from cloud.markets.catalogue import Product
from cloud.markets.costs import FleetCosts
from vpp_core.interval import Interval
from vpp_core.money import Money, Price
from vpp_core.units import SECONDS_PER_HOUR


class Valuation(msgspec.Struct, frozen=True, kw_only=True):
    """One product in one interval."""

    interval: Interval
    offerable_w: float
    storage_w: float = 0.0
    """The part of ``offerable_w`` that comes from storage."""
    expected_price: Price
    expected_value: Money
    worthwhile: bool
    reason: str


def value_energy(
    intervals: Sequence[Interval],
    prices: Sequence[Price],
    pv_w: Sequence[float],
    units: Sequence[StorageUnit],
    costs: FleetCosts,
) -> list[Valuation]:
    """PV as forecast, and one cycle of the storage in the dearest hours that pay for it."""
    break_even = replacement_price(prices, units, costs)
    storage_w = _storage_in_dearest(intervals, prices, units, break_even)
    valued = []
    for interval, price, sun_w, stored_w in zip(intervals, prices, pv_w, storage_w, strict=True):
        value = _worth(price, sun_w + stored_w, interval) - _worth(break_even, stored_w, interval)
        if stored_w > 0.0:
            reason = f"{_usd(price)} is above the {_usd(break_even)} that replacing the energy costs"
        elif price > break_even:
            reason = "storage earns more in dearer hours"
        else:
            reason = f"{_usd(price)} does not cover the {_usd(break_even)} that replacing the energy costs"
        if stored_w <= 0.0:
            reason = f"PV only: {reason}" if sun_w > 0.0 else f"no PV, and {reason}"
        valued.append(
            Valuation(
                interval=interval,
                offerable_w=sun_w + stored_w,
                storage_w=stored_w,
                expected_price=price,
                expected_value=value,
                worthwhile=value.micros > 0,
                reason=reason,
            )
        )
    return valued


def value_reserve(
    product: Product,
    priced: Sequence[tuple[Interval, Price]],
    sold_w: Mapping[Interval, float],
    units: Sequence[StorageUnit],
    costs: FleetCosts,
) -> list[Valuation]:
    """What the storage can hold beside the energy ``sold_w`` that it sells in the same hour."""
    power_w = sum(unit.injection_w_max for unit in units)
    lasting_w = sum(unit.lasting_w(product.sustain_s) for unit in units)
    valued = []
    for interval, price in priced:
        held_w = max(0.0, min(lasting_w, power_w - sold_w.get(interval, 0.0)))
        margin = Price(price.micros_per_mwh - costs.reserve_holding.micros_per_mwh, price.currency)
        value = _worth(margin, held_w, interval)
        if held_w <= 0.0:
            reason = "all storage power is in the energy offer or has no energy behind it"
        elif value.micros <= 0:
            reason = f"{_usd(price)} does not cover the {_usd(costs.reserve_holding)} that holding costs"
        else:
            reason = f"held by each device for {product.sustain_s // 60} min beside its energy offer"
        valued.append(
            Valuation(
                interval=interval,
                offerable_w=held_w,
                storage_w=held_w,
                expected_price=price,
                expected_value=value,
                worthwhile=value.micros > 0,
                reason=reason,
            )
        )
    return valued


def value_event(
    product: Product, intervals: Sequence[Interval], units: Sequence[StorageUnit], sites: int
) -> list[Valuation]:
    """What an event would be worth if the utility called it; never bid, and its sites in no market."""
    price = Price.from_decimal(product.event_price_per_mwh or 0)
    lasting_w = sum(unit.lasting_w(product.sustain_s) for unit in units)
    return [
        Valuation(
            interval=interval,
            offerable_w=lasting_w,
            storage_w=lasting_w,
            expected_price=price,
            expected_value=_worth(price, lasting_w, interval),
            worthwhile=False,
            reason=f"called by the utility, not bid: {sites} sites stand by and are offered in no market",
        )
        for interval in intervals
    ]


def replacement_price(prices: Sequence[Price], units: Sequence[StorageUnit], costs: FleetCosts) -> Price:
    """What a MWh from storage costs: the cheapest hours that refill it, losses and wear."""
    absorption_w = sum(unit.absorption_w_max for unit in units)
    if not units or absorption_w <= 0.0:
        return costs.wear
    room_wh = sum((unit.energy_wh_max - unit.energy_wh_min) / unit.charge_efficiency for unit in units)
    hours = min(len(prices), max(1, -int(-room_wh // absorption_w)))
    cheapest = sorted(price.micros_per_mwh for price in prices)[:hours]
    cycle = sum(unit.charge_efficiency * unit.discharge_efficiency for unit in units) / len(units)
    refill_micros = round(Fraction(sum(cheapest), hours) / Fraction(cycle))
    return Price(refill_micros + costs.wear.micros_per_mwh, costs.wear.currency)


def _storage_in_dearest(
    intervals: Sequence[Interval], prices: Sequence[Price], units: Sequence[StorageUnit], break_even: Price
) -> list[float]:
    """Mean storage power in each interval: full in the dearest ones until one cycle is used up."""
    power_w = sum(unit.injection_w_max for unit in units)
    left_wh = sum((unit.energy_wh_max - unit.energy_wh_min) * unit.discharge_efficiency for unit in units)
    storage_w = [0.0] * len(intervals)
    for step in sorted(range(len(intervals)), key=lambda step: (-prices[step].micros_per_mwh, step)):
        if prices[step] > break_even:
            hours = intervals[step].duration_s / SECONDS_PER_HOUR
            storage_w[step] = min(power_w, left_wh / hours)
            left_wh -= storage_w[step] * hours
    return storage_w


def _worth(price: Price, power_w: float, interval: Interval) -> Money:
    return price.of(int(power_w * interval.duration_s / SECONDS_PER_HOUR))


def _usd(price: Price) -> str:
    return f"{price.to_decimal():.2f} {price.currency}/MWh"
