"""What a controller may command, whatever registers it came by; each command has its reversion timer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from enum import StrEnum

from simulators.devices.functions.settings import Priority


class Reversion(StrEnum):
    """What becomes of a command when its timer ends."""

    WORKS = "works"
    COSMETIC = "cosmetic"
    """The timer counts down and nothing happens, as in the field."""
    ABSENT = "absent"
    """The timer can be written and is ignored: remaining time stays 0."""


@dataclass(slots=True)
class Command:
    """One commanded function.

    Its timer starts when it is enabled with a time above zero, and again with every later write to it
    (the reading of the specification's author, sunspec/models #215).
    """

    value: float
    value_after: float
    enabled: bool = False
    enabled_after: bool = False
    timer_s: float = 0.0
    """How long a command lasts; 0 for ever."""
    ramp_s: float = 0.0
    """From nothing to the rating; 0 as fast as the unit can."""
    expires_s: float | None = None
    """Unix seconds of the device's clock."""

    def written(self, now_s: float) -> None:
        """A controller has written to a point of this command: start its timer again, or stop it."""
        runs = self.enabled and self.timer_s > 0.0
        self.expires_s = now_s + self.timer_s if runs else None

    def remaining_s(self, now_s: float) -> float:
        return max(0.0, self.expires_s - now_s) if self.expires_s is not None else 0.0

    def expire(self, now_s: float, reversion: Reversion) -> bool:
        """Carry out the reversion if it is due; whether something changed."""
        if reversion is Reversion.ABSENT:
            self.expires_s = None
        if self.expires_s is None or self.expires_s > now_s:
            return False
        self.expires_s = None
        if reversion is not Reversion.WORKS:
            return False
        self.value, self.enabled = self.value_after, self.enabled_after
        return True


@dataclass(slots=True, eq=False)
class Appointment:
    """What a register map will do later, on the device's clock: adopt a curve, or go back to one."""

    at_s: float
    act: Callable[[], None]
    reverts: bool = False
    """A reversion: it happens, or not, as the unit's reversions do."""


def _command(value: float) -> Command:
    return Command(value=value, value_after=value)


@dataclass(slots=True)
class Commands:
    """All commands of one unit.

    Power factors are signed: positive is over-excited (injects reactive power), and 1 is none.
    """

    setpoint_w: Command = field(default_factory=lambda: _command(0.0))
    """Active power, injection positive (704 WSet)."""
    limit: Command = field(default_factory=lambda: _command(1.0))
    """Upper bound of injection per unit of the rating (704 and 123 WMaxLimPct)."""
    charge_limit: Command = field(default_factory=lambda: _command(1.0))
    """Per unit of the charge rating (124 InWRte); negative forces discharging."""
    discharge_limit: Command = field(default_factory=lambda: _command(1.0))
    """Per unit of the discharge rating (124 OutWRte); negative forces charging."""
    power_factor_injecting: Command = field(default_factory=lambda: _command(1.0))
    power_factor_absorbing: Command = field(default_factory=lambda: _command(1.0))
    reactive_pu: Command = field(default_factory=lambda: _command(0.0))
    """Of the apparent power rating (704 VarSet, 123 VArPct)."""
    connected: Command = field(default_factory=lambda: Command(value=1.0, value_after=1.0, enabled=True))
    """1 connected, 0 disconnected (123 Conn, 802 SetOp, 715 OpCtl)."""
    priority: Priority = Priority.REACTIVE
    reserve_pu: float = 0.0
    """State of charge under which the unit does not discharge (124 MinRsvPct, 802 SoCRsvMin)."""
    charges_from_grid: bool = True
    """124 ChaGriSet."""
    injection_max_pu: float = 1.0
    """Ceiling of injection per unit of its rating, as the owner has set it (702 and 121 WMax): what 100 %
    of a setpoint or limit means to a register map; ``limit`` itself stays per unit of the rating."""
    absorption_max_pu: float = 1.0
    """Ceiling of charging from the grid per unit of its rating (702 WChaRteMax, 124 WChaMax)."""
    apparent_max_pu: float = 1.0
    """Ceiling of apparent power per unit of its rating (702 and 121 VAMax)."""
    reactive_injecting_max_pu: float = 1.0
    """Ceiling of injected reactive power per unit of its rating (702 VarMaxInj)."""
    reactive_absorbing_max_pu: float = 1.0
    """The same of absorbed (702 VarMaxAbs)."""
    appointments: list[Appointment] = field(default_factory=list)
    """Kept by :meth:`expire`, in order of time."""

    def __iter__(self) -> Iterator[Command]:
        return iter(
            (
                self.setpoint_w,
                self.limit,
                self.charge_limit,
                self.discharge_limit,
                self.power_factor_injecting,
                self.power_factor_absorbing,
                self.reactive_pu,
                self.connected,
            )
        )

    def expire(self, now_s: float, reversion: Reversion) -> bool:
        """Carry out the reversions that are due; whether something changed."""
        expired = [command.expire(now_s, reversion) for command in self]
        kept = self._keep_appointments(now_s, reversion) if self.appointments else False
        return any(expired) or kept

    def _keep_appointments(self, now_s: float, reversion: Reversion) -> bool:
        if reversion is Reversion.ABSENT:
            self.appointments = [each for each in self.appointments if not each.reverts]
        due = sorted((each for each in self.appointments if each.at_s <= now_s), key=lambda each: each.at_s)
        acted = False
        for each in due:
            if each in self.appointments:
                self.appointments.remove(each)
                if not each.reverts or reversion is Reversion.WORKS:
                    each.act()
                    acted = True
        return acted

    def next_expiry_s(self) -> float:
        """When the next timer ends, in Unix seconds; infinity where none runs."""
        timers_s = [each.expires_s for each in self if each.expires_s is not None]
        return min([*timers_s, *(each.at_s for each in self.appointments)], default=float("inf"))

    def drop(self) -> None:
        """Nobody commands any more: the unit runs by itself. One that was disconnected stays so."""
        for command in self:
            command.expires_s = None
            command.enabled = command is self.connected and command.enabled

    def forget(self) -> None:
        """Everything as it was when the unit was made; the commands stay the same objects."""
        fresh = Commands()
        for each in fields(self):
            mine, theirs = getattr(self, each.name), getattr(fresh, each.name)
            if isinstance(mine, Command):
                for part in fields(mine):
                    setattr(mine, part.name, getattr(theirs, part.name))
            else:
                setattr(self, each.name, theirs)
