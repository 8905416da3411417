"""What an enrollment sets off outside: the utility's meter history of the site, fetched and kept fresh."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

from vpp_core.clock import Clock
from vpp_core.faults import CounterpartyFault
from vpp_core.ids import SiteId
from vpp_core.interval import floor_to
from vpp_core.units import SECONDS_PER_DAY

_log = logging.getLogger(__name__)

RETRY_S = 300.0
REFRESH_OFFSET_S = 6 * 3_600
"""History is fetched again at 06:00 UTC, when the day before is over everywhere in America but Hawaii."""


class HistoryErrands:
    """Fetches the history of a site when it is enrolled, and of all sites once a day.

    Args:
        fetch: asks the utility for one site's history and stores it.
        sites: the sites that take part.
        clock: for the daily refresh and the pause after a failure.
    """

    def __init__(
        self,
        fetch: Callable[[SiteId], Awaitable[object]],
        sites: Callable[[], Iterable[SiteId]],
        clock: Clock,
    ) -> None:
        self._fetch = fetch
        self._sites = sites
        self._clock = clock
        self._due: dict[SiteId, None] = dict.fromkeys(sites())
        self._work = asyncio.Event()
        if self._due:
            self._work.set()

    def request(self, site_id: SiteId) -> None:
        """Have a site's history fetched soon; asking twice fetches once."""
        self._due[site_id] = None
        self._work.set()

    async def run(self) -> None:
        """Fetch until cancelled; what fails is tried again after a pause."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._refresh_daily(), name="refresh")
            tasks.create_task(self._work_off(), name="fetch")

    async def fetch_due(self) -> bool:
        """Fetch what is due; false if something failed and is due again."""
        due, self._due = self._due, {}
        failed = False
        for site_id in due:
            try:
                await self._fetch(site_id)
            except CounterpartyFault as fault:
                _log.warning("The history of %s is tried again in %.0f s: %s", site_id, RETRY_S, fault)
                self._due[site_id] = None
                failed = True
        return not failed

    async def _work_off(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            if not await self.fetch_due():
                await self._clock.sleep(RETRY_S)
                self._work.set()

    async def _refresh_daily(self) -> None:
        while True:
            now = self._clock.now()
            offset = timedelta(seconds=REFRESH_OFFSET_S)
            following = floor_to(now - offset, SECONDS_PER_DAY) + timedelta(days=1) + offset
            await self._clock.sleep((following - now).total_seconds())
            for site_id in self._sites():
                self.request(site_id)
