"""The scorecard's figures: what each one is called, its unit, and the formula that everybody agrees on."""

from typing import NamedTuple


class Definition(NamedTuple):
    stage: int
    """Stage of the value stream, 1 enrollment .. 7 payout."""
    label: str
    unit: str
    formula: str


_DAY = "of the delivery day"
KPIS: dict[str, Definition] = {
    "onboarding_median": Definition(
        1, "Onboarding, median", "d", "median over enrolled sites of first enrolled at - applied at"
    ),
    "onboarding_p90": Definition(
        1,
        "Onboarding, 90th percentile",
        "d",
        "90th percentile (nearest rank) of first enrolled at - applied at",
    ),
    "portfolio_growth": Definition(
        1, "Portfolio growth in 30 days", "MW", "battery MW enrolled at the day's end - 30 days earlier"
    ),
    "forecast_mae": Definition(
        2, "Forecast error", "MW", "mean |forecast - measured| of PV and house load of all sites together"
    ),
    "forecast_nmae": Definition(
        2, "Forecast error, normalised", "%", "sum |forecast - measured| / sum |measured|"
    ),
    "forecast_to_persistence": Definition(
        2,
        "Forecast error to persistence",
        "ratio",
        "error of the forecast / error of the same time yesterday",
    ),
    "forecast_bias": Definition(2, "Forecast bias", "MW", "mean of forecast - measured, injection positive"),
    "forecast_coverage": Definition(
        2, "Coverage of the 80 % band", "%", "measured steps inside their own 10-90 % band / measured steps"
    ),
    "availability": Definition(
        2,
        "Available of enrolled",
        "%",
        "time-weighted battery MW that could inject for 15 min above the owner's reserve / enrolled",
    ),
    "opportunity_value": Definition(
        3, "Value of opportunities", "USD", "sum of the expected value of what was worth bidding"
    ),
    "opportunity_captured": Definition(
        3, "Captured of it", "%", "settled net of the products bid / value of opportunities"
    ),
    "bid_to_win_energy": Definition(4, "Energy bids won", "%", "cleared MWh / offered MWh"),
    "bid_to_win_reserve": Definition(4, "Reserve bids won", "%", "cleared MW-h / offered MW-h"),
    "bid_to_win_count": Definition(4, "Bids won by number", "%", "offers with an award / offers"),
    "optimisation_p50": Definition(
        4, "Optimisation time, median", "s", "median wall time from frozen inputs to a feasible plan"
    ),
    "optimisation_max": Definition(
        4, "Optimisation time, longest", "s", "longest wall time from frozen inputs to a feasible plan"
    ),
    "optimisation_gap": Definition(
        4, "Optimality gap, largest", "%", "largest proven gap of the day's plans"
    ),
    "bid_value_offered": Definition(
        4, "Bid value at offer", "USD", "sum of offered quantity x limit price; purchases negative"
    ),
    "bid_value_cleared": Definition(
        4, "Bid value at clearing", "USD", "sum of cleared quantity x clearing price; purchases negative"
    ),
    "dispatch_accuracy_event": Definition(
        5, "Dispatch accuracy, event", "%", "1 - sum |delivered - committed| / sum |committed|, floor 0"
    ),
    "dispatch_accuracy_market": Definition(
        5, "Dispatch accuracy, market", "%", "1 - sum |metered - awarded| / sum |awarded| by hour, floor 0"
    ),
    "dispatch_within_5pct": Definition(
        5, "Intervals within 5 %", "%", "intervals with |delivered - committed| <= 5 % of it / intervals"
    ),
    "signal_latency_p50": Definition(
        5, "Signal latency, median", "s", "gateway's first acceptance - arrival of the utility's signal"
    ),
    "signal_latency_p95": Definition(
        5, "Signal latency, p95", "s", "gateway's first acceptance - arrival of the utility's signal"
    ),
    "start_latency_p50": Definition(
        5, "Start latency, median", "s", "set-point read back - start of its step (or its order, if later)"
    ),
    "start_latency_p95": Definition(
        5, "Start latency, p95", "s", "set-point read back - start of its step (or its order, if later)"
    ),
    "resplit_lost": Definition(5, "Lost in events", "kW", "power of sites that dropped out"),
    "resplit_taken_over": Definition(5, "Taken over by others", "kW", "power that remaining sites took over"),
    "resplit_unserved": Definition(5, "Left unserved", "kW", "lost power that nobody could take over"),
    "resplit_forgone": Definition(
        5,
        "Pay forgone by lost sites",
        "USD",
        "energy that lost sites were planned to deliver after the loss and did not x the event's pay",
    ),
    "shortfall_penalty": Definition(
        6, "Penalty for shortfall", "USD", "sum of the penalty lines of the day's events"
    ),
    "performance_reserve": Definition(
        6, "Performance of reserve", "0..1", "scores of the hours, weighted by the reserve held"
    ),
    "performance_event": Definition(
        6, "Performance in events", "0..1", "delivered / committed energy of the events, within 0..1"
    ),
    "baseline_bias": Definition(
        6, "Baseline bias on placebo days", "%", "sum (baseline - metered consumption) / sum |metered|"
    ),
    "baseline_cvrmse": Definition(
        6, "Baseline error on placebo days", "%", "root mean square error of the aggregate / its mean size"
    ),
    "settlement_value": Definition(
        6, "Settlement value", "USD", f"counterparties' statements {_DAY}, after penalties"
    ),
    "settlement_accuracy": Definition(
        6, "Settlement accuracy", "%", "1 - sum |ours - the counterparty's| / sum |the counterparty's|"
    ),
    "on_time_count": Definition(
        7, "Payments on time by number", "%", "payments with value date <= due date / payments"
    ),
    "on_time_amount": Definition(
        7, "Payments on time by amount", "%", "amount paid by its due date / amount paid"
    ),
    "paid_to_owners": Definition(7, "Paid to owners", "USD", f"sum of the owners' payments {_DAY}"),
    "operator_margin": Definition(
        7, "Kept by the operator", "USD", "operator's fees less the losses that it bears, from the ledger"
    ),
    "report_accuracy": Definition(
        7, "Statements that match the ledger", "%", "statements equal to the ledger to the cent / statements"
    ),
    "money_conserved": Definition(
        7,
        "Money unaccounted for",
        "USD",
        "statements - payments - carried forward + brought forward - operator's part; must be 0",
    ),
}
