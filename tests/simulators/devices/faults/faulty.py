"""A hybrid on a bench, seen through its faults as a line would see it; time is turned by the test."""

import struct
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from simulators.devices.faults.faults import Faults
from simulators.devices.wire.fate import Responder
from tests.simulators.devices.maps.unit_bench import BEGINS_S, UnitBench
from vpp_core.clock import ManualClock


class Faulty(UnitBench):
    def __init__(self, seed: int = 7, **config: Any) -> None:
        super().__init__(**config)
        self.clock = ManualClock(datetime.fromtimestamp(BEGINS_S, UTC))
        self.faults = Faults(seed, clock=self.clock, unit=self.unit)
        self.happened: list[str] = []
        self.faults.watch(self)
        self.wait(10.0)

    @property
    def images(self) -> Collection[Responder]:
        return (self.image,)

    def refusal_changed(self) -> None:
        self.happened.append("refuses" if self.faults.refuses else "accepts")

    def drop(self) -> None:
        self.happened.append("drops")

    def wait(self, duration_s: float) -> None:
        self.clock.advance(duration_s)
        self.faults.advance()
        super().wait(duration_s)

    def ask(self, pdu: bytes) -> bytes:
        return self.faults.respond(self.image, pdu)

    def registers(self, address: int, count: int) -> bytes:
        answer = self.ask(struct.pack(">BHH", 3, address, count))
        assert answer[0] == 3, answer.hex()
        return answer[2:]

    def send(self, address: int, registers: bytes) -> str:
        head = struct.pack(">BHHB", 16, address, len(registers) // 2, len(registers))
        return self.ask(head + registers).hex()

    @property
    def power_w(self) -> float:
        return self.unit.truth().power_w

    def command(self, setpoint_w: float, revert_after_s: float = 0.0) -> None:
        """WSet by model 704, with its reversion timer."""
        self.write(704, WSet=setpoint_w, WSetRvrtTms=revert_after_s, WSetEna=1)
