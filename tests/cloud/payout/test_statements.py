"""What an owner reads: the amounts, the reasons, and the proof."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from cloud.chain.records import Book, Loss, Settlement
from cloud.chain.store import Chain
from cloud.payout.links import first
from cloud.payout.rendering import as_html, as_text
from cloud.payout.router import router
from cloud.payout.service import PayoutService
from cloud.payout.statements import OwnerStatement
from vpp_core.faults import StorageFault
from vpp_core.ids import OwnerId
from vpp_core.measurement import Quality
from vpp_core.money import Money

DAY = date(2021, 8, 12)


@pytest.fixture
def paid(service: PayoutService, invoiced: Any, loss: Loss) -> PayoutService:
    assert loss.site_id == "u2"
    invoiced(Book.MARKET, 101, m1=700_000, m2=310_000)
    invoiced(Book.REGULATED, 520, off_cents=-5, u1=6_000_000, u2=-750_000)
    service.run(DAY)
    service.statements(DAY)
    return service


def statement(service: PayoutService, name: str) -> OwnerStatement:
    found = service.statement(OwnerId(f"own-{name}"), DAY)
    assert found is not None
    return found


def test_the_statement_says_what_was_earned_and_why(paid: PayoutService) -> None:
    found = statement(paid, "u1")
    assert found.amount_cents == 416
    delivered, shared, kept = found.reasons
    assert delivered == (
        "In the utility's event your site delivered 0.75 kWh above its baseline (caiso-10-of-10 v1, "
        "multiplicative x 1.0000); by utility-peak-event v1 that is 6.00 USD."
    )
    assert shared == (
        "All sites of the regulated book earned 5.25 USD; regulated counterparty states 5.20 USD "
        "(-0.05 USD from ours). Your sites earned 6.00 USD; your gross part of the statement is 5.20 USD."
    )
    assert kept == "By your consent to terms 2021-1 you receive 80 %; the operator keeps 1.04 USD."


def test_who_dropped_out_reads_when_and_that_unmeasured_energy_is_not_paid(paid: PayoutService) -> None:
    found = statement(paid, "u2")
    assert found.amount_cents == 0
    assert (
        "Your site dropped out of the event at 17:05 (gateway offline); others took over 1.00 of 3.00 kW."
        in found.reasons
    )
    assert any("1 of 1 intervals of utility-peak-event have no good measurement" in r for r in found.reasons)
    (row,) = found.books[0].products[0].rows
    assert (row.metered_wh, row.baseline_wh, row.delivered_wh, row.quality) == (250, -500, 0, Quality.MISSING)


def test_market_products_are_told_apart(paid: PayoutService) -> None:
    reasons = statement(paid, "m1").reasons
    assert "by ercot-dam-energy v1 that is 0.70 USD" in reasons[0]
    assert reasons[1].startswith("Your battery made good 0.25 kW-h of frequency reserve")


def test_every_row_names_the_settlement_that_proves_it(paid: PayoutService, chain: Chain) -> None:
    (part,) = statement(paid, "m1").books
    for product in part.products:
        for row in product.rows:
            settlement = chain.get(row.settlement_id)
            assert isinstance(settlement, Settlement)
            assert settlement.sites[row.site_id] == row.amount
    assert part.earned == Money(700_000)


def test_the_page_shows_every_amount_and_record(paid: PayoutService) -> None:
    found = statement(paid, "u1")
    page, text = as_html(found), as_text(found)
    part = found.books[0]
    ids = [found.id, part.payment.id, part.invoice.id, part.consent.id]
    ids += [row.settlement_id for product in part.products for row in product.rows]
    assert all(key in page for key in ids)
    assert all(amount in page for amount in ("4.16 USD", "5.20 USD", "-1.04 USD", "-0.05 USD"))
    assert "Paid: 4.16 USD" in text
    assert all(reason in text for reason in found.reasons)
    assert "<script" not in page
    assert "http" not in page


def test_names_cannot_inject_markup(paid: PayoutService) -> None:
    found = statement(paid, "u1")
    bad = OwnerStatement(
        id=found.id,
        owner_id=OwnerId("<b>"),
        day=DAY,
        zone="America/Chicago",
        amount_cents=0,
        currency="USD",
        books=(),
        reasons=("<i>",),
    )
    page = as_html(bad)
    assert "<b>" not in page
    assert "&lt;i&gt;" in page


def test_before_it_is_issued_there_is_no_statement(service: PayoutService) -> None:
    assert service.statement(OwnerId("own-m1"), DAY) is None


def test_a_chain_that_lacks_a_link_is_a_fault(chain: Chain) -> None:
    with pytest.raises(StorageFault, match="lacks a Settlement"):
        first(chain, (), Settlement)


@pytest.fixture
async def client(service: PayoutService, invoiced: Any) -> AsyncIterator[httpx.AsyncClient]:
    invoiced(Book.MARKET, 101, m1=700_000, m2=310_000)
    app = FastAPI()
    app.include_router(router(service))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cloud") as client:
        yield client


async def test_paying_and_reading_over_http(client: httpx.AsyncClient) -> None:
    day = {"day": "2021-08-12"}
    assert (await client.get("/api/v1/statements/own-m1", params=day)).status_code == 404
    answer = (await client.post("/api/v1/payments", json=day)).json()
    assert (await client.post("/api/v1/payments", json=day)).json() == answer
    assert [payment["amount_cents"] for payment in answer["payments"]] == [56, 25]
    assert (await client.get("/api/v1/payments", params=day)).json() == answer["payments"]
    table = await client.get("/api/v1/payments.csv", params=day)
    assert table.headers["content-type"].startswith("text/csv")
    assert len(table.text.splitlines()) == 3
    ledger = (await client.get("/api/v1/ledger")).json()
    assert sum(account["amount_cents"] for account in ledger) == 0


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("application/json", "application/json"),
        ("text/html,*/*", "text/html; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
    ],
)
async def test_a_statement_comes_in_the_form_that_is_asked_for(
    client: httpx.AsyncClient, accept: str, content_type: str
) -> None:
    await client.post("/api/v1/payments", json={"day": "2021-08-12"})
    params, headers = {"day": "2021-08-12"}, {"accept": accept}
    answer = await client.get("/api/v1/statements/own-m1", params=params, headers=headers)
    assert answer.headers["content-type"] == content_type
    assert "own-m1" in answer.text
