"""A counterparty that fails is one sentence; a blip is tried again."""

from collections.abc import AsyncIterator, Callable

import httpx
import msgspec
import pytest

from cloud.markets.http import ATTEMPTS, CounterpartyHttp
from vpp_core.faults import CounterpartyFault

Handler = Callable[[httpx.Request], httpx.Response]


class Answer(msgspec.Struct):
    value: int


class Counterparty:
    """Plays a list of answers (a status, or an exception) and keeps the requests."""

    def __init__(self) -> None:
        self.answers: list[int | Exception] = []
        self.requests: list[httpx.Request] = []
        self.body: bytes = b'{"value": 7}'

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer, content=self.body)


@pytest.fixture
def counterparty() -> Counterparty:
    return Counterparty()


@pytest.fixture
async def http(counterparty: Counterparty) -> AsyncIterator[CounterpartyHttp]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(counterparty)) as client:
        yield CounterpartyHttp("market", "http://market/", client, token="secret")


async def test_every_request_carries_the_token(counterparty: Counterparty, http: CounterpartyHttp) -> None:
    counterparty.answers = [200, 201]
    answer = await http.get("/prices", Answer, {"day": "2021-08-12"})
    await http.post("/offers", {"x": 1})
    assert answer == Answer(7)
    assert [request.headers["Authorization"] for request in counterparty.requests] == ["Bearer secret"] * 2
    assert str(counterparty.requests[0].url) == "http://market/prices?day=2021-08-12"


@pytest.mark.parametrize(
    "blip",
    [
        pytest.param(503, id="a server error"),
        pytest.param(httpx.ConnectError("refused"), id="a broken connection"),
        pytest.param(TimeoutError(), id="a timeout"),
    ],
)
async def test_a_blip_is_tried_again(
    counterparty: Counterparty, http: CounterpartyHttp, blip: int | Exception
) -> None:
    counterparty.answers = [blip, 200]
    assert await http.get("/prices", Answer) == Answer(7)


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        pytest.param(500, "server error 500", id="server errors"),
        pytest.param(httpx.ConnectError("connection refused"), "connection refused", id="nobody listens"),
        pytest.param(TimeoutError(), "no answer within 10 s", id="silence"),
    ],
)
async def test_a_lasting_failure_is_one_sentence(
    counterparty: Counterparty, http: CounterpartyHttp, failure: int | Exception, reason: str
) -> None:
    counterparty.answers = [failure] * ATTEMPTS
    with pytest.raises(
        CounterpartyFault, match=rf"The market at http://market .*{reason}.*check that it runs"
    ):
        await http.get("/prices", Answer)
    assert len(counterparty.requests) == ATTEMPTS


async def test_what_is_not_there_yet_is_nothing(counterparty: Counterparty, http: CounterpartyHttp) -> None:
    counterparty.answers = [404]
    assert await http.get("/awards", Answer) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(b'{"detail": "The gate\\n is closed."}', "The gate is closed.", id="with a reason"),
        pytest.param(b"<html>", "Conflict", id="without one"),
        pytest.param(b"[1]", "Conflict", id="of another form"),
    ],
)
async def test_a_refusal_is_not_repeated_and_carries_the_reason(
    counterparty: Counterparty, http: CounterpartyHttp, body: bytes, reason: str
) -> None:
    counterparty.answers, counterparty.body = [409], body
    with pytest.raises(CounterpartyFault, match=rf"The market refused /offers with status 409: {reason}"):
        await http.post("/offers", {})
    assert len(counterparty.requests) == 1


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"value": "x"}', b"\xff"], ids=["empty", "no field", "type", "bytes"]
)
async def test_an_unreadable_answer_is_the_counterpartys_fault(
    counterparty: Counterparty, http: CounterpartyHttp, body: bytes
) -> None:
    counterparty.answers, counterparty.body = [200], body
    with pytest.raises(CounterpartyFault, match="The market answered /prices in an unexpected form"):
        await http.get("/prices", Answer)
