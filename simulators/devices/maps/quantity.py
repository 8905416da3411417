"""A commanded quantity that may be written in several units; a mode says which of them counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.devices.inverter.commands import Command
from simulators.devices.maps.block import Writable

Base = Callable[[float], float]
"""How much of the command's own unit is 1 of a register's; it may depend on the sign of the value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One way to express the quantity: the point that holds it, and what 1 of it means."""

    point: str
    base: Base


class Quantity:
    """Points of one quantity.

    The point of the present mode shows the command, whoever has given it. The others keep what was
    written to them, and count as soon as the mode turns to them.
    """

    def __init__(self, command: Command, modes: Mapping[int, Mode], mode: int) -> None:
        self._command, self._modes, self.mode = command, dict(modes), mode
        self._idle = {each.point: [0.0, 0.0] for each in modes.values()}

    def mode_point(self) -> Writable:
        return Writable(
            read=lambda: float(self.mode),
            write=self._turn_to,
            choices=frozenset(self._modes),
            commands=(self._command,),
        )

    def point(self, name: str, low: float, high: float, *, after: bool = False) -> Writable:
        return Writable(
            read=lambda: self._read(name, after=after),
            write=lambda value: self._write(name, value, after=after),
            low=low,
            high=high,
            commands=(self._command,),
        )

    def _read(self, name: str, *, after: bool) -> float:
        mode = self._modes[self.mode]
        if mode.point != name:
            return self._idle[name][after]
        value = self._command.value_after if after else self._command.value
        base = mode.base(value)
        return value / base if base else 0.0

    def _write(self, name: str, value: float, *, after: bool) -> None:
        mode = self._modes[self.mode]
        if mode.point != name:
            self._idle[name][after] = value
        elif after:
            self._command.value_after = value * mode.base(value)
        else:
            self._command.value = value * mode.base(value)

    def _turn_to(self, number: float) -> None:
        if int(number) == self.mode:
            return
        old = self._modes[self.mode].point
        shown = [self._read(old, after=False), self._read(old, after=True)]
        self.mode = int(number)
        new = self._modes[self.mode].point
        value, value_after = shown if new == old else self._idle[new]
        self._idle[old] = shown
        self._write(new, value, after=False)
        self._write(new, value_after, after=True)
