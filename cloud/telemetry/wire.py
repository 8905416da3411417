"""What the cloud needs of a message broker, and nothing more."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol


class Inbound(NamedTuple):
    """One message as it arrived; nothing about it has been checked."""

    topic: str
    payload: bytes


class MessageSource(Protocol):
    """Where the uplink of all sites comes from."""

    def open(self) -> AbstractAsyncContextManager[AsyncIterator[Inbound]]:
        """One connection, subscribed to the uplink of every site.

        Raises:
            BrokerFault: no connection, or (while iterating) the connection is lost; open again.
        """
        ...


class CommandSink(Protocol):
    """Where the downlink to all sites goes."""

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        """Return when the broker has the message (at least once).

        Args:
            topic: from :func:`vpp_core.topics.topic_of`.
            payload: from :func:`vpp_core.codec.encode`.
            retain: keep it for who subscribes later.
            expiry_s: whole seconds after which the broker drops what it could not deliver.

        Raises:
            BrokerFault: no connection, or no answer in time; the message may or may not be sent.
        """
        ...
