"""A whole day is measured, settled and reconciled; and a rerun changes nothing."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from cloud.chain.records import Baseline, Book, Commitment, Delivery, GridEvent, Settlement
from cloud.chain.store import Chain
from cloud.markets.catalogue import ENERGY, EVENT, RESERVE
from cloud.settlement.service import SettlementService
from vpp_core.faults import CounterpartyFault
from vpp_core.ids import SiteId
from vpp_core.measurement import Quality
from vpp_core.money import Money

DAY = date(2021, 8, 12)
ONE, TWO, THREE, FOUR = (SiteId(f"site-00{number}") for number in (1, 2, 3, 4))


def of(records: list[Any], product_id: str) -> list[Any]:
    return [record for record in records if record.product_id == product_id]


def test_energy_is_the_net_of_the_devices_of_market_sites(service: SettlementService) -> None:
    (energy,) = of(service.measure(DAY), ENERGY)
    assert {site: each.energy_wh for site, each in energy.sites.items()} == {TWO: 4_100, FOUR: 1_500}


def test_energy_is_settled_with_its_deviation_and_shared_by_what_flowed(service: SettlementService) -> None:
    (energy,) = of(service.settle(DAY), ENERGY)
    assert [(line.quantity_wh, str(line.amount.to_decimal())) for line in energy.lines] == [
        (6_000, "0.24"),
        (-400, "-0.02"),
    ]
    assert energy.net == Money(220_000)
    assert energy.sites == {TWO: Money(161_071), FOUR: Money(58_929)}
    assert energy.rule == "ercot-dam-energy v1"


def test_reserve_is_paid_by_the_score_of_the_dip(service: SettlementService) -> None:
    (delivery,) = of(service.measure(DAY), RESERVE)
    (reserve,) = of(service.settle(DAY), RESERVE)
    assert delivery.performance == pytest.approx((4_000 * 1.0 + 2_000 * 0.5) / 6_000, abs=5e-5)
    assert {site: each.energy_wh for site, each in delivery.sites.items()} == {TWO: 4_000, FOUR: 1_000}
    assert reserve.net == Money(59_998)
    assert reserve.sites == {TWO: Money(47_998), FOUR: Money(12_000)}


def test_the_event_pays_good_intervals_only_and_charges_who_was_lost(service: SettlementService) -> None:
    measured, settled = of(service.measure(DAY), EVENT), of(service.settle(DAY), EVENT)
    quality = [delivery.sites[THREE].quality for delivery in measured]
    assert quality == [Quality.GOOD] * 2 + [Quality.MISSING] * 6
    assert [str(each.net.to_decimal()) for each in settled] == ["1.5"] * 2 + ["0.375"] * 6
    assert settled[0].sites == {ONE: Money(750_000), THREE: Money(750_000)}
    assert settled[2].sites == {ONE: Money(750_000), THREE: Money(-375_000)}


def test_the_baseline_names_its_rule_and_what_it_adjusted(service: SettlementService) -> None:
    service.measure(DAY)
    baselines = service.baseline(DAY)
    assert len(baselines) == 8
    assert {each.rule for each in baselines} == {"caiso-10-of-10 v1"}
    assert {each.adjustment for each in baselines} == {"multiplicative x 1.0000"}
    assert baselines[0].sites == {ONE: -500, THREE: -500}


def test_the_rule_is_tested_on_placebo_days(service: SettlementService) -> None:
    (quality,) = service.rule_quality(DAY)
    assert quality.event_id == "event-1"
    assert quality.placebo is not None
    assert (quality.placebo.bias_pct, quality.placebo.cvrmse_pct) == (0.0, 0.0)


def test_a_delivery_points_at_the_receipt_and_the_loss_behind_it(
    service: SettlementService, chain: Chain
) -> None:
    first, *_, last = of(service.measure(DAY), EVENT)
    kinds = [[type(chain.get(key)).__name__ for key in each.predecessors] for each in (first, last)]
    assert kinds == [["Commitment", "CommandReceipt"], ["Commitment", "CommandReceipt", "Loss"]]
    assert any(isinstance(record, GridEvent) for record in chain.ancestors(last.id))


async def test_ours_and_the_counterparties_statements_agree_to_the_cent(service: SettlementService) -> None:
    await service.submit_meter_data(DAY)
    invoices = await service.invoices(DAY)
    assert {each.book: (each.amount_cents, each.ours_cents, each.counterparty) for each in invoices} == {
        Book.REGULATED: (525, 525, "test utility"),
        Book.MARKET: (28, 28, "test market"),
    }


async def test_a_counterparty_that_states_otherwise_is_recorded_as_it_states(
    service: SettlementService, market: Any
) -> None:
    market.extra_cents = -3
    await service.submit_meter_data(DAY)
    invoice = (await service.invoices(DAY))[1]
    assert (invoice.amount_cents, invoice.ours_cents) == (25, 28)


async def test_a_statement_in_another_currency_is_a_fault(service: SettlementService, market: Any) -> None:
    market.currency = "EUR"
    await service.submit_meter_data(DAY)
    with pytest.raises(CounterpartyFault, match="in EUR"):
        await service.invoices(DAY)


async def test_a_rerun_adds_nothing(service: SettlementService, chain: Chain) -> None:
    async def whole_day() -> list[object]:
        settled = service.settle(DAY)
        await service.submit_meter_data(DAY)
        return [*service.measure(DAY), *service.baseline(DAY), *settled, *await service.invoices(DAY)]

    first = await whole_day()
    before = chain.new_id()
    assert await whole_day() == first
    assert all(
        record.id < before for kind in (Delivery, Baseline, Settlement) for record in chain.of_kind(kind)
    )
    assert len(chain.of_kind(Delivery)) == len(chain.of_kind(Settlement)) == 10
    assert service.recorded(DAY) == service.settle(DAY)


async def test_a_day_without_commitments_has_no_money(service: SettlementService) -> None:
    empty = date(2021, 8, 20)
    assert service.settle(empty) == service.recorded(empty) == []
    assert service.baseline(empty) == []
    await service.submit_meter_data(empty)
    assert await service.invoices(empty) == []


def test_a_later_commitment_replaces_an_earlier_one_and_a_cancelled_one_is_not_due(
    service: SettlementService, chain: Chain, commitments: list[Commitment]
) -> None:
    last, before = commitments[-1], commitments[-2]
    for old, power_w in ((last, 0.0), (before, 2_000.0)):
        chain.append(msgspec.structs.replace(old, id=chain.new_id(), power_w=power_w, at=chain.now()))
    event = of(service.settle(DAY), EVENT)
    assert len(event) == 7
    assert event[-1].lines[0].quantity_wh == 550


def test_an_event_that_fits_no_steps_has_an_empty_baseline_that_says_so(
    service: SettlementService, chain: Chain, commitments: list[Commitment]
) -> None:
    old = commitments[-1]
    odd = msgspec.structs.replace(
        old.interval, start=old.interval.start + timedelta(minutes=1), end=old.interval.end
    )
    for each in commitments[2:]:
        chain.append(msgspec.structs.replace(each, id=chain.new_id(), power_w=0.0, at=chain.now()))
    chain.append(msgspec.structs.replace(old, id=chain.new_id(), interval=odd, at=chain.now()))
    (settlement,) = of(service.settle(DAY), EVENT)
    (baseline,) = service.baseline(DAY)
    assert baseline.sites == {}
    assert baseline.adjustment.startswith("no baseline: an event from")
    assert [line.what for line in settlement.lines][1:] == ["penalty for the shortfall"]
    assert service.rule_quality(DAY)[0].placebo is None


def test_a_commitment_of_an_event_must_follow_from_one(
    service: SettlementService, chain: Chain, commitments: list[Commitment]
) -> None:
    chain.append(msgspec.structs.replace(commitments[-1], id=chain.new_id(), predecessors=(), at=chain.now()))
    with pytest.raises(ValueError, match="follows from no grid event"):
        service.settle(DAY)


def test_devices_without_data_count_as_zero_and_show(
    service: SettlementService, chain: Chain, commitments: list[Commitment]
) -> None:
    later = datetime(2021, 8, 13, 4, 0, tzinfo=UTC)
    interval = msgspec.structs.replace(commitments[0].interval, start=later, end=later + timedelta(hours=2))
    chain.append(msgspec.structs.replace(commitments[0], id=chain.new_id(), interval=interval))
    missing = of(service.measure(DAY), ENERGY)[-1]
    assert {each.quality for each in missing.sites.values()} == {Quality.MISSING}
    assert {each.energy_wh for each in missing.sites.values()} == {0}
