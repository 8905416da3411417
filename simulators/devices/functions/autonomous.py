"""All autonomous functions of one unit, joined: what it is told in, what it does out."""

from random import Random

from simulators.devices.functions.capability import Capability
from simulators.devices.functions.checks import check
from simulators.devices.functions.decision import EXCURSIONS, Decided, Mode, Sensed
from simulators.devices.functions.enter_service import Service
from simulators.devices.functions.frequency_droop import Droop
from simulators.devices.functions.protection import Protection
from simulators.devices.functions.ride_through import RideThrough
from simulators.devices.functions.settings import FunctionSettings, Priority
from simulators.devices.functions.volt_var import VoltVarFunction
from simulators.devices.functions.volt_watt import VoltWattFunction
from simulators.devices.functions.watt_var import WattVarFunction

THROTTLED_PU = 1e-6
_CEASING = (Mode.MOMENTARY_CESSATION, Mode.CEASE_TO_ENERGIZE)


class AutonomousFunctions:
    """The functions of a unit as a pure state machine: samples in, decisions out, no clock.

    Precedence (clause 4.7): trips, then ride-through, then the active power limit and volt-watt, which bound
    whatever droop wants, then droop, then the demand; of the reactive functions volt-var before watt-var
    before the demanded reactive power. Where both powers together exceed the rating, the priority says what
    gives way.

    While the unit is out of service the reactions to voltage go on measuring, so that it comes back settled;
    an excursion of frequency does not outlast a trip. During the return droop moves the ramp: there is no
    power of before.
    """

    def __init__(
        self,
        settings: FunctionSettings,
        *,
        nominal_hz: float = 60.0,
        seed: int = 0,
        in_service: bool = True,
        capability: Capability | None = None,
    ) -> None:
        """Begin in service and settled at the first sample, or out of service with the delay before it.

        Raises:
            ImpossibleSettings: settings that no unit can follow.
        """
        check(settings, nominal_hz)
        self.nominal_hz = nominal_hz
        self.capability = capability or Capability()
        self._settings = settings
        self._droop = Droop(settings.frequency_droop, nominal_hz)
        self._volt_var = VoltVarFunction(settings.volt_var)
        self._volt_watt = VoltWattFunction(settings.volt_watt)
        self._watt_var = WattVarFunction(settings.watt_var)
        self._protection = Protection(settings.trips)
        self._ride_through = RideThrough(settings.trips, nominal_hz)
        self._service = Service(settings.enter_service, Random(seed), in_service=in_service)  # noqa: S311
        self._power_pu: float | None = None
        self._reactive_pu = 0.0
        self._tripped_by = 0

    @property
    def settings(self) -> FunctionSettings:
        return self._settings

    @settings.setter
    def settings(self, settings: FunctionSettings) -> None:
        """Replace all settings before the next step; timers and responses go on from where they are.

        Raises:
            ImpossibleSettings: settings that no unit can follow; the former ones stay in force.
        """
        check(settings, self.nominal_hz)
        self._settings = settings
        self._droop.adopt(settings.frequency_droop)
        self._volt_var.adopt(settings.volt_var, self._reactive_pu)
        self._volt_watt.adopt(settings.volt_watt)
        self._watt_var.adopt(settings.watt_var, self._reactive_pu)
        self._protection.adopt(settings.trips)
        self._ride_through.adopt(settings.trips)
        self._service.adopt(settings.enter_service)

    def step(self, sensed: Sensed) -> Decided:
        """What the unit does from this sample on."""
        dt_s, frequency_hz, voltage_pu, *_, permitted, low_pu, high_pu = sensed
        low_pu = voltage_pu if low_pu is None else low_pu
        high_pu = voltage_pu if high_pu is None else high_pu
        beyond, tripped = self._protection.step(dt_s, frequency_hz, low_pu, high_pu)
        service = self._service
        if not service.out and (tripped or not (permitted and service.permitted)):
            service.leave()
            self._tripped_by = tripped
        if service.out:
            if not service.enters(dt_s, frequency_hz, low_pu, high_pu, permitted=permitted):
                return self._ceased(sensed, beyond)
            self._tripped_by = 0
        return self._in_service(sensed, beyond, self._ride_through.mode(frequency_hz, low_pu, high_pu))

    def _ceased(self, sensed: Sensed, beyond: int) -> Decided:
        if self._settings.volt_var.enabled:
            self._volt_var.step(sensed.dt_s, sensed.voltage_pu)
        self._volt_watt.step(sensed.dt_s, sensed.voltage_pu)
        self._watt_var.settle(0.0)
        self._droop.rest(0.0)
        self._power_pu, self._reactive_pu = None, 0.0
        alarms = EXCURSIONS[beyond | self._tripped_by]
        throttled = min(sensed.demand_pu, sensed.available_pu) > THROTTLED_PU
        return Decided(0.0, 0.0, Mode.TRIP, alarms, self._service.remaining_s, throttled, droop_active=False)

    def _in_service(self, sensed: Sensed, beyond: int, mode: Mode) -> Decided:
        dt_s, frequency_hz, voltage_pu, demand_pu, available_pu, floor_pu, *_ = sensed
        wanted_pu = min(demand_pu, available_pu)
        ceiling_pu = min(available_pu, sensed.limit_pu, self._volt_watt.step(dt_s, voltage_pu))
        service = self._service
        last_pu = self._power_pu
        base_pu = wanted_pu
        if service.entering:
            ramp_pu = service.ramp(dt_s)
            base_pu = max(-ramp_pu, min(base_pu, ramp_pu))
            if service.entering:
                last_pu = None
                mode = Mode.ENTERING_SERVICE if mode is Mode.CONTINUOUS else mode
        base_pu = max(floor_pu, min(base_pu, ceiling_pu))
        droop = self._droop
        power_pu = droop.step(dt_s, frequency_hz, base_pu, last_pu, floor_pu, ceiling_pu)
        power_pu = max(floor_pu, min(power_pu, ceiling_pu))
        reactive_pu, priority = self._reactive(sensed, power_pu)
        power_pu, reactive_pu = self.capability.share(power_pu, reactive_pu, priority)
        alarms = EXCURSIONS[beyond]
        if mode in _CEASING:
            # What was given before stays remembered: the unit returns to it, and droop starts from it.
            throttled = wanted_pu > THROTTLED_PU
            return Decided(0.0, 0.0, mode, alarms, 0.0, throttled, droop.active)
        self._power_pu, self._reactive_pu = power_pu, reactive_pu
        throttled = power_pu < wanted_pu - THROTTLED_PU
        return Decided(power_pu, reactive_pu, mode, alarms, 0.0, throttled, droop.active)

    def _reactive(self, sensed: Sensed, power_pu: float) -> tuple[float, Priority]:
        settings = self._settings
        if settings.volt_var.enabled:
            return self._volt_var.step(sensed.dt_s, sensed.voltage_pu), settings.volt_var.priority
        if settings.watt_var.enabled:
            return self._watt_var.step(sensed.dt_s, power_pu), Priority.REACTIVE
        return sensed.reactive_demand_pu, sensed.priority
