"""The utility's own settlement of an event, and its agreement with ours to the cent."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.settlement import settle
from simulators.utility.events import EventBook, PeakEvent, Refused
from simulators.utility.tariff import SiteRow, committed_kwh, delivered_kwh, statement, total
from vpp_core.interval import Interval
from vpp_core.money import Price

NOTICE_AT = datetime(2021, 8, 12, 20, 0, tzinfo=UTC)
START = datetime(2021, 8, 12, 22, 0, tzinfo=UTC)
EVENT = Interval.of(START, 1_800)
QUARTER = Interval.of(START, 900)


def accepted(target_kw: str = "10") -> tuple[EventBook, PeakEvent]:
    book = EventBook()
    event = book.call("peak-1", "ven", EVENT, Decimal(target_kw), NOTICE_AT)
    assert book.answer("peak-1", 0, "optIn", NOTICE_AT)
    return book, event


def kwh(event: PeakEvent) -> list[str]:
    return [str(energy) for energy in committed_kwh(event).values()]


def test_an_accepted_event_owes_its_target_in_every_quarter_hour() -> None:
    _, event = accepted("12.5")
    assert kwh(event) == ["3.125", "3.125"]


def test_an_event_that_nobody_accepted_owes_nothing() -> None:
    book = EventBook()
    event = book.call("peak-1", "ven", EVENT, Decimal(10), NOTICE_AT)
    assert kwh(event) == []
    book.answer("peak-1", 0, "optOut", NOTICE_AT)
    assert kwh(event) == ["0.000", "0.000"]
    assert statement(committed_kwh(event), {}) == []


def test_a_modification_holds_from_its_answer_on() -> None:
    book, event = accepted("10")
    book.modify("peak-1", EVENT, Decimal(4), START + timedelta(seconds=200))
    book.answer("peak-1", 1, "optIn", START + timedelta(seconds=300))
    assert kwh(event) == ["1.500", "1.000"]


def test_a_cancellation_ends_the_debt_when_it_is_answered() -> None:
    book, event = accepted("10")
    book.cancel("peak-1", START + timedelta(seconds=100))
    assert kwh(event) == ["2.500", "2.500"]
    book.answer("peak-1", 1, "optIn", START + timedelta(seconds=450))
    assert kwh(event) == ["1.250", "0.000"]


def test_delivery_is_baseline_less_meter_and_a_gap_delivers_nothing() -> None:
    rows = [
        SiteRow("a", START, Decimal("0.2"), Decimal("1.0")),
        SiteRow("b", START, None, Decimal("1.0")),
        SiteRow("c", START, Decimal("1.1"), Decimal("1.0")),
        SiteRow("a", EVENT.end, Decimal(2), Decimal(1)),
    ]
    assert delivered_kwh(rows) == {START: Decimal("0.7"), EVENT.end: Decimal(0)}


@pytest.mark.parametrize(
    ("delivered", "amounts"),
    [
        pytest.param("2.5", ["2.500000"], id="exactly-what-was-owed"),
        pytest.param("2.7", ["2.700000"], id="a-little-more-is-paid"),
        pytest.param("9", ["2.750000"], id="much-more-is-paid-up-to-110-percent"),
        pytest.param("1", ["1.000000", "-0.750000"], id="a-shortfall-is-charged"),
        pytest.param("0", ["0.000000", "-1.250000"], id="nothing-delivered"),
    ],
)
def test_a_quarter_hour_is_paid_and_charged_by_the_tariff(delivered: str, amounts: list[str]) -> None:
    lines = statement({QUARTER: Decimal("2.5")}, {START: Decimal(delivered)})
    assert [str(line.amount) for line in lines] == amounts


watt_hours = st.integers(min_value=0, max_value=100_000)


@given(st.lists(st.tuples(watt_hours.filter(bool), watt_hours), min_size=1, max_size=12))
def test_both_sides_come_to_the_same_cent(quarters: list[tuple[int, int]]) -> None:
    pay, penalty = Price.from_decimal(1_000), Price.from_decimal(500)
    ours = [
        line
        for owed, delivered in quarters
        for line in settle.settle_event(
            committed_wh=owed,
            delivered_wh=delivered,
            pay=pay,
            penalty=penalty,
            paid_share_max=Fraction(11, 10),
        )
    ]
    intervals = list(Interval.of(START, 900.0 * len(quarters)).split(900))
    owed_kwh = {i: Decimal(owed) / 1_000 for i, (owed, _) in zip(intervals, quarters, strict=True)}
    made_kwh = {i.start: Decimal(made) / 1_000 for i, (_, made) in zip(intervals, quarters, strict=True)}
    assert total(statement(owed_kwh, made_kwh)) * 100 == settle.total(ours, "USD").cents


def test_the_book_refuses_what_makes_no_sense() -> None:
    book, _ = accepted()
    over = EVENT.end + timedelta(seconds=1)
    orders: tuple[Callable[[], object], ...] = (
        lambda: book.call("peak-1", "ven", EVENT, Decimal(1), NOTICE_AT),
        lambda: book.call("peak-2", "ven", EVENT, Decimal(0), NOTICE_AT),
        lambda: book.call("peak-2", "ven", EVENT, Decimal(1), over),
        lambda: book.modify("peak-2", EVENT, Decimal(1), NOTICE_AT),
    )
    for order in orders:
        with pytest.raises(Refused):
            order()
    book.cancel("peak-1", NOTICE_AT)
    with pytest.raises(Refused, match="is cancelled"):
        book.modify("peak-1", EVENT, Decimal(1), NOTICE_AT)


def test_answers_that_fit_no_modification_are_not_noted() -> None:
    book, event = accepted()
    assert not book.answer("peak-1", 0, "optOut", NOTICE_AT)
    assert not book.answer("peak-1", 1, "optIn", NOTICE_AT)
    assert not book.answer("peak-2", 0, "optIn", NOTICE_AT)
    assert not book.answer("peak-1", 0, "maybe", NOTICE_AT)
    assert event.opt == "optIn"


def test_an_event_waits_until_it_is_answered_or_over() -> None:
    book = EventBook()
    event = book.call("peak-1", "ven", EVENT, Decimal(1), NOTICE_AT)
    assert book.waiting("ven", NOTICE_AT) == [event]
    assert book.waiting("other", NOTICE_AT) == []
    assert book.waiting("ven", EVENT.end) == []
    book.answer("peak-1", 0, "optOut", NOTICE_AT)
    assert book.waiting("ven", NOTICE_AT) == []
    assert [event.status(at) for at in (NOTICE_AT, START, EVENT.end)] == ["far", "active", "completed"]
