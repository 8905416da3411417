"""Points that may be written, bound to what they stand for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from simulators.devices.image import NotWritable
from simulators.devices.inverter.commands import Command
from simulators.devices.maps.unit import Unit

Changed = Mapping[str, float | None]

_ROUNDING = 1e-9


class ValueRefused(ValueError):
    """A point was given a value that it does not take; says which, and what it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writable:
    """One point: where its value comes from, where a new one goes, and what it may be."""

    read: Callable[[], float | None]
    write: Callable[[float], None]
    low: float = 0.0
    high: float = 1.0
    choices: frozenset[int] = frozenset()
    """What it may be within its range; empty: anything."""
    commands: tuple[Command, ...] = ()
    """Commands whose timers begin again with a write to this point."""

    def takes(self, value: float) -> bool:
        """A float at its limit is within it."""
        if self.choices:
            return value in self.choices
        return self.low - _ROUNDING <= value <= self.high + _ROUNDING


class Block:
    """The writable points of one model.

    Values are applied in the order of the points, whatever their order in the request, so that modes and
    timers stand before an enable acts on them.

    Args:
        unit: under local control it takes no writes.
        points: by name.
        rule: raises ValueError for values that each are in range and together make no sense; it gets those
            of all points as they would be.
        then: is called after a write with the names written and the time.
    """

    def __init__(
        self,
        unit: Unit,
        points: Mapping[str, Writable],
        *,
        rule: Callable[[Changed], None] | None = None,
        then: Callable[[Iterable[str], float], None] | None = None,
    ) -> None:
        self._unit = unit
        self._points = dict(points)
        self._rule = rule
        self._then = then

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._points)

    def read(self) -> dict[str, float | None]:
        return {name: point.read() for name, point in self._points.items()}

    def check(self, changes: Changed) -> None:
        """Nothing, if all values may be written.

        Raises:
            NotWritable: the unit is under local control.
            ValueRefused: a value is out of range or stands for "not implemented".
        """
        refuse_under_local_control(self._unit)
        for name, value in changes.items():
            point = self._points[name]
            if value is None or not point.takes(value):
                raise ValueRefused(
                    f"{name} takes {sorted(point.choices) or (point.low, point.high)}, not {value}"
                )
        if self._rule is not None:
            self._rule({**self.read(), **changes})

    def write(self, changes: Mapping[str, float], now_s: float) -> None:
        """Take over values that :meth:`check` has passed, and start timers."""
        touched: list[Command] = []
        for name, point in self._points.items():
            if name in changes:
                if point.commands:
                    self._unit.remote_write(name)
                point.write(changes[name])
                touched += point.commands
        for command in {id(each): each for each in touched}.values():
            command.written(now_s)
        if self._then is not None:
            self._then(changes.keys(), now_s)


def refuse_under_local_control(unit: Unit) -> None:
    """Raises NotWritable while it lasts."""
    if unit.local:
        raise NotWritable("the unit is under local control")


class Stored:
    """A point that is kept as written."""

    def __init__(self, value: float) -> None:
        self.value = value

    def get(self) -> float:
        return self.value

    def set(self, value: float) -> None:
        self.value = value

    def writable(self, low: float, high: float) -> Writable:
        return Writable(read=self.get, write=self.set, low=low, high=high)


def attribute(
    owner: object,
    name: str,
    *,
    low: float,
    high: float,
    factor: float = 1.0,
    commands: tuple[Command, ...] = (),
) -> Writable:
    """A point that is an attribute of something, times a factor."""
    return Writable(
        read=lambda: float(getattr(owner, name)) * factor,
        write=lambda value: setattr(owner, name, value / factor),
        low=low,
        high=high,
        commands=commands,
    )


def switch(command: Command, name: str = "enabled") -> Writable:
    """An enable point: 1 or 0."""
    return Writable(
        read=lambda: float(getattr(command, name)),
        write=lambda value: setattr(command, name, value > 0.0),
        commands=(command,),
    )


def timer(commands: Command | tuple[Command, ...], high_s: int) -> Writable:
    """A reversion time in full seconds, of one command or of several that revert together."""
    several = (commands,) if isinstance(commands, Command) else commands

    def write(value: float) -> None:
        for each in several:
            each.timer_s = value

    return Writable(read=lambda: several[0].timer_s, write=write, high=float(high_s), commands=several)
