"""The demo's whole market day on the virtual clock: the same acts, the same programs, no wall-clock time.

One day of four homes is played twice with one seed and once with another; every promise of the
scorecard is then checked on the records that the first day left behind.
"""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest
from rich.console import Console

from cloud.chain.records import (
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
    GridEvent,
    Invoice,
    Loss,
    Offer,
    Payment,
    Record,
    Settlement,
)
from cloud.chain.store import Chain
from cloud.markets.catalogue import EVENT
from cloud.storage.database import open_database
from simulators.rig.demo import play, prepare
from simulators.rig.report.outcome import ReportData
from simulators.rig.report.page import render_report
from simulators.rig.report.scorecard import scorecard_document
from simulators.rig.scenario.progress import Progress
from simulators.rig.scenario.stage import Options
from simulators.rig.scenario.timetable import ZONE, Timetable
from simulators.rig.virtual.virtual_stage import virtual_stage
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import SystemClock, VirtualClock
from vpp_core.ids import IdFactory, RecordId
from vpp_core.messages import ReceiptStatus

DAY = date(2021, 8, 12)
SITES = 4
pytestmark = [pytest.mark.integration, pytest.mark.slow]


class Day(NamedTuple):
    """A played day and the folder with its records."""

    data: ReportData
    out: Path

    def document(self) -> str:
        """The scorecard file without the run's own wall time."""
        document = scorecard_document(self.data.scorecard)
        del document["wall_s"]
        return json.dumps(document, indent=1)


def play_day(out: Path, seed: int) -> Day:
    options = Options(sites=SITES, speed=7_200.0, seed=seed, day=DAY, out=out)
    prepare(out).close()

    async def main(clock: VirtualClock) -> ReportData:
        with Progress(Console(quiet=True), lambda: None, ZONE, elapsed_s=lambda: 0.0) as progress:
            async with virtual_stage(options, clock) as stage:
                return await play(options, stage, progress)

    return Day(run_virtual(main, Timetable(DAY).opens), out)


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    return play_day(tmp_path_factory.mktemp("day"), seed=0)


@pytest.fixture(scope="module")
def chain(day: Day) -> Iterator[Chain]:
    clock = SystemClock()
    database = open_database(f"sqlite:///{day.out / 'cloud' / 'gridchorus.sqlite'}", migrate=False)
    yield Chain(database, IdFactory(clock.now), clock)
    database.close()


