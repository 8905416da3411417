"""Computes the baseline of each utility event of a day, records it once, and says how good the rule is."""

from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cloud.chain.records import Baseline, Delivery
from cloud.chain.store import Chain
from cloud.markets.catalogue import Catalogue, Product
from cloud.settlement.baselines import BaselineResult, Calendar, compute
from cloud.settlement.days import History, NoBaseline, Window
from cloud.settlement.evidence import EventDue, due_on, event_days, events_due, sites_of
from cloud.settlement.history import HistorySource, good_steps, metered_days, span
from cloud.settlement.measurement import devices_of
from cloud.settlement.metering import deliveries
from cloud.settlement.placebo import Placebo, placebo
from cloud.settlement.rules import BaselineRule, RuleBook
from cloud.telemetry.store import TelemetryStore
from vpp_core.der import DerKind
from vpp_core.ids import DerId, RecordId, SiteId
from vpp_core.interval import Interval


class RuleQuality(NamedTuple):
    """The placebo test of the rule that an event is settled by; nothing where history is too short."""

    event_id: str
    rule: str
    placebo: Placebo | None


class Baselining:
    def __init__(
        self,
        chain: Chain,
        catalogue: Catalogue,
        telemetry: TelemetryStore,
        history: HistorySource,
        rules: RuleBook,
    ) -> None:
        self._chain = chain
        self._catalogue = catalogue
        self._telemetry = telemetry
        self._history = history
        self._rules = rules

    def baseline(self, day: date) -> list[Baseline]:
        """The baselines of the day's measured event intervals; computed once, then kept.

        Where a baseline cannot be computed, one without sites is recorded and says why: nothing that
        is delivered above an unknown baseline is paid.
        """
        due = due_on(self._chain, self._catalogue, day)
        measured = deliveries(self._chain, due)
        known = baselines_of(self._chain, list(measured.values()))
        found: list[Baseline] = []
        for event in events_due(self._chain, due):
            pairs = [(each, measured.get(each.commitment.id)) for each in event.due]
            if any(delivery is not None and delivery.id not in known for _, delivery in pairs):
                result = self._compute(event, day)
                for _, delivery in pairs:
                    if delivery is not None and delivery.id not in known:
                        known[delivery.id] = self._record(delivery, event, result, day)
            found.extend(known[delivery.id] for _, delivery in pairs if delivery is not None)
        return found

    def quality(self, day: date) -> list[RuleQuality]:
        """How the baseline rule of each event of the day does on earlier days without an event."""
        found: list[RuleQuality] = []
        for event in events_due(self._chain, due_on(self._chain, self._catalogue, day)):
            rule, product = self._rule(event, day), event.due[0].product
            try:
                window = Window.of(event.interval, ZoneInfo(product.zone), product.interval_s)
            except NoBaseline:
                result = None
            else:
                result = placebo(rule, self._load(event, rule, day), window, self._calendar(event))
            found.append(RuleQuality(event.event_id, rule.label, result))
        return found

    def _compute(self, event: EventDue, day: date) -> BaselineResult | str:
        product, rule = event.due[0].product, self._rule(event, day)
        zone = ZoneInfo(product.zone)
        meters = self._meters(event)
        try:
            window = Window.of(event.interval, zone, product.interval_s)
            steps = self._telemetry.energy(
                list(meters.values()), product.delivery_day(day), product.interval_s
            )
            actual = good_steps(steps, meters, zone, product.interval_s)
            return compute(rule, self._load(event, rule, day), actual, window, self._calendar(event))
        except NoBaseline as reason:
            return str(reason)

    def _record(
        self, delivery: Delivery, event: EventDue, result: BaselineResult | str, day: date
    ) -> Baseline:
        product = event.due[0].product
        if isinstance(result, str):
            sites, adjustment = {}, f"no baseline: {result}"
        else:
            step = Window.of(delivery.interval, ZoneInfo(product.zone), product.interval_s).steps.start
            sites = {site: steps[step] for site, steps in result.sites.items()}
            adjustment = result.adjustment.reason
        return self._chain.append(
            Baseline(
                id=self._chain.new_id(),
                at=self._chain.now(),
                predecessors=(delivery.id,),
                interval=delivery.interval,
                product_id=product.id,
                rule=self._rule(event, day).label,
                sites=sites,
                adjustment=adjustment,
            )
        )

    def _rule(self, event: EventDue, day: date) -> BaselineRule:
        return self._rules.baseline_rule(self._rules.event_rule(event.due[0].product.id, day).baseline, day)

    def _calendar(self, event: EventDue) -> Calendar:
        first = event.due[0]
        return Calendar(
            event_days(self._chain, first.product, first.commitment.program_id), self._rules.holidays
        )

    def _meters(self, event: EventDue) -> dict[SiteId, DerId]:
        sites = sites_of(self._chain, event.due[0].commitment.program_id)
        return {site: ders[0] for site, ders in devices_of(sites, (DerKind.METER,)).items() if ders}

    def _load(self, event: EventDue, rule: BaselineRule, day: date) -> History:
        product: Product = event.due[0].product
        midnight = product.delivery_day(day).start
        back = Interval(midnight - timedelta(days=rule.lookback_days + 1), midnight)
        found: dict[SiteId, dict[date, dict[int, int]]] = {}
        for site in self._meters(event):
            history = self._history.load(site, back)
            if history is not None:
                found[site] = metered_days(history, ZoneInfo(product.zone), product.interval_s)
        return found


def baselines_of(chain: Chain, measured: list[Delivery]) -> dict[RecordId, Baseline]:
    """The recorded baselines by delivery."""
    if not measured:
        return {}
    whole = span(delivery.interval for delivery in measured)
    return {
        predecessor: baseline
        for baseline in chain.of_kind(Baseline, during=whole)
        for predecessor in baseline.predecessors
    }
