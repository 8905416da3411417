"""The HTTP application: every router behind the token, errors as problems, health for everybody."""

from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi

from cloud.api import problems
from cloud.api.body_limit import BodyLimit
from cloud.api.problems import Problem
from cloud.api.security import require_token
from cloud.storage.audit import AuditTrail

TAGS = (
    ("1 enrollment", "Owners apply and consent; gateways become sites that may be dispatched."),
    ("2 forecasting", "What the fleet is expected to do, and can do."),
    ("3 opportunities", "What each product may be worth in each interval."),
    ("4 bidding", "Plans, offers and awards."),
    ("5 dispatch", "Commitments, commands and their receipts, utility events."),
    ("6 settlement", "Metered delivery, baselines, money owed."),
    ("7 payout", "Payments, statements, the ledger."),
    ("reporting", "Figures of the scorecard, each traceable."),
    ("chain of record", "Any record with all that it follows from and all that follows from it."),
    ("fleet", "The sites as they are now, and what they measured."),
    ("health", "Whether the cloud is up."),
)


def create_app(routers: Iterable[APIRouter], *, token: str, audit: AuditTrail) -> FastAPI:
    """The application. Only ``/health`` answers without the token.

    Args:
        routers: the endpoints of the stages.
        token: what a caller must show as bearer token.
        audit: where refused callers go.
    """
    app = FastAPI(
        title="Gridchorus cloud",
        version=version("gridchorus"),
        description="From the owner's consent to the owner's payment. Power and energy are injection "
        "positive (W, Wh); times are UTC; prices and money are whole micro-units.",
        openapi_tags=[{"name": name, "description": text} for name, text in TAGS],
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.add_middleware(BodyLimit)
    problems.install(app)
    guard = Depends(require_token(token, audit))
    for router in routers:
        app.include_router(router, dependencies=[guard], responses=problems.RESPONSES)

    @app.get("/health", tags=["health"], summary="Whether the cloud is up")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/openapi.json", tags=["health"], dependencies=[guard], include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return schema(app)

    return app


def schema(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application, with the form of its problems."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    components = document.setdefault("components", {}).setdefault("schemas", {})
    components["Problem"] = Problem.model_json_schema()
    return document
