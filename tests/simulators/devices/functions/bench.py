"""A unit on a bench: it is stepped through seconds of a steady grid, and tells what it decided."""

from dataclasses import dataclass, field
from typing import Any

from simulators.devices.functions.autonomous import AutonomousFunctions
from simulators.devices.functions.decision import Decided, Mode, Sensed
from simulators.devices.functions.settings import FunctionSettings


@dataclass
class Bench:
    """Inputs stay until they are changed; the last decision stays to be looked at."""

    functions: AutonomousFunctions
    dt_s: float = 0.02
    inputs: dict[str, Any] = field(default_factory=dict)
    decided: list[Decided] = field(default_factory=list)

    def step(self, **inputs: Any) -> Decided:
        self.inputs |= inputs
        defaults = {"frequency_hz": self.functions.nominal_hz, "voltage_pu": 1.0, "demand_pu": 1.0}
        self.decided.append(self.functions.step(Sensed(self.dt_s, **(defaults | self.inputs))))
        return self.decided[-1]

    def run(self, duration_s: float, **inputs: Any) -> Decided:
        """The decision after so many seconds."""
        self.inputs |= inputs
        for _ in range(max(1, round(duration_s / self.dt_s))):
            self.step()
        return self.decided[-1]

    @property
    def now_s(self) -> float:
        return len(self.decided) * self.dt_s

    def first_s(self, mode: Mode) -> float:
        """The end of the first step that ended in this mode."""
        modes = [decided.mode for decided in self.decided]
        return (modes.index(mode) + 1) * self.dt_s

    @property
    def power_pu(self) -> list[float]:
        return [decided.power_pu for decided in self.decided]

    @property
    def reactive_pu(self) -> list[float]:
        return [decided.reactive_pu for decided in self.decided]


def bench(dt_s: float = 0.02, *, unit: dict[str, Any] | None = None, **settings: Any) -> Bench:
    """A unit with these functions; ``unit`` goes to ``AutonomousFunctions``."""
    return Bench(AutonomousFunctions(FunctionSettings(**settings), **(unit or {})), dt_s)
