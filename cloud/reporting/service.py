"""The scorecard as a service: computes every figure of a day from its records, and publishes it once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta

from cloud.chain.records import Figure
from cloud.chain.store import Chain
from cloud.markets.catalogue import Catalogue
from cloud.payout.ledger import Ledger
from cloud.reporting.before_delivery import bids, growth, onboarding, opportunities, optimisation
from cloud.reporting.computed import Computed
from cloud.reporting.day_records import DayRecords, enrolled_before, gather
from cloud.reporting.definitions import KPIS
from cloud.reporting.delivery import (
    baseline_figures,
    dispatch_figures,
    latency_figures,
    loss_figures,
    performance_figures,
    settlement_figures,
)
from cloud.reporting.measured import availability, forecast_figures
from cloud.reporting.money import conservation, payment_figures, report_accuracy
from cloud.settlement.baselining import RuleQuality
from cloud.telemetry.store import TelemetryStore
from vpp_core.interval import Interval

GROWTH_DAYS = 30


class ReportingService:
    """All figures of one operator.

    Args:
        chain: the chain of record.
        ledger: the books.
        telemetry: power and state of charge as measured.
        catalogue: products by version.
        rule_quality: gives the placebo test of a day's baseline rules.
        zone: local zone of delivery days.
        notes: what this installation adds to the note of a figure, by KPI.
    """

    def __init__(  # noqa: PLR0913 - the parts of a stage, named at the one place that wires them
        self,
        *,
        chain: Chain,
        ledger: Ledger,
        telemetry: TelemetryStore,
        catalogue: Catalogue,
        rule_quality: Callable[[date], Sequence[RuleQuality]],
        zone: str,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        self._chain = chain
        self._ledger = ledger
        self._telemetry = telemetry
        self._catalogue = catalogue
        self._rule_quality = rule_quality
        self._zone = zone
        self._notes = notes or {}

    def publish(self, day: date) -> list[Figure]:
        """Every figure of a delivery day, in the order of the definitions.

        A figure that did not change since it was last published is not published again; one that did
        is a new revision that follows from the old one.
        """
        known = self._newest(day)
        found = {figure.kpi: figure for figure in self.compute(day)}
        return [self._publish(found[kpi], known.get(kpi), day) for kpi in KPIS]

    def figures(self, day: date) -> list[Figure]:
        """The newest published figures of a day, in the order of the definitions."""
        known = self._newest(day)
        return [known[kpi] for kpi in KPIS if kpi in known]

    def compute(self, day: date) -> list[Computed]:
        """Every figure, from the records as they are now; records nothing."""
        records = gather(self._chain, self._catalogue, day, self._zone)
        turnover = self._ledger.turnover(day)
        return [
            *onboarding(records),
            growth(records, enrolled_before(self._chain, _earlier(records))),
            *forecast_figures(records, self._telemetry),
            availability(records, self._telemetry),
            *opportunities(records),
            *bids(records),
            *optimisation(records),
            *dispatch_figures(records),
            *latency_figures(records),
            *loss_figures(records),
            *performance_figures(records),
            *baseline_figures(records, self._rule_quality(day)),
            *settlement_figures(records),
            *payment_figures(records),
            report_accuracy(records, turnover),
            *conservation(records, turnover),
        ]

    def _publish(self, found: Computed, known: Figure | None, day: date) -> Figure:
        definition = KPIS[found.kpi]
        note = "; ".join(part for part in (found.note, self._notes.get(found.kpi, "")) if part)
        revises = () if known is None else (known.id,)
        if known is not None and (known.value, known.note) == (found.value, note):
            return known
        return self._chain.append(
            Figure(
                id=self._chain.new_id(),
                at=self._chain.now(),
                predecessors=(*found.records, *revises),
                kpi=found.kpi,
                stage=definition.stage,
                label=definition.label,
                value=found.value,
                unit=definition.unit,
                definition=definition.formula,
                note=note,
                day=day,
            )
        )

    def _newest(self, day: date) -> dict[str, Figure]:
        return {figure.kpi: figure for figure in self._chain.of_kind(Figure, day=day)}


def _earlier(records: DayRecords) -> Interval:
    return Interval(records.span.end - timedelta(days=GROWTH_DAYS), records.span.end)
