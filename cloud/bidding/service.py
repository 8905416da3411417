"""Stage 4, the shell: plan the day, offer the plan, collect the awards, and plan again to keep them.

Electric vehicles are not scheduled: their charging is the owner's. PV is taken as it is forecast.
"""

from collections.abc import Callable, Mapping
from datetime import date

from cloud.bidding.lp import SOLVER, solve
from cloud.bidding.market_day import DayPrices, MarketDay
from cloud.bidding.objective import worth
from cloud.bidding.offers import Quote, energy_quotes, reserve_quotes
from cloud.bidding.position import by_interval, position, sold
from cloud.bidding.problem import PlanProblem, PlanSolution
from cloud.chain.faults import NotReady
from cloud.chain.records import Award, Offer, Opportunity, Plan
from cloud.chain.store import Chain
from cloud.forecasting.fleet import Readings
from cloud.markets.adapter import MarketAdapter, MarketAward
from cloud.markets.catalogue import ENERGY, RESERVE, Catalogue, Product
from cloud.markets.costs import FleetCosts
from vpp_core.clock import cpu_s
from vpp_core.faults import CounterpartyFault
from vpp_core.ids import ProductId, RecordId
from vpp_core.interval import Interval
from vpp_core.money import Price

DAY_AHEAD = "day-ahead"
POST_AWARD = "post-award"


