"""What the story needs of the world it plays in; one world is made of processes, one of memory."""

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import httpx

from vpp_core.clock import Clock


class Options(NamedTuple):
    """What a run was asked for."""

    sites: int
    speed: float
    seed: int
    day: date
    out: Path
    broker: str | None = None
    serve: bool = False


class Stage(Protocol):
    """A whole world at standstill: counterparties, cloud and devices are up, no gateway is yet."""

    @property
    def clock(self) -> Clock:
        """Simulated time; it stands still between two moves of it."""
        ...

    @property
    def cloud(self) -> httpx.AsyncClient:
        """The cloud's API, with an operator's token."""
        ...

    @property
    def utility(self) -> httpx.AsyncClient:
        """The utility's own desk, with its token."""
        ...

    @property
    def broker(self) -> str:
        """Which broker carries the messages, in words."""
        ...

    @property
    def pace(self) -> str:
        """How time passes, in words."""
        ...

    async def run_until(self, instant: datetime, speed: float) -> None:
        """Let time run to ``instant`` at ``speed`` simulated seconds a real one, then stand still."""
        ...

    async def start_gateways(self, codes: Mapping[str, str]) -> None:
        """Install a gateway on each site (by site id), with the enrollment code of its contract."""
        ...

    async def kill_gateway(self, site_id: str) -> None:
        """End a gateway as a power cut would."""
        ...

    async def restart_gateway(self, site_id: str) -> None:
        """Power is back: the gateway starts with what is on its disk."""
        ...

    async def add_dip(self, at: datetime) -> None:
        """Make grid frequency fall at ``at``, for a few seconds."""
        ...
