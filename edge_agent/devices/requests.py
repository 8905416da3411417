"""What waits to be sent on one connection, in the order of its urgency; pure."""

from collections import deque
from enum import IntEnum
from typing import Generic, Protocol, TypeVar

WAITING_MAX = 64
"""Far more than the devices of one connection ask for at once; then something is wrong."""


class Urgency(IntEnum):
    """The most urgent first."""

    CONTROL = 0
    """A write."""
    METER = 1
    """A small read that control waits for."""
    VERIFY = 2
    """The read-back of a write."""
    POLL = 3


PATIENCE = {Urgency.CONTROL: 2.0, Urgency.METER: 1.0, Urgency.VERIFY: 4.0, Urgency.POLL: 8.0}
"""How long a request may wait to be sent, in time-outs of its connection.

A write outlasts one request that gets no answer; a frequency that was wanted a time-out ago is wanted no
more.
"""


class Waiting(Protocol):
    @property
    def urgency(self) -> Urgency: ...


Request = TypeVar("Request", bound=Waiting)


class RequestQueue(Generic[Request]):
    """Bounded; when it is full, the least urgent goes, the latest of them first.

    Args:
        waiting_max: the bound.
    """

    def __init__(self, waiting_max: int = WAITING_MAX) -> None:
        self._waiting_max = waiting_max
        self._lines: tuple[deque[Request], ...] = tuple(deque() for _ in Urgency)

    def __len__(self) -> int:
        return sum(len(line) for line in self._lines)

    def put(self, request: Request) -> Request | None:
        """Take a request in; what has no room for that is given back, be it this one."""
        displaced = None
        if len(self) >= self._waiting_max:
            last = next(line for line in reversed(self._lines) if line)
            if last[-1].urgency <= request.urgency:
                return request
            displaced = last.pop()
        self._lines[request.urgency].append(request)
        return displaced

    def peek(self) -> Request | None:
        return next((line[0] for line in self._lines if line), None)

    def take(self) -> Request:
        """The next one.

        Raises:
            IndexError: nothing waits.
        """
        return next((line for line in self._lines if line), self._lines[0]).popleft()

    def remove(self, request: Request) -> None:
        """Forget a request, wherever it stands; harmless if it is not there."""
        line = self._lines[request.urgency]
        if request in line:
            line.remove(request)
