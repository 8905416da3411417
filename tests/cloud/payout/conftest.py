"""Two settled and invoiced books: two market owners, two owners in the utility's program."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from cloud.chain.records import (
    Baseline,
    Book,
    Consent,
    Delivery,
    EnrolledSite,
    Invoice,
    Loss,
    Settlement,
    SettlementLine,
    SiteEnergy,
)
from cloud.chain.store import Chain
from cloud.markets.catalogue import ENERGY, EVENT, RESERVE
from cloud.payout.ledger import Ledger
from cloud.payout.service import PayoutService
from cloud.storage.database import Database
from vpp_core.clock import ManualClock
from vpp_core.der import OwnerLimits
from vpp_core.ids import GatewayId, OwnerId, ProductId, ProgramId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.money import Money, Price, zero

START = datetime(2021, 8, 12, 22, 0, tzinfo=UTC)
PROGRAMS = {Book.MARKET: ProgramId("market-storage"), Book.REGULATED: ProgramId("utility-peak")}

Invoiced = Callable[..., Invoice]


@pytest.fixture
def ledger(database: Database, clock: ManualClock) -> Ledger:
    return Ledger(database, clock)


@pytest.fixture
def service(chain: Chain, ledger: Ledger, sites: dict[str, EnrolledSite]) -> PayoutService:
    assert sites
    return PayoutService(chain=chain, ledger=ledger, zone="America/Chicago")


@pytest.fixture
def sites(chain: Chain) -> dict[str, EnrolledSite]:
    return {
        name: _join(chain, name, book)
        for name, book in (
            ("m1", Book.MARKET),
            ("m2", Book.MARKET),
            ("u1", Book.REGULATED),
            ("u2", Book.REGULATED),
        )
    }


@pytest.fixture
def invoiced(chain: Chain, sites: dict[str, EnrolledSite]) -> Invoiced:
    """Settle one interval of a book and invoice it: ``amounts`` are micros by site."""

    def make(
        book: Book, amount_cents: int, *, day: date = date(2021, 8, 12), off_cents: int = 0, **amounts: int
    ) -> Invoice:
        assert set(amounts) <= set(sites)
        start = START + (day - date(2021, 8, 12))
        products = (ENERGY, RESERVE) if book is Book.MARKET else (EVENT,)
        halves = [{SiteId(k): Money(v) for k, v in amounts.items()}]
        halves.extend({site: zero() for site in halves[0]} for _ in products[1:])
        settlements = [
            _settle(chain, book, product, Interval.of(start, 900), parts)
            for product, parts in zip(products, halves, strict=True)
        ]
        return chain.append(
            Invoice(
                id=chain.new_id(),
                at=chain.now(),
                predecessors=tuple(each.id for each in settlements),
                book=book,
                counterparty=f"{book.value} counterparty",
                day=day,
                amount_cents=amount_cents,
                currency="USD",
                ours_cents=amount_cents - off_cents,
            )
        )

    return make


@pytest.fixture
def loss(chain: Chain, sites: dict[str, EnrolledSite]) -> Loss:
    assert sites
    return chain.append(
        Loss(
            id=chain.new_id(),
            at=START + timedelta(minutes=5),
            site_id=SiteId("u2"),
            lost_w=3_000.0,
            resplit={SiteId("u1"): 1_000.0},
            unserved_w=2_000.0,
            reason="gateway offline",
        )
    )


def _join(chain: Chain, name: str, book: Book) -> EnrolledSite:
    applied = START - timedelta(days=2)
    consent = chain.append(
        Consent(
            id=chain.new_id(),
            at=applied,
            owner_id=OwnerId(f"own-{name}"),
            site_id=SiteId(name),
            program_id=PROGRAMS[book],
            terms_version="2021-1",
            owner_share_pct=80,
            applied_at=applied,
        )
    )
    return chain.append(
        EnrolledSite(
            id=chain.new_id(),
            at=applied,
            predecessors=(consent.id,),
            owner_id=consent.owner_id,
            site_id=consent.site_id,
            site_name=name,
            program_id=consent.program_id,
            book=book,
            gateway_id=GatewayId(f"gw-{name}"),
            ders=(),
            owner_limits=OwnerLimits(),
            checks=(),
            applied_at=applied,
        )
    )


def _settle(
    chain: Chain, book: Book, product: ProductId, interval: Interval, amounts: dict[SiteId, Money]
) -> Settlement:
    dead = SiteId("u2")
    delivery = chain.append(
        Delivery(
            id=chain.new_id(),
            at=chain.now(),
            interval=interval,
            product_id=product,
            sites={
                site: SiteEnergy(energy_wh=250, quality=Quality.MISSING if site == dead else Quality.GOOD)
                for site in amounts
            },
            performance=1.0 if product == RESERVE else None,
        )
    )
    baseline = chain.append(
        Baseline(
            id=chain.new_id(),
            at=chain.now(),
            predecessors=(delivery.id,),
            interval=interval,
            product_id=product,
            rule="caiso-10-of-10 v1",
            sites=dict.fromkeys(amounts, -500),
            adjustment="multiplicative x 1.0000",
        )
    )
    net = sum(amounts.values(), zero())
    return chain.append(
        Settlement(
            id=chain.new_id(),
            at=chain.now(),
            predecessors=(delivery.id, baseline.id) if product == EVENT else (delivery.id,),
            product_id=product,
            program_id=PROGRAMS[book],
            book=book,
            interval=interval,
            rule=f"{product} v1",
            lines=(SettlementLine(what="all", quantity_wh=1, price=Price(1), amount=net),),
            net=net,
            sites=amounts,
        )
    )
