"""Faults of the line: requests and answers that are late, lost, spoilt, or never answered."""

from dataclasses import dataclass, field, replace
from random import Random

from simulators.devices.faults.kind import Device, SimulatedFault
from simulators.devices.faults.parameters import number, share, text
from simulators.devices.wire.fate import Fate

DELAY_S_MAX = 3_600.0


@dataclass(kw_only=True)
class _Chancy(SimulatedFault):
    """A fault that strikes some requests and spares others."""

    random: Random = field(default_factory=Random, init=False)

    def begin(self, device: Device) -> None:
        self.random = device.random


@dataclass(kw_only=True)
class Delay(_Chancy):
    name = "delay"
    summary = "Every request arrives late, and its answer again: half of the delay each."
    sees = "Round trips that are longer by the delay; time-outs where it exceeds them."

    delay_s: float = number(1.0, 0.0, DELAY_S_MAX, "s", "of the whole round trip")
    jitter_s: float = number(0.0, 0.0, DELAY_S_MAX, "s", "up to so much more, drawn anew each time")

    def fate(self, fate: Fate) -> Fate:
        half_s = (self.delay_s + self.random.uniform(0.0, self.jitter_s)) / 2
        return replace(fate, wait_s=fate.wait_s + half_s, hold_s=fate.hold_s + half_s)


@dataclass(kw_only=True)
class Loss(_Chancy):
    name = "loss"
    summary = "Some requests get no answer."
    sees = "Single time-outs on a connection that works; a lost answer's write has taken effect all the same."

    share: float = share(0.3, "of the requests that are struck")
    of: str = text("request", "what is lost: the request, or the answer to it", ("request", "answer"))

    def fate(self, fate: Fate) -> Fate:
        if self.random.random() >= self.share:
            return fate
        return replace(fate, carried_out=fate.carried_out and self.of != "request", answered=False)


@dataclass(kw_only=True)
class HalfOpen(SimulatedFault):
    name = "half-open"
    summary = "Connections are accepted and then never answered, nor closed."
    sees = "Time-outs only; a connection made before stays dead, a new one answers once this is cleared."
    mutes = True


@dataclass(kw_only=True)
class Refused(SimulatedFault):
    name = "refused"
    summary = "New connections are refused; those that are open work on."
    sees = "A refusal at once when it connects, and a connection again once this is cleared."
    refuses = True


@dataclass(kw_only=True)
class LateAnswer(SimulatedFault):
    name = "late-answer"
    summary = "Some answers come after the client's time-out, when it has asked again."
    sees = "A time-out, then the answer to the former request: dropped by its transaction id, never believed."

    late_s: float = number(2.0, 0.0, DELAY_S_MAX, "s", "longer than the client waits")
    every: int = number(5, 1, 1_000_000, "", "how many requests from one late answer to the next")
    count: int = field(default=0, init=False)

    def fate(self, fate: Fate) -> Fate:
        self.count += 1
        return replace(fate, hold_s=fate.hold_s + self.late_s) if self.count % self.every == 0 else fate


@dataclass(kw_only=True)
class WrongTransaction(_Chancy):
    name = "wrong-transaction"
    summary = "Some answers carry another transaction id (on a serial line: another unit)."
    sees = "An answer to nothing that was asked: dropped, then a time-out."

    share: float = share(0.3, "of the answers that are struck")
    shift: int = number(1, 1, 0xFFFF, "", "added to the id")

    def fate(self, fate: Fate) -> Fate:
        if self.random.random() >= self.share:
            return fate
        return replace(fate, address_shift=fate.address_shift + self.shift)


@dataclass(kw_only=True)
class Corrupted(_Chancy):
    name = "corrupted"
    summary = "Bits of the data in some answers are turned over; Modbus/TCP has no checksum."
    sees = "Values that cannot be: to be checked for plausibility. On a serial line, a wrong CRC."

    share: float = share(0.3, "of the answers that are struck")
    bits: int = number(1, 1, 64, "", "turned over in one answer")

    def fate(self, fate: Fate) -> Fate:
        if self.random.random() >= self.share:
            return fate
        return replace(fate, flips=fate.flips + tuple(self.random.random() for _ in range(self.bits)))
