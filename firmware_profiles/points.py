"""The form of one value: where it is found, in which sign, and how often it is worth reading."""

from enum import StrEnum
from typing import Annotated

import msgspec

from vpp_core.sign import SignConvention

PointName = Annotated[
    str, msgspec.Meta(pattern=r"^([0-9]+\.[A-Za-z][A-Za-z0-9_.]*|[a-z][a-z0-9_]*)$")
]  # fmt: skip
"""``MODEL.POINT`` of SunSpec, or the name of a register of the profile."""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a profile: nothing in it may be misspelled."""


class SignName(StrEnum):
    """How the device counts power."""

    INJECTION_POSITIVE = "injection_positive"
    CONSUMPTION_POSITIVE = "consumption_positive"

    @property
    def convention(self) -> SignConvention:
        return SignConvention[self.name]


class PollClass(StrEnum):
    """How often a value is worth reading."""

    FAST = "fast"
    """With every poll."""
    SLOW = "slow"
    """Every ``access.slow_s``."""


class Point(Part, frozen=True, kw_only=True):
    """Where one canonical value is found."""

    at: Annotated[tuple[PointName, ...], msgspec.Meta(min_length=1)]
    """The first of these that the device implements."""
    sum: bool = False
    """All of these together instead: power that is told by phase."""
    sign: SignName = SignName.INJECTION_POSITIVE
    required: bool = False
    """Without it, a reading is not good."""
    poll: PollClass = PollClass.FAST
