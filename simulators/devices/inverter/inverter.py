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
from simulators.devices.inverter.orders import orders, signature
from simulators.devices.inverter.power_stage import PowerStage
from simulators.devices.inverter.quirks import Quirks
from simulators.devices.inverter.reading import Reading, show
from simulators.devices.inverter.response import DeadTime
from simulators.devices.inverter.snapshot import Alarm, Snapshot
from simulators.devices.inverter.sources import Grid, Night, Sun
from simulators.devices.inverter.steps import Steps
from simulators.devices.inverter.stillness import Stillness
from simulators.devices.inverter.thermal import HeatSink
from simulators.devices.inverter.wishes import Wishes
from vpp_core.units import SECONDS_PER_HOUR

FULL_POWER_PU = 0.88
"""The lowest voltage of continuous operation: from here down the current limit binds, and power falls."""
STEPS_STILL_MAX = 1_000_000
OVER_TEMPERATURE, HEARTBEAT_LOST, MANUAL_SHUTDOWN = (
    int(each) for each in (Alarm.OVER_TEMPERATURE, Alarm.HEARTBEAT_LOST, Alarm.MANUAL_SHUTDOWN)
)
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
        self._frequency_hz = self._voltage_pu = self._sun_pu = 0.0
        self._number = self._kept = 0
        """The latest step, and the one up to which flows have been kept account of."""
        self._stillness = Stillness()
        self._signature: tuple[object, ...] = ()
        self._poll()
        self._step(0)
        self._shown = self._read()
        self._held = self._shown, False, self._show(self._shown, blind_when_idle=False)
        """The reading that was shown last, and how."""

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
        self._stillness.stir()

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
            if refresh > self._number:
                self._run(refresh)
                self._shown = self._read()
            self._run(last)
            self._energies.check()
        self._true_s = max(self._true_s, now_s)
        return self._clock.at(self._true_s)

    def snapshot(self) -> Snapshot:
        """What the instruments show: the truth of the latest refresh."""
        blind = self.quirks.zero_frequency_when_idle
        shown, was_blind, snapshot = self._held
        if shown is not self._shown or blind is not was_blind:
            snapshot = self._show(self._shown, blind_when_idle=blind)
            self._held = self._shown, blind, snapshot
        return snapshot

    def truth(self) -> Snapshot:
        """How it is at the latest step."""
        return self._show(self._read(), blind_when_idle=False)

    @property
    def power_w(self) -> float:
        """At the terminals at the latest step, injection positive; as in :meth:`truth`, at less cost."""
        return self._stage.power_w

    @property
    def reactive_var(self) -> float:
        """As :attr:`power_w`; positive is over-excited."""
        return self._stage.reactive_var

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
        self._stillness.stir()

    def stop(self) -> None:
        """Ramp down and stay off."""
        self._shutting_down = self._running
        self._latched |= MANUAL_SHUTDOWN
        self._stillness.stir()

    def reset_alarms(self) -> None:
        """Forget alarms whose cause is gone."""
        self._latched = self._present_alarms()

    def reboot(self) -> None:
        """Go dark for the time that booting takes; only configuration, energy and counters outlast it."""
        self._keep()
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
        self._stage.bound(self._orders)
        self._signature = ()
        self._stillness.stir()

    def fill(self, state_of_charge: float) -> None:
        """Have the battery hold so much, 0 .. 1, from now on: a bench's way to save hours.

        Raises:
            ValueError: there is no battery, or no such state of charge.
        """
        if self._dc.storage is None:
            raise ValueError("This unit has no battery.")
        if not 0.0 <= state_of_charge <= 1.0:
            raise ValueError(f"state_of_charge = {state_of_charge:g} is not within 0 .. 1")
        self._keep()
        self._dc.storage.fill(state_of_charge, abs(self._dc.cells_w) * self.config.step_s / SECONDS_PER_HOUR)
        self._stillness.stir()

    @property
    def booting(self) -> bool:
        """Dark until booting is over; that its lines answer nobody meanwhile is the fault's doing."""
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
        quirks, local = self.quirks, self.local
        self._clock.run(quirks.clock_rate, self._true_s)
        found = (*signature(self.commands), local, quirks.reversion, self._heartbeat.lost_at_s)
        if found == self._signature:
            return
        self._signature = found
        if self._reversion() is Reversion.ABSENT:
            self.commands.expire(self.now_s, Reversion.ABSENT)
        self._hear(self.now_s + self.config.response.dead_time_s + quirks.extra_lag_s)

    def _hear(self, counts_from_s: float) -> None:
        """Take the commands as they are now, to count from an instant of the device's clock on."""
        self._coming.say(orders(self.commands, self.config, obeys=not self.local), counts_from_s)
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
            self._latched |= HEARTBEAT_LOST
            if self.config.heartbeat_acts:
                self.commands.drop()
        self._hear(now_s)
        if (new := self._coming.at(now_s)) is not self._orders:
            self._orders = new
            self._stage.bound(new)
            self._hear(now_s)
        self._stillness.stir()

    def _run(self, last: int) -> None:
        """Take all steps up to ``last``; those in which nothing can move are only looked at."""
        while self._number < last:
            if self._stillness.until > self._number:
                self._pass_by(min(last, self._stillness.until))
                if self._number == last:
                    return
            self._step(self._number + 1)

    def _pass_by(self, last: int) -> None:
        """Go on as far as grid and sun stay as they are and nothing is due, at the most to ``last``."""
        begins_s, step_s, number = self._begins_s, self.config.step_s, self._number
        frequency_hz, voltage_pu, sun_pu = self._grid.frequency_hz, self._grid.voltage_pu, self._sun.power_pu
        was_hz, was_pu, was_sun_pu = self._frequency_hz, self._voltage_pu, self._sun_pu
        if (due_s := self._clock.true_s(self._due_s)) < math.inf:
            last = min(last, self._steps.latest(due_s) - 1)
        while number < last:
            at_s = begins_s + (number + 1) * step_s
            if frequency_hz(at_s) != was_hz or voltage_pu(at_s) != was_pu or sun_pu(at_s) != was_sun_pu:
                break
            number += 1
        if number == self._number:
            self._stillness.stir()
        self._number = number

    def _step(self, number: int) -> None:
        at_s = self._steps.instant_s(number)
        self._number = number
        self._keep()
        if (device_s := self._clock.at(at_s)) >= self._due_s:
            self._attend(device_s)
        self._frequency_hz, self._voltage_pu = self._grid.frequency_hz(at_s), self._grid.voltage_pu(at_s)
        self._sun_pu = self._sun.power_pu(at_s)
        if self._booting:
            return
        self._dc.look(self._sun_pu, self._orders, self.config.step_s, self._heat.derating)
        self._wishes.step(self._orders, self._stage.power_w)
        sensed = self._sense()
        still = self._stillness
        still.before(self._functions, sensed)
        self._decided = decided = self._functions.step(sensed)
        self._answer(decided)
        if (alarms := self._present_alarms()) != 0:
            self._latched |= alarms
        flows = self._stage.power_w, self._stage.reactive_var, self._dc.pv_w, self._dc.cells_w, decided
        if still.after(self._functions, flows):
            still.until = self._calm_until()

    def _calm_until(self) -> int:
        """The last step up to which the present flows change nothing; this one if they do."""
        if self._shutting_down or not self._heat.stays_cool(self._dc.heat_w):
            return self._number
        return self._number + int(min(self._dc.calm_steps(self.config.step_s), STEPS_STILL_MAX))

    def _sense(self) -> Sensed:
        wishes, dc, ordered = self._wishes, self._dc, self._orders
        rated_w = self.config.nameplate.injection_w_max
        low, high = self._phases.extremes
        return Sensed(
            dt_s=self.config.step_s,
            frequency_hz=self._frequency_hz,
            voltage_pu=self._voltage_pu,
            demand_pu=wishes.power_w / rated_w,
            available_pu=dc.ceiling_w / rated_w,
            floor_pu=dc.floor_w / rated_w,
            reactive_demand_pu=wishes.reactive_pu,
            priority=ordered.priority,
            limit_pu=wishes.limit_pu,
            permitted=ordered.connected and self._running,
            voltage_low_pu=self._voltage_pu * low,
            voltage_high_pu=self._voltage_pu * high,
        )

    def _answer(self, decided: Decided) -> None:
        stage, plate = self._stage, self.config.nameplate
        if decided.mode in CEASED or self._dc.asleep:
            stage.cease()
        elif self._shutting_down:
            stage.follow(0.0, 0.0, self._orders.priority, 1.0)
        else:
            target_w, target_var = (
                decided.power_pu * plate.injection_w_max,
                decided.reactive_pu * plate.apparent_va_max,
            )
            grip = min(self._heat.derating, self._voltage_pu / FULL_POWER_PU)
            stage.follow(target_w, target_var, self._priority(), grip)
        if self._shutting_down and stage.power_w == 0.0 == stage.reactive_var:
            self._shutting_down = self._running = False
        self._dc.flow(stage.power_w, stage.reactive_var)

    def _priority(self) -> Priority:
        settings = self._functions.settings
        return settings.volt_var.priority if settings.volt_var.enabled else self._orders.priority

    def _keep(self) -> None:
        """Keep account of the present flows up to the latest step."""
        if self._kept == self._number:
            return
        dt_s = (self._number - self._kept) * self.config.step_s
        self._kept = self._number
        stage, dc = self._stage, self._dc
        self._energies.count(stage.power_w, stage.reactive_var, dc.pv_w, dc.cells_w, dt_s)
        if dc.storage is not None:
            dc.storage.give(dc.cells_w, dt_s)
        self._heat.warm(dc.heat_w, dt_s)

    def _present_alarms(self) -> int:
        bits = self._decided.alarms.value
        if self._heat.too_hot:
            bits |= OVER_TEMPERATURE
        if self._heartbeat.silent:
            bits |= HEARTBEAT_LOST
        if self._shutting_down or not self._running:
            bits |= MANUAL_SHUTDOWN
        return bits

    def _refresh_after(self, last: int) -> int:
        """The step up to ``last`` at which the instruments are to be read; one in the past if none is."""
        if self.quirks.frozen:
            return -1
        refresh_s = self.quirks.refresh_s if self.quirks.refresh_s is not None else self.config.refresh_s
        return self._steps.refresh(last, refresh_s)

    def _read(self) -> Reading:
        self._keep()
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
            decided_w=self._decided.power_pu * self.config.nameplate.injection_w_max,
            frequency_hz=self._frequency_hz,
            voltage_pu=self._voltage_pu,
            available_w=0.0 if self._booting else dc.available_w(self.config.step_s),
            sunny_w=0.0 if self._booting else dc.sunny_w,
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
