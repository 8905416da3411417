"""The chain of record over HTTP."""

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, status

from cloud.chain.store import Chain, UnknownRecord
from vpp_core.ids import RecordId

RecordPath = Annotated[str, Path(pattern=r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$", description="ULID of a record.")]


def router(chain: Chain) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/chain", tags=["chain of record"])

    @routes.get("/{record_id}", summary="A record, what it follows from, and what follows from it")
    async def trace(record_id: RecordPath) -> dict[str, Any]:
        try:
            return chain.trace(RecordId(record_id)).as_json()
        except UnknownRecord as unknown:
            raise HTTPException(status.HTTP_404_NOT_FOUND, str(unknown)) from unknown

    return routes
