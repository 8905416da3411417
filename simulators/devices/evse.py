"""Plain physics of a charging station: vehicles come, ask for energy, take it, and leave."""

from bisect import bisect_right
from dataclasses import dataclass

from simulators.devices.controls import Controls, Ratings
from simulators.devices.piece import FOREVER_S, Piece
from vpp_core.units import SECONDS_PER_HOUR

VOLTAGE_NOMINAL_V = 240.0
CURRENT_A_MIN = 6.0
"""The least that a vehicle can be told to draw (IEC 61851-1)."""
SATISFIED_WH = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingSession:
    """One visit of one vehicle, in Unix seconds."""

    arrival_s: float
    departure_s: float
    requested_wh: float
    """What the driver asked for; the vehicle stops charging there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseConfig:
    rated_w: int = 7_200
    reversion_works: bool = True

    @property
    def ratings(self) -> Ratings:
        return Ratings(0.0, float(self.rated_w))


class Evse:
    """Charges the vehicle that is there with the power that the controls allow.

    The limit (percent of the rating) and the setpoint (negative W) both allow, the smaller one counts;
    below 6 A a vehicle pauses. Without controls it charges with full power.

    Args:
        sessions: visits that do not overlap, in order of arrival.
        begins_s: a vehicle that is there already has charged with full power since it came.
    """

    def __init__(self, config: EvseConfig, sessions: tuple[ChargingSession, ...], begins_s: float) -> None:
        self.config = config
        self.controls = Controls(config.ratings, reversion_works=config.reversion_works)
        self._sessions = sessions
        self._departures_s = [session.departure_s for session in sessions]
        self._index = bisect_right(self._departures_s, begins_s)
        self.delivered_wh = 0.0
        """To the vehicle that is there."""
        if session := self.session(begins_s):
            charged_wh = config.rated_w * (begins_s - session.arrival_s) / SECONDS_PER_HOUR
            self.delivered_wh = min(session.requested_wh, charged_wh)

    def session(self, now_s: float) -> ChargingSession | None:
        """The visit of the vehicle that is connected now."""
        if self._index < len(self._sessions) and self._sessions[self._index].arrival_s <= now_s:
            return self._sessions[self._index]
        return None

    def next_piece(self, now_s: float) -> Piece:
        session = self.session(now_s)
        if session is None:
            ahead = self._sessions[self._index : self._index + 1]
            return Piece.hold(0.0, ahead[0].arrival_s - now_s if ahead else FOREVER_S)
        stay_s = session.departure_s - now_s
        charge_w, left_wh = self._charge_w(), session.requested_wh - self.delivered_wh
        if charge_w == 0.0 or left_wh <= SATISFIED_WH:
            return Piece.hold(0.0, stay_s)
        return Piece.hold(-charge_w, min(stay_s, left_wh * SECONDS_PER_HOUR / charge_w))

    def follow(self, piece: Piece, now_s: float) -> None:
        self.delivered_wh -= piece.energy_wh
        index = bisect_right(self._departures_s, now_s + piece.duration_s)
        if index != self._index:
            self._index, self.delivered_wh = index, 0.0

    def _charge_w(self) -> float:
        """What the vehicle is allowed to draw, as a magnitude."""
        allowed_w = self.controls.limit_fraction() * self.config.rated_w
        setpoint_w = self.controls.setpoint_w()
        if setpoint_w is not None:
            allowed_w = min(allowed_w, -setpoint_w)
        return allowed_w if allowed_w >= CURRENT_A_MIN * VOLTAGE_NOMINAL_V else 0.0
