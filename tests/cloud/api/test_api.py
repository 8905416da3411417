"""Nobody passes without the token; errors are problems; records and fleet are readable."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter

from cloud.api.app import create_app
from cloud.api.body_limit import BODY_BYTES_MAX
from cloud.api.problems import MEDIA_TYPE
from cloud.api.security import read_token
from cloud.chain.faults import NotReady
from cloud.composition import Cloud
from cloud.storage.audit import AuditTrail
from cloud.storage.database import Database
from vpp_core.clock import ManualClock
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.faults import BrokerFault, ConfigurationFault, CounterpartyFault, Fault, StorageFault
from vpp_core.ids import DerId, GatewayId, SiteId
from vpp_core.messages import CommissioningCheck, Enrollment, Reading

FORM = {
    "owner_id": "own-00",
    "owner_name": "Ada Owner",
    "site_id": "site-00",
    "site_name": "A house",
    "program_id": "market-storage",
    "terms_version": "2021-1",
}


def enrollment(code: str, clock: ManualClock) -> Enrollment:
    def der(kind: DerKind) -> DerDescription:
        return DerDescription(
            der_id=DerId(f"site-00.{kind}"),
            kind=kind,
            name=kind.value,
            manufacturer="m",
            model="m",
            serial="1",
            firmware="1",
            profile="p",
        )

    return Enrollment(
        site_id=SiteId("site-00"),
        gateway_id=GatewayId("gw-00"),
        enrollment_code=code,
        at=clock.now(),
        agent_version="1",
        ders=(der(DerKind.METER), der(DerKind.BATTERY)),
        owner_limits=OwnerLimits(),
        checks=(CommissioningCheck(name="obeys", passed=True, detail=""),),
    )


async def enroll(client: httpx.AsyncClient, cloud: Cloud, clock: ManualClock) -> str:
    answer = await client.post("/api/v1/applications", json=FORM)
    cloud.stages.enrollment.on_enrollment(enrollment(answer.json()["enrollment_code"], clock))
    return str(answer.json()["consent_id"])


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no token"),
        pytest.param({b"Authorization": b"Bearer wrong"}, id="a wrong token"),
        pytest.param({b"Authorization": b"Basic YTpi"}, id="another scheme"),
        pytest.param({b"Authorization": "Bearer ümlaut".encode()}, id="not even ASCII"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/fleet", "/api/v1/records/consent", "/openapi.json"])
async def test_without_the_token_there_is_nothing_but_an_audit_row(
    cloud: Cloud, headers: dict[bytes, bytes], path: str
) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(cloud.api, client=("192.0.2.7", 1)), base_url="http://cloud"
    ) as stranger:
        answer = await stranger.get(path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    (row,) = cloud.records.audit.rows()
    assert (row.code, row.subject) == ("unauthorized", "192.0.2.7")
    assert path in row.text


async def test_a_body_without_end_is_cut_off_even_for_a_stranger(cloud: Cloud) -> None:
    sent_bytes = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent_bytes
        while sent_bytes < 64 * BODY_BYTES_MAX:
            sent_bytes += 65_536
            yield b" " * 65_536

    transport = httpx.ASGITransport(cloud.api)
    async with httpx.AsyncClient(transport=transport, base_url="http://cloud") as stranger:
        answer = await stranger.post("/api/v1/applications", content=endless())
    assert answer.status_code == 413
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert sent_bytes <= BODY_BYTES_MAX + 2 * 65_536


async def test_health_is_for_everybody(cloud: Cloud) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(cloud.api), base_url="http://x") as stranger:
        assert (await stranger.get("/health")).json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        pytest.param("GET", "/nowhere", 404, "Not Found", id="an unknown path"),
        pytest.param("DELETE", "/health", 405, "Method Not Allowed", id="a method that is not there"),
        pytest.param("GET", "/api/v1/chain/x", 422, "record_id", id="an id of the wrong form"),
        pytest.param("GET", "/api/v1/chain/" + "0" * 26, 404, "no record has the id", id="an unknown id"),
        pytest.param("POST", "/api/v1/applications", 422, "body", id="a missing body"),
        pytest.param("POST", "/api/v1/sites/site-99/opt-out", 409, "not known here", id="an unknown site"),
        pytest.param("POST", "/api/v1/sites/site-99/opt-in", 409, "not known here", id="nor is it opted in"),
    ],
)
async def test_every_error_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, detail: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["status"] == status
    assert detail in answer.json()["detail"]


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"], ids=["the first day", "the last day"])
@pytest.mark.parametrize(
    "path",
    ["forecasts", "opportunities", "plans", "awards", "dispatch/day", "settlements", "payments", "scorecard"],
)
async def test_a_day_at_the_end_of_the_calendar_is_refused(
    client: httpx.AsyncClient, path: str, day: str
) -> None:
    answer = await client.post(f"/api/v1/{path}", json={"day": day})
    assert (answer.status_code, "day" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    "path", ["settlements", "payments", "payments.csv", "statements/owner-01", "scorecard"]
)
async def test_nor_can_such_a_day_be_read(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(f"/api/v1/{path}", params={"day": "9999-12-31"})
    assert (answer.status_code, "day" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (NotReady("forecast the day first"), 409),
        (CounterpartyFault("the market is away"), 502),
        (BrokerFault("the broker is away"), 503),
        (StorageFault("the disk is full"), 503),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Fault) else None,
)
async def test_a_fault_answers_with_its_sentence(
    database: Database, clock: ManualClock, fault: Fault, status: int, operator: dict[str, str]
) -> None:
    routes = APIRouter()

    @routes.get("/broken")
    async def broken() -> None:
        raise fault

    token = operator["Authorization"].removeprefix("Bearer ")
    app = create_app([routes], token=token, audit=AuditTrail(database, clock))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        answer = await client.get("/broken", headers=operator)
    assert (answer.status_code, answer.json()["detail"]) == (status, str(fault))
    assert answer.json()["code"] == fault.code


async def test_an_application_gives_a_code_once_and_a_consent_to_trace(
    client: httpx.AsyncClient, cloud: Cloud, clock: ManualClock
) -> None:
    consent_id = await enroll(client, cloud, clock)
    trace = (await client.get(f"/api/v1/chain/{consent_id}")).json()
    assert trace["record"]["summary"].startswith("own-00 joins market-storage")
    assert [node["kind"] for node in trace["descendants"]] == ["enrolled_site"]
    again = await client.post("/api/v1/applications", json=FORM)
    assert again.status_code == 409


async def test_the_fleet_shows_who_is_there_and_what_they_last_measured(
    client: httpx.AsyncClient, cloud: Cloud, clock: ManualClock
) -> None:
    await enroll(client, cloud, clock)
    cloud.records.live.note_reading(Reading(der_id=DerId("site-00.battery"), at=clock.now(), power_w=1_500.0))
    (site,) = (await client.get("/api/v1/fleet")).json()
    assert (site["site_id"], site["state"], site["online"]) == ("site-00", "enrolled", False)
    assert [device["kind"] for device in site["devices"]] == ["meter", "battery"]
    assert site["devices"][1]["latest"]["power_w"] == 1_500.0


async def test_an_owner_opts_out_and_in(client: httpx.AsyncClient, cloud: Cloud, clock: ManualClock) -> None:
    await enroll(client, cloud, clock)
    out = await client.post("/api/v1/sites/site-00/opt-out")
    assert out.json()["owner_limits"]["opted_out"] is True
    back = await client.post("/api/v1/sites/site-00/opt-in")
    assert back.json()["owner_limits"]["opted_out"] is False
    (listed,) = (await client.get("/api/v1/sites")).json()
    assert listed["id"] == back.json()["id"]


@pytest.mark.parametrize(
    ("der", "hours", "status"),
    [
        pytest.param("site-00.battery", 1, 200, id="an hour of a device"),
        pytest.param("site-00.battery", 0, 422, id="an empty interval"),
        pytest.param("site-00.battery", 24 * 8, 422, id="more than a week"),
        pytest.param("site-99.battery", 1, 404, id="a device that is not enrolled"),
    ],
)
async def test_telemetry_is_read_by_interval(
    client: httpx.AsyncClient, cloud: Cloud, clock: ManualClock, der: str, hours: int, status: int
) -> None:
    await enroll(client, cloud, clock)
    span = {"start": clock.now().isoformat(), "end": (clock.now() + timedelta(hours=hours)).isoformat()}
    assert (await client.get(f"/api/v1/telemetry/{der}", params=span)).status_code == status


async def test_programs_say_their_terms(client: httpx.AsyncClient) -> None:
    programs = (await client.get("/api/v1/programs")).json()
    assert [(each["id"], each["owner_share_pct"]) for each in programs] == [
        ("market-storage", 80),
        ("utility-peak", 80),
    ]


@pytest.mark.parametrize("text", ["", "short", "two words of a token", "pässwörter-sind-lang"])
def test_a_token_that_is_no_secret_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationFault, match="token"):
        read_token(path)


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match=r"nowhere cannot be read .* create it"):
        read_token(tmp_path / "nowhere")
