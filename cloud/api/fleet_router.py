"""The fleet as it is now, and the measured past of one device."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, HTTPException, Path, Response, status
from pydantic import AwareDatetime

from cloud.chain.records import EnrolledSite
from cloud.enrollment.router import ID_PATTERN
from cloud.enrollment.service import EnrollmentService
from cloud.telemetry.live import LiveFleet
from cloud.telemetry.repository import EventRepository
from cloud.telemetry.store import TelemetryStore
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval

SERIES_DAYS_MAX = 7

DerPath = Annotated[str, Path(pattern=ID_PATTERN.replace("63", "129"), examples=["site-04.battery"])]


def router(
    enrollment: EnrollmentService, live: LiveFleet, store: TelemetryStore, events: EventRepository
) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["fleet"])

    @routes.get("/fleet", summary="Every known site: its state, who is on line, the newest readings")
    async def fleet() -> list[dict[str, Any]]:
        enrolled = {record.site_id: record for record in enrollment.enrolled_sites()}
        return [
            {"site_id": site_id, "state": state, **_live(live, site_id, enrolled.get(site_id))}
            for site_id, state in enrollment.roster.states().items()
        ]

    @routes.get("/telemetry/{der_id}", summary="The readings of one device in an interval, oldest first")
    async def telemetry(der_id: DerPath, start: AwareDatetime, end: AwareDatetime) -> list[dict[str, Any]]:
        if enrollment.roster.site_of(DerId(der_id)) is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"no device {der_id} is enrolled")
        return [
            msgspec.to_builtins(reading) for reading in store.series(DerId(der_id), _interval(start, end))
        ]

    @routes.get("/frequency-events", summary="What gateways recorded of frequency events, oldest first")
    async def frequency_events(start: AwareDatetime, end: AwareDatetime) -> Response:
        found = events.triggered_in(_interval(start, end))
        return Response(msgspec.json.encode(found), media_type="application/json")

    return routes


def _live(live: LiveFleet, site_id: SiteId, record: EnrolledSite | None) -> dict[str, Any]:
    gateway = live.state(site_id)
    shown: dict[str, Any] = {
        "online": live.is_online(site_id),
        "control_state": gateway.control_state.value if gateway else None,
        "faults": msgspec.to_builtins(gateway.faults) if gateway else [],
        "program_id": record.program_id if record else None,
        "devices": [],
    }
    if record is not None:
        latest = live.latest(der.der_id for der in record.ders)
        shown["devices"] = [
            {
                "der_id": der.der_id,
                "kind": der.kind.value,
                "latest": msgspec.to_builtins(latest.get(der.der_id)),
            }
            for der in record.ders
        ]
    return shown


def _interval(start: datetime, end: datetime) -> Interval:
    try:
        interval = Interval(start.astimezone(UTC), end.astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, str(error)) from error
    if interval.end - interval.start > timedelta(days=SERIES_DAYS_MAX):
        detail = f"ask for at most {SERIES_DAYS_MAX} days at once"
        raise HTTPException(status.HTTP_422_UNPROCESSABLE_CONTENT, detail)
    return interval
