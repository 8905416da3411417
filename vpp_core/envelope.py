"""The range of power that a device or a site may have now; later rules narrow it, never widen it."""

import msgspec

from vpp_core.units import Watts

UNBOUNDED_W = 1e12


class Envelope(msgspec.Struct, frozen=True):
    """All injections from ``low_w`` to ``high_w`` (W, injection positive, charging negative).

    Raises:
        ValueError: the range is empty.
    """

    low_w: float
    high_w: float

    def __post_init__(self) -> None:
        if not self.low_w <= self.high_w:
            raise ValueError(f"an envelope needs low <= high, not {self.low_w} .. {self.high_w} W")

    def clamp(self, setpoint_w: float) -> Watts:
        return Watts(min(max(setpoint_w, self.low_w), self.high_w))

    def contains(self, setpoint_w: float) -> bool:
        return self.low_w <= setpoint_w <= self.high_w

    def narrow(self, later: "Envelope") -> "Envelope":
        """What the later rule leaves of this one.

        Where the two do not meet, this earlier rule wins: the result is its point nearest to the
        later range, so a later rule can never widen or overrule an earlier one.
        """
        return Envelope(self.clamp(later.low_w), self.clamp(later.high_w))
