"""A simulated device and the agent's driver on it, on one clock that only the test moves."""

import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from edge_agent.devices.driver import Device, discover
from edge_agent.devices.link import RegisterRefused
from firmware_profiles import ProfileBook, load_profiles
from simulators.bench.device import BenchDevice
from simulators.bench.settings import load
from simulators.devices.control_port import SetLoad
from vpp_core.clock import ManualClock
from vpp_core.der import DerKind
from vpp_core.faults import DeviceFault

BEGINS = datetime(2024, 6, 1, 12, tzinfo=UTC)
PROFILES = load_profiles()
RATING_W = 10_000.0

_QUICK = {
    "step_s": 0.02,
    "refresh_s": 0.04,
    "functions": {"enter_service": {"delay_s": 1.0, "ramp_s": 0.0}},
}
_PLATE = {"injection_w_max": RATING_W, "apparent_va_max": RATING_W, "reactive_var_max": 4_400.0}
_STORAGE = {"absorption_w_max": RATING_W, "energy_capacity_wh": 20_000.0}
PV: dict[str, Any] = {
    "kind": "pv",
    "sun": {"power_pu": 0.8},
    "inverter": {"nameplate": {**_PLATE, "pv_w_max": RATING_W}, **_QUICK},
}
"""10 kW, at about 8 kW of sun."""
BATTERY: dict[str, Any] = {"kind": "battery", "inverter": {"nameplate": {**_PLATE, **_STORAGE}, **_QUICK}}
"""10 kW and 20 kWh, half full."""
EVSE: dict[str, Any] = {
    "kind": "evse",
    "visits": [{"vehicle": {"reaction_s": 0.1, "rise_a_per_s": 40.0, "fall_a_per_s": 40.0}}],
}
"""32 A, with a quick vehicle of three phases and 16 A that is plugged in at the start."""


class Bench:
    """One device; time passes when the test says so."""

    def __init__(self, settings: Mapping[str, Any], **more: Any) -> None:
        self.clock = ManualClock(BEGINS)
        self.device = BenchDevice(load(None, {**settings, **more}), self.clock)
        self.link = BenchLink(self.device)
        self.unit = next(iter(self.device.images))
        self.wait(10.0)

    async def driver(
        self, kind: DerKind | None = None, *, profile: str | None = None, profiles: ProfileBook = PROFILES
    ) -> Device:
        """The agent's driver, after it has found the device."""
        return await discover(self.link, self.unit, profiles, self.clock, kind=kind, profile=profile)

    def wait(self, seconds: float) -> None:
        """Let the device live through this time."""
        self.clock.advance(seconds)
        self.device.advance()

    def power_w(self) -> float:
        """The truth at its terminals, injection positive."""
        power_w = self.device.status()["power_w"]
        assert isinstance(power_w, float)
        return power_w

    def load_w(self, power_w: float) -> None:
        """What a meter sees, consumption positive."""
        tell = self.device.controls.load
        assert tell is not None
        tell(SetLoad(power_w=power_w))


class BenchLink:
    """All four functions of a Modbus link, without a wire; keeps what was written."""

    def __init__(self, device: BenchDevice) -> None:
        self._images = device.images
        self.asked: list[tuple[int, int, int]] = []
        """Function, address and registers of each request."""

    def __str__(self) -> str:
        return "bench"

    @property
    def writes(self) -> list[int]:
        """Addresses in the order in which they were written."""
        return [address for function, address, _ in self.asked if function in {6, 16}]

    async def read(self, unit: int, address: int, count: int) -> bytes:
        return self._ask(unit, 3, address, count)[2:]

    async def read_input(self, unit: int, address: int, count: int) -> bytes:
        return self._ask(unit, 4, address, count)[2:]

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        count = len(registers) // 2
        self._ask(unit, 16, address, count, bytes([len(registers)]) + registers)

    async def write_one(self, unit: int, address: int, register: bytes) -> None:
        self._ask(unit, 6, address, int.from_bytes(register))

    async def close(self) -> None:
        """Nothing is open."""

    def _ask(self, unit: int, function: int, address: int, number: int, rest: bytes = b"") -> bytes:
        if unit not in self._images:
            raise DeviceFault(f"{self} unit {unit} does not answer")
        self.asked.append((function, address, 1 if function == 6 else number))
        answer = self._images[unit].respond(struct.pack(">BHH", function, address, number) + rest)
        if answer[0] & 0x80:
            raise RegisterRefused(f"{self} unit {unit} answers with exception {answer[1]} ({address})")
        return answer
