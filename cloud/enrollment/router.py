"""Stage 1 over HTTP: programs, applications, opt-out."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, HTTPException, Path, status
from pydantic import BaseModel, Field

from cloud.enrollment.lifecycle import EnrollmentRefused
from cloud.enrollment.service import Application, EnrollmentService
from vpp_core.ids import OwnerId, ProgramId, SiteId

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
"""One level of a topic, as the gateways' settings want it."""
NAME_PATTERN = r"^[^\x00-\x1f\x7f]+$"
Identifier = Annotated[str, Field(pattern=ID_PATTERN, examples=["site-04"])]
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=100)]
SitePath = Annotated[str, Path(pattern=ID_PATTERN)]

_REFUSED: dict[int | str, dict[str, Any]] = {status.HTTP_409_CONFLICT: {"description": "Not open, and why."}}


class ApplicationForm(BaseModel, extra="forbid"):
    """An owner's application; sending it is the consent to the named terms."""

    owner_id: Identifier
    owner_name: Name
    site_id: Identifier
    site_name: Name
    program_id: Identifier
    terms_version: Name


class ApplicationAnswer(BaseModel):
    consent_id: str
    enrollment_code: str
    """One-time code for the site's gateway; it is shown this once."""


def router(service: EnrollmentService) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["1 enrollment"])

    @routes.get("/programs", summary="The programs that are open today")
    async def programs() -> list[dict[str, Any]]:
        return [msgspec.to_builtins(program) for program in service.programs()]

    @routes.post("/applications", status_code=201, responses=_REFUSED, summary="Apply and consent")
    async def apply(form: ApplicationForm) -> ApplicationAnswer:
        application = Application(
            OwnerId(form.owner_id),
            form.owner_name,
            SiteId(form.site_id),
            form.site_name,
            ProgramId(form.program_id),
            form.terms_version,
        )
        try:
            accepted = service.apply(application)
        except EnrollmentRefused as refusal:
            raise HTTPException(status.HTTP_409_CONFLICT, str(refusal)) from refusal
        return ApplicationAnswer(consent_id=accepted.consent.id, enrollment_code=accepted.enrollment_code)

    @routes.get("/sites", summary="The newest record of every enrolled site")
    async def sites() -> list[dict[str, Any]]:
        return [msgspec.to_builtins(record) for record in service.enrolled_sites()]

    @routes.post("/sites/{site_id}/opt-out", responses=_REFUSED, summary="Take no part until further notice")
    async def opt_out(site_id: SitePath) -> dict[str, Any]:
        try:
            return msgspec.to_builtins(service.opt_out(SiteId(site_id)))  # type: ignore[no-any-return]
        except EnrollmentRefused as refusal:
            raise HTTPException(status.HTTP_409_CONFLICT, str(refusal)) from refusal

    @routes.post("/sites/{site_id}/opt-in", responses=_REFUSED, summary="Take part again")
    async def opt_in(site_id: SitePath) -> dict[str, Any]:
        try:
            return msgspec.to_builtins(service.opt_in(SiteId(site_id)))  # type: ignore[no-any-return]
        except EnrollmentRefused as refusal:
            raise HTTPException(status.HTTP_409_CONFLICT, str(refusal)) from refusal

    return routes
