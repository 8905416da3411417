"""Safety outranks money: the order of arbitration, and that a later rule only narrows."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.arbiter import Claim, Rule, arbitrate, at
from vpp_core.envelope import UNBOUNDED_W, Envelope

ALLOWED = Envelope(-4_000.0, 5_000.0)


def floor(rule: Rule, low_w: float) -> Claim:
    return Claim(rule, Envelope(low_w, UNBOUNDED_W))


def ceiling(rule: Rule, high_w: float) -> Claim:
    return Claim(rule, Envelope(-UNBOUNDED_W, high_w))


@pytest.mark.parametrize(
    ("claims", "own_w", "setpoint_w", "rule"),
    [
        pytest.param([], 0.0, None, Rule.OWNER, id="nobody-speaks-so-the-device-is-the-owners"),
        pytest.param(
            [at(Rule.MARKET, 1_000.0)], 0.0, 1_000.0, Rule.MARKET, id="a-market-schedule-is-followed"
        ),
        pytest.param(
            [at(Rule.MARKET, 9_000.0)], 0.0, 5_000.0, Rule.PROTECTION, id="protection-bounds-a-schedule-above"
        ),
        pytest.param(
            [at(Rule.MARKET, -9_000.0)],
            0.0,
            -4_000.0,
            Rule.PROTECTION,
            id="protection-bounds-a-schedule-below",
        ),
        pytest.param(
            [at(Rule.MARKET, 5_000.0)],
            0.0,
            5_000.0,
            Rule.MARKET,
            id="a-schedule-at-the-limit-is-its-own-word",
        ),
        pytest.param(
            [at(Rule.MARKET, -3_000.0), at(Rule.EVENT, 2_000.0)],
            0.0,
            2_000.0,
            Rule.EVENT,
            id="an-event-outranks-the-market",
        ),
        pytest.param(
            [at(Rule.EVENT, 2_000.0), at(Rule.EMERGENCY, -500.0)],
            0.0,
            -500.0,
            Rule.EMERGENCY,
            id="an-emergency-outranks-an-event",
        ),
        pytest.param(
            [at(Rule.EMERGENCY, -500.0), at(Rule.FREQUENCY_RESPONSE, 1_500.0)],
            0.0,
            1_500.0,
            Rule.FREQUENCY_RESPONSE,
            id="a-contracted-response-outranks-an-emergency",
        ),
        pytest.param(
            [at(Rule.FREQUENCY_RESPONSE, 500.0), floor(Rule.GRID_CODE, 800.0)],
            0.0,
            800.0,
            Rule.GRID_CODE,
            id="the-grid-codes-floor-lifts-a-response",
        ),
        pytest.param(
            [at(Rule.FREQUENCY_RESPONSE, 1_500.0), floor(Rule.GRID_CODE, 800.0)],
            0.0,
            1_500.0,
            Rule.FREQUENCY_RESPONSE,
            id="a-response-above-the-floor-stands",
        ),
        pytest.param(
            [at(Rule.MARKET, 3_000.0), ceiling(Rule.GRID_CODE, 1_000.0)],
            0.0,
            1_000.0,
            Rule.GRID_CODE,
            id="the-grid-codes-ceiling-bounds-the-market",
        ),
        pytest.param(
            [floor(Rule.GRID_CODE, 800.0)], 0.0, 800.0, Rule.GRID_CODE, id="a-floor-lifts-an-idle-battery"
        ),
        pytest.param(
            [ceiling(Rule.GRID_CODE, 2_000.0)],
            UNBOUNDED_W,
            2_000.0,
            Rule.GRID_CODE,
            id="a-ceiling-curtails-pv",
        ),
        pytest.param(
            [ceiling(Rule.GRID_CODE, -9_000.0)],
            0.0,
            -4_000.0,
            Rule.PROTECTION,
            id="even-the-grid-code-cannot-pass-protection",
        ),
        pytest.param(
            [floor(Rule.GRID_CODE, -100.0)],
            0.0,
            None,
            Rule.OWNER,
            id="a-floor-that-does-not-bind-commands-nothing",
        ),
        pytest.param(
            [at(Rule.EVENT, 5_000.0)],
            UNBOUNDED_W,
            5_000.0,
            Rule.EVENT,
            id="a-limit-at-full-power-is-still-written",
        ),
    ],
)
def test_the_order_of_arbitration(
    claims: list[Claim], own_w: float, setpoint_w: float | None, rule: Rule
) -> None:
    for order in itertools.permutations(claims):
        decision = arbitrate(ALLOWED, order, own_w)
        assert (decision.setpoint_w, decision.rule) == (setpoint_w, rule)
        assert decision.allowed == ALLOWED


POWERS_W = st.floats(-10_000.0, 10_000.0)
RANGES = st.tuples(POWERS_W, POWERS_W).map(lambda ends: Envelope(min(ends), max(ends)))
CLAIMS = st.builds(
    Claim, st.sampled_from([rule for rule in Rule if Rule.PROTECTION < rule < Rule.OWNER]), RANGES
)


@given(RANGES, st.lists(CLAIMS, max_size=5), POWERS_W)
def test_no_rule_widens_protection(allowed: Envelope, claims: list[Claim], own_w: float) -> None:
    setpoint_w = arbitrate(allowed, claims, own_w).setpoint_w
    assert setpoint_w is None or allowed.contains(setpoint_w)


@given(RANGES, st.lists(CLAIMS, min_size=1, max_size=4, unique_by=lambda claim: claim.rule), CLAIMS, POWERS_W)
def test_a_later_rule_cannot_leave_what_an_earlier_one_left(
    allowed: Envelope, claims: list[Claim], late: Claim, own_w: float
) -> None:
    earlier = [claim for claim in claims if claim.rule < late.rule]
    left = allowed
    for claim in sorted(earlier, key=lambda item: item.rule):
        left = left.narrow(claim.envelope)
    setpoint_w = arbitrate(allowed, [*earlier, late], own_w).setpoint_w
    assert setpoint_w is None or left.contains(setpoint_w)
