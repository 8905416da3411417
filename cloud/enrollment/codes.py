"""One-time enrollment codes: easy to read aloud, impossible to guess, kept as a digest only."""

import hashlib
import hmac
import random

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUPS, _GROUP_CHARACTERS = 4, 5


def new_code(chance: random.Random) -> str:
    """Twenty characters of Crockford base 32 (100 bits), such as ``7K2PQ-...``."""
    groups = ("".join(chance.choice(_ALPHABET) for _ in range(_GROUP_CHARACTERS)) for _ in range(_GROUPS))
    return "-".join(groups)


def digest_of(code: str) -> str:
    """What is stored: SHA-256, which 100 random bits need no slower than that."""
    return hashlib.sha256(code.strip().upper().encode()).hexdigest()


def matches(code: str, digest: str) -> bool:
    """Compared in constant time."""
    return hmac.compare_digest(digest_of(code), digest)
