"""Who gets what of one book's day, in whole cents. Pure.

In order: the counterparty's net (gross less penalties), the operator's share, the owners' pool, its
allocation by what each owner's sites earned, rounding by largest remainder (ties to the smaller id),
payment above a threshold and the rest carried forward. Nothing is lost on the way::

    net = operator + sum(earned),   earned + brought forward = paid + carried forward

An owner never pays in: a book whose net is not positive is borne by the operator.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from vpp_core.ids import OwnerId
from vpp_core.money import allocate_cents

PERCENT = 100


class Claim(NamedTuple):
    """One owner's contract and what its sites earned in the period."""

    share_pct: int
    """The owner's part of what its sites earn, 0 to 100."""
    earned_micros: int
    """What our settlements attributed to the sites; may be negative."""
    brought_forward_cents: int = 0
    """Owed from earlier periods, below the threshold then."""


class Share(NamedTuple):
    """One owner's part of the book's day (cents, none negative)."""

    gross_cents: int
    operator_fee_cents: int
    brought_forward_cents: int
    paid_cents: int
    carried_forward_cents: int

    @property
    def earned_cents(self) -> int:
        return self.gross_cents - self.operator_fee_cents


class Allocation(NamedTuple):
    net_cents: int
    owners: dict[OwnerId, Share]

    @property
    def earned_cents(self) -> int:
        """What the owners earned together."""
        return sum(share.earned_cents for share in self.owners.values())

    @property
    def operator_cents(self) -> int:
        """What stays with the operator: its fees, or the loss that it bears."""
        return self.net_cents - self.earned_cents


def allocate(net_cents: int, claims: Mapping[OwnerId, Claim], *, threshold_cents: int) -> Allocation:
    """Share the net of one book and day.

    Where no owner's sites earned anything but there is money, the owners share it equally.

    Raises:
        ValueError: a share is not between 0 and 100 %.
    """
    if any(not 0 <= claim.share_pct <= PERCENT for claim in claims.values()):
        raise ValueError("an owner's share is not between 0 and 100 %")
    owners = dict(sorted(claims.items()))
    gross_cents = max(net_cents, 0) if owners else 0
    keys = {owner: max(0, claim.earned_micros) for owner, claim in owners.items()}
    if not any(keys.values()):
        keys = dict.fromkeys(keys, 1)
    pool_cents = _pool_cents(gross_cents, keys, owners)
    to_owners = {owner: keys[owner] * claim.share_pct for owner, claim in owners.items()}
    to_operator = {owner: keys[owner] * (PERCENT - claim.share_pct) for owner, claim in owners.items()}
    earned = allocate_cents(pool_cents, to_owners)
    fees = allocate_cents(gross_cents - pool_cents, to_operator)
    shares = {
        owner: _share(earned[owner], fees[owner], claim.brought_forward_cents, threshold_cents)
        for owner, claim in owners.items()
    }
    return Allocation(net_cents, shares)


def _pool_cents(gross_cents: int, keys: Mapping[OwnerId, int], owners: Mapping[OwnerId, Claim]) -> int:
    """The owners' part of the gross: the shares of the contracts, weighted by the keys; half to even."""
    whole = sum(keys.values())
    if not whole:
        return 0
    weighted = sum(keys[owner] * claim.share_pct for owner, claim in owners.items())
    return round(Fraction(gross_cents * weighted, whole * PERCENT))


def _share(earned_cents: int, fee_cents: int, brought_cents: int, threshold_cents: int) -> Share:
    due_cents = earned_cents + brought_cents
    paid_cents = due_cents if due_cents >= threshold_cents else 0
    return Share(
        gross_cents=earned_cents + fee_cents,
        operator_fee_cents=fee_cents,
        brought_forward_cents=brought_cents,
        paid_cents=paid_cents,
        carried_forward_cents=due_cents - paid_cents,
    )
