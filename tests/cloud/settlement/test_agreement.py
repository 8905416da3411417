"""Independent implementations of the same published rules, ours and the counterparties', come to one cent."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from cloud.chain.records import SettlementLine
from cloud.markets.catalogue import ENERGY, EVENT, load_catalogue
from cloud.settlement.rules import load_rules
from cloud.settlement.settle import settle_energy, settle_event, settle_reserve, total
from simulators.market.statement import Held, HourAccount, lines
from simulators.market.statement import total as their_total
from simulators.utility import tariff
from vpp_core.interval import Interval
from vpp_core.money import Price

MEGA = 1_000_000
DAY = date(2021, 8, 12)
PRODUCT = load_catalogue().at(ENERGY, DAY)
PEAK = load_catalogue().at(EVENT, DAY)
PAID_SHARE_MAX = Fraction(load_rules().event_rule(EVENT, DAY).paid_share_max)
START = datetime(2021, 8, 12, 5, 0, tzinfo=UTC)

hours = st.tuples(
    st.integers(-1_000_000, 1_000_000),  # awarded Wh
    st.integers(-1_000_000, 1_000_000),  # metered Wh
    st.integers(-25_000, 900_000),  # cents per MWh
    st.integers(0, 500_000),  # W held
    st.integers(400, 6_000),  # cents per MW-h
    st.integers(0, 10_000),  # performance in ten-thousandths
)


@given(st.lists(hours, min_size=1, max_size=24))
def test_a_days_statement_is_the_same_on_both_sides(
    day: list[tuple[int, int, int, int, int, int]],
) -> None:
    ours: list[SettlementLine] = []
    accounts: list[HourAccount] = []
    metered: dict[datetime, Decimal] = {}
    held: dict[datetime, Held] = {}
    for number, (awarded_wh, metered_wh, cents, held_w, reserve_cents, performance) in enumerate(day):
        start = START + timedelta(hours=number)
        energy_price, reserve_price = Decimal(cents) / 100, Decimal(reserve_cents) / 100
        clearing, reserve = Price.from_decimal(energy_price), Price.from_decimal(reserve_price)
        ours += settle_energy(PRODUCT, awarded_wh=awarded_wh, metered_wh=metered_wh, clearing=clearing)
        ours += settle_reserve(held_wh=held_w, performance=performance / 10_000, price=reserve)
        position, reserved = Decimal(awarded_wh) / MEGA, Decimal(held_w) / MEGA
        accounts.append(
            HourAccount(start, start + timedelta(hours=1), energy_price, reserve_price, position, reserved)
        )
        metered[start] = Decimal(metered_wh) / MEGA
        held[start] = Held(reserved, Decimal(performance) / 10_000)
    theirs = their_total(lines(accounts, metered, held))
    assert total(ours, "USD").cents == int(theirs * 100)


@given(st.lists(st.tuples(st.integers(1, 500_000), st.integers(-100_000, 900_000)), min_size=1, max_size=16))
def test_an_events_statement_is_the_same_on_both_sides(intervals: list[tuple[int, int]]) -> None:
    ours: list[SettlementLine] = []
    owed: dict[Interval, Decimal] = {}
    given_kwh: dict[datetime, Decimal] = {}
    spans = Interval.of(START, 900 * len(intervals)).split(900)
    for span, (committed_wh, delivered_wh) in zip(spans, intervals, strict=True):
        ours += settle_event(
            committed_wh=committed_wh,
            delivered_wh=delivered_wh,
            pay=Price.from_decimal(PEAK.event_price_per_mwh or 0),
            penalty=Price.from_decimal(PEAK.shortfall_price_per_mwh or 0),
            paid_share_max=PAID_SHARE_MAX,
        )
        owed[span] = Decimal(committed_wh) / 1_000
        given_kwh[span.start] = max(Decimal(delivered_wh) / 1_000, Decimal(0))
    theirs = tariff.total(tariff.statement(owed, given_kwh))
    assert total(ours, "USD").cents == int(theirs * 100)
