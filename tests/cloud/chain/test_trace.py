"""A trace reads from origin to end, on a terminal and as JSON; every kind of record has its line."""

import io
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
from rich.console import Console

from cloud.chain.records import (
    AnyRecord,
    Award,
    Baseline,
    Book,
    Command,
    CommandReceipt,
    Commitment,
    Consent,
    Delivery,
    EnrolledSite,
    Figure,
    Forecast,
    GridEvent,
    Invoice,
    Loss,
    Offer,
    Opportunity,
    Payment,
    Plan,
    Settlement,
    Side,
    SiteEnergy,
    Statement,
)
from cloud.chain.store import Chain
from cloud.chain.summary import STAGE_BY_KIND, kind_of, summary
from vpp_core.der import OwnerLimits
from vpp_core.ids import (
    CommandId,
    DerId,
    GatewayId,
    OwnerId,
    ProductId,
    ProgramId,
    RecordId,
    SiteId,
)
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import DispatchPriority, ReceiptStatus
from vpp_core.money import Money, Price
from vpp_core.schedule import Schedule, ScheduleStep

NOON = datetime(2021, 8, 12, 12, 0, tzinfo=UTC)
HOUR = Interval.of(NOON, 3_600.0)
NIGHT = Interval.of(NOON + timedelta(hours=11), 3_600.0)
SITE, OWNER, DER = SiteId("site-00"), OwnerId("own-00"), DerId("site-00.battery")
RESERVE = ProductId("frequency-reserve-up")
ENERGY, PROGRAM = ProductId("ercot-dam-energy"), ProgramId("market-storage")
PRICE = Price.from_decimal("42.5")
DAY = date(2021, 8, 12)
LINK: dict[str, Any] = {"id": RecordId("01FD0000000000000000000000"), "at": NOON}