def test_the_same_seed_gives_the_same_day_to_the_cent_and_the_id(
    day: Day, tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = play_day(tmp_path_factory.mktemp("again"), seed=0)
    assert again.document() == day.document()


def test_every_stage_left_its_records(chain: Chain) -> None:
    counts = chain.counts()
    assert {kind for kind, count in counts.items() if count} >= {
        "consent", "enrolled_site", "forecast", "opportunity", "plan", "offer", "award", "grid_event",
        "commitment", "command", "command_receipt", "loss", "delivery", "baseline", "settlement", "invoice",
        "payment", "statement", "figure",
    }  # fmt: skip
    assert counts["enrolled_site"] == SITES


def test_a_payment_is_traced_back_to_consent_through_every_link(chain: Chain) -> None:
    payment = next(p for p in chain.of_kind(Payment) if p.book is Book.REGULATED and p.amount_cents > 0)
    kinds = {type(record) for record in chain.ancestors(payment.id)}
    assert kinds >= {Consent, EnrolledSite, GridEvent, Commitment, Delivery, Baseline, Settlement, Invoice}


def test_an_offer_is_followed_forward_to_a_payment(chain: Chain) -> None:
    won = next(award for award in chain.of_kind(Award) if award.quantity_wh > 0)
    (offer_id,) = (record.id for record in chain.ancestors(won.id) if isinstance(record, Offer))
    kinds = {type(record) for record in chain.descendants(offer_id)}
    assert kinds >= {Award, Commitment, Command, CommandReceipt, Delivery, Settlement, Invoice, Payment}


def test_owners_and_operator_get_the_counterparties_invoices_to_the_cent(day: Day, chain: Chain) -> None:
    books = {book.book: book for book in day.data.scorecard.books}
    assert set(books) == {"market", "regulated"}
    assert all(book.conserved for book in books.values())
    for invoice in chain.of_kind(Invoice):
        assert books[invoice.book.value].invoice_cents == invoice.amount_cents == invoice.ours_cents


def test_every_figure_is_traced_to_records(day: Day, chain: Chain) -> None:
    for kpi in day.data.scorecard.kpis:
        figure = chain.get(RecordId(kpi.trace_id))
        assert isinstance(figure, Figure)
        assert kpi.value is None or list(chain.ancestors(figure.id)), kpi.id


def test_the_killed_gateway_is_noticed_split_again_and_priced(day: Day, chain: Chain) -> None:
    (loss, *_) = chain.of_kind(Loss)
    assert loss.lost_w > 0.0
    assert sum(loss.resplit.values()) + loss.unserved_w == pytest.approx(loss.lost_w, abs=1.0)
    values = {kpi.id: kpi.value for kpi in day.data.scorecard.kpis}
    assert values["resplit_lost"] == pytest.approx(loss.lost_w / 1_000)
    assert values["resplit_forgone"]
    assert loss.site_id not in loss.resplit


def test_what_the_dead_site_did_unseen_is_not_delivered(chain: Chain) -> None:
    (loss, *_) = chain.of_kind(Loss)
    unseen = [
        delivery.sites[loss.site_id]
        for delivery in chain.of_kind(Delivery, product_id=EVENT)
        if delivery.interval.start > loss.at and loss.site_id in delivery.sites
    ]
    assert any(energy.quality != "good" for energy in unseen)


def test_every_command_was_answered_and_every_started_one_read_back(chain: Chain) -> None:
    receipts: dict[tuple[str, int], set[ReceiptStatus]] = {}
    for receipt in chain.of_kind(CommandReceipt):
        receipts.setdefault((receipt.command_id, receipt.revision), set()).add(receipt.status)
    commands = chain.of_kind(Command)
    answered = [command for command in commands if (command.command_id, command.revision) in receipts]
    assert len(answered) >= len(commands) - 1, "only what was sent to the dead gateway may be unanswered"
    assert any(ReceiptStatus.STARTED in found for found in receipts.values())
    assert all(ReceiptStatus.FAILED not in found for found in receipts.values())


def test_all_gateways_answered_the_dip_and_the_response_is_measured(day: Day) -> None:
    curves = day.data.frequency
    assert curves is not None
    assert curves.sites == SITES
    assert min(curves.frequency_hz) == pytest.approx(59.5, abs=0.01)
    assert max(curves.measured_w) >= 0.95 * max(curves.demanded_w) > 0.0
    assert abs(curves.measured_w[-1]) < 0.05 * max(curves.measured_w)


def test_the_report_is_complete_and_stands_alone(day: Day) -> None:
    page = render_report(day.data)
    assert page.count("<svg") >= 5
    assert "http://" not in page.replace("http://www.w3.org", "")
    for book in day.data.scorecard.books:
        assert book.trace_id in page
    assert len(day.data.statements) == SITES
    for statement in day.data.statements:
        assert (day.out / statement.href).read_text("utf-8").startswith("<!")


def test_another_seed_is_another_day(day: Day, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = play_day(tmp_path_factory.mktemp("other"), seed=1)
    assert other.document() != day.document()
    assert other.data.scorecard.conserved


def test_no_record_points_to_one_that_came_after_it(chain: Chain) -> None:
    records: list[Record] = [*chain.of_kind(Settlement), *chain.of_kind(Payment), *chain.of_kind(Command)]
    for record in records:
        assert all(chain.get(link).at <= record.at for link in record.predecessors)
