"""An MQTT broker in memory, for runs on virtual time: the semantics that our two sides rely on.

Retained messages, last wills, sessions that outlive their connections, order per topic, expiry, ``+``
and ``#``, shared subscriptions in turn. Everything happens at once and in one order, so runs repeat.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from cloud.telemetry.wire import Inbound
from edge_agent.uplink.transport import Delivery, Publication
from vpp_core.clock import Clock
from vpp_core.faults import BrokerFault
from vpp_core.topics import uplink_filters

QUEUED_MAX = 100_000
"""Messages that wait for one session; more means that its reader hangs, which is a defect of the run."""
_SHARE = "$share"


class MemoryBroker:
    """Sessions by client id, retained messages by topic.

    Args:
        clock: tells when a waiting message has expired.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: dict[str, _Session] = {}
        self._retained: dict[str, _Message] = {}
        self._turns: dict[str, int] = {}

    def publish(self, publication: Publication) -> None:
        """Take a message: keep it if retained (an empty one clears), and queue it for its readers."""
        message = _Message(publication.topic, publication.payload, self._deadline(publication.expiry_s))
        if publication.retain and publication.payload:
            self._retained[publication.topic] = message
        elif publication.retain:
            self._retained.pop(publication.topic, None)
        for session in self._readers(publication.topic):
            session.queue(message)

    @contextlib.contextmanager
    def connect(self, client_id: str, will: Publication | None = None) -> Iterator["MemoryConnection"]:
        """One connection; a second one of the same client cuts the first. Leaving says goodbye."""
        self.cut(client_id)
        session = self._sessions.setdefault(client_id, _Session())
        connection = MemoryConnection(self, session, will)
        session.connection = connection
        try:
            yield connection
        finally:
            if session.connection is connection:
                session.connection = None
            connection.lose()

    def cut(self, client_id: str) -> None:
        """Lose a client without a goodbye, as a killed process does: its will is published."""
        session = self._sessions.get(client_id)
        if session is None or (connection := session.connection) is None:
            return
        session.connection = None
        connection.lose()
        if connection.will is not None:
            self.publish(connection.will)

    def retained(self, filter_: str) -> list["_Message"]:
        """Retained messages that a filter matches, by topic."""
        now = self._clock.now()
        return [
            message
            for topic, message in sorted(self._retained.items())
            if matches(filter_, topic) and message.alive(now)
        ]

    def now(self) -> datetime:
        return self._clock.now()

    def _deadline(self, expiry_s: int | None) -> datetime | None:
        return None if expiry_s is None else self._clock.now() + timedelta(seconds=expiry_s)

    def _readers(self, topic: str) -> Iterator["_Session"]:
        """Every session with a filter of its own that matches, and one member of each sharing group."""
        groups: dict[str, list[_Session]] = {}
        for session in self._sessions.values():
            own = False
            for filter_ in session.filters:
                group, plain = _share_of(filter_)
                if not matches(plain, topic):
                    continue
                if group is None:
                    own = True
                else:
                    groups.setdefault(filter_, []).append(session)
            if own:
                yield session
        for shared_filter, members in groups.items():
            present = [member for member in members if member.connection is not None] or members
            turn = self._turns.get(shared_filter, 0)
            self._turns[shared_filter] = turn + 1
            yield present[turn % len(present)]


class MemoryConnection:
    """One open connection; satisfies the edge's `Connection`."""

    def __init__(self, broker: MemoryBroker, session: "_Session", will: Publication | None) -> None:
        self.will = will
        self._broker = broker
        self._session = session
        self._lost = False

    async def publish(self, publication: Publication) -> None:
        self._check()
        self._broker.publish(publication)

    async def subscribe(self, filters: Sequence[str]) -> None:
        self._check()
        for filter_ in filters:
            self._session.filters[filter_] = None
            if _share_of(filter_)[0] is None:
                for message in self._broker.retained(filter_):
                    self._session.queue(message)

    async def messages(self) -> AsyncIterator[Delivery]:
        session = self._session
        while True:
            self._check()
            while session.waiting:
                message = session.waiting.popleft()
                if message.alive(self._broker.now()):
                    yield Delivery(message.topic, message.payload)
                    self._check()
            session.arrived.clear()
            await session.arrived.wait()

    def lose(self) -> None:
        """End the connection; whoever waits on it hears a `BrokerFault`."""
        self._lost = True
        self._session.arrived.set()

    def _check(self) -> None:
        if self._lost:
            raise BrokerFault("The connection to the broker in memory is lost.")


class MemoryTransport:
    """One gateway's way to the broker; satisfies the edge's `Transport`."""

    def __init__(self, broker: MemoryBroker, client_id: str) -> None:
        self._broker = broker
        self._client_id = client_id

    @contextlib.asynccontextmanager
    async def connect(self, will: Publication) -> AsyncIterator[MemoryConnection]:
        with self._broker.connect(self._client_id, will) as connection:
            yield connection


class MemorySource:
    """The uplink of all sites; satisfies the cloud's `MessageSource`.

    As in the cloud's own connection, states come plainly, since they are retained, and the rest shared.
    """

    def __init__(self, broker: MemoryBroker, client_id: str = "ingest", share: str = "ingest") -> None:
        self._broker = broker
        self._client_id = client_id
        self._share = share

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[Inbound]]:
        with self._broker.connect(self._client_id) as connection:
            pairs = zip(uplink_filters(), uplink_filters(self._share), strict=True)
            await connection.subscribe(
                [plain if plain.endswith("/state") else shared for plain, shared in pairs]
            )
            yield _inbound(connection)


class MemorySink:
    """The downlink to all sites; satisfies the cloud's `CommandSink`."""

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        self._broker.publish(Publication(topic, payload, retain, expiry_s))


def matches(filter_: str, topic: str) -> bool:
    """Whether a topic filter without ``$share`` covers a topic (MQTT 5, 4.7)."""
    wanted, levels = filter_.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    if wanted[-1] == "#":
        head = wanted[:-1]
        return len(levels) >= len(head) and all(map(_level_matches, head, levels))
    return len(wanted) == len(levels) and all(map(_level_matches, wanted, levels))


class _Message(NamedTuple):
    topic: str
    payload: bytes
    deadline: datetime | None

    def alive(self, now: datetime) -> bool:
        return self.deadline is None or now < self.deadline


class _Session:
    """What the broker keeps of a client between its connections."""

    def __init__(self) -> None:
        self.filters: dict[str, None] = {}
        self.waiting: deque[_Message] = deque()
        self.arrived = asyncio.Event()
        self.connection: MemoryConnection | None = None

    def queue(self, message: _Message) -> None:
        assert len(self.waiting) < QUEUED_MAX, "a reader of the broker in memory hangs"  # noqa: S101
        self.waiting.append(message)
        self.arrived.set()


async def _inbound(connection: MemoryConnection) -> AsyncIterator[Inbound]:
    async for topic, payload in connection.messages():
        yield Inbound(topic, payload)


def _share_of(filter_: str) -> tuple[str | None, str]:
    """The group of a shared filter, and the filter itself."""
    match filter_.split("/", 2):
        case [first, group, plain] if first == _SHARE:
            return group, plain
        case _:
            return None, filter_


def _level_matches(wanted: str, level: str) -> bool:
    return wanted in {"+", level}
