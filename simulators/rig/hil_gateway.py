"""Gateways under test: the rig plays an agent's devices, or looks at a whole site through its meter.

The gateway is a process of its own, ours or another's: nothing of it is imported here.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator

from simulators.data.pv_profile import PvProfile
from simulators.devices.site import SimulatedSite, SiteConfig
from simulators.grid.bench import BenchGrid
from simulators.rig.hil_bench.instruments import Reading, SunSpecInstruments
from simulators.rig.hil_bench.ratings import Ratings
from simulators.rig.hil_bench.settings import AgentTarget, DeviceTarget, HilSettings, SiteTarget
from simulators.rig.hil_bench.station import Station, make_source, open_meter, read_identity
from simulators.rig.hil_bench.subject import Gateway
from simulators.rig.hil_run import Order, run_station
from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault

SITE = "site-hil"
_LOAD_W = 500.0
_PROBE_BELOW_HZ = 0.5
_PROBE_TOLERANCE = 0.03
"""Of the rating."""
_PROBE_HOLD_S = 6.0
"""Longer than any step of commissioning."""
_PROBE_POLL_S = 0.2


class SteadyLoad:
    """A house that always takes the same, so that what moves at the meter is the devices' doing."""

    def power_w(self, at_s: float) -> float:
        del at_s
        return _LOAD_W

    def next_knot_s(self, at_s: float) -> float:
        del at_s
        return math.inf


class PlayedSite:
    """The devices that the rig plays: a home with meter, battery and dark modules, on the rig's grid."""

    name = "the rig's own"
    exact = True
    refresh_s = 0.0

    def __init__(self, clock: Clock, nominal_hz: float) -> None:
        self._clock = clock
        self.grid = BenchGrid(nominal_hz)
        dark = PvProfile([0.0, 1.0], [0.0, 0.0])
        self.site = SimulatedSite(SiteConfig(site_id=SITE), clock, self.grid, SteadyLoad(), dark)
        self.rating_w = float(self.site.config.battery.power_w_max)

    async def read(self) -> Reading:
        """The truth at the battery's terminals."""
        now_s = self._clock.now().timestamp()
        return {
            "power_w": self.site.power_w("battery"),
            "frequency_hz": self.grid.frequency_hz(now_s),
            "state_of_charge": self.site.state_of_charge(),
            "meter_w": self.site.power_w("meter"),
        }

    async def apply(
        self, *, frequency_hz: float | None = None, voltage_pu: float | None = None, ramp_s: float = 0.0
    ) -> None:
        now_s = self._clock.now().timestamp()
        self.grid.apply(now_s, frequency_hz=frequency_hz, voltage_pu=voltage_pu, ramp_s=ramp_s)

    async def close(self) -> None:
        await self.site.stop()

    def ratings(self) -> Ratings:
        return Ratings(
            injection_w=self.rating_w,
            absorption_w=self.rating_w,
            apparent_va=self.rating_w,
            voltage_v=self.grid.voltage_nominal_v,
            frequency_hz=self.grid.nominal_hz,
        )


class ListeningGateway:
    """A gateway of its own process: it finds its devices at an address of the rig, or finds nobody there."""

    def __init__(self, target: AgentTarget, played: PlayedSite) -> None:
        self.deadband_hz, self.droop_pu = target.droop.deadband_hz, target.droop.droop_pu
        self.command_expires_s = target.command_expires_s
        self._target, self._played = target, played
        self._listening = False

    async def cut(self) -> str:
        await self._played.site.stop()
        self._listening = False
        return "The rig refused the gateway's connections to its devices."

    async def mend(self) -> None:
        if not self._listening:
            await self._played.site.start(self._target.host, self._target.port)
            self._listening = True


