"""What the awards add up to, and what missing it costs. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from cloud.bidding.problem import FloatArray, Position
from cloud.chain.records import Award, Side
from cloud.markets.catalogue import Product
from vpp_core.ids import ProductId
from vpp_core.interval import Interval
from vpp_core.money import Price

RESERVE_SHORTAGE_COST_PER_MWH = 1_000.0
"""Reserve is a promise to the grid: it is given up only after energy deviations of any usual price."""


def sold(awards: Iterable[Award], product_id: ProductId, intervals: Sequence[Interval]) -> list[int]:
    """Net quantity sold in each interval (Wh, or W held); purchases are negative."""
    net = dict.fromkeys(intervals, 0)
    for award in awards:
        if award.product_id == product_id:
            net[award.interval] += award.quantity_wh if award.side is Side.SELL else -award.quantity_wh
    return [net[interval] for interval in intervals]


def position(
    product: Product, energy_wh: Sequence[int], reserve_w: Sequence[int], prices: Sequence[Price]
) -> Position:
    """The position to be kept, each miss at its settlement price.

    A shortage costs at least nothing and a surplus brings at most nothing, so that the plan never
    deviates to trade.
    """
    shortage = [_per_mwh(product.deviation_price(price, -1)) for price in prices]
    surplus = [-_per_mwh(product.deviation_price(price, 1)) for price in prices]
    return Position(
        energy_wh=_array(energy_wh),
        reserve_w=_array(reserve_w),
        shortage_cost_per_mwh=np.maximum(_array(shortage), 0.0),
        surplus_cost_per_mwh=np.maximum(_array(surplus), 0.0),
        reserve_shortage_cost_per_mwh=RESERVE_SHORTAGE_COST_PER_MWH,
    )


def price_array(prices: Sequence[Price]) -> FloatArray:
    return _array([_per_mwh(price) for price in prices])


def by_interval(intervals: Sequence[Interval], prices: Mapping[Interval, Price]) -> list[Price] | None:
    """The price of each interval, or nothing if one is missing."""
    found = [prices[interval] for interval in intervals if interval in prices]
    return found if len(found) == len(intervals) else None


def _per_mwh(price: Price) -> float:
    return float(price.to_decimal())


def _array(values: Sequence[float]) -> FloatArray:
    return np.array(values, dtype=np.float64)
