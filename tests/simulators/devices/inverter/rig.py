"""A unit on a grid and under a sun that go where a test wants them."""

from dataclasses import replace

from simulators.devices.functions.settings import EnterService, FunctionSettings
from simulators.devices.inverter.commands import Command
from simulators.devices.inverter.config import InverterConfig
from simulators.devices.inverter.inverter import Inverter
from simulators.devices.inverter.nameplate import Kind, Nameplate
from simulators.devices.inverter.response import Response
from simulators.devices.inverter.snapshot import Snapshot

BEGINS_S = 1_700_000_000.0
STEP_S = 0.02
PROMPT = Response(dead_time_s=0.0, lag_s=0.0, ramp_s=0.0)
QUICK_RETURN = FunctionSettings(enter_service=EnterService(delay_s=2.0, ramp_s=0.0))

PLATES = {
    "pv": Nameplate(kind=Kind.PV, pv_w_max=12_000.0),
    "battery": Nameplate(kind=Kind.BATTERY, absorption_w_max=10_000.0, energy_capacity_wh=20_000.0),
    "hybrid": Nameplate(
        kind=Kind.HYBRID, absorption_w_max=10_000.0, energy_capacity_wh=20_000.0, pv_w_max=12_000.0
    ),
}


class World:
    """Grid and sun in one: constant until a test changes them."""

    def __init__(self) -> None:
        self.hz, self.pu, self.sun_pu = 60.0, 1.0, 0.0
        self.looks = 0

    def frequency_hz(self, at_s: float) -> float:
        del at_s
        self.looks += 1
        return self.hz

    def voltage_pu(self, at_s: float) -> float:
        del at_s
        return self.pu

    def power_pu(self, at_s: float) -> float:
        del at_s
        return self.sun_pu


class Rig:
    """One unit, and seconds since it was made."""

    def __init__(self, config: InverterConfig, *, sun_pu: float = 0.0) -> None:
        self.world = World()
        self.world.sun_pu = sun_pu
        self.unit = Inverter(config, self.world, self.world, BEGINS_S)
        self.at_s = 0.0

    def to(self, at_s: float) -> Snapshot:
        """Go to ``at_s`` in one stride, and say how it is there."""
        self.at_s = at_s
        self.unit.advance(BEGINS_S + at_s)
        return self.unit.truth()

    def each_step(self, until_s: float) -> list[Snapshot]:
        """Go to ``until_s`` step by step; the truth after each."""
        numbers = range(round(self.at_s / STEP_S) + 1, round(until_s / STEP_S) + 1)
        return [self.to(number * STEP_S) for number in numbers]

    def command(self, command: Command, value: float, *, timer_s: float = 0.0, ramp_s: float = 0.0) -> None:
        """Write it, and enable it, now."""
        command.value, command.enabled = value, True
        command.timer_s, command.ramp_s = timer_s, ramp_s
        command.written(self.unit.now_s)

    def setpoint(self, power_w: float, *, timer_s: float = 0.0, ramp_s: float = 0.0) -> None:
        self.command(self.unit.commands.setpoint_w, power_w, timer_s=timer_s, ramp_s=ramp_s)


def config(kind: str, **changes: object) -> InverterConfig:
    """A unit that answers at once, unless ``changes`` say otherwise."""
    plain = InverterConfig(nameplate=PLATES[kind], response=PROMPT)
    return replace(plain, **changes)  # type: ignore[arg-type]


def rig(kind: str, *, sun_pu: float = 0.0, **changes: object) -> Rig:
    return Rig(config(kind, **changes), sun_pu=sun_pu)
