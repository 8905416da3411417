"""The grid code of one device, all functions together: measured values in, active and reactive power out.

Pure and in per unit (see :mod:`edge_agent.control.functions`). Order: permission, trips, enter service and
ride-through say whether anything may be injected; then limits and ramps of what is wanted, the response
to frequency in its place, the ceiling of volt-watt, reactive power, and the capability of the device.
"""

from enum import Enum

import msgspec

from edge_agent.control.functions import (
    enter_service,
    fast_frequency_response,
    frequency_droop,
    volt_var,
    volt_watt,
    watt_var,
)
from edge_agent.control.functions.active_power import ActivePower, wanted
from edge_agent.control.functions.capability import Capability
from edge_agent.control.functions.enter_service import CEASED, IN_SERVICE, EnterService, Phase, ServiceState
from edge_agent.control.functions.fast_frequency_response import FastResponse, StepState
from edge_agent.control.functions.frequency_droop import Bounds, DroopState, FrequencyDroop
from edge_agent.control.functions.open_loop import Lag
from edge_agent.control.functions.ride_through import CEASING, Region, RideThrough
from edge_agent.control.functions.trips import QUIET, Category, Timers, Trips, TripSettings, default_trips
from edge_agent.control.functions.volt_var import VoltVar, VoltVarState
from edge_agent.control.functions.volt_watt import VoltWatt
from edge_agent.control.functions.watt_var import WattVar
from edge_agent.control.functions.whole import per_million
from vpp_core.units import millihertz


class GridCodeSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is set on one device; a function that is ``None`` is off.

    Raises:
        ValueError: volt-var and watt-var are both on.
    """

    nominal_hz: float = 60.0
    category: Category = Category.III
    trips: TripSettings = default_trips(Category.III)
    enter_service: EnterService = EnterService()
    permit_service: bool = True
    capability: Capability = Capability()
    active_power: ActivePower = ActivePower()
    frequency_droop: FrequencyDroop | None = None
    fast_response: FastResponse | None = None
    """Contracted: it may add to what the droop does, never take from it."""
    volt_var: VoltVar | None = None
    volt_watt: VoltWatt | None = None
    watt_var: WattVar | None = None

    def __post_init__(self) -> None:
        if self.volt_var is not None and self.watt_var is not None:
            raise ValueError("only one function may set reactive power: volt-var or watt-var")


class Measured(msgspec.Struct, frozen=True):
    """One look at grid and device: trusted, finite values only."""

    voltage_pu: float
    frequency_hz: float
    available_pu: float
    """The most that can be injected now: sun for PV, the rating for storage."""
    wanted_pu: float
    """Injection without any grid-code function: ``available_pu`` for PV, the command for storage."""


class GridState(msgspec.Struct, frozen=True):
    """What a device's functions remember; the default is a device in service before its first sample."""

    service: ServiceState = IN_SERVICE
    timers: Timers = QUIET
    wanted_pu: float | None = None
    injection_pu: float | None = None
    """The last power that was decided, whatever ride-through left of it."""
    droop: DroopState | None = None
    step: StepState = StepState()
    volt_var: VoltVarState | None = None
    volt_watt: Lag | None = None
    watt_var: Lag | None = None


OUT_OF_SERVICE = GridState(service=CEASED)
"""A device that has not entered service yet."""


class Status(Enum):
    """What the device is in, in the words of the standard."""

    CONTINUOUS = Region.CONTINUOUS.value
    MANDATORY = Region.MANDATORY.value
    PERMISSIVE = Region.PERMISSIVE.value
    MOMENTARY_CESSATION = Region.MOMENTARY_CESSATION.value
    CEASE = Region.CEASE.value
    NOT_DEFINED = Region.NOT_DEFINED.value
    ENTERING = "Entering Service"
    TRIP = "Trip"


_STATUS = {region: Status(region.value) for region in Region}


class GridDecision(msgspec.Struct, frozen=True):
    injection_pu: float
    """Active power, per unit of the rating."""
    reactive_pu: float
    """Reactive power, per unit of the apparent rating, injected positive."""
    status: Status
    tripped_by: str | None = None
    """The element that tripped in this step."""


