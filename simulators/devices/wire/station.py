"""The units behind a line, and how the line behaves where the specification leaves a choice."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.devices.wire.fate import HONEST, Fate, LineFaults, Responder
from simulators.devices.wire.pdu import Refusal, exception_response
from vpp_core.faults import ConfigurationFault

CONNECTIONS_MAX = 64
UNIT_MAX = 255
_WRITES = frozenset({6, 16, 22})


@dataclass(frozen=True, slots=True, kw_only=True)
class LineSettings:
    """Conduct of a line.

    Raises:
        ConfigurationFault: a figure is out of its range.
    """

    silent_to_unknown_units: bool = False
    """Rather than exception 0x0B; a serial line is always silent to them."""
    connections_max: int = CONNECTIONS_MAX
    """One more is closed at once; many inverters take a single one."""
    idle_close_s: float | None = None
    """Close a connection that has sent nothing for so long."""

    def __post_init__(self) -> None:
        if self.connections_max < 1:
            raise ConfigurationFault(
                f"connections_max = {self.connections_max} admits nobody; take at least 1."
            )
        if self.idle_close_s is not None and not self.idle_close_s > 0.0:
            raise ConfigurationFault(
                f"idle_close_s = {self.idle_close_s:g} is not above 0; leave it out to never close."
            )


class Station:
    """Answers for several unit ids, through the faults of the device.

    Args:
        units: register images by unit id.
        settings: the line's conduct.
        faults: what is wrong with the device; nothing for an honest one.

    Raises:
        ConfigurationFault: a unit id lies outside 0 .. 255.
    """

    def __init__(
        self,
        units: Mapping[int, Responder],
        settings: LineSettings | None = None,
        faults: LineFaults | None = None,
    ) -> None:
        strange = [unit for unit in units if not 0 <= unit <= UNIT_MAX]
        if strange:
            raise ConfigurationFault(f"unit {strange[0]} is not from 0 to {UNIT_MAX}.")
        self.units = dict(units)
        self.settings = settings or LineSettings()
        self.faults = faults

    @property
    def refuses(self) -> bool:
        return self.faults is not None and self.faults.refuses

    @property
    def mutes(self) -> bool:
        return self.faults is not None and self.faults.mutes

    def fate(self, pdu: bytes) -> Fate:
        return HONEST if self.faults is None else self.faults.fate(pdu)

    def answer(self, unit: int, pdu: bytes) -> bytes | None:
        """Carry out a request; nothing is returned where nothing shall be said."""
        responder = self.units.get(unit)
        if responder is None:
            silent = self.settings.silent_to_unknown_units
            return None if silent else exception_response(pdu, Refusal.GATEWAY_TARGET)
        return self._respond(responder, pdu)

    def broadcast(self, pdu: bytes) -> None:
        """A write to all units (MODBUS over serial line 1.02, 2.1); anything else is ignored."""
        if pdu[0] in _WRITES:
            for responder in self.units.values():
                self._respond(responder, pdu)

    def _respond(self, responder: Responder, pdu: bytes) -> bytes:
        return responder.respond(pdu) if self.faults is None else self.faults.respond(responder, pdu)
