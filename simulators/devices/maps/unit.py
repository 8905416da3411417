"""What a register map needs of the unit behind it, and how large figures fit into small registers."""

from dataclasses import dataclass
from math import ceil
from typing import Protocol

from simulators.devices.functions.settings import FunctionSettings
from simulators.devices.inverter.commands import Commands
from simulators.devices.inverter.nameplate import Nameplate
from simulators.devices.inverter.snapshot import Snapshot

SIGNED_MAX, UNSIGNED_MAX = 0x7FFF, 0xFFFE
"""The greatest values of a 16-bit register."""
HEADROOM = 1.5
"""An instrument shows this many times the rating before it is at its end."""


class Configured(Protocol):
    @property
    def nameplate(self) -> Nameplate: ...

    @property
    def charge_w_max(self) -> float:
        """Of the battery; 0 without one."""
        ...

    @property
    def discharge_w_max(self) -> float: ...

    @property
    def battery_voltage_v(self) -> float:
        """Half full and at rest."""
        ...


class Unit(Protocol):
    """An inverter, as its registers see it."""

    @property
    def config(self) -> Configured: ...

    @property
    def commands(self) -> Commands: ...

    @property
    def settings(self) -> FunctionSettings: ...

    @property
    def now_s(self) -> float:
        """The device's own clock, Unix seconds, as far as the unit has been advanced."""
        ...

    @property
    def heartbeat(self) -> int: ...

    @property
    def local(self) -> bool: ...

    def adopt(self, settings: FunctionSettings) -> None: ...

    def snapshot(self) -> Snapshot:
        """What the instruments show."""
        ...

    def truth(self) -> Snapshot:
        """How it is."""
        ...

    def remote_write(self, name: str) -> bool:
        """A controller is about to write a command; whether the unit takes it."""
        ...

    def beat(self, count: int) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def reset_alarms(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a unit says of itself in model 1."""

    manufacturer: str = "Gridchorus Simulators"
    model: str = "Bench unit"
    version: str = "1.0.0"
    serial: str = "0000001"
    options: str = ""


@dataclass(frozen=True, slots=True)
class Scales:
    """Scale factors for one plate: as fine as its figures allow."""

    power_sf: int
    reactive_sf: int
    apparent_sf: int
    current_sf: int
    energy_sf: int

    @classmethod
    def of(cls, plate: Nameplate) -> "Scales":
        power = exponent(HEADROOM * plate.apparent_va_max, finest=-1)
        current_a = HEADROOM * plate.apparent_va_max / plate.voltage_nominal_v
        return cls(
            power_sf=power,
            reactive_sf=power,
            apparent_sf=power,
            current_sf=exponent(current_a, finest=-2),
            energy_sf=exponent(plate.energy_capacity_wh, finest=-1),
        )


VOLTAGE, FREQUENCY, FACTOR, PERCENT, TEMPERATURE = -1, -3, -3, -2, -1
"""Scale factors that suit any plate."""


def exponent(greatest: float, *, finest: int, room: int = SIGNED_MAX) -> int:
    """The smallest scale factor, not under ``finest``, with which ``greatest`` fits one register."""
    scale = finest
    while greatest > room * 10.0**scale:
        scale += 1
    return scale


def whole_s(remaining_s: float) -> int:
    """Remaining time in full seconds: 0 only when it is over."""
    return ceil(remaining_s - 1e-9)


def ratio(value: float, base: float) -> float:
    """Of nothing, everything is nothing."""
    return value / base if base else 0.0
