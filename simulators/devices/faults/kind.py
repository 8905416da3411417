"""What a fault is: its name, what it takes, and the places where it may act."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from simulators.devices.faults.sunspec_map import SunSpecMap
from simulators.devices.wire.fate import Fate, Line, Responder
from vpp_core.faults import ConfigurationFault

Respond = Callable[[bytes], bytes]


class Layer(StrEnum):
    """Where a fault sits."""

    WIRE = "wire"
    REGISTERS = "registers"
    UNIT = "unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What a fault may lay hands on."""

    unit: object | None
    lines: Sequence[Line]
    random: random.Random
    """The fault's own: other faults do not disturb its order."""
    begins_s: float
    """When the fault begins, in Unix seconds of true time."""
    clock_s: Callable[[], float]
    """The true time in Unix seconds."""

    def demand(self, owner: str, *attributes: str) -> object:
        """The unit, if it has what a fault needs.

        Raises:
            ConfigurationFault: it has not.
        """
        missing = [each for each in attributes if not hasattr(self.unit, each)]
        if missing:
            what = "there is no unit" if self.unit is None else f"the unit has no {missing[0]}"
            raise ConfigurationFault(f"fault {owner} cannot be raised on this device: {what}.")
        assert self.unit is not None  # noqa: S101
        return self.unit


@dataclass(kw_only=True)
class SimulatedFault:
    """One fault with its parameters; every hook does nothing unless a fault says otherwise.

    A fault is made when it is raised and thrown away when it is cleared, so it may keep what it likes.
    """

    name: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    sees: ClassVar[str] = ""
    """What a rig ought to see."""
    layer: ClassVar[Layer] = Layer.WIRE
    rank: ClassVar[int] = 0
    """Of two that answer in the place of registers the greater one is nearer to the wire."""
    refuses: ClassVar[bool] = False
    mutes: ClassVar[bool] = False

    @property
    def lasts_s(self) -> float | None:
        """How long it lasts by itself; nothing: until it is cleared."""
        return None

    @property
    def due_s(self) -> float | None:
        """When :meth:`act` is to be called next, in Unix seconds."""
        return None

    def begin(self, device: Device) -> None:
        """Take hold.

        Raises:
            ConfigurationFault: the device cannot carry this fault.
        """

    def end(self) -> None:
        """Let go, and leave the device as it was found."""

    def meet(self, images: Mapping[Responder, SunSpecMap]) -> None:
        """Look at the registers behind the device's lines; called again where more of them appear.

        Raises:
            ConfigurationFault: they have nothing of what this fault spoils.
        """

    def act(self, now_s: float) -> None:
        """Do what was due."""

    def fate(self, fate: Fate) -> Fate:
        """Spoil what becomes of the next request."""
        return fate

    def respond(self, image: Responder, pdu: bytes, onward: Respond) -> bytes:
        """Answer in the place of a unit's registers, or pass on to them."""
        del image
        return onward(pdu)
