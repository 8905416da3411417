"""Settlement over HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from cloud.settlement.router import router
from cloud.settlement.service import SettlementService


@pytest.fixture
async def client(service: SettlementService) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(router(service))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://cloud") as client:
        yield client


async def test_a_day_is_settled_once_and_can_be_read(client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/v1/settlements", params={"day": "2021-08-12"})).json() == []
    first = (await client.post("/api/v1/settlements", json={"day": "2021-08-12"})).json()
    again = (await client.post("/api/v1/settlements", json={"day": "2021-08-12"})).json()
    assert first == again
    assert {invoice["book"]: invoice["amount_cents"] for invoice in first["invoices"]} == {
        "regulated": 525,
        "market": 28,
    }
    read = (await client.get("/api/v1/settlements", params={"day": "2021-08-12"})).json()
    assert read == first["settlements"]
    assert len(read) == 10


@pytest.mark.parametrize("body", [{}, {"day": "tomorrow"}, {"day": "2021-08-12", "force": True}])
async def test_a_malformed_order_is_refused(client: httpx.AsyncClient, body: dict[str, object]) -> None:
    assert (await client.post("/api/v1/settlements", json=body)).status_code == 422
