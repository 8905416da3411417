"""One owner task a connection: the only one that talks on it, the most urgent request first."""

import asyncio
from asyncio import Future, TimerHandle
from collections.abc import Awaitable, Callable

from edge_agent.devices.link import Link, RegisterRefused
from edge_agent.devices.requests import PATIENCE, RequestQueue, Urgency
from vpp_core.faults import ConfigurationFault, DeviceFault

FAILURES_MAX = 3
"""Requests that fail in a row before a connection that somebody gives up is made anew for all."""

Call = Callable[[Link], Awaitable[bytes]]


class Request:
    """A call that waits for its turn, and its outcome."""

    __slots__ = ("call", "expiry", "gap_s", "outcome", "urgency")

    def __init__(self, call: Call, urgency: Urgency, gap_s: float, outcome: "Future[bytes]") -> None:
        self.call = call
        self.urgency = urgency
        self.gap_s = gap_s
        self.outcome = outcome
        self.expiry: TimerHandle | None = None


class Connection:
    """A link and its queue. Nobody is answered before :meth:`run` runs.

    Every request has a time by which it must be sent (:data:`~edge_agent.devices.requests.PATIENCE`); after
    that it is dropped, never sent late. Pacing is that of the connection: between two requests lies the
    longer of the rests that their devices want. A caller that is cancelled lets a request that was sent
    come to its end, so that its answer is nobody else's.

    Args:
        open_link: makes the link; called at once, and again when nothing answers.
        timeout_s: of one request; in seconds of the loop.
        gap_s_min: least rest between two requests, whatever the devices want.

    Raises:
        ConfigurationFault: the link cannot be made.
    """

    def __init__(self, open_link: Callable[[], Link], timeout_s: float, gap_s_min: float = 0.0) -> None:
        self._open_link = open_link
        self._timeout_s = timeout_s
        self._gap_s_min = gap_s_min
        self._link: Link | None = open_link()
        self._name = str(self._link)
        self._queue: RequestQueue[Request] = RequestQueue()
        self._arrival: Future[None] | None = None
        self._free_at_s = 0.0
        self._gap_s = gap_s_min
        self._failures = 0
        self._renew = False
        self._ended = False

    def __str__(self) -> str:
        return self._name

    async def run(self) -> None:
        """Serve until cancelled; then whoever waits is told, and the link is closed."""
        try:
            while True:
                await self._serve(await self._next())
        finally:
            self._ended = True
            while len(self._queue):
                self._drop(self._queue.take(), "is being closed")
            await self._close()

    async def ask(self, call: Call, urgency: Urgency, gap_s: float) -> bytes:
        """Have a call made when its turn comes.

        Raises:
            DeviceFault: what the call raises; or the connection was busy for too long, or is closed.
        """
        loop = asyncio.get_running_loop()
        request = Request(call, urgency, gap_s, loop.create_future())
        if self._ended:
            raise DeviceFault(f"{self} is closed")
        if (displaced := self._queue.put(request)) is not None:
            self._drop(displaced, "has more requests waiting than it can ever serve")
        else:
            request.expiry = loop.call_later(PATIENCE[urgency] * self._timeout_s, self._expire, request)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)
        try:
            return await request.outcome
        finally:
            if not request.outcome.done() or request.outcome.cancelled():
                self._queue.remove(request)
            if request.expiry is not None:
                request.expiry.cancel()

    def give_up(self) -> None:
        """Somebody gave a device up: if nothing has answered lately, begin anew with the next request."""
        self._renew = self._renew or self._failures >= FAILURES_MAX

    def idle(self) -> None:
        """Nobody uses the connection any more: hang up until somebody does."""
        self._renew = True
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    async def _next(self) -> Request:
        """The most urgent request, as soon as the connection has had its rest."""
        loop = asyncio.get_running_loop()
        while True:
            if self._renew:
                await self._close()
            head = self._queue.peek()
            rest_s = 0.0 if head is None else self._free_at_s + max(self._gap_s, head.gap_s) - loop.time()
            if head is not None and rest_s <= 0.0:
                return self._queue.take()
            self._arrival = loop.create_future()
            wake = None if head is None else loop.call_later(rest_s, _wake, self._arrival)
            try:
                await self._arrival
            finally:
                self._arrival = None
                if wake is not None:
                    wake.cancel()

    async def _serve(self, request: Request) -> None:
        if request.expiry is not None:
            request.expiry.cancel()
        try:
            answer = await request.call(self._opened())
        except (DeviceFault, ValueError) as fault:
            self._failures = 0 if isinstance(fault, RegisterRefused) else self._failures + 1
            if not request.outcome.done():
                request.outcome.set_exception(fault)
        else:
            self._failures = 0
            if not request.outcome.done():
                request.outcome.set_result(answer)
        finally:
            self._gap_s = max(request.gap_s, self._gap_s_min)
            self._free_at_s = asyncio.get_running_loop().time()
            if not request.outcome.done():
                request.outcome.set_exception(DeviceFault(f"{self} was closed before the answer"))

    def _opened(self) -> Link:
        if self._link is None:
            try:
                self._link = self._open_link()
            except ConfigurationFault as fault:
                raise DeviceFault(str(fault)) from fault
        return self._link

    async def _close(self) -> None:
        self._renew = False
        self._failures = 0
        link, self._link = self._link, None
        if link is not None:
            await link.close()

    def _expire(self, request: Request) -> None:
        self._queue.remove(request)
        self._drop(request, "was busy for too long")

    def _drop(self, request: Request, reason: str) -> None:
        if request.expiry is not None:
            request.expiry.cancel()
        if not request.outcome.done():
            request.outcome.set_exception(DeviceFault(f"{self} {reason}; the request was not sent"))


def _wake(arrival: "Future[None]") -> None:
    if not arrival.done():
        arrival.set_result(None)
