"""The auction: everybody is a price taker, an offer is taken whole or not at all. Pure."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class StandingOffer(NamedTuple):
    """One accepted offer of one participant for one hour."""

    participant: str
    product: str
    reference: str
    start: datetime
    end: datetime
    side: str
    quantity_mwh: Decimal
    limit_price: Decimal


def wins(offer: StandingOffer, price: Decimal) -> bool:
    """A sale wins at or above its limit, a purchase at or below it."""
    return offer.limit_price <= price if offer.side == "sell" else offer.limit_price >= price


def awarded_mwh(offer: StandingOffer, price: Decimal) -> Decimal:
    return offer.quantity_mwh if wins(offer, price) else Decimal(0)


def signed_mwh(offer: StandingOffer, price: Decimal) -> Decimal:
    """What the award adds to the participant's net sale; a purchase counts negative."""
    awarded = awarded_mwh(offer, price)
    return awarded if offer.side == "sell" else -awarded
