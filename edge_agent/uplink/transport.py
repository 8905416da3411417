"""What the session needs from a message broker; implementations raise BrokerFault and nothing else."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol


class Publication(NamedTuple):
    """One message on its way to the broker, at least once (QoS 1)."""

    topic: str
    payload: bytes
    retain: bool = False
    expiry_s: int | None = None
    """The broker forgets an undelivered message after so many seconds."""


class Delivery(NamedTuple):
    """One message from the broker."""

    topic: str
    payload: bytes


class Connection(Protocol):
    """An open connection; every method raises BrokerFault once it is lost."""

    async def publish(self, publication: Publication) -> None:
        """Return when the broker has the message."""
        ...

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Return when the broker has granted every filter."""
        ...

    def messages(self) -> AsyncIterator[Delivery]:
        """Messages in the order of arrival, until the connection is lost."""
        ...


class Transport(Protocol):
    """One gateway's way to its broker, over a session that the broker keeps between connections."""

    def connect(self, will: Publication) -> AbstractAsyncContextManager[Connection]:
        """Connect; the broker publishes ``will`` if the connection ends without a goodbye.

        Raises:
            BrokerFault: the broker cannot be reached or refuses.
        """
        ...
