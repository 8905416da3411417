"""Plain physics of a PV inverter: a power profile times its rating, cut by the controls."""

from dataclasses import dataclass
from typing import Protocol

from simulators.devices.controls import Controls, Ratings
from simulators.devices.piece import Piece


class PvSource(Protocol):
    """Power in per unit of the rating over Unix seconds, in straight lines between samples."""

    def power_pu(self, at_s: float) -> float: ...

    def next_sample_s(self, at_s: float) -> float:
        """The first sample after ``at_s``; infinity where none follows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PvConfig:
    rated_w: int = 6_000
    plant: str = "serf_east"
    """Name of the measured plant whose profile is replayed."""
    yield_factor: float = 1.0
    """Share of the profile that this roof reaches."""
    delay_s: float = 0.0
    """How much later than at the measured plant the clouds come."""
    reversion_works: bool = True

    @property
    def ratings(self) -> Ratings:
        return Ratings(float(self.rated_w), 0.0)


class Pv:
    """Injects what the sun gives, at most the limit and the setpoint of the controls."""

    def __init__(self, config: PvConfig, source: PvSource) -> None:
        self.config = config
        self.controls = Controls(config.ratings, reversion_works=config.reversion_works)
        self._source = source

    def available_w(self, now_s: float) -> float:
        """What the inverter could inject without any limit."""
        power_pu = self._source.power_pu(now_s - self.config.delay_s)
        return min(1.0, power_pu) * self.config.yield_factor * self.config.rated_w

    def next_piece(self, now_s: float) -> Piece:
        cap_w = self._cap_w()
        duration_s = self._source.next_sample_s(now_s - self.config.delay_s) + self.config.delay_s - now_s
        start_w = self.available_w(now_s)
        if duration_s == float("inf"):
            return Piece.hold(min(start_w, cap_w))
        end_w = self.available_w(now_s + duration_s)
        if start_w <= cap_w and end_w <= cap_w:
            return Piece(duration_s, start_w, end_w)
        if start_w >= cap_w and end_w >= cap_w:
            return Piece.hold(cap_w, duration_s)
        crossing_s = duration_s * (cap_w - start_w) / (end_w - start_w)
        return Piece(crossing_s, min(start_w, cap_w), cap_w)

    def follow(self, piece: Piece, now_s: float) -> None:
        """Nothing: the sun keeps no state."""

    def _cap_w(self) -> float:
        limit_w = self.controls.limit_fraction() * self.config.rated_w
        setpoint_w = self.controls.setpoint_w()
        return limit_w if setpoint_w is None else min(limit_w, setpoint_w)
