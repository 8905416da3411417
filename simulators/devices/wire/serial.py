"""Modbus RTU over a pseudo-terminal or a serial port."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from simulators.devices.wire.connection import Connections
from simulators.devices.wire.fate import LineFaults, Responder
from simulators.devices.wire.rtu import RtuFramer, silence_s_at
from simulators.devices.wire.station import LineSettings, Station
from simulators.devices.wire.tty import PseudoTerminal, TerminalTransport, open_port
from vpp_core.faults import ConfigurationFault

BAUD = 19_200
"""What the specification names first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialSettings:
    """Where a serial line is."""

    port: Path | None = None
    """A serial port; nothing: a pseudo-terminal of our own."""
    baud: int = BAUD
    link: Path | None = None
    """A symbolic link to the pseudo-terminal, whose own name changes from run to run."""


class RtuServer:
    """Answers for several unit ids on one serial line (MODBUS over serial line 1.02).

    Unit 0 is a broadcast: writes are carried out by all units, and nobody answers. Other units' traffic and
    noise are passed over in silence.

    Args:
        units: register images by unit id, 1 .. 247.
        settings: where the line is.
        faults: what is wrong with the device.

    Raises:
        ConfigurationFault: a unit id that a serial line does not have.
    """

    def __init__(
        self,
        units: Mapping[int, Responder],
        settings: SerialSettings | None = None,
        *,
        faults: LineFaults | None = None,
    ) -> None:
        if strange := [unit for unit in units if not 1 <= unit <= UNIT_MAX]:
            raise ConfigurationFault(
                f"unit {strange[0]} is not from 1 to {UNIT_MAX}, as a serial line wants."
            )
        self._settings = settings or SerialSettings()
        self._station = Station(units, LineSettings(silent_to_unknown_units=True), faults)
        self._connections = Connections(self._station)
        self._pseudo: PseudoTerminal | None = None
        self._transport: TerminalTransport | None = None
        if faults is not None:
            faults.watch(self)

    async def start(self) -> Path:
        """Open the line, and return the path that a client opens.

        Raises:
            LocalFault: the port cannot be opened, or the link cannot be made.
            ConfigurationFault: no such rate.
        """
        settings = self._settings
        if settings.port is not None:
            terminal, path = open_port(settings.port, settings.baud), settings.port
        else:
            self._pseudo = PseudoTerminal(settings.baud, settings.link)
            terminal, path = self._pseudo.terminal, settings.link or Path(self._pseudo.path)
        framer = RtuFramer(self._station.units, silence_s_at(settings.baud))
        self._transport = TerminalTransport(terminal, self._connections.make(framer))
        return path

    async def stop(self) -> None:
        """Close the line; harmless where nothing was started."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        pseudo, self._pseudo = self._pseudo, None
        if pseudo is not None:
            pseudo.close()

    @property
    def images(self) -> Collection[Responder]:
        return self._station.units.values()

    def refusal_changed(self) -> None:
        """A serial line has nobody to turn away: while connections are refused, it is silent."""

    def drop(self) -> None:
        self._connections.drop()


UNIT_MAX = 247
"""The rest is reserved (MODBUS over serial line 1.02, 2.2)."""
