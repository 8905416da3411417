"""Types of command-line arguments, each with its own sentence for what it refuses."""

import argparse
import math
from collections.abc import Callable
from datetime import UTC, datetime

YEAR_MIN, YEAR_MAX = 1970, 2200


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from ``low`` to ``high``."""

    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def port(text: str) -> int:
    """A TCP port; 0 stands for a free one."""
    return whole(0, 65_535)(text)


def number(low: float, high: float) -> Callable[[str], float]:
    """A number from ``low`` to ``high``."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is not a number from {low:g} to {high:g}")
        return value

    return parse


def instant(text: str) -> datetime:
    """An ISO 8601 time with its zone, in UTC."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not an ISO 8601 time") from error
    if parsed.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} needs a time zone, such as {text}Z")
    if not YEAR_MIN <= parsed.year <= YEAR_MAX:
        raise argparse.ArgumentTypeError(f"{text!r} lies outside the years {YEAR_MIN} to {YEAR_MAX}")
    return parsed.astimezone(UTC)
