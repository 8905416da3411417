"""The rules of settlement: versioned data with effective dates, read from ``rules.toml``."""

import tomllib
from datetime import date
from enum import StrEnum
from fractions import Fraction
from importlib import resources
from typing import Any, TypeVar

import msgspec

from vpp_core.faults import ConfigurationFault
from vpp_core.ids import ProductId


class Select(StrEnum):
    """Which of the like days enter the average."""

    ALL = "all"
    HIGHEST = "highest"
    """The days of the highest consumption over the event's hours."""
    MIDDLE = "middle"
    """Without the days of the lowest and the highest consumption over the whole day."""
    SAME_DAY = "same_day"
    """No other day: the hours before and after the event."""


class Adjust(StrEnum):
    """How the average is fitted to the day of the event."""

    NONE = "none"
    MULTIPLICATIVE = "multiplicative"
    ADDITIVE = "additive"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every rule carries; in force on ``[effective_from, effective_until)``."""

    version: int
    effective_from: date
    effective_until: date | None = None
    source: str

    @property
    def key(self) -> str:
        raise NotImplementedError

    @property
    def label(self) -> str:
        """Id and version, as records quote it."""
        return f"{self.key} v{self.version}"

    def in_force(self, day: date) -> bool:
        return self.effective_from <= day and (self.effective_until is None or day < self.effective_until)


class BaselineRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much would have flowed without us. Windows count from the event's ends, in seconds."""

    name: str
    select: Select
    days: int = 0
    """Newest like days that are considered."""
    keep: int = 0
    """How many of them enter the average."""
    days_min: int = 0
    """With fewer complete like days there is no baseline."""
    lookback_days: int = 0
    adjustment: Adjust
    window_s: int = 0
    """Length of the window before the event that the baseline is fitted to."""
    buffer_s: int = 0
    """Time between that window and the event, which the event may already have touched."""
    after_window_s: int = 0
    after_buffer_s: int = 0
    factor_min: str = "1"
    factor_max: str = "1"
    """Cap of the multiplicative adjustment, as exact fractions."""
    fallback: Adjust = Adjust.NONE
    """What a multiplicative rule does where consumption is not safely positive."""
    floor_at_zero: bool = False
    """The baseline never falls below zero consumption."""

    @property
    def key(self) -> str:
        return self.name

    @property
    def factors(self) -> tuple[Fraction, Fraction]:
        return Fraction(self.factor_min), Fraction(self.factor_max)


class EventRule(Rule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an event's delivery is measured, beyond the prices that the product itself carries."""

    product: ProductId
    baseline: str
    """Name of the baseline rule."""
    paid_share_max: str
    """Delivery beyond this multiple of the commitment is not paid; an exact fraction."""

    @property
    def key(self) -> str:
        return self.product


AnyRule = TypeVar("AnyRule", bound=Rule)


class RuleBook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    baseline: tuple[BaselineRule, ...] = ()
    event: tuple[EventRule, ...] = ()
    holidays: frozenset[date] = frozenset()
    """Days that count as weekends."""

    def baseline_rule(self, name: str, on: date) -> BaselineRule:
        """The rule of that name in force on a day.

        Raises:
            ConfigurationFault: there is none.
        """
        return _in_force(self.baseline, name, on)

    def event_rule(self, product_id: ProductId, on: date) -> EventRule:
        """The rule of an event product in force on a day.

        Raises:
            ConfigurationFault: there is none.
        """
        return _in_force(self.event, product_id, on)


def load_rules(text: str | None = None) -> RuleBook:
    """The rules that come with the package, or those in ``text`` (TOML).

    Raises:
        ConfigurationFault: not TOML, a key unknown or missing, or a value of the wrong kind.
    """
    if text is None:
        text = resources.files("cloud.settlement").joinpath("rules.toml").read_text(encoding="utf-8")
    try:
        raw: dict[str, Any] = tomllib.loads(text)
        return msgspec.convert(raw, RuleBook)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationFault(f"the settlement rules cannot be used: {error}; mend rules.toml") from error


def _in_force(rules: tuple[AnyRule, ...], key: str, on: date) -> AnyRule:
    candidates = [rule for rule in rules if rule.key == key and rule.in_force(on)]
    if not candidates:
        raise ConfigurationFault(f"no rule {key!r} is in force on {on}; add it to rules.toml")
    return max(candidates, key=lambda rule: rule.version)