LINES: list[tuple[AnyRecord, str]] = [
    (
        Consent(
            **LINK,
            owner_id=OWNER,
            site_id=SITE,
            program_id=PROGRAM,
            terms_version="2021-1",
            owner_share_pct=80,
            applied_at=NOON,
        ),
        "own-00 joins market-storage with site-00, share 80 %, terms 2021-1",
    ),
    (
        EnrolledSite(
            **LINK,
            owner_id=OWNER,
            site_id=SITE,
            site_name="A",
            program_id=PROGRAM,
            book=Book.MARKET,
            gateway_id=GatewayId("gw"),
            ders=(),
            owner_limits=OwnerLimits(),
            checks=(),
            applied_at=NOON,
        ),
        "site-00 enrolled in market-storage with 0 devices",
    ),
    (
        Forecast(**LINK, horizon=NIGHT, step_s=900, pv={}, load={}, capability_up_w=(), enrolled_w=60_000.0),
        "forecast for 2021-08-12 23:00-2021-08-13 00:00 UTC, 60.000 kW enrolled",
    ),
    (
        Opportunity(
            **LINK,
            product_id=ENERGY,
            interval=HOUR,
            offerable_w=1_500.0,
            expected_price=PRICE,
            expected_value=Money.from_decimal("1.25"),
            worthwhile=False,
            reason="costs more than it earns",
        ),
        (
            "ercot-dam-energy 2021-08-12 12:00-13:00 UTC: 1.500 kW, expected 1.25 USD, "
            "not worth it (costs more than it earns)"
        ),
    ),
    (
        Plan(
            **LINK,
            purpose="day-ahead",
            horizon=HOUR,
            step_s=3_600,
            devices=(),
            objective=Money.from_decimal("3"),
            solver="HiGHS",
            status="optimal",
            gap=0.0,
            solve_s=0.1,
            binding=(),
        ),
        "day-ahead plan for 2021-08-12 12:00-13:00 UTC: 0 devices, objective 3.00 USD, HiGHS optimal",
    ),
    (
        Offer(**LINK, product_id=ENERGY, interval=HOUR, side=Side.SELL, quantity_wh=5_000, limit_price=PRICE),
        "sell 5.000 kWh ercot-dam-energy 2021-08-12 12:00-13:00 UTC at 42.50 USD/MWh",
    ),
    (
        Award(
            **LINK, product_id=RESERVE, interval=HOUR, side=Side.BUY, quantity_wh=5_000, clearing_price=PRICE
        ),
        "buy 5.000 kW-h frequency-reserve-up 2021-08-12 12:00-13:00 UTC cleared at 42.50 USD/MW-h",
    ),
    (
        GridEvent(
            **LINK,
            source="utility",
            event_id="e-1",
            modification=0,
            program_id=PROGRAM,
            interval=HOUR,
            target_w=20_000.0,
            opt="optIn",
            received_at=NOON,
        ),
        "utility event e-1 2021-08-12 12:00-13:00 UTC: 20.000 kW asked, optIn",
    ),
    (
        Commitment(
            **LINK,
            product_id=ENERGY,
            program_id=PROGRAM,
            book=Book.MARKET,
            interval=HOUR,
            power_w=5_000.0,
            price=PRICE,
            sites={SITE: 5_000.0},
        ),
        "ercot-dam-energy 2021-08-12 12:00-13:00 UTC: 5.000 kW owed by 1 sites at 42.50 USD/MWh",
    ),
    (
        Command(
            **LINK,
            command_id=CommandId("c"),
            revision=2,
            site_id=SITE,
            der_id=DER,
            expires_at=NOON,
            priority=DispatchPriority.EVENT,
            schedule=Schedule((ScheduleStep(HOUR, 1_000.0),)),
            reason="",
        ),
        "site-00.battery revision 2: 1 steps, event",
    ),
    (
        CommandReceipt(
            **LINK,
            command_id=CommandId("c"),
            revision=2,
            site_id=SITE,
            der_id=DER,
            status=ReceiptStatus.CLAMPED,
            reason="owner's reserve",
            setpoint_w=800.0,
            reported_at=NOON,
        ),
        "site-00.battery clamped at 0.800 kW (owner's reserve)",
    ),
    (
        Loss(
            **LINK,
            site_id=SITE,
            lost_w=3_000.0,
            resplit={SITE: 2_500.0},
            unserved_w=500.0,
            reason="last will",
        ),
        "site-00 lost 3.000 kW, 2.500 kW taken over, 0.500 kW unserved (last will)",
    ),
    (
        Delivery(
            **LINK,
            interval=HOUR,
            product_id=ENERGY,
            performance=0.97,
            sites={SITE: SiteEnergy(energy_wh=4_900, quality=Quality.GOOD)},
        ),
        "ercot-dam-energy 2021-08-12 12:00-13:00 UTC: 4.900 kWh metered, performance 0.970",
    ),
    (
        Baseline(**LINK, interval=HOUR, product_id=ENERGY, rule="10-of-10 v1", sites={SITE: -1_500}),
        "10-of-10 v1 2021-08-12 12:00-13:00 UTC: -1.500 kWh without us",
    ),
    (
        Settlement(
            **LINK,
            product_id=ENERGY,
            program_id=PROGRAM,
            book=Book.MARKET,
            interval=HOUR,
            rule="r v1",
            lines=(),
            net=Money(123),
            sites={},
        ),
        "ercot-dam-energy 2021-08-12 12:00-13:00 UTC: 0.0001 USD by r v1",
    ),
    (
        Invoice(
            **LINK,
            book=Book.REGULATED,
            counterparty="utility",
            day=DAY,
            amount_cents=12_345,
            currency="USD",
            ours_cents=12_345,
        ),
        "utility pays 123.45 USD for the regulated book of 2021-08-12 (ours: 123.45 USD)",
    ),
    (
        Payment(
            **LINK,
            owner_id=OWNER,
            book=Book.MARKET,
            day=DAY,
            gross_cents=1_000,
            operator_fee_cents=200,
            amount_cents=800,
            currency="USD",
            due_on=DAY,
            value_date=DAY,
        ),
        "own-00 is paid 8.00 USD from the market book of 2021-08-12, due 2021-08-12",
    ),
    (
        Statement(**LINK, owner_id=OWNER, day=DAY, amount_cents=800, currency="USD"),
        "own-00, 2021-08-12: 8.00 USD",
    ),
    (
        Figure(**LINK, kpi="K-01", stage=1, label="sites", value=12.0, unit="sites", definition="count"),
        "K-01 sites: 12 sites",
    ),
]