class SiteInTheField:
    """A real site: whoever is there parts the gateway from its devices."""

    def __init__(self, target: SiteTarget) -> None:
        self.deadband_hz, self.droop_pu = target.droop.deadband_hz, target.droop.droop_pu
        self.command_expires_s = target.command_expires_s
        self._parted = False

    async def cut(self) -> str:
        await asyncio.to_thread(input, "Part the gateway from its devices, then press Enter: ")
        self._parted = True
        return "The gateway was parted from its devices by hand."

    async def mend(self) -> None:
        if self._parted:
            await asyncio.to_thread(input, "Connect the gateway to its devices again, then press Enter: ")
            self._parted = False


async def run_real_gateway(order: Order, clock: Clock) -> None:
    """Run against a gateway or a site as the configuration says.

    Raises:
        DeviceFault: nobody is there.
    """
    target = order.settings.target
    assert not isinstance(target, DeviceTarget)  # noqa: S101
    opened = (
        _listening(target, clock)
        if isinstance(target, AgentTarget)
        else _metered(order.settings, target, clock)
    )
    try:
        async with opened as station:
            await run_station(order, station)
    except DeviceFault as fault:
        order.result.fault = order.result.fault or str(fault)
        raise


async def until_responding(played: PlayedSite, gateway: Gateway, clock: Clock, ready_s_max: float) -> None:
    """Wait until a gateway has found and tested its devices, and holds the droop on a low frequency.

    Raises:
        DeviceFault: no gateway responds.
    """
    nominal_hz = played.grid.nominal_hz
    beyond_hz = _PROBE_BELOW_HZ - gateway.deadband_hz
    target_w = played.rating_w * beyond_hz / (nominal_hz * gateway.droop_pu)
    begins_s = clock.monotonic_s()
    near_since_s: float | None = None
    await played.apply(frequency_hz=nominal_hz - _PROBE_BELOW_HZ)
    while near_since_s is None or clock.monotonic_s() - near_since_s < _PROBE_HOLD_S:
        near = abs(played.site.power_w("battery") - target_w) <= _PROBE_TOLERANCE * played.rating_w
        near_since_s = (near_since_s or clock.monotonic_s()) if near else None
        if clock.monotonic_s() - begins_s > ready_s_max:
            raise DeviceFault(
                f"No gateway has answered {_PROBE_BELOW_HZ:g} Hz under nominal with {target_w:.0f} W within "
                f"{ready_s_max:g} s: point its devices to the rig, and see that it performs the droop."
            )
        await clock.sleep(_PROBE_POLL_S)
    await played.apply(frequency_hz=nominal_hz)
    await clock.sleep(_PROBE_HOLD_S)


@contextlib.asynccontextmanager
async def _listening(target: AgentTarget, clock: Clock) -> AsyncIterator[Station]:
    """Play a site's devices where the gateway looks for them, and wait for it."""
    played = PlayedSite(clock, float(target.frequency_nominal_hz))
    gateway = ListeningGateway(target, played)
    await gateway.mend()
    try:
        await until_responding(played, gateway, clock, target.ready_s_max)
        yield Station(
            kind=target.kind,
            name=f"the gateway whose devices are at {target.host}:{target.port}",
            clock=clock,
            instruments=played,
            ratings=played.ratings(),
            gateway=gateway,
            source=played,
        )
    finally:
        await played.close()


@contextlib.asynccontextmanager
async def _metered(settings: HilSettings, target: SiteTarget, clock: Clock) -> AsyncIterator[Station]:
    """Look at a whole site through its meter."""
    async with contextlib.AsyncExitStack() as open_things:
        meter = await open_meter(target, clock)
        open_things.callback(meter.client.close)
        ratings = Ratings(
            injection_w=target.rating_w,
            absorption_w=target.rating_w,
            apparent_va=target.rating_w,
            frequency_hz=float(target.frequency_nominal_hz),
        )
        yield Station(
            kind=target.kind,
            name=f"the site behind {meter.name}",
            clock=clock,
            instruments=SunSpecInstruments(meter, settings.measure.refresh_s, sign=target.injection_sign),
            ratings=ratings,
            gateway=SiteInTheField(target),
            source=make_source(settings, clock, ratings, open_things),
            identity=await read_identity(meter),
        )
