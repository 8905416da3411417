"""Asking a counterparty over HTTP: bearer token, a deadline, a few attempts, one sentence when it fails.

A request is repeated after a timeout, a broken connection or a server's error, so every request that
goes through here is idempotent by the reference that it carries.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from vpp_core.faults import CounterpartyFault

Answer = TypeVar("Answer")

ATTEMPTS = 3
DEADLINE_S = 10.0
"""Seconds of real time that one attempt may take."""
DETAIL_CHARACTERS_MAX = 300

OK = 200
NOT_FOUND = 404
CLIENT_ERROR = 400
SERVER_ERROR = 500


class CounterpartyHttp:
    """One counterparty's address and our credentials there.

    Args:
        name: what to call it in a fault's sentence.
        base_url: where it listens.
        client: carries the requests; its owner closes it.
        token: bearer token that the counterparty issued to us.
    """

    def __init__(self, name: str, base_url: str, client: httpx.AsyncClient, *, token: str) -> None:
        self.name = name
        self._base_url = base_url.rstrip("/")
        self._client = client
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(
        self, path: str, answer: type[Answer], params: Mapping[str, str] | None = None
    ) -> Answer | None:
        """The decoded answer, or nothing where the counterparty has nothing (404).

        Raises:
            CounterpartyFault: no answer, a refusal, or an answer of another form.
        """
        response = await self._request("GET", path, params=dict(params or {}))
        if response.status_code == NOT_FOUND:
            return None
        self._check(response, path)
        try:
            return msgspec.json.decode(response.content, type=answer)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self.unusable(path, error) from error

    async def post(self, path: str, body: object) -> None:
        """Hand ``body`` in as JSON.

        Raises:
            CounterpartyFault: no answer, or a refusal; the text carries the counterparty's reason.
        """
        content = msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"}
        self._check(await self._request("POST", path, content=content, headers=headers), path)

    def unusable(self, path: str, error: Exception) -> CounterpartyFault:
        """The fault for an answer that arrived but cannot be used."""
        return CounterpartyFault(f"The {self.name} answered {path} in an unexpected form: {error}.")

    async def _request(self, method: str, path: str, **content: Any) -> httpx.Response:  # noqa: ANN401
        headers = self._headers | content.pop("headers", {})
        reason = ""
        for _ in range(ATTEMPTS):
            try:
                async with asyncio.timeout(DEADLINE_S):
                    response = await self._client.request(
                        method, f"{self._base_url}{path}", headers=headers, **content
                    )
            except TimeoutError:
                reason = f"no answer within {DEADLINE_S:.0f} s"
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
            else:
                if response.status_code < SERVER_ERROR:
                    return response
                reason = f"server error {response.status_code}"
        raise CounterpartyFault(
            f"The {self.name} at {self._base_url} did not serve {method} {path} in {ATTEMPTS} attempts "
            f"({reason}); check that it runs and that the address is right."
        )

    def _check(self, response: httpx.Response, path: str) -> None:
        if response.status_code >= CLIENT_ERROR:
            raise CounterpartyFault(
                f"The {self.name} refused {path} with status {response.status_code}: {_detail(response)}"
            )


def _detail(response: httpx.Response) -> str:
    """The reason that a refusal gives, as one line."""
    try:
        body = msgspec.json.decode(response.content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        body = None
    detail = body.get("detail", body) if isinstance(body, dict) else response.reason_phrase
    return " ".join(str(detail).split())[:DETAIL_CHARACTERS_MAX]
