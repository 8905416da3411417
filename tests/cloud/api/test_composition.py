"""The wired cloud on virtual time: a gateway presents itself, is answered, reports and is acknowledged."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from cloud.chain.records import EnrolledSite
from cloud.composition import Cloud, Surroundings, build
from cloud.enrollment.service import Application
from cloud.settings import CloudSettings
from cloud.telemetry.wire import Inbound
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import Clock, ManualClock, VirtualClock
from vpp_core.codec import decode, encode
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.faults import ConfigurationFault, StorageFault
from vpp_core.ids import DerId, GatewayId, OwnerId, ProgramId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import (
    Acknowledgement,
    CommissioningCheck,
    Enrollment,
    GatewayState,
    Reading,
    SiteConfig,
    Telemetry,
)
from vpp_core.topics import topic_of

START = datetime(2021, 8, 11, 13, 0, tzinfo=UTC)
SITE = SiteId("site-00")
BATTERY = DerId("site-00.battery")
Around = Callable[[Clock], Surroundings]


def der(kind: DerKind) -> DerDescription:
    return DerDescription(
        der_id=DerId(f"{SITE}.{kind}"),
        kind=kind,
        name=kind.value,
        manufacturer="m",
        model="m",
        serial="1",
        firmware="1",
        profile="p",
        injection_w_max=5_000.0,
        absorption_w_max=5_000.0,
        energy_capacity_wh=10_000.0,
    )


def enrollment(code: str) -> Enrollment:
    return Enrollment(
        site_id=SITE,
        gateway_id=GatewayId("gw-00"),
        enrollment_code=code,
        at=START,
        agent_version="1",
        ders=(der(DerKind.METER), der(DerKind.BATTERY)),
        owner_limits=OwnerLimits(),
        checks=(CommissioningCheck(name="obeys", passed=True, detail=""),),
    )


def state() -> GatewayState:
    return GatewayState(site_id=SITE, gateway_id=GatewayId("gw-00"), online=True, at=START, session="1")


def telemetry(seq: int) -> Telemetry:
    reading = Reading(
        der_id=BATTERY,
        at=START + timedelta(minutes=seq),
        energy_injected_wh=10.0 * seq,
        energy_absorbed_wh=0.0,
        state_of_charge_pct=50.0,
    )
    return Telemetry(site_id=SITE, seq=seq, readings=(reading,))


async def play(cloud: Cloud, broker: Any, clock: Clock) -> None:
    """One gateway's first quarter of an hour."""
    application = Application(
        OwnerId("own-00"), "Ada", SITE, "A house", ProgramId("market-storage"), "2021-1"
    )
    code = cloud.stages.enrollment.apply(application).enrollment_code
    await broker.inbound.put(Inbound(topic_of(SITE, "state"), encode(state())))
    await broker.inbound.put(Inbound(topic_of(SITE, "enrollment"), encode(enrollment(code))))
    for seq in range(1, 16):
        await clock.sleep(60.0)
        await broker.inbound.put(Inbound(topic_of(SITE, "telemetry"), encode(telemetry(seq))))
    await clock.sleep(60.0)


@pytest.fixture
def played(settings: CloudSettings, around: Around, broker: Any) -> Callable[[], Cloud]:
    def run() -> Cloud:
        async def main(clock: VirtualClock) -> Cloud:
            cloud = build(settings, around(clock))
            async with asyncio.TaskGroup() as tasks:
                running = tasks.create_task(cloud.run())
                await play(cloud, broker, clock)
                running.cancel()
            return cloud

        return run_virtual(main, START)

    return run


def test_a_site_goes_from_application_to_measured_energy(played: Callable[[], Cloud], broker: Any) -> None:
    cloud = played()
    down = {topic: (payload, retain, expiry_s) for topic, payload, retain, expiry_s in broker.published}
    config, retain, expiry_s = down["vpp/v1/site-00/config"]
    assert (decode(config, SiteConfig).revision, retain, expiry_s) == (1, False, 300)
    acknowledged, _, _ = down["vpp/v1/site-00/acknowledgement"]
    assert decode(acknowledged, Acknowledgement).seq == 15
    assert cloud.records.live.is_online(SITE)
    minutes = Interval(START + timedelta(minutes=1), START + timedelta(minutes=15))
    (step,) = cloud.records.telemetry.energy([BATTERY], minutes, minutes.duration_s)[BATTERY]
    assert step.injected_wh == 140.0
    cloud.close()


def test_a_restarted_cloud_knows_its_sites_and_their_last_readings(
    played: Callable[[], Cloud], settings: CloudSettings, around: Around
) -> None:
    played().close()
    again = build(settings, around(ManualClock(START)))
    (site,) = again.stages.enrollment.enrolled_sites()
    assert (site.site_id, again.records.chain.of_kind(EnrolledSite)) == (SITE, [site])
    assert again.records.live.latest([BATTERY])[BATTERY].state_of_charge_pct == 50.0
    again.close()


def test_the_utility_is_asked_for_the_history_of_a_new_site_until_it_answers(
    played: Callable[[], Cloud], counterparties: Any
) -> None:
    played().close()
    grants = counterparties.asked.count("POST /grants")
    assert grants == 4 * 3, "at once and every five minutes, three attempts each"


def test_history_is_stored_when_the_utility_answers(played: Callable[[], Cloud], counterparties: Any) -> None:
    start = datetime(2021, 7, 20, tzinfo=UTC)
    history = {
        "site_id": SITE,
        "step_s": 900,
        "start": start,
        "channels": {name: [1.0] * 96 for name in ("net_kwh", "pv_kwh", "evse_kwh")},
    }
    counterparties.answers = {
        "/grants": httpx.Response(201),
        "/interval-data/site-00": httpx.Response(200, content=msgspec.json.encode(history)),
    }
    cloud = played()
    stored = cloud.records.histories.load(SITE, Interval.of(start, 86_400.0))
    assert stored is not None
    assert stored.net_wh[0] == 1_000.0
    cloud.close()


def test_a_cloud_that_cannot_be_built_leaves_no_store_open(
    settings: CloudSettings, around: Around, clock: Clock
) -> None:
    settings.storage.telemetry_file.write_bytes(b"no store " * 1_000)
    with pytest.raises(StorageFault, match="restore a backup"):
        build(settings, around(clock))
    settings.storage.telemetry_file.unlink()
    settings.market.token_file.unlink()
    with pytest.raises(ConfigurationFault, match=r"market\.token"):
        build(settings, around(clock))
    settings.market.token_file.write_text("a-token-of-some-length", encoding="ascii")
    build(settings, around(clock)).close()
