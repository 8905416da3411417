"""The faults that are raised on one device."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from simulators.devices.faults.catalogue import make
from simulators.devices.faults.kind import Device, Layer, Respond, SimulatedFault
from simulators.devices.faults.parameters import Value, parameters_of
from simulators.devices.faults.script import FaultScript, Occurrence, check_for_s
from simulators.devices.faults.sunspec_map import SunSpecMap
from simulators.devices.wire.fate import HONEST, Fate, Line, Responder
from vpp_core.clock import Clock, SystemClock
from vpp_core.faults import ConfigurationFault

WAKE_S_MAX = 0.05
"""A clock may run faster than the event loop, so an appointment is looked at so often."""
_FOREVER_S = float("inf")


class ActiveFault(NamedTuple):
    """One fault that is raised."""

    name: str
    parameters: Mapping[str, Value]
    raised_at_s: float
    """Unix seconds."""
    until_s: float | None
    """Unix seconds; nothing: until it is cleared."""


@dataclass(slots=True)
class _Raised:
    fault: SimulatedFault
    raised_at_s: float
    until_s: float


class Faults:
    """Raises faults, lets them act, and clears them; satisfies the wire's `LineFaults`.

    What has a time happens in time: each request brings it up to the present first, and so does a timer
    where an event loop runs. The same seed, commands and requests give the same run.

    Args:
        seed: of every chance.
        clock: the true time.
        unit: the unit behind the device's registers, for the faults that sit inside it.
    """

    def __init__(self, seed: int = 0, *, clock: Clock | None = None, unit: object | None = None) -> None:
        self._seed = seed
        self._clock = clock or SystemClock()
        self._unit = unit
        self._lines: list[Line] = []
        self._maps: dict[Responder, SunSpecMap] = {}
        self._raised: dict[str, _Raised] = {}
        self._script: list[tuple[float, Occurrence]] = []
        self._times_raised: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.mishaps: list[str] = []
        """What of a script could not be raised on this device, as sentences."""

    @property
    def active(self) -> tuple[ActiveFault, ...]:
        """The faults that are raised, in the order in which they were."""
        self.advance()
        return tuple(
            ActiveFault(
                name,
                {each.name: getattr(raised.fault, each.name) for each in parameters_of(type(raised.fault))},
                raised.raised_at_s,
                None if raised.until_s == _FOREVER_S else raised.until_s,
            )
            for name, raised in self._raised.items()
        )

    def raise_(
        self, name: str, parameters: Mapping[str, object] | None = None, for_s: float | None = None
    ) -> None:
        """Raise a fault; one of that name that is raised already is cleared first.

        Args:
            name: in the catalogue.
            parameters: those that differ from their defaults.
            for_s: how long; nothing: until it is cleared, or ends by itself.

        Raises:
            ConfigurationFault: there is no such fault, it does not take these parameters, or this device
                cannot carry it. Nothing has changed then.
        """
        self.advance()
        fault = make(name, parameters or {})
        check_for_s(name, for_s)
        self._raise(fault, for_s)
        self._arm()

    def clear(self, name: str) -> None:
        """Clear a fault.

        Raises:
            ConfigurationFault: it is not raised.
        """
        self.advance()
        if name not in self._raised:
            others = ", ".join(self._raised) or "none"
            raise ConfigurationFault(f"There is no fault {name!r} to clear; raised: {others}.")
        self._end(name)

    def clear_all(self) -> None:
        """Clear every fault, and forget the rest of a script."""
        self._script.clear()
        for name in list(self._raised):
            self._end(name)

    def play(self, script: FaultScript) -> None:
        """Begin a script now. What this device cannot carry is left out, and told by ``mishaps``."""
        now_s = self._now_s()
        self._script += [(now_s + each.at_s, each) for each in script.occurrences]
        self._script.sort(key=lambda entry: entry[0])
        self.advance()
        self._arm()

    def advance(self) -> None:
        """Let happen what is due by now, in its order."""
        now_s = self._now_s()
        while (due_s := self._due_s()) <= now_s:
            self._happen(due_s)

    def close(self) -> None:
        """Let the event loop go; called when the device stops."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # What the wire asks.

    @property
    def refuses(self) -> bool:
        return any(each.fault.refuses for each in self._raised.values())

    @property
    def mutes(self) -> bool:
        return any(each.fault.mutes for each in self._raised.values())

    def watch(self, line: Line) -> None:
        self._lines.append(line)
        for raised in self._raised.values():
            if raised.fault.layer is Layer.REGISTERS:
                raised.fault.meet(self._look())

    def fate(self, pdu: bytes) -> Fate:
        del pdu
        self.advance()
        self._arm()
        fate = HONEST
        for raised in self._raised.values():
            fate = raised.fault.fate(fate)
        return fate

    def respond(self, unit: Responder, pdu: bytes) -> bytes:
        self.advance()
        if not self._raised:
            return unit.respond(pdu)
        onward: Respond = unit.respond
        for fault in self._innermost_first():
            onward = _through(fault, unit, onward)
        answer = onward(pdu)
        self._arm()
        return answer

    def _innermost_first(self) -> list[SimulatedFault]:
        return sorted((each.fault for each in self._raised.values()), key=lambda fault: fault.rank)

    # What has a time.

    def _now_s(self) -> float:
        return self._clock.now().timestamp()

    def _due_s(self) -> float:
        """When something happens next."""
        due_s = self._script[0][0] if self._script else _FOREVER_S
        for each in self._raised.values():
            acts_s = each.fault.due_s
            due_s = min(due_s, each.until_s, _FOREVER_S if acts_s is None else acts_s)
        return due_s

    def _happen(self, due_s: float) -> None:
        """One thing that is due: what ends goes before what acts, and that before what begins."""
        for name, raised in self._raised.items():
            if raised.until_s <= due_s:
                self._end(name)
                return
        for raised in self._raised.values():
            if raised.fault.due_s is not None and raised.fault.due_s <= due_s:
                raised.fault.act(due_s)
                return
        _, occurrence = self._script.pop(0)
        try:
            self._raise(make(occurrence.fault, occurrence.parameters), occurrence.for_s, due_s)
        except ConfigurationFault as error:
            self.mishaps.append(str(error))

    def _raise(self, fault: SimulatedFault, for_s: float | None, at_s: float | None = None) -> None:
        name = fault.name
        now_s = self._now_s() if at_s is None else at_s
        if fault.layer is Layer.REGISTERS:
            fault.meet(self._look())
        if name in self._raised:
            self._end(name)
        times = self._times_raised[name] = self._times_raised.get(name, 0) + 1
        chance = random.Random(f"{self._seed} {name} {times}")  # noqa: S311
        fault.begin(
            Device(unit=self._unit, lines=self._lines, random=chance, begins_s=now_s, clock_s=self._now_s)
        )
        lasts_s = fault.lasts_s if for_s is None else for_s
        self._raised[name] = _Raised(fault, now_s, _FOREVER_S if lasts_s is None else now_s + lasts_s)
        self._tell_lines(fault)

    def _end(self, name: str) -> None:
        fault = self._raised.pop(name).fault
        fault.end()
        self._tell_lines(fault)

    def _tell_lines(self, fault: SimulatedFault) -> None:
        for line in self._lines if fault.refuses else ():
            line.refusal_changed()

    def _look(self) -> dict[Responder, SunSpecMap]:
        for line in self._lines:
            for image in line.images:
                if image not in self._maps:
                    self._maps[image] = SunSpecMap.read(image)
        return self._maps

    def _arm(self) -> None:
        """Wake up for the next appointment, where an event loop runs."""
        due_s = self._due_s()
        if due_s == _FOREVER_S or self._timer is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        left_s = min(max(due_s - self._now_s(), 0.0), WAKE_S_MAX)
        self._timer = loop.call_later(left_s, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self.advance()
        self._arm()


def _through(fault: SimulatedFault, image: Responder, onward: Respond) -> Respond:
    return lambda pdu: fault.respond(image, pdu, onward)
