"""A fleet of peak-program sites, a sink that remembers, and telemetry that a test sets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from cloud.chain.records import Book, Command, EnrolledSite
from cloud.chain.store import Chain
from cloud.dispatch.event_plan import ProgramRules
from cloud.dispatch.resplit import ResponseRules
from cloud.dispatch.service import DispatchService
from cloud.markets.catalogue import load_catalogue
from cloud.openadr.intake import EventStatus, GridEventNotice, Opt
from vpp_core.clock import ManualClock
from vpp_core.codec import decode
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.faults import BrokerFault
from vpp_core.ids import DerId, GatewayId, OwnerId, ProgramId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import (
    ControlState,
    Dispatch,
    GatewayState,
    Reading,
    Receipt,
    ReceiptStatus,
    SiteConfig,
)

PEAK, MARKET = ProgramId("utility-peak"), ProgramId("market-storage")
NOTICE_AT = datetime(2021, 8, 12, 20, 0, tzinfo=UTC)
"""15:00 in Texas."""
EVENT = Interval(datetime(2021, 8, 12, 22, 0, tzinfo=UTC), datetime(2021, 8, 13, 0, 0, tzinfo=UTC))
"""17:00 to 19:00 in Texas."""
CAPACITY_WH = 10_000.0


def battery_id(number: int) -> DerId:
    return DerId(f"site-{number:02}.battery")


class Sent(NamedTuple):
    topic: str
    payload: bytes
    retain: bool
    expiry_s: int | None


@dataclass
class Sink:
    """Remembers what was published; refuses while ``down``."""

    sent: list[Sent] = field(default_factory=list)
    down: bool = False

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        if self.down:
            raise BrokerFault("the broker is down")
        self.sent.append(Sent(topic, payload, retain, expiry_s))

    def dispatches(self) -> list[Dispatch]:
        return [decode(sent.payload, Dispatch) for sent in self.sent if sent.topic.endswith("/command")]

    def configs(self) -> list[SiteConfig]:
        return [decode(sent.payload, SiteConfig) for sent in self.sent if sent.topic.endswith("/config")]

    def newest(self) -> dict[DerId, Dispatch]:
        return {dispatch.der_id: dispatch for dispatch in self.dispatches()}


@dataclass
class Readings:
    newest: dict[DerId, Reading] = field(default_factory=dict)

    def latest(self, devices: Iterable[DerId]) -> Mapping[DerId, Reading]:
        return {der_id: self.newest[der_id] for der_id in devices if der_id in self.newest}


@dataclass
class Fleet:
    """The world around the service."""

    chain: Chain
    clock: ManualClock
    sink: Sink
    readings: Readings
    service: DispatchService
    rules: tuple[ProgramRules, ResponseRules]

    def enroll(
        self, number: int, program: ProgramId = PEAK, *, evse: bool = False, limits: OwnerLimits | None = None
    ) -> EnrolledSite:
        """A site with a 5 kW, 10 kWh battery without losses, and perhaps an EVSE."""
        site_id = f"site-{number:02}"
        kinds = (DerKind.BATTERY, DerKind.EVSE) if evse else (DerKind.BATTERY,)
        return self.chain.append(
            EnrolledSite(
                id=self.chain.new_id(),
                at=self.clock.now(),
                owner_id=OwnerId(f"owner-{number:02}"),
                site_id=SiteId(site_id),
                site_name=site_id,
                program_id=program,
                book=Book.REGULATED if program == PEAK else Book.MARKET,
                gateway_id=GatewayId(f"gateway-{number:02}"),
                ders=tuple(_der(site_id, kind) for kind in kinds),
                owner_limits=limits or OwnerLimits(reserve_fraction=0.2),
                checks=(),
                applied_at=self.clock.now(),
            )
        )

    def measure(
        self,
        number: int,
        power_w: float | None = 0.0,
        charge: float | None = 90.0,
        quality: Quality = Quality.GOOD,
    ) -> None:
        der_id = battery_id(number)
        self.readings.newest[der_id] = Reading(
            der_id=der_id,
            at=self.clock.now(),
            power_w=power_w,
            state_of_charge_pct=charge,
            quality=quality,
        )

    def obey(self, *, charge: float = 90.0, without: Iterable[int] = ()) -> None:
        """Every battery but some shows the setpoint that it was last sent."""
        now = self.clock.now()
        for der_id, dispatch in self.sink.newest().items():
            number = int(dispatch.site_id[-2:])
            if der_id == battery_id(number) and number not in without:
                step = dispatch.schedule.step_at(now)
                self.measure(number, step.setpoint_w if step else 0.0, charge)

    def advance_to(self, instant: datetime) -> None:
        self.clock.advance((instant - self.clock.now()).total_seconds())

    async def minutes(self, count: int, *, without: Iterable[int] = ()) -> None:
        """Pass some minutes; in each one the fleet reports, then the loop runs."""
        for _ in range(count):
            self.clock.advance(60.0)
            self.obey(without=without)
            await self.service.tick()

    async def gateway(self, number: int, *, online: bool, **available: bool) -> None:
        await self.service.on_state(
            GatewayState(
                site_id=SiteId(f"site-{number:02}"),
                gateway_id=GatewayId(f"gateway-{number:02}"),
                online=online,
                at=self.clock.now(),
                session="s",
                control_state=ControlState.READY,
                available={DerId(f"site-{number:02}.{kind}"): ok for kind, ok in available.items()},
            )
        )

    async def receive(
        self, number: int, status: ReceiptStatus, setpoint_w: float | None = None, revision: int | None = None
    ) -> Receipt:
        dispatch = self.sink.newest()[battery_id(number)]
        receipt = Receipt(
            site_id=dispatch.site_id,
            seq=1,
            command_id=dispatch.command_id,
            revision=dispatch.revision if revision is None else revision,
            der_id=dispatch.der_id,
            at=self.clock.now(),
            status=status,
            setpoint_w=setpoint_w,
        )
        await self.service.on_receipt(receipt)
        return receipt

    def setpoints_w(self) -> dict[int, float]:
        """What each battery is ordered now, by site number."""
        now = self.clock.now()
        steps = {
            int(dispatch.site_id[-2:]): dispatch.schedule.step_at(now)
            for der_id, dispatch in sorted(self.sink.newest().items())
            if der_id.endswith(".battery")
        }
        return {number: step.setpoint_w for number, step in steps.items() if step is not None}

    def restarted(self) -> DispatchService:
        self.service = make_service(self.chain, self.readings, self.sink, self.clock, self.rules)
        return self.service

    event = EVENT
    battery = staticmethod(battery_id)

    def notice(self, target_w: float = 9_000.0, modification: int = 0, **changes: object) -> GridEventNotice:
        values: dict[str, object] = {
            "source": "utility",
            "event_id": "peak-1",
            "modification": modification,
            "status": EventStatus.PENDING,
            "program_id": PEAK,
            "interval": EVENT,
            "target_w": target_w,
        }
        return GridEventNotice(**(values | changes))  # type: ignore[arg-type]

    async def call(self, target_w: float = 9_000.0, modification: int = 0, **changes: object) -> Opt:
        return await self.service.on_grid_event(self.notice(target_w, modification, **changes))

    async def running(self, target_w: float = 9_000.0) -> None:
        """An accepted event whose first quarter of an hour went as ordered."""
        assert await self.call(target_w) is Opt.IN
        self.advance_to(EVENT.start)
        await self.minutes(15)

    def commands(self) -> list[Command]:
        return self.chain.of_kind(Command)


def _der(site_id: str, kind: DerKind) -> DerDescription:
    storage = {"absorption_w_max": 5_000.0, "energy_capacity_wh": CAPACITY_WH}
    return DerDescription(
        der_id=DerId(f"{site_id}.{kind.value}"),
        kind=kind,
        name=kind.value,
        manufacturer="Test",
        model="T",
        serial="1",
        firmware="1",
        profile="test",
        injection_w_max=5_000.0 if kind is DerKind.BATTERY else 0.0,
        **(storage if kind is DerKind.BATTERY else {}),
    )


def make_service(
    chain: Chain,
    readings: Readings,
    sink: Sink,
    clock: ManualClock,
    rules: tuple[ProgramRules, ResponseRules],
) -> DispatchService:
    return DispatchService(
        chain=chain, catalogue=load_catalogue(), readings=readings, sink=sink, clock=clock, rules=rules
    )


@pytest.fixture
def fleet(chain: Chain, clock: ManualClock) -> Fleet:
    """Five peak sites at 90 % charge, three hours before an event may begin."""
    clock.advance((NOTICE_AT - clock.now()).total_seconds() - timedelta(hours=1).total_seconds())
    sink, readings = Sink(), Readings()
    rules = (ProgramRules(), ResponseRules())
    fleet = Fleet(chain, clock, sink, readings, make_service(chain, readings, sink, clock, rules), rules)
    for number in range(1, 6):
        fleet.enroll(number)
    fleet.advance_to(NOTICE_AT)
    for number in range(1, 6):
        fleet.measure(number)
    return fleet
