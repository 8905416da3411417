"""Starting and stopping, heartbeats and alarms: model 715, and what other models say of the same."""

from simulators.devices.image import ModelInstance
from simulators.devices.inverter.snapshot import State
from simulators.devices.maps.block import Block, Stored, Writable
from simulators.devices.maps.unit import Unit

_COUNTER_MAX = 0xFFFF_FFFE
_STOP, _START = 0, 1
_LOCAL, _REMOTE = 1, 0
_STOPPED = frozenset({State.OFF, State.SHUTTING_DOWN})


class Operation:
    """What several models command alike, kept once for a unit."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._beats = Stored(0.0)

    def running(self, *, start: int, stop: int) -> Writable:
        """A point that starts and stops the unit; it tells what the unit does, whoever has said so."""

        def write(value: float) -> None:
            if value == start:
                self._unit.start()
            else:
                self._unit.stop()

        return Writable(
            read=lambda: float(stop if self._unit.truth().state in _STOPPED else start),
            write=write,
            choices=frozenset({start, stop}),
        )

    def connection(self, *, connect: int, disconnect: int) -> Writable:
        """A point that connects the unit to the grid and disconnects it."""
        command = self._unit.commands.connected

        def read() -> float:
            return float(connect if command.value > 0.0 or not command.enabled else disconnect)

        def write(value: float) -> None:
            command.value, command.enabled = float(value == connect), True

        return Writable(read=read, write=write, choices=frozenset({connect, disconnect}), commands=(command,))

    def controller_heartbeat(self, most: int) -> Writable:
        def write(value: float) -> None:
            self._beats.set(value)
            self._unit.beat(int(value))

        return Writable(read=self._beats.get, write=write, high=float(most))

    def alarm_reset(self) -> Writable:
        """1 resets; it reads 0 at once."""

        def write(value: float) -> None:
            if value > 0.0:
                self._unit.reset_alarms()

        return Writable(read=lambda: 0.0, write=write)


def operation_control(unit: Unit, operation: Operation) -> ModelInstance:
    """Model 715. Standby is no operating mode of its own here: OpCtl takes STOP and START."""
    block = Block(
        unit,
        {
            "ControllerHb": operation.controller_heartbeat(_COUNTER_MAX),
            "AlarmReset": operation.alarm_reset(),
            "OpCtl": operation.running(start=_START, stop=_STOP),
        },
    )
    return ModelInstance(
        number=715,
        fixed={},
        live=lambda: {
            **block.read(),
            "LocRemCtl": _LOCAL if unit.local else _REMOTE,
            "DERHb": unit.heartbeat,
        },
        writable=block.names,
        target=block,
    )
