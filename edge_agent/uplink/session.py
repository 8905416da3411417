"""The gateway's conversation with the cloud: who is on line, what waits, what comes down.

One task sends, one receives. A lost connection is made again with growing, jittered pauses, and then
everything that the cloud has not acknowledged is sent again, in order.
"""

import asyncio
import contextlib
import random
from collections.abc import Coroutine
from typing import Protocol

import msgspec

from edge_agent.uplink.downlink import Refused, examine
from edge_agent.uplink.outbox import Outbox
from edge_agent.uplink.transport import Connection, Delivery, Publication, Transport
from vpp_core.clock import Clock
from vpp_core.codec import encode
from vpp_core.faults import BrokerFault, Fault
from vpp_core.ids import SiteId
from vpp_core.messages import Acknowledgement, Dispatch, Enrollment, GatewayState, SiteConfig
from vpp_core.topics import downlink_filters, topic_of

GOODBYE_S_MAX = 1.0
_BACKOFF_DOUBLINGS_MAX = 16


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Whose session it is, and its patience."""

    site_id: SiteId
    connect_timeout_s: float = 10.0
    """Real seconds from the first packet to the granted subscription and the birth message."""
    backoff_s_min: float = 1.0
    backoff_s_max: float = 60.0
    resend_s: float = 300.0
    """Real seconds without any acknowledgement after which waiting messages are sent again."""
    window: int = 200
    """Most messages that are sent but not acknowledged by the cloud."""


class SiteSide(Protocol):
    """The site as its session sees it; every method returns at once."""

    def state(self, *, online: bool) -> GatewayState:
        """The state to publish: as birth and update, or as last will and goodbye."""
        ...

    def enrollment(self) -> Enrollment | None:
        """What to present to the cloud, until it has answered with a configuration."""
        ...

    def on_command(self, command: Dispatch) -> None: ...

    def on_config(self, config: SiteConfig) -> None: ...

    def on_refused(self, reason: str) -> None:
        """Something came down that is not for us or not valid."""
        ...

    def on_connection(self, fault: Fault | None) -> None:
        """The connection was made, or was lost by a fault of the broker or of our disk."""
        ...


class Uplink:
    """One gateway's session; :meth:`run` ends by cancellation, with a goodbye."""

    def __init__(
        self,
        outbox: Outbox,
        transport: Transport,
        site: SiteSide,
        *,
        clock: Clock,
        settings: SessionSettings,
        chance: random.Random,
    ) -> None:
        self._site_id = settings.site_id
        self._outbox = outbox
        self._transport = transport
        self._site = site
        self._clock = clock
        self._settings = settings
        self._chance = chance
        self._work = asyncio.Event()
        self._state_due = False
        self._enrollment_due = False
        self._failures = 0
        outbox.on_append = self._work.set

    def publish_state(self) -> None:
        """The state has changed, or is due again."""
        self._state_due = True
        self._work.set()

    def publish_enrollment(self) -> None:
        """Present the site again, if the cloud has not answered yet."""
        self._enrollment_due = True
        self._work.set()

    async def run(self) -> None:
        while True:
            try:
                await self._session()
            except Fault as fault:
                self._site.on_connection(fault)
            await self._clock.sleep(self._pause_s())

    def _pause_s(self) -> float:
        ceiling_s = min(self._settings.backoff_s_max, self._settings.backoff_s_min * 2.0**self._failures)
        self._failures = min(self._failures + 1, _BACKOFF_DOUBLINGS_MAX)
        return ceiling_s * self._chance.uniform(0.5, 1.0)

    async def _session(self) -> None:
        async with contextlib.AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(self._settings.connect_timeout_s):
                    will = self._publication(self._site.state(online=False))
                    connection = await stack.enter_async_context(self._transport.connect(will))
                    await connection.subscribe(downlink_filters(self._site_id))
                    await connection.publish(self._publication(self._site.state(online=True)))
            except TimeoutError:
                limit_s = self._settings.connect_timeout_s
                raise BrokerFault(
                    f"the broker granted no session within {limit_s:g} s; check its load"
                ) from None
            self._failures = 0
            self._enrollment_due = True
            self._site.on_connection(None)
            await self._converse(connection)

    async def _converse(self, connection: Connection) -> None:
        # The first fault ends both tasks by its value: a TaskGroup that fails would forget (3.11) that it
        # was cancelled at the same time.
        lost: asyncio.Future[Fault] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.TaskGroup() as tasks:
                workers = (
                    tasks.create_task(_until(lost, self._receive(connection)), name="uplink receive"),
                    tasks.create_task(_until(lost, self._send(connection)), name="uplink send"),
                )
                fault = await lost
                for worker in workers:
                    worker.cancel()
        except asyncio.CancelledError:
            with contextlib.suppress(BrokerFault, TimeoutError):
                async with asyncio.timeout(GOODBYE_S_MAX):
                    await connection.publish(self._publication(self._site.state(online=False)))
            raise
        raise fault

    async def _receive(self, connection: Connection) -> None:
        async for delivery in connection.messages():
            self._take(delivery)
        raise BrokerFault("the broker closed the connection")

    def _take(self, delivery: Delivery) -> None:
        match examine(delivery, self._site_id):
            case Refused(reason):
                self._site.on_refused(reason)
            case Dispatch() as command:
                self._site.on_command(command)
            case SiteConfig() as config:
                self._site.on_config(config)
            case Acknowledgement(seq=seq):
                if not self._outbox.acknowledge(seq):
                    self._site.on_refused(f"an acknowledgement of message {seq}, which was never sent")
                self._work.set()

    async def _send(self, connection: Connection) -> None:
        """Everything that waits, in order; then whatever comes, at once; again what stays unanswered."""
        real_s = asyncio.get_running_loop().time
        oldest_seq = self._outbox.first_seq
        sent_seq, since_s = oldest_seq - 1, real_s()
        while True:
            self._work.clear()
            await self._announce(connection)
            first_seq = self._outbox.first_seq
            if first_seq != oldest_seq or sent_seq < first_seq:
                oldest_seq, since_s = first_seq, real_s()
            elif real_s() - since_s >= self._settings.resend_s:
                # New messages may pass while the oldest is stuck: the cloud lost it in a restart.
                sent_seq, since_s = first_seq - 1, real_s()
            sent_seq = max(sent_seq, first_seq - 1)
            room = self._settings.window - (sent_seq - first_seq + 1)
            rows = self._outbox.after(sent_seq, room) if room > 0 else []
            for row in rows:
                await connection.publish(Publication(topic_of(self._site_id, row.kind), row.payload))
                sent_seq = row.seq
            if not rows:
                await self._news(since_s + self._settings.resend_s if len(self._outbox) else None)

    async def _announce(self, connection: Connection) -> None:
        if self._enrollment_due:
            self._enrollment_due = False
            if (enrollment := self._site.enrollment()) is not None:
                topic = topic_of(self._site_id, "enrollment")
                await connection.publish(Publication(topic, encode(enrollment)))
        if self._state_due:
            self._state_due = False
            await connection.publish(self._publication(self._site.state(online=True)))

    async def _news(self, until_s: float | None) -> None:
        """Wait for work, or until the loop's clock says that messages must be sent again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until_s):
                await self._work.wait()

    def _publication(self, state: GatewayState) -> Publication:
        return Publication(topic_of(self._site_id, "state"), encode(state), retain=True)


async def _until(lost: asyncio.Future[Fault], work: Coroutine[object, object, None]) -> None:
    """Work until the connection is lost, or the disk fails, and then say by which fault."""
    try:
        await work
    except Fault as fault:
        if not lost.done():
            lost.set_result(fault)
