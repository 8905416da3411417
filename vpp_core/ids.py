"""Typed, sortable identifiers (ULID: 48 bits of time, 80 bits of chance, Crockford base 32).

Source: the ULID specification; an id sorts by the millisecond in which it was made.
"""

import random
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import NewType

OwnerId = NewType("OwnerId", str)
SiteId = NewType("SiteId", str)
GatewayId = NewType("GatewayId", str)
DerId = NewType("DerId", str)
ProgramId = NewType("ProgramId", str)
ProductId = NewType("ProductId", str)
CommandId = NewType("CommandId", str)
RecordId = NewType("RecordId", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHARACTERS = 26
_CHANCE_BITS = 80


class IdFactory:
    """Makes ULIDs that grow strictly within one factory.

    Args:
        now: gives the present, aware UTC.
        chance: the source of the random bits; the system's by default, a seeded ``Random`` where a
            run must repeat.
    """

    def __init__(self, now: Callable[[], datetime], chance: random.Random | None = None) -> None:
        self._now = now
        self._chance = chance or secrets.SystemRandom()
        self._last = 0

    def new(self) -> str:
        """A ULID of 26 characters."""
        milliseconds = int(self._now().timestamp() * 1_000)
        candidate = milliseconds << _CHANCE_BITS | self._chance.getrandbits(_CHANCE_BITS)
        self._last = candidate if candidate > self._last else self._last + 1
        return _encode(self._last)


def is_ulid(text: str) -> bool:
    return len(text) == _CHARACTERS and text[0] <= "7" and all(c in _ALPHABET for c in text)


def _encode(number: int) -> str:
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_CHARACTERS - 1), -1, -5))
