"""One unit in fixed time steps: commands and functions decide, the power stage answers, energy is kept."""

import math
from collections.abc import Callable

from simulators.devices.functions.autonomous import AutonomousFunctions
from simulators.devices.functions.decision import CEASED, Decided, Excursion, Mode, Sensed
from simulators.devices.functions.settings import FunctionSettings, Priority
from simulators.devices.inverter.commands import Commands, Reversion
from simulators.devices.inverter.config import InverterConfig
from simulators.devices.inverter.counters import Energies
from simulators.devices.inverter.dc import DcSide
from simulators.devices.inverter.device_clock import DeviceClock
from simulators.devices.inverter.heartbeat import Heartbeat, own_count
from simulators.devices.inverter.orders import orders
from simulators.devices.inverter.power_stage import PowerStage
from simulators.devices.inverter.quirks import Quirks
from simulators.devices.inverter.reading import Reading, show
from simulators.devices.inverter.response import DeadTime
from simulators.devices.inverter.snapshot import Alarm, Snapshot
from simulators.devices.inverter.sources import Grid, Night, Sun
from simulators.devices.inverter.steps import Steps
from simulators.devices.inverter.thermal import HeatSink
from simulators.devices.inverter.wishes import Wishes

AT_REST = Decided(0.0, 0.0, Mode.TRIP, Excursion(0), 0.0, throttled=False, droop_active=False)


