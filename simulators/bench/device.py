"""One simulated device at work: unit, registers, lines, faults, control port and log on one clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from typing import NamedTuple

from simulators.bench.settings import BenchSettings, ListenSection
from simulators.bench.surroundings import Surroundings
from simulators.bench.units import build
from simulators.devices.charging.station import EvseUnit
from simulators.devices.control_port import (
    ControlPort,
    Controls,
    SetGrid,
    SetLoad,
    SetStateOfCharge,
    SetSun,
)
from simulators.devices.faults.faults import Faults
from simulators.devices.faults.script import FaultScript, Occurrence
from simulators.devices.inverter.inverter import Inverter
from simulators.devices.wire.memory import MemoryLine
from simulators.devices.wire.serial import RtuServer, SerialSettings
from simulators.devices.wire.station import LineSettings
from simulators.devices.wire.tcp import ModbusServer
from simulators.devices.wire.tls import server_context
from simulators.grid.bench import NOMINAL_HZ, BenchGrid
from simulators.grid.trace import After, Shape, replay
from simulators.recorder import Recorder, Row
from vpp_core.clock import Clock

TICK_S = 0.1
"""How often a device moves that nobody looks at: it falls no further behind than this."""


_AFTER = {None: None, True: After.REPEAT, False: After.HOLD}


class Reached(NamedTuple):
    """Where a device is reached."""

    port: int
    rtu_path: str | None
    control_port: int | None


class BenchDevice:
    """One device; physics moves when somebody looks, and at every tick of :meth:`run`.

    In process it is reached by :meth:`line` and :attr:`controls`, over sockets within :meth:`listening`.

    Args:
        settings: what it is.
        clock: true time; its faults run by it too.

    Raises:
        ConfigurationFault: settings that contradict each other, or a trace that cannot be replayed.
    """

    def __init__(self, settings: BenchSettings, clock: Clock) -> None:
        self.settings, self._clock = settings, clock
        self._begins_s = clock.now().timestamp()
        self.around = _surroundings(settings, self._begins_s)
        self._built = build(settings, self.around, self._begins_s, self.advance)
        self.unit, self.images, self.shows = self._built.unit, self._built.images, self._built.shows
        self.faults = Faults(settings.seed, clock=clock, unit=self.unit)
        self._script = _script(settings)
        self.controls = Controls(
            grid=self._set_grid,
            sun=self._set_sun,
            load=self._set_load,
            state_of_charge=self._set_state_of_charge if isinstance(self.unit, Inverter) else None,
            counters=self._counters,
            status=self.status,
            faults=self.faults,
        )

    def advance(self) -> float:
        """Bring the device up to the present, and return it (true Unix seconds)."""
        now_s = self._clock.now().timestamp()
        for unit in self._built.units:
            unit.advance(now_s)
        return now_s

    def line(self, latency_s: float = 0.0) -> MemoryLine:
        """A line in memory, with the device's faults; each call makes another one."""
        return MemoryLine(
            self.images, settings=_conduct(self.settings.listen), faults=self.faults, latency_s=latency_s
        )

    def status(self) -> dict[str, object]:
        """The truth of this instant, whatever the registers show."""
        now_s = self.advance()
        power = self._built.power()
        told: dict[str, object] = {
            "at_s": now_s,
            "kind": self.settings.kind.value,
            "frequency_hz": self.around.frequency_hz(now_s),
            "voltage_pu": self.around.voltage_pu(now_s),
            "power_w": power.power_w,
            "reactive_var": power.reactive_var,
            "sun_pu": self.around.power_pu(now_s),
            "load_w": self.around.load_w(now_s),
        }
        if isinstance(self.unit, Inverter):
            told |= _of_inverter(self.unit)
        if isinstance(self.unit, EvseUnit):
            told |= _of_evse(self.unit)
        return told | self._built.counters()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Reached]:
        """Open the device's ports for as long as this lasts.

        Raises:
            LocalFault: a port cannot be had.
            ConfigurationFault: a certificate cannot be used.
        """
        listen, control = self.settings.listen, self.settings.control
        async with AsyncExitStack() as stack:
            tls = (
                server_context(listen.tls_cert_file, listen.tls_key_file, listen.tls_ca_file)
                if listen.tls_cert_file and listen.tls_key_file
                else None
            )
            server = ModbusServer(
                self.images, listen.host, listen.port, settings=_conduct(listen), faults=self.faults, tls=tls
            )
            port = await server.start()
            stack.push_async_callback(server.stop)
            rtu_path = None
            if listen.rtu_link is not None:
                serial = SerialSettings(link=listen.rtu_link, baud=listen.baud)
                rtu = RtuServer(self.images, serial, faults=self.faults)
                rtu_path = str(await rtu.start())
                stack.push_async_callback(rtu.stop)
            control_port = None
            if control.port is not None:
                desk = ControlPort(self.controls, control.host, control.port)
                control_port = await desk.start()
                stack.push_async_callback(desk.stop)
            self.play()
            yield Reached(port, rtu_path, control_port)

    def play(self) -> None:
        """Begin the faults of the settings, now that lines are there; what cannot be raised is a mishap."""
        self.faults.play(self._script)

    async def run(self) -> None:
        """Move, and write the log, until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tick(), name="tick")
                if self.settings.log is not None:
                    tasks.create_task(self._record(), name="log")
        finally:
            self.faults.close()

    async def _tick(self) -> None:
        while True:
            self.advance()
            await self._clock.sleep(TICK_S)

    async def _record(self) -> None:
        assert self.settings.log is not None  # noqa: S101
        due_s = self._clock.monotonic_s()
        with Recorder(self.settings.log.file) as recorder:
            while True:
                recorder.write(self._row())
                due_s += self.settings.log.period_s
                await self._clock.sleep(due_s - self._clock.monotonic_s())

    def _row(self) -> Row:
        told = self.status()
        faults = " ".join(each.name for each in self.faults.active)
        flat = {name: value for name, value in told.items() if isinstance(value, float | int | str | None)}
        return {"time": self._clock.now().isoformat(timespec="milliseconds"), **flat, "faults": faults}

    def _set_grid(self, order: SetGrid) -> None:
        self.around.set_grid(
            self.advance(),
            frequency_hz=order.frequency_hz,
            voltage_pu=order.voltage_pu,
            ramp_s=order.ramp_s,
        )

    def _set_sun(self, order: SetSun) -> None:
        self.around.set_sun(self.advance(), order.power_pu)

    def _set_state_of_charge(self, order: SetStateOfCharge) -> None:
        self.advance()
        assert isinstance(self.unit, Inverter)  # noqa: S101
        self.unit.fill(order.state_of_charge)

    def _counters(self) -> dict[str, object]:
        self.advance()
        return dict(self._built.counters())

    def _set_load(self, order: SetLoad) -> None:
        self.around.set_load(self.advance(), order.power_w)


def _script(settings: BenchSettings) -> FaultScript:
    return FaultScript(
        occurrences=tuple(
            Occurrence(at_s=each.at_s, fault=each.fault, parameters=each.parameters, for_s=each.for_s)
            for each in settings.faults
        )
    )


def _surroundings(settings: BenchSettings, begins_s: float) -> Surroundings:
    nominal_hz = settings.inverter.nameplate.frequency_nominal_hz if settings.inverter else NOMINAL_HZ
    trace = None
    if settings.grid.trace is not None:
        trace = replay(
            str(settings.grid.trace),
            begins_s,
            shape=Shape(settings.grid.shape) if settings.grid.shape else None,
            after=_AFTER[settings.grid.repeat],
            nominal_hz=nominal_hz,
        )
    return Surroundings(BenchGrid(nominal_hz), trace, sun_pu=settings.sun.power_pu, load_w=settings.load_w)


def _conduct(listen: ListenSection) -> LineSettings:
    return LineSettings(
        silent_to_unknown_units=listen.silent_to_unknown_units,
        connections_max=listen.connections_max,
        idle_close_s=listen.idle_close_s,
    )


def _of_inverter(inverter: Inverter) -> dict[str, object]:
    now, commands = inverter.truth(), inverter.commands
    setpoint = commands.setpoint_w
    told = {name: value for name, value in asdict(now).items() if name not in {"at_s", "counters"}}
    return told | {
        "state": now.state.name.lower(),
        "connected": int(now.connected),
        "alarms": (now.alarms.name or "").lower(),
        "setpoint_w": setpoint.value if setpoint.enabled else None,
        "limit_pu": commands.limit.value if commands.limit.enabled else None,
    }


def _of_evse(station: EvseUnit) -> dict[str, object]:
    told = asdict(station.readings())
    told.pop("at_s")
    return told | {"phase": str(told["phase"]), "pilot": str(told["pilot"])}
