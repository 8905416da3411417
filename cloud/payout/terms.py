"""Terms of payment: versioned data with effective dates, read from ``terms.toml``."""

import tomllib
from datetime import date
from importlib import resources

import msgspec

from vpp_core.faults import ConfigurationFault


class PaymentTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: str
    effective_from: date
    payment_due_days: int
    """Days after delivery within which an owner is paid."""
    threshold_cents: int
    """Smaller balances are carried forward."""


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    terms: tuple[PaymentTerms, ...]


def load_terms(text: str | None = None) -> tuple[PaymentTerms, ...]:
    """The terms that come with the package, or those in ``text`` (TOML).

    Raises:
        ConfigurationFault: not TOML, a key unknown or missing, or a value of the wrong kind.
    """
    if text is None:
        text = resources.files("cloud.payout").joinpath("terms.toml").read_text(encoding="utf-8")
    try:
        return msgspec.convert(tomllib.loads(text), _Document).terms
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationFault(f"the payment terms cannot be used: {error}; mend terms.toml") from error


def terms_on(terms: tuple[PaymentTerms, ...], day: date) -> PaymentTerms:
    """The newest terms in force on a delivery day.

    Raises:
        ConfigurationFault: there are none.
    """
    in_force = [each for each in terms if each.effective_from <= day]
    if not in_force:
        raise ConfigurationFault(f"no payment terms are in force on {day}; add them to terms.toml")
    return max(in_force, key=lambda each: each.effective_from)
