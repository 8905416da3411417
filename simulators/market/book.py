"""The market's memory: offers and meter data by participant. Held in memory, lost with the process."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from simulators.market.clearing import StandingOffer, awarded_mwh, signed_mwh
from simulators.market.products import (
    ENERGY,
    LIMIT_MAX,
    LIMIT_MIN,
    PRODUCTS,
    QUANTITY_STEP,
    RESERVE,
    clearing_price,
    delivery_date,
    delivery_day,
    gate_closes_at,
    published_at,
)
from simulators.market.statement import Held, HourAccount, Line, lines

HOUR = timedelta(hours=1)


class Refused(Exception):
    """The market does not accept something; the text says why."""


class Closed(Refused):
    """The gate has closed, or the reference is taken by another offer."""


class PricedHour(NamedTuple):
    start: datetime
    end: datetime
    price: Decimal


class Award(NamedTuple):
    offer: StandingOffer
    quantity_mwh: Decimal
    price: Decimal


class OrderBook:
    """All participants' offers and meter data, and the prices that everything clears at.

    Args:
        prices: the day-ahead energy price (USD/MWh) of each hour by its start, in UTC.
    """

    def __init__(self, prices: Mapping[datetime, Decimal]) -> None:
        self._prices = dict(sorted(prices.items()))
        self._offers: dict[tuple[str, str], StandingOffer] = {}
        self._energy_mwh: dict[str, dict[datetime, Decimal]] = {}
        self._held: dict[str, dict[datetime, Held]] = {}

    def published(self, product: str, start: datetime, end: datetime, now: datetime) -> list[PricedHour]:
        """Clearing prices of hours that begin in the range and whose results are out."""
        return [
            PricedHour(hour, hour + HOUR, clearing_price(product, price))
            for hour, price in self._prices.items()
            if start <= hour < end and now >= published_at(delivery_date(hour))
        ]

    def enter(self, offers: Iterable[StandingOffer], now: datetime) -> None:
        """Accept offers, all or none; one that is there already stays as it is.

        Raises:
            Refused: an offer breaks a rule.
            Closed: the gate is closed, or a reference names another offer.
        """
        fresh: dict[tuple[str, str], StandingOffer] = {}
        for offer in offers:
            key = (offer.participant, offer.reference)
            standing = self._offers.get(key, fresh.get(key))
            if standing is None:
                self._check(offer, now)
                fresh[key] = offer
            elif standing != offer:
                raise Closed(f"The reference '{offer.reference}' is taken by another offer.")
        self._offers |= fresh

    def awards(self, participant: str, day: date, now: datetime) -> list[Award] | None:
        """Every offer of a local day with what it won; nothing before the results are out."""
        if now < published_at(day):
            return None
        return [
            Award(offer, awarded_mwh(offer, price), price)
            for offer in self._of_day(participant, day)
            for price in (clearing_price(offer.product, self._prices[offer.start]),)
        ]

    def record_energy(self, participant: str, energy_mwh: Mapping[datetime, Decimal], now: datetime) -> None:
        """Metered net injection by hour; a later submission replaces an earlier one.

        Raises:
            Refused: an hour is not traded here or has not passed.
        """
        self._check_past(energy_mwh, now)
        self._energy_mwh.setdefault(participant, {}).update(energy_mwh)

    def record_held(self, participant: str, held: Mapping[datetime, Held], now: datetime) -> None:
        """Reserve that stood ready by hour; a later submission replaces an earlier one.

        Raises:
            Refused: an hour is not traded here or has not passed.
        """
        self._check_past(held, now)
        self._held.setdefault(participant, {}).update(held)

    def statement(self, participant: str, day: date, now: datetime) -> list[Line] | None:
        """The settlement of a local day; nothing before the day is over."""
        start, end = delivery_day(day)
        if now < end:
            return None
        positions = {product: self._positions(participant, day, product) for product in PRODUCTS}
        hours = [
            HourAccount(
                hour,
                hour + HOUR,
                price,
                clearing_price(RESERVE, price),
                positions[ENERGY].get(hour, Decimal(0)),
                positions[RESERVE].get(hour, Decimal(0)),
            )
            for hour, price in self._prices.items()
            if start <= hour < end
        ]
        return lines(hours, self._energy_mwh.get(participant, {}), self._held.get(participant, {}))

    def _positions(self, participant: str, day: date, product: str) -> dict[datetime, Decimal]:
        net: dict[datetime, Decimal] = {}
        for offer in self._of_day(participant, day):
            if offer.product == product:
                price = clearing_price(product, self._prices[offer.start])
                net[offer.start] = net.get(offer.start, Decimal(0)) + signed_mwh(offer, price)
        return net

    def _of_day(self, participant: str, day: date) -> list[StandingOffer]:
        found = [
            offer
            for offer in self._offers.values()
            if offer.participant == participant and delivery_date(offer.start) == day
        ]
        return sorted(found, key=lambda offer: (offer.product, offer.start, offer.reference))

    def _check(self, offer: StandingOffer, now: datetime) -> None:
        where = f"The offer '{offer.reference}'"
        if offer.start not in self._prices or offer.end - offer.start != HOUR:
            raise Refused(f"{where} must be for one whole hour that this market trades.")
        if offer.side not in PRODUCTS[offer.product].sides:
            raise Refused(f"{where} is a {offer.side}; this product knows only a sell.")
        if offer.quantity_mwh <= 0 or offer.quantity_mwh % QUANTITY_STEP:
            raise Refused(f"{where} needs a positive quantity in steps of {QUANTITY_STEP} MWh.")
        if not LIMIT_MIN <= offer.limit_price <= LIMIT_MAX:
            raise Refused(f"{where} needs a limit price from {LIMIT_MIN} to {LIMIT_MAX} USD/MWh.")
        gate = gate_closes_at(delivery_date(offer.start))
        if now >= gate:
            raise Closed(f"{where} comes after gate closure at {gate.isoformat()}.")

    def _check_past(self, hours: Iterable[datetime], now: datetime) -> None:
        for hour in hours:
            if hour not in self._prices:
                raise Refused(f"{hour.isoformat()} is not the start of an hour that this market trades.")
            if hour + HOUR > now:
                raise Refused(f"The hour from {hour.isoformat()} is not over; send its meter data later.")
