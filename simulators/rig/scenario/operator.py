"""What an operator does with the cloud's API, and how a refusal reads."""

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from vpp_core.faults import CounterpartyFault

Kind = TypeVar("Kind")


class Desk:
    """One side's HTTP API with a token; answers become typed, refusals become one sentence.

    Args:
        client: speaks to the API, token and base address set.
        name: of the other side, for sentences.
    """

    def __init__(self, client: httpx.AsyncClient, name: str) -> None:
        self._client = client
        self._name = name

    async def get(self, path: str, kind: type[Kind], **query: str) -> Kind:
        """The answer to a question.

        Raises:
            CounterpartyFault: refused, unreachable, or not of that kind.
        """
        return _typed(await self._call("GET", path, params=query), kind, self._name)

    async def post(self, path: str, order: Mapping[str, Any], kind: type[Kind]) -> Kind:
        """The answer to an order.

        Raises:
            CounterpartyFault: refused, unreachable, or not of that kind.
        """
        return _typed(await self._call("POST", path, json=dict(order)), kind, self._name)

    async def text(self, path: str, accept: str, **query: str) -> str:
        """A document in the form that is asked for.

        Raises:
            CounterpartyFault: refused or unreachable.
        """
        return (await self._call("GET", path, params=query, headers={"accept": accept})).text

    async def _call(self, method: str, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401
        try:
            response = await self._client.request(method, path, **parts)
        except httpx.HTTPError as error:
            said = str(error) or type(error).__name__
            raise CounterpartyFault(f"The {self._name} did not answer {method} {path}: {said}.") from error
        if response.is_error:
            raise CounterpartyFault(f"The {self._name} refused {method} {path}: {_reason(response)}")
        return response


def _typed(response: httpx.Response, kind: type[Kind], name: str) -> Kind:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.MsgspecError as error:
        raise CounterpartyFault(
            f"The {name} answered {response.url.path} in another form: {error}."
        ) from error


def _reason(response: httpx.Response) -> str:
    """The detail of a problem document, or what there is."""
    try:
        problem = response.json()
    except ValueError:
        return f"{response.status_code} {response.text[:200]}"
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return str(detail or problem)