class BiddingService:
    """Plans and trades a local market day for the sites of the market book.

    Args:
        chain: the chain of record.
        market: where offers go.
        catalogue: the products.
        readings: newest telemetry, for the stored energy.
        costs: what delivering costs.
        timer_s: counts seconds for the plan's own duration; a repeatable run gives one that stands still.
    """

    def __init__(
        self,
        chain: Chain,
        market: MarketAdapter,
        catalogue: Catalogue,
        readings: Readings,
        *,
        costs: FleetCosts | None = None,
        timer_s: Callable[[], float] = cpu_s,
    ) -> None:
        self._chain = chain
        self._market = market
        self._catalogue = catalogue
        self._readings = readings
        self._costs = costs or FleetCosts()
        self._timer_s = timer_s

    async def plan_and_offer(self, day: date) -> tuple[Plan, list[Offer]]:
        """Plan the day on expected prices and hand the offers in; repeated, the same offers again.

        Raises:
            NotReady: the day has no forecast, its opportunities are not valued, or the gate is closed.
            CounterpartyFault: the market refused or did not answer.
            PlanFault: the planner found no plan.
        """
        offers = self._recorded_offers(day)
        if not offers:
            self._chain.append_all(self._plan_and_quote(day))
            offers = self._recorded_offers(day)
        await self._market.submit(offers)
        plan = self._chain.latest(Plan, purpose=DAY_AHEAD, horizon=self._horizon(day))
        if plan is None:
            raise NotReady(f"The plan of {day} is missing; plan the day again.")
        return plan, offers

    async def collect_awards(self, day: date) -> list[Award]:
        """One award for each offer of the day, zero where it lost; repeated, the same awards again.

        Raises:
            NotReady: nothing was offered, or the market has not published its results.
            CounterpartyFault: the market's awards do not fit the offers, or it did not answer.
        """
        offers = {offer.market_reference: offer for offer in self._recorded_offers(day)}
        if not offers:
            raise NotReady(f"Nothing was offered for {day}; plan the day and offer it first.")
        if known := self._recorded_awards(day):
            return known
        published = await self._market.awards(day)
        if published is None:
            raise NotReady(f"The {self._market.name} has no results for {day} yet; ask again later.")
        won = {award.reference: award for award in published}
        fits = len(won) == len(published) and set(won) == set(offers)
        if not fits or not all(_fits(offer, won[key]) for key, offer in offers.items()):
            raise CounterpartyFault(
                f"The {self._market.name} published awards for {day} that do not fit our {len(offers)} "
                "offers; clear it up with the market before anything is dispatched."
            )
        awards = [self._award(offer, won[reference]) for reference, offer in offers.items()]
        self._chain.append_all(awards)
        return awards

    async def replan(self, day: date) -> Plan:
        """A plan that keeps what was awarded, at the least cost of deviation and wear; appended.

        Raises:
            NotReady: the awards are not collected or the prices not published.
            CounterpartyFault: the market did not answer.
            PlanFault: the planner found no plan.
        """
        start = MarketDay.load(self._chain, self._catalogue, day)
        awards = self._recorded_awards(day)
        if not awards and self._recorded_offers(day):
            raise NotReady(f"The awards of {day} are not collected; collect them first.")
        prices = DayPrices(
            await self._cleared(start.energy, start), await self._cleared(start.reserve, start)
        )
        energy_wh, reserve_w = (sold(awards, product, start.intervals) for product in (ENERGY, RESERVE))
        owed = position(start.energy, energy_wh, reserve_w, prices.energy)
        problem = start.problem(prices, self._costs, self._readings, self._chain.now(), owed)
        links = (start.forecast.id, *(award.id for award in awards))
        plan, _ = self._solved(start, problem, prices, POST_AWARD, links)
        return self._chain.append(plan)

    def plans(self) -> list[Plan]:
        return self._chain.of_kind(Plan)

    def offers(self) -> list[Offer]:
        return self._chain.of_kind(Offer)

    def awards(self) -> list[Award]:
        return self._chain.of_kind(Award)

    def _plan_and_quote(self, day: date) -> list[Plan | Offer]:
        start = MarketDay.load(self._chain, self._catalogue, day)
        gate = start.energy.gate_closes_at(day)
        if gate is not None and self._chain.now() >= gate:
            raise NotReady(f"The gate for {day} closed at {gate.isoformat()}; offer for a later day.")
        valued = self._opportunities(start)
        energy, reserve = (
            [valued[product.id, piece].expected_price for piece in start.intervals]
            for product in (start.energy, start.reserve)
        )
        prices = DayPrices(energy, reserve)
        problem = start.problem(prices, self._costs, self._readings, self._chain.now())
        links = (start.forecast.id, *(row.id for row in valued.values()))
        plan, solution = self._solved(start, problem, prices, DAY_AHEAD, links)
        quotes = {
            ENERGY: energy_quotes(start.energy, problem, solution, energy),
            RESERVE: reserve_quotes(start.reserve, solution, self._costs.reserve_holding),
        }
        offers = [
            self._offer(plan, valued[product_id, start.intervals[quote.step]], quote)
            for product_id, rows in quotes.items()
            for quote in rows
        ]
        return [plan, *offers]

    def _solved(
        self,
        start: MarketDay,
        problem: PlanProblem,
        prices: DayPrices,
        purpose: str,
        predecessors: tuple[RecordId, ...],
    ) -> tuple[Plan, PlanSolution]:
        begun_s = self._timer_s()
        solution = solve(problem)
        solve_s = self._timer_s() - begun_s
        plan = Plan(
            id=self._chain.new_id(),
            at=self._chain.now(),
            predecessors=predecessors,
            purpose=purpose,
            horizon=start.horizon,
            step_s=problem.step_s,
            devices=start.device_plans(problem, solution),
            objective=worth(problem, solution, prices.energy, prices.reserve, start.energy, self._costs),
            solver=SOLVER,
            status="optimal, with relaxations" if solution.relaxed else "optimal",
            gap=solution.gap,
            solve_s=solve_s,
            binding=(*solution.relaxed, *solution.binding),
        )
        return plan, solution

    def _opportunities(self, start: MarketDay) -> Mapping[tuple[ProductId, Interval], Opportunity]:
        """The newest valuation of both products in every interval, in order of product and time."""
        rows = self._chain.of_kind(Opportunity, during=start.horizon)
        newest = {(row.product_id, row.interval): row for row in rows}
        wanted = [(product, piece) for product in (ENERGY, RESERVE) for piece in start.intervals]
        if not all(key in newest for key in wanted):
            raise NotReady(f"The opportunities of {start.day} are not valued; value them first, then plan.")
        return {key: newest[key] for key in wanted}

    async def _cleared(self, product: Product, start: MarketDay) -> list[Price]:
        published = await self._market.prices(product.id, start.horizon)
        prices = by_interval(start.intervals, {row.interval: row.price for row in published})
        if prices is None:
            raise NotReady(f"The {self._market.name} has no prices of {start.day} yet; ask again later.")
        return prices

    def _offer(self, plan: Plan, opportunity: Opportunity, quote: Quote) -> Offer:
        offer_id = self._chain.new_id()
        return Offer(
            id=offer_id,
            at=self._chain.now(),
            predecessors=(plan.id, opportunity.id),
            product_id=opportunity.product_id,
            interval=opportunity.interval,
            side=quote.side,
            quantity_wh=quote.quantity_wh,
            limit_price=quote.limit_price,
            market_reference=offer_id,
        )

    def _award(self, offer: Offer, won: MarketAward) -> Award:
        return Award(
            id=self._chain.new_id(),
            at=self._chain.now(),
            predecessors=(offer.id,),
            product_id=offer.product_id,
            interval=offer.interval,
            side=offer.side,
            quantity_wh=won.quantity_wh,
            clearing_price=won.clearing_price,
        )

    def _horizon(self, day: date) -> Interval:
        return self._catalogue.at(ENERGY, day).delivery_day(day)

    def _recorded_offers(self, day: date) -> list[Offer]:
        return self._chain.of_kind(Offer, during=self._horizon(day))

    def _recorded_awards(self, day: date) -> list[Award]:
        return self._chain.of_kind(Award, during=self._horizon(day))


def _fits(offer: Offer, award: MarketAward) -> bool:
    same = (award.product_id, award.interval, award.side) == (offer.product_id, offer.interval, offer.side)
    return same and 0 <= award.quantity_wh <= offer.quantity_wh
