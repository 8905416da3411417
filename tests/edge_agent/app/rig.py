"""One agent on virtual time: real registers without a wire, a broker in memory, and a listening cloud."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from edge_agent.app import run_site
from edge_agent.devices.driver import Device, discover
from edge_agent.devices.link import LinkSettings
from edge_agent.settings import ControlSettings, DeviceSettings, OutboxSettings, OwnerSettings, SiteSettings
from edge_agent.uplink.transport import Publication
from firmware_profiles import load_profiles
from simulators.data.house_load import HouseLoad
from simulators.data.pv_profile import PvProfile
from simulators.devices.battery import BatteryConfig
from simulators.devices.evse import EvseConfig
from simulators.devices.site import SimulatedSite
from simulators.devices.site import SiteConfig as SimulatedSiteConfig
from simulators.grid.script import GridScript
from simulators.rig.virtual.memory import MemoryBroker, MemoryTransport
from simulators.rig.virtual.memory_link import MemoryLink, Responder
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import VirtualClock
from vpp_core.codec import decode, encode
from vpp_core.der import DerKind
from vpp_core.faults import DeviceFault
from vpp_core.ids import CommandId, DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import (
    Acknowledgement,
    Dispatch,
    DispatchPriority,
    Enrollment,
    EventRecord,
    FrequencyResponse,
    GatewayState,
    Receipt,
    ReceiptStatus,
    ReserveStep,
    SiteConfig,
    Telemetry,
)
from vpp_core.schedule import Schedule, ScheduleStep
from vpp_core.topics import parse, topic_of, uplink_filters

SITE = SiteId("site-01")
NOON = datetime(2021, 8, 12, 17, tzinfo=UTC)
BATTERY, PV, EVSE = DerId("site-01.battery"), DerId("site-01.pv"), DerId("site-01.evse")
UNITS = {"meter": 1, "battery": 2, "pv": 3, "evse": 4}
CODE = "one-time-code"
TIMEOUT_S = 1.0


class RigLink(MemoryLink):
    """A link whose units a rig can silence, or make deaf: writes are acknowledged and have no effect."""

    def __init__(self, rig: "Rig", units: Mapping[int, Responder]) -> None:
        super().__init__(units)
        self._rig = rig

    async def read(self, unit: int, address: int, count: int) -> bytes:
        await self._look_for(unit)
        return await super().read(unit, address, count)

    async def write(self, unit: int, address: int, registers: bytes) -> None:
        await self._look_for(unit)
        if not self._rig.deaf:
            await super().write(unit, address, registers)

    async def _look_for(self, unit: int) -> None:
        if unit in self._rig.stalled:
            await self._rig.clock.sleep(TIMEOUT_S)
        if unit in self._rig.broken | self._rig.stalled:
            raise DeviceFault(f"{self} unit {unit} does not answer")


class Rig:
    """A site, its broker, its agent and a cloud that writes down everything and acknowledges it."""

    def __init__(self, clock: VirtualClock, state_dir: Path, **settings: Any) -> None:
        self.clock = clock
        self.grid = GridScript()
        self.broker = MemoryBroker(clock)
        self.acknowledging = True
        self.received: list[msgspec.Struct] = []
        evse = settings.pop("evse", False)
        battery = settings.pop("battery", BatteryConfig())
        config = SimulatedSiteConfig(
            site_id=SITE, load_scale=0.5, battery=battery, evse=EvseConfig() if evse else None
        )
        sun = PvProfile([0.0, 1.0], [0.0, 0.0])
        self.site = SimulatedSite(config, clock, self.grid, HouseLoad(0), sun)
        self.links: list[MemoryLink] = []
        self.broken: set[int] = set()
        self.stalled: set[int] = set()
        """Units whose requests end in a time-out only."""
        self.deaf = False
        code_file = state_dir / "code.txt"
        state_dir.mkdir(parents=True, exist_ok=True)
        code_file.write_text(CODE)
        names = [name for name in UNITS if evse or name != "evse"]
        base: dict[str, Any] = {
            "site_id": SITE,
            "gateway_id": "gateway-01",
            "state_dir": state_dir,
            "enrollment_code_file": code_file,
            "outbox": OutboxSettings(durability="off"),
            "device": tuple(
                DeviceSettings(name=name, kind=DerKind(name), host="memory", unit=UNITS[name])
                for name in names
            ),
        }
        self.settings = SiteSettings(**(base | settings))
        self.agent: asyncio.Task[None] | None = None

    def open_link(self, settings: LinkSettings) -> MemoryLink:
        del settings
        link = RigLink(self, self.site.images)
        self.links.append(link)
        return link

    def cut_wires(self) -> None:
        for link in self.links:
            link.broken = True

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The agent and the cloud; the agent is cancelled at the end."""
        async with asyncio.TaskGroup() as tasks:
            cloud = tasks.create_task(self._cloud())
            self.agent = tasks.create_task(self.run_agent())
            try:
                yield
            finally:
                await self.stop()
                cloud.cancel()

    async def run_agent(self) -> None:
        await run_site(
            self.settings,
            clock=self.clock,
            transport=MemoryTransport(self.broker, self.settings.gateway_id),
            open_link=self.open_link,
            chance=random.Random(7),
        )

    async def stop(self) -> None:
        """SIGTERM."""
        if self.agent is not None:
            self.agent.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.agent

    async def wait(self, duration_s: float) -> None:
        await self.clock.sleep(duration_s)

    async def foreign_battery(self) -> Device:
        """The battery in somebody else's hands."""
        link = self.open_link(LinkSettings(host="memory"))
        return await discover(link, UNITS["battery"], load_profiles(), self.clock, kind=DerKind.BATTERY)

    def of(self, kind: type[Any], *, at: Callable[[Any], bool] = lambda _: True) -> list[Any]:
        return [message for message in self.received if isinstance(message, kind) and at(message)]

    def statuses(self, command_id: str) -> list[ReceiptStatus]:
        """Each receipt's status once, in order."""
        found = self.of(Receipt, at=lambda receipt: receipt.command_id == command_id)
        return [receipt.status for receipt in sorted({r.seq: r for r in found}.values(), key=lambda r: r.seq)]

    @property
    def state(self) -> GatewayState:
        return self.of(GatewayState)[-1]  # type: ignore[no-any-return]

    def power_w(self, device: str) -> float:
        return self.site.power_w(device)

    # --- the cloud's voice ---------------------------------------------------------------------

    def send(self, message: msgspec.Struct, kind: str, *, retain: bool = False) -> None:
        self.broker.publish(Publication(topic_of(SITE, kind), encode(message), retain))

    def raw(self, topic: str, payload: bytes) -> None:
        self.broker.publish(Publication(topic, payload))

    def configure(self, *, revision: int = 1, reserve_w: float = 0.0) -> None:
        now = self.clock.now()
        step = ReserveStep(interval=Interval.of(now, 7_200.0), der_id=BATTERY, reserve_w=reserve_w)
        self.send(
            SiteConfig(
                site_id=SITE,
                revision=revision,
                issued_at=now,
                expires_at=now + timedelta(days=1),
                frequency_response=FrequencyResponse(steps=(step,) if reserve_w else ()),
            ),
            "config",
            retain=True,
        )

    def dispatch(
        self,
        command_id: str,
        setpoints_w: list[float],
        *,
        starts_in_s: float = 0.0,
        step_s: float = 900.0,
        ttl_s: float | None = None,
        **fields: Any,
    ) -> Dispatch:
        """A command in equal steps, as soon as it is sent; ``fields`` replace those for the battery."""
        now = self.clock.now()
        start = now + timedelta(seconds=starts_in_s)
        steps = tuple(
            ScheduleStep(Interval.of(start + timedelta(seconds=step_s * index), step_s), setpoint_w)
            for index, setpoint_w in enumerate(setpoints_w)
        )
        alive_s = starts_in_s + step_s * len(steps) if ttl_s is None else ttl_s
        usual: dict[str, Any] = {"revision": 1, "der_id": BATTERY, "priority": DispatchPriority.MARKET}
        command = Dispatch(
            command_id=CommandId(command_id),
            site_id=SITE,
            issued_at=now,
            expires_at=now + timedelta(seconds=alive_s),
            schedule=Schedule(steps),
            **(usual | fields),
        )
        self.send(command, "command")
        return command

    async def _cloud(self) -> None:
        kinds: dict[str, type[Any]] = {
            "enrollment": Enrollment,
            "telemetry": Telemetry,
            "state": GatewayState,
            "receipt": Receipt,
            "event": EventRecord,
        }
        with self.broker.connect("cloud") as connection:
            await connection.subscribe(uplink_filters())
            async for delivery in connection.messages():
                topic = parse(delivery.topic)
                assert topic is not None
                message = decode(delivery.payload, kinds[topic.kind])
                self.received.append(message)
                seq = getattr(message, "seq", None)
                if self.acknowledging and seq is not None:
                    self.send(Acknowledgement(site_id=SITE, seq=seq), "acknowledgement")


def play(
    story: Callable[[Rig], Coroutine[Any, Any, None]],
    state_dir: Path,
    epoch: datetime = NOON,
    control: ControlSettings | None = None,
    owner: OwnerSettings | None = None,
    **settings: Any,
) -> Rig:
    """Run a story against one rig on virtual time, and give the rig back for more questions."""
    rigs: list[Rig] = []

    async def main(clock: VirtualClock) -> None:
        rig = Rig(
            clock,
            state_dir,
            control=control or ControlSettings(),
            owner_limits=owner or OwnerSettings(),
            **settings,
        )
        rigs.append(rig)
        await story(rig)

    run_virtual(main, epoch)
    return rigs[0]
