"""Stage 6 as a service: measure, compare with the baseline, settle, reconcile with the counterparties.

Every step is repeatable: what is recorded already is returned, and nothing is added.
"""

from collections.abc import Sequence
from datetime import date

from cloud.chain.records import Baseline, Delivery, Invoice, Settlement
from cloud.chain.store import Chain
from cloud.markets.adapter import MarketAdapter
from cloud.markets.catalogue import Catalogue
from cloud.settlement.assessment import Assessment, Measured, assess
from cloud.settlement.baselining import Baselining, RuleQuality, baselines_of
from cloud.settlement.evidence import Due, due_on, events_due
from cloud.settlement.history import HistorySource, span
from cloud.settlement.metering import EventSource, Metering, deliveries
from cloud.settlement.reconciliation import Reconciliation, Settled, UtilityAccount
from cloud.settlement.rules import RuleBook, load_rules
from cloud.telemetry.store import TelemetryStore
from vpp_core.ids import RecordId


class SettlementService:
    """All of stage 6 for one operator.

    Args:
        chain: the chain of record.
        telemetry: counters of devices and meters.
        events: fast events that gateways recorded.
        history: interval history of the sites' meters, for baselines.
        catalogue: products by version.
        market: the day-ahead market's adapter.
        utility: our account with the utility.
        rules: baseline and event rules; those of the package by default.
    """

    def __init__(  # noqa: PLR0913 - the parts of a stage, named at the one place that wires them
        self,
        *,
        chain: Chain,
        telemetry: TelemetryStore,
        events: EventSource,
        history: HistorySource,
        catalogue: Catalogue,
        market: MarketAdapter,
        utility: UtilityAccount,
        rules: RuleBook | None = None,
    ) -> None:
        self._chain = chain
        self._catalogue = catalogue
        self._rules = rules or load_rules()
        self._metering = Metering(chain, catalogue, telemetry, events)
        self._baselining = Baselining(chain, catalogue, telemetry, history, self._rules)
        self._reconciliation = Reconciliation(chain, market, utility)

    def measure(self, day: date) -> list[Delivery]:
        """What was delivered for every commitment of a local day."""
        return self._metering.measure(day)

    def baseline(self, day: date) -> list[Baseline]:
        """The baselines of the day's utility events, once they are measured."""
        return self._baselining.baseline(day)

    def rule_quality(self, day: date) -> list[RuleQuality]:
        """The placebo test of each baseline rule that the day is settled by."""
        return self._baselining.quality(day)

    def settle(self, day: date) -> list[Settlement]:
        """Measure what is not measured yet, and settle every commitment of a local day."""
        return [settled.settlement for settled in self._settled(day)]

    def recorded(self, day: date) -> list[Settlement]:
        """The settlements of a local day that are recorded; computes nothing."""
        due = self._due(day)
        measured, known = deliveries(self._chain, due), self._settlements(due)
        return [known[delivery.id] for delivery in measured.values() if delivery.id in known]

    async def submit_meter_data(self, day: date) -> None:
        """Hand the day's meter data to the counterparties; a repetition replaces it.

        Raises:
            CounterpartyFault: a counterparty did not take it.
        """
        await self._reconciliation.submit(self._settled(day), events_due(self._chain, self._due(day)))

    async def invoices(self, day: date) -> list[Invoice]:
        """The counterparties' own statements of a day, by book, beside what ours come to.

        Raises:
            CounterpartyFault: a statement is not there, or in another currency.
        """
        settled = self._settled(day)
        return await self._reconciliation.invoices(day, settled, events_due(self._chain, self._due(day)))

    def _due(self, day: date) -> list[Due]:
        return due_on(self._chain, self._catalogue, day)

    def _settled(self, day: date) -> list[Settled]:
        self.measure(day)
        self.baseline(day)
        due = self._due(day)
        measured = deliveries(self._chain, due)
        baselines = baselines_of(self._chain, list(measured.values()))
        known = self._settlements(due)
        settled: list[Settled] = []
        for each in due:
            delivery = measured[each.commitment.id]
            of = Measured(each.commitment, delivery, baselines.get(delivery.id))
            settlement = known.get(delivery.id) or self._record(of, assess(each.product, of, self._rules))
            settled.append(Settled(each.product, of, settlement))
        return settled

    def _settlements(self, due: Sequence[Due]) -> dict[RecordId, Settlement]:
        """The recorded settlements by delivery."""
        if not due:
            return {}
        whole = span(each.commitment.interval for each in due)
        return {
            predecessor: settlement
            for settlement in self._chain.of_kind(Settlement, during=whole)
            for predecessor in settlement.predecessors
        }

    def _record(self, of: Measured, assessment: Assessment) -> Settlement:
        commitment = of.commitment
        baseline = (of.baseline.id,) if of.baseline else ()
        return self._chain.append(
            Settlement(
                id=self._chain.new_id(),
                at=self._chain.now(),
                predecessors=(of.delivery.id, *baseline),
                product_id=commitment.product_id,
                program_id=commitment.program_id,
                book=commitment.book,
                interval=commitment.interval,
                rule=assessment.rule,
                lines=assessment.lines,
                net=assessment.net,
                sites=assessment.sites,
            )
        )
