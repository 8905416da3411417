"""The connections of one site: devices of one endpoint share one."""

import asyncio
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import msgspec

from edge_agent.devices.connection import Connection
from edge_agent.devices.lanes import Lane
from edge_agent.devices.link import Link, LinkSettings
from edge_agent.devices.requests import Urgency

OpenLink = Callable[[LinkSettings], Link]


class SharedLink(Lane):
    """One device's share of a connection."""

    def __init__(self, connection: Connection, leave: Callable[[], None]) -> None:
        super().__init__(connection, Urgency.POLL)
        self._leave: Callable[[], None] | None = leave

    async def close(self) -> None:
        """Give the share up; the last one hangs up."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()


class Connections:
    """A context in which the owner tasks of all connections run.

    Args:
        open_link: makes the link to an endpoint.
        devices: where the devices are; the most patient of an endpoint decides for all.
    """

    def __init__(self, open_link: OpenLink, devices: Iterable[LinkSettings]) -> None:
        self._open_link = open_link
        self._settings: dict[str, LinkSettings] = {}
        for device in devices:
            known = self._settings.setdefault(device.endpoint, device)
            patient_s = max(known.timeout_s, device.timeout_s)
            self._settings[device.endpoint] = msgspec.structs.replace(known, timeout_s=patient_s)
        self._connections: dict[str, Connection] = {}
        self._shares: dict[str, int] = {}
        self._owners = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._owners.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._owners.__aexit__(kind, error, trace)

    def share(self, device: LinkSettings) -> SharedLink:
        """A device's share of the connection to its endpoint.

        Raises:
            ConfigurationFault: the link cannot be made.
        """
        endpoint = device.endpoint
        connection = self._connections.get(endpoint)
        if connection is None:
            settings = self._settings.get(endpoint, device)
            connection = Connection(lambda: self._open_link(settings), settings.timeout_s, settings.gap_s_min)
            self._connections[endpoint] = connection
            self._tasks.append(self._owners.create_task(connection.run(), name=f"link {endpoint}"))
            self._shares[endpoint] = 0
        self._shares[endpoint] += 1
        return SharedLink(connection, lambda: self._left(endpoint))

    def _left(self, endpoint: str) -> None:
        self._shares[endpoint] -= 1
        connection = self._connections[endpoint]
        if self._shares[endpoint] == 0:
            connection.idle()
        else:
            connection.give_up()
