"""A measured value and what it is worth; a gap is a value."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Quality(StrEnum):
    """How far a measurement may be trusted, best first."""

    GOOD = "good"
    ESTIMATED = "estimated"
    """Computed from neighbours, not measured: shown, never paid."""
    STALE = "stale"
    """Older than the source's period allows."""
    SUSPECT = "suspect"
    """Outside what the device can physically do, or a not-implemented sentinel."""
    MISSING = "missing"


class Measurement(msgspec.Struct, frozen=True):
    """A value in the unit of its name's suffix, when it was true, and its quality.

    Raises:
        ValueError: a missing measurement carries a value, or another one carries none.
    """

    value: float | None
    at: datetime
    quality: Quality = Quality.GOOD

    def __post_init__(self) -> None:
        if (self.value is None) != (self.quality is Quality.MISSING):
            raise ValueError("exactly the missing measurements carry no value")

    @classmethod
    def missing(cls, at: datetime) -> "Measurement":
        return cls(None, at, Quality.MISSING)
