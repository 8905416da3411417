"""A unit on a bench: its registers read and written point by point, on a clock that the test turns."""

import struct
from collections.abc import Sequence
from typing import Any

from simulators.devices.functions.settings import EnterService, FunctionSettings
from simulators.devices.image import RegisterImage
from simulators.devices.inverter.config import InverterConfig
from simulators.devices.inverter.inverter import Inverter
from simulators.devices.inverter.nameplate import Kind, Nameplate
from simulators.devices.maps import Identity, inverter_models, models_of
from simulators.devices.models import Point, Value
from simulators.grid.bench import BenchGrid

BEGINS_S = 1_700_000_000.0
QUICK = FunctionSettings(enter_service=EnterService(delay_s=1.0, ramp_s=0.0))


class Sky:
    """Sun at the will of the test, per unit of the modules."""

    def __init__(self) -> None:
        self.sun_pu = 0.5

    def power_pu(self, at_s: float) -> float:
        del at_s
        return self.sun_pu


def plate(kind: Kind = Kind.HYBRID, **figures: Any) -> Nameplate:
    """A 10 kW unit of a kind."""
    stores, shines = kind is not Kind.PV, kind is not Kind.BATTERY
    usual = {
        "absorption_w_max": 8_000.0 if stores else 0.0,
        "energy_capacity_wh": 20_000.0 if stores else 0.0,
        "pv_w_max": 12_000.0 if shines else 0.0,
    }
    return Nameplate(kind=kind, **{**usual, **figures})


class UnitBench:
    def __init__(
        self,
        nameplate: Nameplate | None = None,
        numbers: Sequence[int] | None = None,
        *,
        base: int = 40_000,
        **config: Any,
    ) -> None:
        self.plate = nameplate or plate()
        self.grid, self.sky = BenchGrid(self.plate.frequency_nominal_hz), Sky()
        settings = InverterConfig(nameplate=self.plate, **{"functions": QUICK, **config})
        self.unit = Inverter(settings, self.grid, self.sky, BEGINS_S)
        self.now_s = BEGINS_S
        self.numbers = tuple(numbers or models_of("both", self.plate))
        self.models = inverter_models(self.unit, self.numbers, Identity(serial="B-1"))
        self.image = RegisterImage(self.models, lambda: self.unit.advance(self.now_s), base)

    def wait(self, duration_s: float) -> None:
        self.now_s += duration_s
        self.unit.advance(self.now_s)

    def registers(self, address: int, count: int) -> bytes:
        answer = self.image.respond(struct.pack(">BHH", 3, address, count))
        assert answer[0] == 3, answer.hex()
        return answer[2:]

    def point(self, number: int, name: str) -> Point:
        return self.image.plan(number).points[name]

    def exponent(self, number: int, name: str) -> int:
        point = self.point(number, name)
        if not point.scale_factor:
            return point.exponent
        scale = self.read(number, point.scale_factor)
        return int(scale) if isinstance(scale, float) else 0

    def read(self, number: int, name: str) -> Value:
        point = self.point(number, name)
        address, size = self.image.locate(number, name)
        coded = self.registers(address, size)
        return point.decode(coded, self.exponent(number, name)) if point.is_number else point.text(coded)

    def number(self, number: int, name: str) -> float:
        value = self.read(number, name)
        assert isinstance(value, float), f"{number} {name} is {value}"
        return value

    def raw(self, number: int, name: str) -> bytes:
        return self.registers(*self.image.locate(number, name))

    def coded(self, number: int, name: str, value: float | None) -> bytes:
        return self.point(number, name).encode(value, self.exponent(number, name))

    def send(self, address: int, registers: bytes) -> str:
        """The response to a write, in hexadecimal."""
        head = struct.pack(">BHHB", 16, address, len(registers) // 2, len(registers))
        return self.image.respond(head + registers).hex()

    def try_write(self, number: int, name: str, value: float | None) -> str:
        """``""`` for a write that was taken, else the exception code."""
        address, _ = self.image.locate(number, name)
        response = self.send(address, self.coded(number, name, value))
        return "" if response.startswith("10") else response[2:]

    def write(self, number: int, **values: float) -> None:
        """Point after point; ``Group__Point`` names a point of a group."""
        for name, value in values.items():
            self.write_point(number, name.replace("__", "."), value)

    def write_point(self, number: int, name: str, value: float) -> None:
        assert self.try_write(number, name, value) == "", f"{number} {name} = {value} was refused"
