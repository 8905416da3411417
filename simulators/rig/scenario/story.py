"""One market day, told through the doors that an operator, an owner and a utility would use.

Nothing here reaches into the cloud: every act is a call of its API, of the utility's desk, or something
that happens in the world (a gateway dies, the grid loses a generator). What the acts lead to is read
back from the same API by :mod:`simulators.rig.report.gather`.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from cloud.chain.records import Book, EnrolledSite, Figure, GridEvent, Loss
from simulators.rig.report.gather import Gatherer
from simulators.rig.scenario.operator import Desk
from simulators.rig.scenario.progress import Progress
from simulators.rig.scenario.stage import Options, Stage
from simulators.rig.scenario.timetable import EVENT_DIVISOR, IDLE_FACTOR, REAL, Timetable
from vpp_core.der import DerKind
from vpp_core.faults import CounterpartyFault
from vpp_core.units import kw_from_watts

LOOK_S = 0.1
"""Real seconds between two looks at something that is awaited."""
LOOKS_MAX = 400
INSTALL_SPEED = 10.0
"""Commissioning watches every device revert, which takes seconds a device."""
EVENT_ID = "EVENT-1"
EVENT_SHARE = 0.3
"""Part of the program's battery power that the utility asks for."""
START_LEAD_S = 1.0
"""The first step of the event begins in real time, so that its latency is one."""
DIP_LEAD_S = 1.0
DIP_WATCH_S = 7.0
"""Long enough for the dip, its recovery and the end of the gateways' recording."""


