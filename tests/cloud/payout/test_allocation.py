"""Who gets what: conservation to the cent, whatever the contracts, the day and the history."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloud.payout.allocation import Allocation, Claim, allocate
from vpp_core.ids import OwnerId

A, B, C = OwnerId("a"), OwnerId("b"), OwnerId("c")

claims = st.dictionaries(
    st.text("abcdefgh", min_size=1, max_size=4).map(OwnerId),
    st.builds(
        Claim,
        share_pct=st.integers(0, 100),
        earned_micros=st.integers(-(10**9), 10**9),
        brought_forward_cents=st.integers(0, 500),
    ),
    max_size=12,
)


def paid(allocation: Allocation) -> dict[str, int]:
    return {owner: share.paid_cents for owner, share in allocation.owners.items()}


def split(net_cents: int, *earned: int, pct: int = 80, threshold: int = 0) -> Allocation:
    owners = {OwnerId(f"own-{number}"): Claim(pct, value) for number, value in enumerate(earned)}
    return allocate(net_cents, owners, threshold_cents=threshold)


def test_owners_share_the_pool_by_what_they_earned() -> None:
    allocation = split(1_000, 3_000, 1_000)
    assert paid(allocation) == {"own-0": 600, "own-1": 200}
    assert allocation.operator_cents == 200


def test_rounding_goes_by_largest_remainder_and_ties_to_the_smaller_id() -> None:
    assert list(paid(split(10_000, 1, 1, 1, pct=100)).values()) == [3_334, 3_333, 3_333]
    assert list(paid(split(1, 1, 1, pct=100)).values()) == [1, 0]


def test_an_owner_whose_sites_cost_money_earns_nothing_and_pays_nothing() -> None:
    assert paid(split(1_000, 500, -4_000)) == {"own-0": 800, "own-1": 0}


@pytest.mark.parametrize("net_cents", [0, -1, -12_345])
def test_a_book_that_earns_nothing_is_borne_by_the_operator(net_cents: int) -> None:
    allocation = split(net_cents, 5, 5)
    assert paid(allocation) == {"own-0": 0, "own-1": 0}
    assert allocation.operator_cents == net_cents


def test_money_that_nobody_earned_is_shared_equally() -> None:
    assert paid(split(100, 0, -5)) == {"own-0": 40, "own-1": 40}


def test_without_owners_all_stays_with_the_operator() -> None:
    assert allocate(77, {}, threshold_cents=0) == Allocation(77, {})
    assert allocate(77, {}, threshold_cents=0).operator_cents == 77


def test_each_contract_has_its_own_share() -> None:
    allocation = allocate(1_000, {A: Claim(100, 1), B: Claim(0, 1)}, threshold_cents=0)
    assert paid(allocation) == {A: 500, B: 0}
    assert allocation.owners[B].operator_fee_cents == 500


def test_below_the_threshold_the_balance_is_carried_forward() -> None:
    first = allocate(100, {A: Claim(80, 1)}, threshold_cents=100).owners[A]
    assert (first.paid_cents, first.carried_forward_cents) == (0, 80)
    second = allocate(100, {A: Claim(80, 1, first.carried_forward_cents)}, threshold_cents=100).owners[A]
    assert (second.paid_cents, second.carried_forward_cents) == (160, 0)


@pytest.mark.parametrize("share_pct", [-1, 101])
def test_a_share_is_a_percentage(share_pct: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        allocate(1, {C: Claim(share_pct, 1)}, threshold_cents=0)


@settings(max_examples=200)
@given(st.integers(-(10**7), 10**9), claims, st.integers(0, 1_000))
def test_not_a_cent_is_lost_or_made(net_cents: int, owners: dict[OwnerId, Claim], threshold: int) -> None:
    require_conserved(net_cents, owners, threshold)


def test_not_a_cent_is_lost_or_made_in_ten_thousand_random_days() -> None:
    chance = random.Random(20210812)
    for _ in range(10_000):
        owners = {
            OwnerId(f"own-{number}"): Claim(
                chance.choice((0, 50, 80, 80, 100)), chance.randint(-999, 9_999), chance.choice((0, 0, 49))
            )
            for number in range(chance.randint(0, 6))
        }
        require_conserved(chance.randint(-10_000, 100_000), owners, chance.choice((0, 1, 100)))


def require_conserved(net_cents: int, owners: dict[OwnerId, Claim], threshold: int) -> None:
    allocation = allocate(net_cents, owners, threshold_cents=threshold)
    brought = sum(claim.brought_forward_cents for claim in owners.values())
    out = sum(share.paid_cents + share.carried_forward_cents for share in allocation.owners.values())
    assert out + allocation.operator_cents == net_cents + brought
    if net_cents > 0 and owners:
        assert sum(share.gross_cents for share in allocation.owners.values()) == net_cents
        fees = sum(share.operator_fee_cents for share in allocation.owners.values())
        assert fees == allocation.operator_cents
    for owner, share in allocation.owners.items():
        assert min(share) >= 0
        assert share.brought_forward_cents == owners[owner].brought_forward_cents
        assert share.paid_cents == 0 or share.paid_cents >= threshold
