"""The power of a site at any moment, without moving it more often than something happens in it.

Between two events every power is a straight line, so between them the lines tell what :meth:`advance
<simulators.devices.physics.SitePhysics.advance>` would find, at a tenth of the cost: 200 sites are looked at
every 50 ms.
"""

from typing import NamedTuple

from simulators.devices.physics import BATTERY, SitePhysics


class Powers(NamedTuple):
    """Injection positive."""

    meter_w: float
    battery_w: float


class SitePowers:
    """Looks ahead in one site; what a client reads or writes meanwhile is seen."""

    def __init__(self, physics: SitePhysics) -> None:
        self._physics = physics
        devices = (physics.battery, physics.pv, physics.evse)
        self._controls = [device.controls for device in devices if device is not None]
        self._seen: tuple[float, ...] = ()
        self._from_s = self._until_s = 0.0
        self._meter = self._battery = (0.0, 0.0)
        """Power at the beginning, and its slope (W/s)."""

    def at(self, now_s: float) -> Powers:
        """The powers at ``now_s`` (Unix seconds), not before the last look of anybody."""
        if now_s >= self._until_s or self._state() != self._seen:
            self._physics.advance(now_s)
            self._look()
        since_s = max(0.0, now_s - self._from_s)
        (meter_w, meter_slope), (battery_w, battery_slope) = self._meter, self._battery
        return Powers(meter_w + meter_slope * since_s, battery_w + battery_slope * since_s)

    def _state(self) -> tuple[float, ...]:
        """Changes whenever the lines may."""
        state = [self._physics.now_s]
        for controls in self._controls:
            setpoint_w = controls.setpoint_w()
            state += (
                float("inf") if setpoint_w is None else setpoint_w,
                controls.limit_fraction(),
                controls.next_expiry_s(),
            )
        return tuple(state)

    def _look(self) -> None:
        self._until_s, pieces = self._physics.outlook()
        self._seen, self._from_s = self._state(), self._physics.now_s
        lines = {name: (piece.start_w, _slope(*piece)) for name, piece in pieces.items()}
        self._battery = lines[BATTERY]
        self._meter = (sum(start for start, _ in lines.values()), sum(slope for _, slope in lines.values()))


def _slope(duration_s: float, start_w: float, end_w: float) -> float:
    return 0.0 if start_w == end_w else (end_w - start_w) / duration_s
