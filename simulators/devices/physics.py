"""The physics of one site: everything that shares the point of connection, advanced exactly.

Between two events (a knot of the load, a sample of the sun, the end of a ramp, a full battery, an arriving
vehicle, a reversion) every power is a straight line, so energies are exact integrals and not sums of samples.
"""

from typing import NamedTuple, Protocol

from simulators.devices.battery import Battery
from simulators.devices.evse import Evse
from simulators.devices.piece import STEP_S_MIN, EnergyCounters, Piece, PowerSource
from simulators.devices.pv import Pv

BALANCE_WH = 1e-3
"""What rounding may leave between the meter and the sum behind it, for each MWh that was counted."""

METER, LOAD, BATTERY, PV, EVSE = "meter", "load", "battery", "pv", "evse"


class LoadSource(Protocol):
    """Consumption of a house over Unix seconds (W, a magnitude), in straight lines between knots."""

    def power_w(self, at_s: float) -> float: ...

    def next_knot_s(self, at_s: float) -> float: ...


class House:
    """The consumption as a power source: negative."""

    def __init__(self, load: LoadSource) -> None:
        self._load = load

    def next_piece(self, now_s: float) -> Piece:
        until_s = self._load.next_knot_s(now_s)
        return Piece(until_s - now_s, -self._load.power_w(now_s), -self._load.power_w(until_s))

    def follow(self, piece: Piece, now_s: float) -> None:
        """Nothing: the house keeps no state."""


class Outlook(NamedTuple):
    """How every power goes on if nobody intervenes."""

    until_s: float
    """Unix seconds; no further can be seen."""
    pieces: dict[str, Piece]
    """By device, and of the ``load``, from the present of the physics on."""


class SitePhysics:
    """Devices, house and meter of one site; time moves only by :meth:`advance`."""

    def __init__(
        self, load: LoadSource, battery: Battery, pv: Pv, evse: Evse | None, *, begins_s: float
    ) -> None:
        self.battery, self.pv, self.evse = battery, pv, evse
        self._sources: dict[str, PowerSource] = {LOAD: House(load), BATTERY: battery, PV: pv}
        if evse is not None:
            self._sources[EVSE] = evse
        self._controls = [device.controls for device in (battery, pv, evse) if device is not None]
        self.counters = {name: EnergyCounters() for name in (METER, *self._sources)}
        self.now_s = begins_s

    def advance(self, now_s: float) -> None:
        """Move to ``now_s`` (Unix seconds) in bounded steps; an earlier instant changes nothing."""
        if now_s <= self.now_s:
            return
        while self.now_s < now_s:
            self._step(now_s)
        self._check_balance()

    def power_w(self, name: str) -> float:
        """Present power of a device, of the house (``load``) or at the meter; injection positive."""
        if name == METER:
            return sum(source.next_piece(self.now_s).start_w for source in self._sources.values())
        return self._sources[name].next_piece(self.now_s).start_w

    def outlook(self) -> Outlook:
        """What is known from the present on, without moving."""
        now_s = self.now_s
        pieces = {name: source.next_piece(now_s) for name, source in self._sources.items()}
        until_s = min(
            now_s + min(piece.duration_s for piece in pieces.values()),
            *(controls.next_expiry_s() for controls in self._controls),
        )
        return Outlook(max(until_s, now_s + STEP_S_MIN), pieces)

    def _step(self, limit_s: float) -> None:
        now_s = self.now_s
        until_s, pieces = self.outlook()
        until_s = min(limit_s, until_s)
        start_w = end_w = 0.0
        for name, line in pieces.items():
            piece = line.over(until_s - now_s)
            self._sources[name].follow(piece, now_s)
            self.counters[name].count(piece)
            start_w, end_w = start_w + piece.start_w, end_w + piece.end_w
        self.counters[METER].count(Piece(until_s - now_s, start_w, end_w))
        self.now_s = until_s
        for controls in self._controls:
            controls.expire(until_s)

    def _check_balance(self) -> None:
        behind_wh = sum(self.counters[name].net_wh for name in self._sources)
        meter = self.counters[METER]
        allowed_wh = BALANCE_WH * (1.0 + (meter.injected_wh + meter.absorbed_wh) / 1e6)
        assert abs(meter.net_wh - behind_wh) <= allowed_wh, (  # noqa: S101
            f"energy balance is broken: meter {meter.net_wh} Wh, behind it {behind_wh} Wh"
        )
