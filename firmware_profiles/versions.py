"""Ranges of firmware versions, as a profile writes them: ``>=1.39.5 <2``."""

import re
from collections.abc import Callable
from itertools import zip_longest
from operator import eq, ge, gt, le, lt

RANGE_PATTERN = r"^\s*((>=|<=|>|<|=)\s*[0-9]+(\.[0-9]+)*\s*)*$"
"""Nothing, or conditions that must all hold."""

_CONDITION = re.compile(r"(>=|<=|>|<|=)\s*([0-9]+(?:\.[0-9]+)*)")
_COMPARE: dict[str, Callable[[int, int], bool]] = {">=": ge, "<=": le, ">": gt, "<": lt, "=": eq}


def is_range(text: str) -> bool:
    """Whether a text is a range of versions."""
    return re.fullmatch(RANGE_PATTERN, text) is not None


def in_range(version: str, conditions: str) -> bool:
    """Whether a version, as a device tells it, lies in a range.

    The numbers in a version count, one after the other, and a missing one is 0: ``V1.39-b7`` is 1.39.7.
    A device that tells no number lies in the empty range alone.
    """
    wanted = _CONDITION.findall(conditions)
    found = _numbers(version)
    if not wanted or not found:
        return not wanted
    return all(_COMPARE[sign](_order(found, _numbers(limit)), 0) for sign, limit in wanted)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", version)]


def _order(left: list[int], right: list[int]) -> int:
    """Negative, zero or positive, as the left version is below, equal or above."""
    return next((a - b for a, b in zip_longest(left, right, fillvalue=0) if a != b), 0)
