"""What a plan is worth, in exact money at given prices. Pure."""

from collections.abc import Sequence

from cloud.bidding.problem import PlanProblem, PlanSolution
from cloud.markets.catalogue import Product
from cloud.markets.costs import FleetCosts
from vpp_core.money import Money, Price, zero


def worth(
    problem: PlanProblem,
    solution: PlanSolution,
    energy_prices: Sequence[Price],
    reserve_prices: Sequence[Price],
    energy: Product,
    costs: FleetCosts,
) -> Money:
    """Sales and reserve less wear; once sold, the position at its price and deviations at theirs."""
    net_w = solution.setpoint_w.sum(axis=0) + problem.pv_w
    net_wh = [round(power_w * problem.step_h) for power_w in net_w.tolist()]
    held_w = [round(power_w * problem.step_h) for power_w in solution.reserve_w.sum(axis=0).tolist()]
    discharged_wh = round(float(solution.setpoint_w.clip(min=0.0).sum()) * problem.step_h)
    total = zero() - costs.wear.of(discharged_wh)
    for step, price in enumerate(energy_prices):
        total += reserve_prices[step].of(held_w[step])
        if problem.position is None:
            total += price.of(net_wh[step])
        else:
            owed_wh = round(float(problem.position.energy_wh[step]))
            deviation_wh = net_wh[step] - owed_wh
            total += price.of(owed_wh) + energy.deviation_price(price, deviation_wh).of(deviation_wh)
    return total