class Story:
    """Plays the day.

    Args:
        options: what the run was asked for.
        stage: the world.
        progress: where to say what happens.
    """

    def __init__(self, options: Options, stage: Stage, progress: Progress) -> None:
        self.times = Timetable(options.day)
        self.cloud = Desk(stage.cloud, "cloud")
        self.utility = Desk(stage.utility, "utility")
        self._gatherer = Gatherer(self.cloud, options)
        self._options = options
        self._stage = stage
        self._progress = progress
        self._order = {"day": options.day.isoformat()}
        self._sites = sites_of(options)
        self.victim = victim_of(self._sites)
        """The site whose gateway dies."""

    async def play(self) -> list[Figure]:
        """The whole day; the published figures.

        Raises:
            CounterpartyFault: a part of the world refused or did not answer.
        """
        await self._enroll()
        await self._trade()
        await self._award()
        await self._answer_the_dip()
        await self._announce()
        await self._deliver()
        return await self._settle_and_pay()

    async def _enroll(self) -> None:
        with self._progress.step("Owners consent, gateways are commissioned") as step:
            codes = {site: await self._apply(site) for site in self._sites}
            await self._stage.start_gateways(codes)
            await self._until(self._all_enrolled, "every gateway to be enrolled", INSTALL_SPEED)
            await self._until(self._all_histories, "the utility's meter histories")
            steps = sum((await self._histories()).values())
            step.detail = f"{len(codes)} sites, {steps:,} quarter hours of meter history"

    async def _trade(self) -> None:
        with self._progress.step("Forecast, value, optimize and bid") as step:
            await self._run(self.times.forecasts, IDLE_FACTOR)
            await self.cloud.post("/api/v1/forecasts", self._order, Any)
            valued = await self.cloud.post("/api/v1/opportunities", self._order, list[Any])
            _, *offers = await self.cloud.post("/api/v1/plans", self._order, list[Any])
            step.detail = f"{len(valued)} opportunities, {len(offers)} offers to the day-ahead market"

    async def _award(self) -> None:
        with self._progress.step("The market clears; schedules go out") as step:
            await self._run(self.times.results, IDLE_FACTOR)
            *awards, _ = await self.cloud.post("/api/v1/awards", self._order, list[dict[str, Any]])
            sent = await self.cloud.post("/api/v1/dispatch/day", self._order, dict[str, int])
            await self._until(self._all_answered, "every gateway to answer its schedule")
            won = sum(award["quantity_wh"] > 0 for award in awards)
            step.detail = f"{won} of {len(awards)} offers won, {sent['commands']} schedules accepted"

    async def _answer_the_dip(self) -> None:
        with self._progress.step("The market day; at 14:00 grid frequency falls, in real time") as step:
            await self._run(self.times.eve, IDLE_FACTOR)
            await self._run(self.times.dip - timedelta(seconds=DIP_LEAD_S))
            await self._stage.add_dip(self.times.dip)
            await self._stage.run_until(self.times.dip + timedelta(seconds=DIP_WATCH_S), REAL)
            await self._until(self._dip_recorded, "the gateways' records of the frequency dip")
            step.detail = f"{len(await self._gatherer.frequency_events())} gateways answered and recorded"

    async def _announce(self) -> None:
        with self._progress.step("The utility calls an event over OpenADR") as step:
            await self._run(self.times.notice)
            target_w = EVENT_SHARE * await self._program_w()
            interval = self.times.event
            order = {
                "event_id": EVENT_ID,
                "ven": "gridchorus",
                "start": interval.start.isoformat(),
                "duration_s": int(interval.duration_s),
                "target_kw": f"{kw_from_watts(target_w):.1f}",
            }
            await self.utility.post("/events", order, Any)
            await self._until(self._event_answered, "our answer to the utility's event")
            await self._until(self._all_answered, "every gateway to answer the event")
            (event,) = await self._gatherer.records(GridEvent)
            step.detail = f"{order['target_kw']} kW from 17:00 to 19:00, {event.opt}"

    async def _deliver(self) -> None:
        with self._progress.step("The event; one gateway is killed and its share split again") as step:
            await self._run(self.times.event.start - timedelta(seconds=START_LEAD_S))
            await self._stage.run_until(self.times.event.start + timedelta(seconds=START_LEAD_S), REAL)
            await self._run(self.times.loss, 1 / EVENT_DIVISOR)
            await self._stage.kill_gateway(self.victim)
            await self._until(self._loss_recorded, "the loss to be noticed")
            loss = next(each for each in await self._losses() if each.site_id == self.victim)
            step.detail = f"{self.victim} lost {kw_from_watts(loss.lost_w):.1f} kW"
            await self._run(self.times.repair, 1 / EVENT_DIVISOR)
            await self._stage.restart_gateway(self.victim)
            await self._until(self._victim_online, "the gateway to come back")
            await self._run(self.times.event.end + timedelta(minutes=5), 1 / EVENT_DIVISOR)
            step.detail += f", {kw_from_watts(sum(loss.resplit.values())):.1f} kW taken over by the others"

    async def _settle_and_pay(self) -> list[Figure]:
        with self._progress.step("The day ends: meters, baseline, settlement, payment") as step:
            await self._run(self.times.closes)
            settled = await self.cloud.post("/api/v1/settlements", self._order, dict[str, list[Any]])
            paid = await self.cloud.post("/api/v1/payments", self._order, dict[str, list[Any]])
            figures = await self.cloud.post("/api/v1/scorecard", self._order, list[Figure])
            step.detail = (
                f"{len(settled['settlements'])} settlements, {len(settled['invoices'])} invoices, "
                f"{len(paid['payments'])} payments"
            )
        return figures

    async def _apply(self, site: str) -> str:
        number = site.removeprefix("site-")
        program = "market-storage" if book_of(site) is Book.MARKET else "utility-peak"
        answer = await self.cloud.post(
            "/api/v1/applications",
            {
                "owner_id": f"owner-{number}",
                "owner_name": f"Household {number}",
                "site_id": site,
                "site_name": f"Home {number}",
                "program_id": program,
                "terms_version": "2021-1",
            },
            dict[str, str],
        )
        return answer["enrollment_code"]

    async def _run(self, instant: datetime, factor: float = 1.0) -> None:
        await self._stage.run_until(instant, max(REAL, self._options.speed * factor))

    async def _until(self, happened: Callable[[], Awaitable[bool]], what: str, speed: float = REAL) -> None:
        """Let time pass, at real speed unless said otherwise, until something has happened.

        Raises:
            CounterpartyFault: it did not.
        """
        for _ in range(LOOKS_MAX):
            if await happened():
                return
            now = self._stage.clock.now()
            await self._stage.run_until(now + timedelta(seconds=LOOK_S * speed), speed)
        waited_s = LOOK_S * LOOKS_MAX
        raise CounterpartyFault(f"Waited {waited_s:.0f} s for {what}; see the logs in {self._options.out}.")

    async def _all_enrolled(self) -> bool:
        return len(await self.cloud.get("/api/v1/sites", list[Any])) == len(self._sites)

    async def _histories(self) -> dict[str, int]:
        return await self.cloud.get("/api/v1/histories", dict[str, int])

    async def _all_histories(self) -> bool:
        return len(await self._histories()) == len(self._sites)

    async def _all_answered(self) -> bool:
        commands = await self.cloud.get("/api/v1/commands", list[dict[str, Any]])
        return all(command["status"] != "sent" for command in commands)

    async def _dip_recorded(self) -> bool:
        return len(await self._gatherer.frequency_events()) >= len(self._sites)

    async def _program_w(self) -> float:
        """Rated battery power of the utility's program."""
        sites = await self.cloud.get("/api/v1/sites", list[EnrolledSite])
        return sum(
            der.injection_w_max
            for site in sites
            if site.book is Book.REGULATED
            for der in site.ders
            if der.kind is DerKind.BATTERY
        )

    async def _event_answered(self) -> bool:
        return bool(await self._gatherer.records(GridEvent))

    async def _losses(self) -> list[Loss]:
        return await self._gatherer.records(Loss)

    async def _loss_recorded(self) -> bool:
        return any(loss.site_id == self.victim for loss in await self._losses())

    async def _victim_online(self) -> bool:
        fleet = await self.cloud.get("/api/v1/fleet", list[dict[str, Any]])
        return any(site["site_id"] == self.victim and site["online"] for site in fleet)


def book_of(site: str) -> Book:
    """Even sites are in the market, odd ones in the utility's program."""
    return Book.MARKET if int(site.removeprefix("site-")) % 2 == 0 else Book.REGULATED


def victim_of(sites: Sequence[str]) -> str:
    """The site whose gateway dies: the last one of the utility's program."""
    return next(site for site in reversed(sites) if book_of(site) is Book.REGULATED)


def sites_of(options: Options) -> list[str]:
    """The names of a run's sites."""
    return [f"site-{number:02d}" for number in range(1, options.sites + 1)]
