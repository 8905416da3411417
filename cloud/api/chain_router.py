"""The chain of record over HTTP."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, HTTPException, Path, Response, status

from cloud.chain.store import Chain, UnknownRecord
from cloud.chain.summary import STAGE_BY_KIND, tag_of
from vpp_core.ids import RecordId

KINDS = {tag_of(kind): kind for kind in STAGE_BY_KIND}
KindPath = Annotated[str, Path(pattern=f"^({'|'.join(KINDS)})$", examples=["commitment"])]
RecordPath = Annotated[str, Path(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$", description="ULID of a record.")]


def router(chain: Chain) -> APIRouter:
    routes = APIRouter(prefix="/api/v1", tags=["chain of record"])

    @routes.get("/chain/{record_id}", summary="A record, what it follows from, and what follows from it")
    async def trace(record_id: RecordPath) -> dict[str, Any]:
        try:
            return chain.trace(RecordId(record_id)).as_json()
        except UnknownRecord as unknown:
            raise HTTPException(status.HTTP_404_NOT_FOUND, str(unknown)) from unknown

    @routes.get("/records/{kind}", summary="All records of a kind, oldest first")
    async def records(kind: KindPath) -> Response:
        return Response(msgspec.json.encode(chain.of_kind(KINDS[kind])), media_type="application/json")

    return routes
