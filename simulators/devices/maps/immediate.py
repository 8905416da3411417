"""Model 123: the older way to command connection, limit, power factor and reactive power."""

from collections.abc import Callable, Iterable

from simulators.devices.image import ModelInstance
from simulators.devices.inverter.commands import Command
from simulators.devices.maps.block import Block, Changed, Stored, ValueRefused, Writable, switch, timer
from simulators.devices.maps.capacity import Ceilings, power_factor_min
from simulators.devices.maps.controls import limit_percent
from simulators.devices.maps.operation import Operation
from simulators.devices.maps.quantity import Mode, Quantity
from simulators.devices.maps.unit import FACTOR, PERCENT, Unit

_TIMER_S_MAX = 0xFFFE
_PERCENTS = 100.0
_OF_W_MAX, _OF_VAR_MAX = 1, 2
_CONNECT, _DISCONNECT = 1, 0
_WINDOWS = ("Conn", "WMaxLimPct", "OutPFSet", "VArPct")


def immediate_controls(unit: Unit, operation: Operation) -> ModelInstance:
    """Commands act at once: time windows take 0 only. A ramp time is that of the whole change.

    Reactive power in percent of what is available at the moment (VArAvalPct) is not offered.
    """
    commands = unit.commands
    factors = (commands.power_factor_injecting, commands.power_factor_absorbing)
    reactive = _reactive(unit)
    limit_ramp = _Ramp(commands.limit, rest=lambda: unit.commands.injection_max_pu)
    reactive_ramp = _Ramp(commands.reactive_pu, rest=lambda: 0.0)
    factor = _PowerFactor(factors, power_factor_min(unit.config.nameplate))
    windows = {f"{name}_WinTms": Stored(0.0).writable(0.0, 0.0) for name in _WINDOWS}
    points = {
        **windows,
        "Conn_RvrtTms": timer(commands.connected, _TIMER_S_MAX),
        "Conn": operation.connection(connect=_CONNECT, disconnect=_DISCONNECT),
        "WMaxLimPct": limit_percent(unit, commands.limit, "value"),
        "WMaxLimPct_RvrtTms": timer(commands.limit, _TIMER_S_MAX),
        "WMaxLimPct_RmpTms": limit_ramp.point(),
        "WMaxLim_Ena": switch(commands.limit),
        "OutPFSet": factor.point(),
        "OutPFSet_RvrtTms": timer(factors, _TIMER_S_MAX),
        "OutPFSet_RmpTms": Stored(0.0).writable(0.0, 0.0),
        "OutPFSet_Ena": factor.enable(),
        "VArPct_Mod": reactive.mode_point(),
        "VArWMaxPct": reactive.point("VArWMaxPct", -_PERCENTS, _PERCENTS),
        "VArMaxPct": reactive.point("VArMaxPct", -_PERCENTS, _PERCENTS),
        "VArPct_RvrtTms": timer(commands.reactive_pu, _TIMER_S_MAX),
        "VArPct_RmpTms": reactive_ramp.point(),
        "VArPct_Ena": switch(commands.reactive_pu),
    }

    def ramp(names: Iterable[str], now_s: float) -> None:
        del names, now_s
        for each in (limit_ramp, reactive_ramp):
            each.set_off()

    block = Block(unit, points, rule=factor.refuse_too_low, then=ramp)
    return ModelInstance(
        number=123,
        fixed={"WMaxLimPct_SF": PERCENT, "OutPFSet_SF": FACTOR, "VArPct_SF": PERCENT},
        live=block.read,
        writable=block.names,
        target=block,
    )


def _reactive(unit: Unit) -> Quantity:
    ceilings, rated_va = Ceilings(unit), unit.config.nameplate.apparent_va_max
    modes = {
        _OF_W_MAX: Mode(point="VArWMaxPct", base=lambda _: ceilings.injection_w / rated_va / 100.0),
        _OF_VAR_MAX: Mode(
            point="VArMaxPct", base=lambda value: ceilings.reactive_var(value) / rated_va / 100.0
        ),
    }
    return Quantity(unit.commands.reactive_pu, modes, _OF_VAR_MAX)


class _Ramp:
    """A ramp time for one change, kept as the command's time from nothing to the rating.

    Args:
        command: whose ramp it is.
        rest: what holds while the command is not enabled.
    """

    def __init__(self, command: Command, rest: Callable[[], float]) -> None:
        self._command, self._rest = command, rest
        self._change_s = 0.0
        self._in_force = self._effective()

    def point(self) -> Writable:
        return Writable(
            read=lambda: self._change_s,
            write=self._write,
            high=_TIMER_S_MAX,
            commands=(self._command,),
        )

    def set_off(self) -> None:
        """The command may have changed: its whole change takes the ramp time."""
        before, self._in_force = self._in_force, self._effective()
        change = abs(self._in_force - before)
        if self._change_s > 0.0 and change > 0.0:
            self._command.ramp_s = self._change_s / change

    def _write(self, value: float) -> None:
        self._change_s = value
        if value == 0.0:
            self._command.ramp_s = 0.0

    def _effective(self) -> float:
        return self._command.value if self._command.enabled else self._rest()


class _PowerFactor:
    """One power factor for both directions, signed as in EEI: negative is over-excited.

    A factor of 1 has no excitation; it is shown with the sign it was written with.
    """

    def __init__(self, commands: tuple[Command, Command], least: float) -> None:
        self._commands = commands
        self._least = int(least / 10.0**FACTOR) * 10.0**FACTOR
        self._unity = 1.0

    def point(self) -> Writable:
        return Writable(read=self._read, write=self._write, low=-1.0, commands=self._commands)

    def enable(self) -> Writable:
        def write(value: float) -> None:
            for command in self._commands:
                command.enabled = value > 0.0

        return Writable(read=lambda: float(self._commands[0].enabled), write=write, commands=self._commands)

    def refuse_too_low(self, values: Changed) -> None:
        factor = values["OutPFSet"]
        if factor is not None and abs(factor) < self._least:
            raise ValueRefused(f"OutPFSet takes {self._least} .. 1 of either sign, not {factor}")

    def _read(self) -> float:
        factor = self._commands[0].value
        return self._unity if abs(factor) == 1.0 else -factor

    def _write(self, value: float) -> None:
        if abs(value) == 1.0:
            self._unity = value
        for command in self._commands:
            command.value = -value
