"""Faults inside a unit: of its firmware, and of others who command it too."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from simulators.devices.faults.kind import Device, Layer, SimulatedFault
from simulators.devices.faults.parameters import number, text
from simulators.devices.inverter.commands import Command, Commands, Reversion
from simulators.devices.inverter.nameplate import Nameplate
from simulators.devices.inverter.quirks import Quirks


class Plated(Protocol):
    @property
    def nameplate(self) -> Nameplate: ...


class Commanded(Protocol):
    """A unit whose commands others may write, registers or no registers."""

    @property
    def config(self) -> Plated: ...

    @property
    def commands(self) -> Commands: ...

    @property
    def on_command(self) -> list[Callable[[str, float], None]]:
        """Told of each command from remote: its name, and when (device's clock)."""
        ...

    def advance(self, now_s: float) -> float:
        """Bring the unit up to the present, and return the time of its own clock."""
        ...

    def remote_write(self, name: str) -> bool:
        """Announce a command; whether the unit takes it."""
        ...


@dataclass(kw_only=True)
class _Quirky(SimulatedFault):
    """A quirk of the firmware, switched on and off."""

    layer = Layer.UNIT
    quirks: Quirks | None = field(default=None, init=False)
    before: dict[str, object] = field(default_factory=dict, init=False)

    def wanted(self) -> dict[str, Any]:
        """The quirks' values while the fault lasts."""
        raise NotImplementedError

    def begin(self, device: Device) -> None:
        unit: Any = device.demand(self.name, "quirks")
        self.quirks = cast("Quirks", unit.quirks)
        self._catch_up(unit, device.begins_s)
        for name, value in self.wanted().items():
            self.before[name] = getattr(self.quirks, name)
            setattr(self.quirks, name, value)

    def end(self) -> None:
        for name, value in self.before.items():
            setattr(self.quirks, name, value)

    @staticmethod
    def _catch_up(unit: Any, now_s: float) -> None:  # noqa: ANN401
        # What the unit did before the quirk, it did without it.
        if hasattr(unit, "advance"):
            unit.advance(now_s)


@dataclass(kw_only=True)
class ZeroHertzWhenIdle(_Quirky):
    name = "zero-hertz-when-idle"
    summary = "Frequency and voltage read 0 while no power flows."
    sees = "0 Hz from an idle unit: no measurement, and never a reason to respond."

    def wanted(self) -> dict[str, Any]:
        return {"zero_frequency_when_idle": True}


@dataclass(kw_only=True)
class ClockSkew(_Quirky):
    name = "clock-skew"
    summary = "The device's clock runs fast or slow, and its timers with it."
    sees = "Reversions that come too early or too late by the same factor."

    rate: float = number(1.05, 0.1, 10.0, "s/s", "seconds of the device's clock a true second")

    def wanted(self) -> dict[str, Any]:
        return {"clock_rate": self.rate}


@dataclass(kw_only=True)
class NoReversion(_Quirky):
    name = "no-reversion"
    summary = "Reversion timers count down, and nothing happens at their end."
    sees = "A command that is still in force after its reversion time."

    def wanted(self) -> dict[str, Any]:
        return {"reversion": Reversion.COSMETIC}


@dataclass(kw_only=True)
class SlowFirmware(_Quirky):
    name = "slow-firmware"
    summary = "Commands act late, and the registers are refreshed seldom."
    sees = "Responses that come later than the standard allows, and readings that stand still in between."

    lag_s: float = number(3.0, 0.0, 600.0, "s", "between a command and the first change of power")
    refresh_s: float = number(2.0, 0.01, 600.0, "s", "between two refreshes of the registers")

    def wanted(self) -> dict[str, Any]:
        return {"extra_lag_s": self.lag_s, "refresh_s": self.refresh_s}


@dataclass(kw_only=True)
class Frozen(_Quirky):
    name = "frozen"
    summary = "All instruments show what they show now, while the unit itself works on."
    sees = "Measurements without any noise or change, whatever is commanded."

    def wanted(self) -> dict[str, Any]:
        return {"frozen": True}


_COMMANDED = ("commands", "config", "on_command", "advance", "remote_write")


@dataclass(kw_only=True)
class _Rival(SimulatedFault):
    """Somebody else who writes a command."""

    layer = Layer.UNIT

    control: str = text("setpoint", "what is written: WSet, or WMaxLimPct", ("setpoint", "limit"))
    power_pu: float = number(0.0, -1.0, 1.0, "pu", "of the injection rating; a limit takes its magnitude")
    unit: Commanded | None = field(default=None, init=False)

    def begin(self, device: Device) -> None:
        self.unit = cast("Commanded", device.demand(self.name, *_COMMANDED))

    def write(self, at_s: float) -> None:
        assert self.unit is not None  # noqa: S101
        now_s = self.unit.advance(at_s)
        if not self.unit.remote_write(self.control):
            return
        command, value = self._target(self.unit)
        command.value = value
        command.enabled = True
        command.written(now_s)

    def _target(self, unit: Commanded) -> tuple[Command, float]:
        if self.control == "limit":
            return unit.commands.limit, abs(self.power_pu)
        return unit.commands.setpoint_w, self.power_pu * unit.config.nameplate.injection_w_max


@dataclass(kw_only=True)
class SecondMaster(_Rival):
    name = "second-master"
    summary = "Another controller writes a command of its own, again and again."
    sees = "A read-back that is not what it wrote, and a power that follows somebody else."

    period_s: float = number(5.0, 0.1, 86_400.0, "s", "from one write to the next; the first comes at once")
    next_s: float = field(default=0.0, init=False)

    def begin(self, device: Device) -> None:
        super().begin(device)
        self.next_s = device.begins_s

    @property
    def due_s(self) -> float | None:
        return self.next_s

    def act(self, now_s: float) -> None:
        self.write(now_s)
        self.next_s += self.period_s


@dataclass(kw_only=True)
class VendorCloud(_Rival):
    name = "vendor-cloud"
    summary = "Some time after a controller's command the vendor's cloud overrides it."
    sees = "A command that takes effect, and is gone after a minute without any timer having ended."

    after_s: float = number(60.0, 0.0, 86_400.0, "s", "from the first command since its last to the override")
    override_s: float | None = field(default=None, init=False)
    device: Device | None = field(default=None, init=False)
    is_writing: bool = field(default=False, init=False)

    def begin(self, device: Device) -> None:
        super().begin(device)
        assert self.unit is not None  # noqa: S101
        self.device = device
        self.unit.on_command.append(self._hear)

    def end(self) -> None:
        if self.unit is not None:
            self.unit.on_command.remove(self._hear)

    @property
    def due_s(self) -> float | None:
        return self.override_s

    def act(self, now_s: float) -> None:
        self.is_writing = True
        self.write(now_s)
        self.is_writing = False
        self.override_s = None

    def _hear(self, name: str, device_s: float) -> None:
        del name, device_s
        if self.override_s is None and not self.is_writing and self.device is not None:
            self.override_s = self.device.clock_s() + self.after_s


@dataclass(kw_only=True)
class Reboot(SimulatedFault):
    name = "reboot"
    summary = "The device restarts: connections are lost, and what is volatile is forgotten."
    sees = "A reset, refusals for a while, and then a device without its commands."
    layer = Layer.UNIT
    refuses = True

    off_s: float = number(20.0, 0.0, 86_400.0, "s", "until it answers again")

    @property
    def lasts_s(self) -> float | None:
        return self.off_s

    def begin(self, device: Device) -> None:
        unit: Any = device.demand(self.name, "reboot")
        if hasattr(unit, "advance"):
            unit.advance(device.begins_s)
        unit.reboot()
        for line in device.lines:
            line.drop()
