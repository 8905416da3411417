"""A simulated site: four devices behind one Modbus/TCP port, on one clock and one grid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from simulators.devices.battery import Battery, BatteryConfig
from simulators.devices.evse import ChargingSession, Evse, EvseConfig
from simulators.devices.image import RegisterImage
from simulators.devices.physics import BATTERY, EVSE, METER, PV, LoadSource, SitePhysics
from simulators.devices.pv import Pv, PvConfig, PvSource
from simulators.devices.registers import battery_models, evse_models, meter_models, pv_models
from simulators.devices.wire.tcp import ModbusServer
from vpp_core.clock import Clock

UNITS = {METER: 1, BATTERY: 2, PV: 3, EVSE: 4}
"""Unit id of each device behind the port of its site."""


class Grid(Protocol):
    """Frequency and voltage over Unix seconds."""

    def frequency_hz(self, at_s: float) -> float: ...

    def voltage_v(self, at_s: float) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteConfig:
    """Everything that makes one site differ from another."""

    site_id: str
    seed: int = 0
    """Of the synthetic house load."""
    load_scale: float = 1.0
    battery: BatteryConfig = field(default_factory=BatteryConfig)
    pv: PvConfig = field(default_factory=PvConfig)
    evse: EvseConfig | None = None
    sessions: tuple[ChargingSession, ...] = ()
    """Visits of vehicles, in order, not overlapping; only with an EVSE."""


class MeterEnergy(NamedTuple):
    """Counters of the grid meter since the site began, as magnitudes."""

    injected_wh: float
    absorbed_wh: float

    @property
    def net_wh(self) -> float:
        """Injection positive."""
        return self.injected_wh - self.absorbed_wh


class SimulatedSite:
    """One site on real registers.

    Physics moves when somebody looks: each access of a register and each accessor below first advances
    to the present of the clock. ``begins_at`` is when counters start at zero; by default the present.
    """

    def __init__(
        self,
        config: SiteConfig,
        clock: Clock,
        grid: Grid,
        load: LoadSource,
        pv: PvSource,
        *,
        begins_at: datetime | None = None,
    ) -> None:
        begins_s = (begins_at or clock.now()).timestamp()
        evse = Evse(config.evse, config.sessions, begins_s) if config.evse else None
        self.config = config
        self.physics = SitePhysics(load, Battery(config.battery), Pv(config.pv, pv), evse, begins_s=begins_s)
        self._clock, self._grid = clock, grid
        self._server: ModbusServer | None = None
        self.images: Mapping[int, RegisterImage] = self._make_images()
        """Register images by unit id, for an in-memory link."""

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen and return the port; 0 takes a free one.

        Raises:
            LocalFault: the address cannot be had.
        """
        self._server = ModbusServer(self.images, host, port)
        return await self._server.start()

    async def stop(self) -> None:
        """Close the port; the physics goes on, and :meth:`start` may follow."""
        if self._server is not None:
            await self._server.stop()

    def meter_energy(self, now: datetime) -> MeterEnergy:
        """True counters at ``now``, which must not lie before the last look."""
        self.physics.advance(now.timestamp())
        counters = self.physics.counters[METER]
        return MeterEnergy(counters.injected_wh, counters.absorbed_wh)

    def power_w(self, device: str = METER) -> float:
        """True present power of a device (``meter``, ``battery``, ``pv``, ``evse``) or the ``load``."""
        self._advance()
        return self.physics.power_w(device)

    def state_of_charge(self) -> float:
        """True present state of charge of the battery, 0 .. 1."""
        self._advance()
        return self.physics.battery.state_of_charge

    def _advance(self) -> float:
        self.physics.advance(self._clock.now().timestamp())
        return self.physics.now_s

    def _make_images(self) -> dict[int, RegisterImage]:
        site_id, physics, grid = self.config.site_id, self.physics, self._grid
        models = {
            METER: meter_models(site_id, physics, grid),
            BATTERY: battery_models(site_id, physics, grid),
            PV: pv_models(site_id, physics, grid),
        }
        if physics.evse is not None:
            models[EVSE] = evse_models(site_id, physics, grid, physics.evse)
        return {UNITS[name]: RegisterImage(instances, self._advance) for name, instances in models.items()}