class Inverter:
    """One simulated unit; time moves only by :meth:`advance`.

    A step samples the grid and the sun at its instant, and the powers that follow hold until the next one.
    Trips go before entering service, that before the other functions, and those before commands. Commands
    may be written at any time between two calls of :meth:`advance`; they count as written at the former one.

    Args:
        config: what does not change.
        grid: frequency and voltage.
        sun: what the modules could give; nothing: night.
        begins_s: Unix seconds of the first step; the unit is in service, and gives no power yet.
    """

    def __init__(self, config: InverterConfig, grid: Grid, sun: Sun | None, begins_s: float) -> None:
        self.config, self._grid, self._sun = config, grid, sun or Night()
        self.commands, self.quirks = Commands(), Quirks()
        self.local = False
        """Local control: commands from remote have no effect, and writes of them are to be refused."""
        self.on_command: list[Callable[[str, float], None]] = []
        """Told of each command from remote: its name, and when (device's clock)."""
        self._steps, self._clock = Steps(begins_s, config.step_s), DeviceClock(begins_s)
        self._begins_s = self._true_s = begins_s
        self._functions = self._new_functions(in_service=True)
        self._dc, self._phases = DcSide(config), config.phases()
        self._stage, self._wishes = PowerStage(config, self._dc), Wishes(config, self._dc)
        self._heat, self._energies = HeatSink(config.cooling, _rated_loss_w(config, self._dc)), Energies()
        self._heartbeat = Heartbeat(config.heartbeat_timeout_s)
        self._orders = orders(self.commands, config, obeys=True)
        self._coming = DeadTime(self._orders)
        self._due_s = self._booted_at_s = -math.inf
        self._booting = self._shutting_down = False
        self._running = True
        self._latched = 0
        self._decided = AT_REST
        self._frequency_hz = self._voltage_pu = 0.0
        self._number = -1
        self._poll()
        self._step(0)
        self._shown = self._read()

    @property
    def settings(self) -> FunctionSettings:
        """Of the autonomous functions, as adopted last."""
        return self._functions.settings

    def adopt(self, settings: FunctionSettings) -> None:
        """Replace the settings of the autonomous functions until the next reboot.

        Raises:
            ImpossibleSettings: the former ones stay in force.
        """
        self._functions.settings = settings

    @property
    def now_s(self) -> float:
        """The device's own clock, Unix seconds, as far as the unit has been advanced."""
        return self._clock.at(self._true_s)

    def advance(self, now_s: float) -> float:
        """Take the steps up to ``now_s`` (true Unix seconds); an earlier instant changes nothing.

        Returns:
            The device's own clock, Unix seconds.
        """
        last = self._steps.latest(now_s)
        if last > self._number:
            self._poll()
            refresh = self._refresh_after(last)
            for number in range(self._number + 1, last + 1):
                self._step(number)
                if number == refresh:
                    self._shown = self._read()
            self._energies.check()
        self._true_s = max(self._true_s, now_s)
        return self._clock.at(self._true_s)

    def snapshot(self) -> Snapshot:
        """What the instruments show: the truth of the latest refresh."""
        return self._show(self._shown, blind_when_idle=self.quirks.zero_frequency_when_idle)

    def truth(self) -> Snapshot:
        """How it is at the latest step."""
        return self._show(self._read(), blind_when_idle=False)

    @property
    def heartbeat(self) -> int:
        """The unit's own counter: one a second."""
        return own_count(self.now_s - self._begins_s)

    def beat(self, count: int) -> None:
        """The controller has written its counter."""
        self._heartbeat.beat(count, self.now_s)

    def remote_write(self, name: str) -> bool:
        """A controller is about to write a command from remote; whether the unit takes it."""
        if self.local:
            return False
        for listener in self.on_command:
            listener(name, self.now_s)
        return True

    def start(self) -> None:
        """Come back after :meth:`stop`, by way of entering service."""
        self._shutting_down, self._running = False, True

    def stop(self) -> None:
        """Ramp down and stay off."""
        self._shutting_down = self._running
        self._latched |= Alarm.MANUAL_SHUTDOWN

    def reset_alarms(self) -> None:
        """Forget alarms whose cause is gone."""
        self._latched = self._present_alarms()

    def reboot(self) -> None:
        """Go dark for the time that booting takes; only configuration, energy and counters outlast it."""
        self._booting, self._booted_at_s = True, self.now_s + self.config.boot_s
        self.commands.forget()
        self._heartbeat.forget()
        self._running, self._shutting_down = True, False
        self._latched = 0
        self._functions = self._new_functions(in_service=False)
        self._stage.cease()
        self._dc.rest()
        self._wishes.forget()
        self._decided = AT_REST
        self._orders = orders(self.commands, self.config, obeys=True)
        self._coming.forget(self._orders)

    @property
    def booting(self) -> bool:
        """A unit that boots answers nobody."""
        return self._booting

    def _new_functions(self, *, in_service: bool) -> AutonomousFunctions:
        config = self.config
        return AutonomousFunctions(
            config.functions,
            nominal_hz=config.nameplate.frequency_nominal_hz,
            seed=config.seed,
            in_service=in_service,
            capability=config.capability(),
        )

    def _poll(self) -> None:
        """Take notice of what was written since the former advance."""
        self._clock.run(self.quirks.clock_rate, self._true_s)
        self._read_orders(self.now_s)

    def _read_orders(self, now_s: float) -> None:
        if self._reversion() is Reversion.ABSENT:
            self.commands.expire(now_s, Reversion.ABSENT)
        new = orders(self.commands, self.config, obeys=not self.local)
        self._coming.say(new, now_s + self.config.response.dead_time_s + self.quirks.extra_lag_s)
        self._due_s = min(
            self.commands.next_expiry_s(),
            self._heartbeat.lost_at_s,
            self._coming.next_s(),
            self._booted_at_s if self._booting else math.inf,
        )

    def _reversion(self) -> Reversion:
        return self.quirks.reversion or self.config.reversion

    def _attend(self, now_s: float) -> None:
        """Something is due on the device's clock."""
        if self._booting and now_s >= self._booted_at_s:
            self._booting = False
        self.commands.expire(now_s, self._reversion())
        if self._heartbeat.lost(now_s):
            self._latched |= Alarm.HEARTBEAT_LOST
            if self.config.heartbeat_acts:
                self.commands.drop()
        self._read_orders(now_s)
        if (new := self._coming.at(now_s)) is not self._orders:
            self._orders = new
            self._stage.bound(new)
            self._due_s = min(self._due_s, self._coming.next_s())

    def _step(self, number: int) -> None:
        at_s = self._steps.instant_s(number)
        self._keep(self.config.step_s if number > 0 else 0.0)
        self._number, self._true_s = number, max(self._true_s, at_s)
        if (device_s := self._clock.at(at_s)) >= self._due_s:
            self._attend(device_s)
        self._frequency_hz, self._voltage_pu = self._grid.frequency_hz(at_s), self._grid.voltage_pu(at_s)
        if self._booting:
            return
        self._dc.look(self._sun.power_pu(at_s), self._orders, self.config.step_s, self._heat.derating)
        self._wishes.step(self._orders, self._stage.power_w)
        self._decided = decided = self._functions.step(self._sense())
        self._answer(decided)
        self._latched |= self._present_alarms()

    def _sense(self) -> Sensed:
        plate, wishes, dc, ordered = self.config.nameplate, self._wishes, self._dc, self._orders
        rated_w = plate.injection_w_max
        low, high = self._phases.extremes
        return Sensed(
            self.config.step_s,
            self._frequency_hz,
            self._voltage_pu,
            wishes.power_w / rated_w,
            dc.ceiling_w / rated_w,
            dc.floor_w / rated_w,
            wishes.reactive_pu,
            ordered.priority,
            wishes.limit_pu,
            ordered.connected and self._running,
            self._voltage_pu * low,
            self._voltage_pu * high,
        )

    def _answer(self, decided: Decided) -> None:
        stage, plate = self._stage, self.config.nameplate
        if decided.mode in CEASED or self._dc.asleep:
            stage.cease()
        elif self._shutting_down:
            stage.follow(0.0, 0.0, self._orders.priority)
        else:
            target_w, target_var = (
                decided.power_pu * plate.injection_w_max,
                decided.reactive_pu * plate.apparent_va_max,
            )
            stage.follow(target_w, target_var, self._priority())
        if self._shutting_down and stage.power_w == 0.0 == stage.reactive_var:
            self._shutting_down = self._running = False
        self._dc.flow(stage.power_w, stage.reactive_var)

    def _priority(self) -> Priority:
        settings = self._functions.settings
        return settings.volt_var.priority if settings.volt_var.enabled else self._orders.priority

    def _keep(self, dt_s: float) -> None:
        """Carry the present flows on for ``dt_s``."""
        if dt_s <= 0.0:
            return
        stage, dc = self._stage, self._dc
        self._energies.count(stage.power_w, stage.reactive_var, dc.pv_w, dc.cells_w, dt_s)
        if dc.storage is not None:
            dc.storage.give(dc.cells_w, dt_s)
        self._heat.warm(dc.heat_w, dt_s)

    def _present_alarms(self) -> int:
        bits = int(self._decided.alarms)
        if self._heat.too_hot:
            bits |= Alarm.OVER_TEMPERATURE
        return bits

    def _refresh_after(self, last: int) -> int:
        """The step up to ``last`` at which the instruments are to be read; one in the past if none is."""
        if self.quirks.frozen:
            return -1
        refresh_s = self.quirks.refresh_s if self.quirks.refresh_s is not None else self.config.refresh_s
        return self._steps.refresh(last, refresh_s)

    def _read(self) -> Reading:
        stage, dc = self._stage, self._dc
        return Reading(
            at_s=self._clock.at(self._steps.instant_s(self._number)),
            booting=self._booting,
            stopped=not self._running,
            shutting_down=self._shutting_down,
            connected=self._orders.connected,
            asleep=dc.asleep,
            mode=self._decided.mode,
            alarms=self._present_alarms(),
            latched=self._latched,
            power_w=stage.power_w,
            reactive_var=stage.reactive_var,
            wanted_w=self._wishes.power_w,
            frequency_hz=self._frequency_hz,
            voltage_pu=self._voltage_pu,
            available_w=0.0 if self._booting else dc.available_w(self.config.step_s),
            sunny_w=dc.sunny_w,
            pv_w=dc.pv_w,
            cells_w=dc.cells_w,
            energy_wh=dc.storage.energy_wh if dc.storage is not None else None,
            temperature_c=self._heat.temperature_c,
            remaining_s=self._decided.enter_service_remaining_s,
            counters=self._energies.shown(),
        )

    def _show(self, reading: Reading, *, blind_when_idle: bool) -> Snapshot:
        return show(reading, self.config, self._phases, blind_when_idle=blind_when_idle)


def _rated_loss_w(config: InverterConfig, dc: DcSide) -> float:
    rated_w = config.nameplate.injection_w_max
    return dc.bridge.drawn_w(rated_w) - rated_w
