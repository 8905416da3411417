"""Power over a short time as a straight line, and its exact energy."""

from typing import NamedTuple, Protocol

from vpp_core.units import SECONDS_PER_HOUR

FOREVER_S = float("inf")
STEP_S_MIN = 1e-5
"""Shorter steps would not move a clock of 53 bits; what would take less happens at once."""


class Piece(NamedTuple):
    """A straight line of power (W, injection positive) over ``duration_s`` seconds."""

    duration_s: float
    start_w: float
    end_w: float

    @classmethod
    def hold(cls, power_w: float, duration_s: float = FOREVER_S) -> "Piece":
        return cls(duration_s, power_w, power_w)

    def over(self, duration_s: float) -> "Piece":
        """The first ``duration_s`` seconds of the line; stretched where it is a hair shorter."""
        if duration_s >= self.duration_s or self.start_w == self.end_w:
            return Piece(duration_s, self.start_w, self.end_w)
        share = duration_s / self.duration_s
        return Piece(duration_s, self.start_w, self.start_w + (self.end_w - self.start_w) * share)

    @property
    def energy_wh(self) -> float:
        """Net energy: the integral of the line."""
        return self.duration_s * (self.start_w + self.end_w) / 2 / SECONDS_PER_HOUR

    @property
    def injected_wh(self) -> float:
        """Energy of the part of the line above zero."""
        high_w, low_w = max(self.start_w, self.end_w), min(self.start_w, self.end_w)
        if low_w >= 0.0:
            return self.energy_wh
        if high_w <= 0.0:
            return 0.0
        return self.duration_s * high_w * high_w / (high_w - low_w) / 2 / SECONDS_PER_HOUR


class EnergyCounters:
    """What a meter has counted: two magnitudes that only grow."""

    def __init__(self) -> None:
        self.injected_wh = 0.0
        self.absorbed_wh = 0.0

    def count(self, piece: Piece) -> None:
        if piece.start_w == 0.0 == piece.end_w:
            return
        injected_wh = piece.injected_wh
        self.injected_wh += injected_wh
        self.absorbed_wh += max(0.0, injected_wh - piece.energy_wh)

    @property
    def net_wh(self) -> float:
        """Injected less absorbed."""
        return self.injected_wh - self.absorbed_wh


class PowerSource(Protocol):
    """Something at the point of connection whose power is known for a little while ahead."""

    def next_piece(self, now_s: float) -> Piece:
        """How power goes on from ``now_s`` (Unix seconds) if nobody intervenes; a line of one sign."""
        ...

    def follow(self, piece: Piece, now_s: float) -> None:
        """Advance from ``now_s`` along the beginning of the piece that :meth:`next_piece` gave."""
        ...