@pytest.mark.parametrize(("record", "line"), LINES, ids=[kind_of(record) for record, _ in LINES])
def test_every_kind_of_record_says_what_it_is_in_one_line(record: AnyRecord, line: str) -> None:
    assert summary(record) == line


def test_every_kind_of_record_has_a_line_and_a_stage() -> None:
    assert {type(record) for record, _ in LINES} == set(get_args(AnyRecord)) == set(STAGE_BY_KIND)


def _story(chain: Chain, offers: int) -> tuple[Consent, list[Offer], Award]:
    consent = chain.append(
        Consent(
            id=chain.new_id(),
            at=NOON,
            owner_id=OWNER,
            site_id=SITE,
            program_id=PROGRAM,
            terms_version="2021-1",
            owner_share_pct=80,
            applied_at=NOON,
        )
    )
    made = [
        chain.append(
            Offer(
                id=chain.new_id(),
                at=NOON,
                predecessors=(consent.id,),
                product_id=ENERGY,
                interval=HOUR,
                side=Side.SELL,
                quantity_wh=number,
                limit_price=PRICE,
            )
        )
        for number in range(offers)
    ]
    award = chain.append(
        Award(
            id=chain.new_id(),
            at=NOON,
            predecessors=tuple(offer.id for offer in made[:2]),
            product_id=ENERGY,
            interval=HOUR,
            side=Side.SELL,
            quantity_wh=1,
            clearing_price=PRICE,
        )
    )
    return consent, made, award


def _text(rendered: object) -> str:
    console = Console(file=io.StringIO(), width=200, highlight=False)
    console.print(rendered)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_trace_is_drawn_in_both_directions(chain: Chain) -> None:
    consent, offers, award = _story(chain, 2)
    before, _, after = _text(chain.trace(offers[0].id).render()).partition("leads to")
    assert consent.id in before
    assert award.id in after
    assert award.id not in before
    assert "4 award sell 0.001 kWh" in after


def test_a_record_that_is_reached_twice_is_opened_once(chain: Chain) -> None:
    _, _, award = _story(chain, 2)
    text = _text(chain.trace(award.id).render())
    assert text.count("own-00 joins") == 1
    assert text.count("(shown elsewhere)") == 1


def test_many_siblings_are_counted_instead_of_drawn(chain: Chain) -> None:
    consent, _, _ = _story(chain, 12)
    assert "and 4 more offer" in _text(chain.trace(consent.id).render())
    assert "more offer" not in _text(chain.trace(consent.id).render(siblings_max=100))


def test_a_trace_is_plain_json_with_bodies(chain: Chain) -> None:
    consent, offers, award = _story(chain, 2)
    document = json.loads(json.dumps(chain.trace(offers[0].id).as_json()))
    assert document["record"]["body"]["limit_price"] == {"micros_per_mwh": 42_500_000, "currency": "USD"}
    assert [node["id"] for node in document["ancestors"]] == [consent.id]
    assert [(node["id"], node["stage"]) for node in document["descendants"]] == [(award.id, 4)]


def test_records_are_counted_by_kind(chain: Chain) -> None:
    _story(chain, 3)
    assert chain.counts() == {"award": 1, "consent": 1, "offer": 3}