class GridCode:
    """The functions of one device, made ready from its settings."""

    def __init__(self, settings: GridCodeSettings) -> None:
        self._settings = settings
        self._trips = Trips(settings.trips)
        self._ride_through = RideThrough(settings.category, settings.nominal_hz)

    def decide(self, state: GridState, measured: Measured, dt_s: float) -> tuple[GridState, GridDecision]:
        """One step, ``dt_s`` after the last one.

        The settings may change between two steps: the state then goes on under a new :class:`GridCode`.
        """
        voltage_ppm, frequency_mhz = per_million(measured.voltage_pu), millihertz(measured.frequency_hz)
        timers, tripped_by = self._trips.advance(state.timers, voltage_ppm, frequency_mhz, dt_s)
        if tripped_by is not None or not self._settings.permit_service:
            service = CEASED
        else:
            service = enter_service.advance(
                self._settings.enter_service, state.service, voltage_ppm, frequency_mhz, dt_s
            )
        if service.phase is Phase.CEASED:
            news = None if state.service.phase is Phase.CEASED else tripped_by
            return _ceased(state, service, timers), GridDecision(0.0, 0.0, Status.TRIP, news)
        after, injection_pu, reactive_pu = self._in_service(state, service, timers, measured, dt_s)
        region = self._ride_through.region(voltage_ppm, frequency_mhz)
        entering = region is Region.CONTINUOUS and service.phase is Phase.ENTERING
        status = Status.ENTERING if entering else _STATUS[region]
        if region in CEASING:
            return after, GridDecision(0.0, 0.0, status)
        return after, GridDecision(injection_pu, reactive_pu, status)

    def _in_service(
        self, state: GridState, service: ServiceState, timers: Timers, measured: Measured, dt_s: float
    ) -> tuple[GridState, float, float]:
        """Everything that shapes the power of a device in service: the state, active and reactive power."""
        settings = self._settings
        bounds = self._bounds(service, measured)
        ramped_pu = wanted(settings.active_power, state.wanted_pu, measured.wanted_pu, dt_s)
        ceiling = None
        if settings.volt_watt is not None:
            ceiling = volt_watt.ceiling(settings.volt_watt, state.volt_watt, measured.voltage_pu, dt_s)
            bounds = bounds.below(ceiling.output)
        droop, step, injection_pu = self._by_frequency(
            state, bounds.clamp(ramped_pu), measured.frequency_hz, bounds, dt_s
        )
        by_voltage, by_power, reactive_pu = self._reactive(state, measured.voltage_pu, injection_pu, dt_s)
        injection_pu, reactive_pu = settings.capability.fit(injection_pu, reactive_pu)
        after = GridState(
            service, timers, ramped_pu, injection_pu, droop, step, by_voltage, ceiling, by_power
        )
        return after, injection_pu, reactive_pu

    def _by_frequency(
        self, state: GridState, wanted_pu: float, frequency_hz: float, bounds: Bounds, dt_s: float
    ) -> tuple[DroopState | None, StepState, float]:
        """The states of droop and contracted response, and the injection that they leave."""
        settings = self._settings
        droop, step, injection_pu = None, state.step, wanted_pu
        if settings.frequency_droop is not None:
            last_pu = wanted_pu if state.injection_pu is None else state.injection_pu
            droop = frequency_droop.respond(
                settings.frequency_droop, state.droop, frequency_hz, (last_pu, wanted_pu), bounds, dt_s
            )
            injection_pu = bounds.clamp(wanted_pu if droop.output_pu is None else droop.output_pu)
        if settings.fast_response is not None:
            step, change_pu = fast_frequency_response.respond(
                settings.fast_response, step, frequency_hz, dt_s
            )
            sold_pu = bounds.clamp(wanted_pu + change_pu)
            if change_pu > 0.0:
                injection_pu = max(injection_pu, sold_pu)
            elif change_pu < 0.0:
                injection_pu = min(injection_pu, sold_pu)
        return droop, step, injection_pu

    def _bounds(self, service: ServiceState, measured: Measured) -> Bounds:
        """Between what is available, limited or not risen yet, and full absorption."""
        low_pu = max(self._settings.capability.injection_min_pu, -service.ramp_pu)
        bounds = Bounds(low_pu, service.ramp_pu).below(measured.available_pu)
        limit_pu = self._settings.active_power.limit_pu
        return bounds if limit_pu is None else bounds.below(limit_pu)

    def _reactive(
        self, state: GridState, voltage_pu: float, injection_pu: float, dt_s: float
    ) -> tuple[VoltVarState | None, Lag | None, float]:
        """The states of volt-var and watt-var, and the reactive power that is asked for."""
        settings = self._settings
        if settings.volt_var is not None:
            by_voltage = volt_var.respond(settings.volt_var, state.volt_var, voltage_pu, dt_s)
            return by_voltage, None, by_voltage.output_pu
        if settings.watt_var is not None:
            by_power = watt_var.respond(settings.watt_var, state.watt_var, injection_pu, dt_s)
            return None, by_power, by_power.output
        return None, None, 0.0


def _ceased(state: GridState, service: ServiceState, timers: Timers) -> GridState:
    """Nothing is injected; what comes back later starts from nothing.

    Only the reference of volt-var stays, and the time since the trigger of a step product.
    """
    at_rest = volt_var.at_rest(state.volt_var)
    return GridState(service, timers, 0.0, 0.0, None, state.step, at_rest, None, None)
