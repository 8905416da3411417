"""The thermostat's VEN of OpenADR 2.0b; the only module beside the utility's VTN that imports openleadr here.

openleadr encodes and carries. It is not run by its own ``run()``: that polls and reports on the wall clock
(reports by cron, so only at divisors of a minute), judges by the host's time which event is over, and
swallows errors of transport. Polling, opting and telemetry follow our clock here, and an answer is sent
until the VTN has it.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from openleadr import OpenADRClient, objects

from simulators.thermostat.agenda import Agenda, LateOpt, Opt
from simulators.thermostat.signals import Program, answer_wanted, identity, read_notice
from vpp_core.clock import Clock

_log = logging.getLogger(__name__)

OK = 200
DRAINED_MAX = 10
"""Messages taken from the VTN in one poll."""
BACK_OFF_MAX = 16.0
"""Poll periods between two tries while the VTN is away."""
INTERVALS_MAX = 60
"""In one report; while the VTN is away older ones are lost."""
REPORT_S = (1.0, 3_600.0)
"""The shortest and the longest interval that is offered."""
RESOURCE = "thermostat"

MeanPower = Callable[[float, float], float]
"""Mean consumption in W between two instants (Unix seconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenSettings:
    ven_name: str
    vtn_url: str
    """With the path, such as ``http://127.0.0.1:8080/OpenADR2/Simple/2.0b``."""
    poll_s: float = 10.0
    """Seconds of our clock."""
    program: Program = Program()  # noqa: RUF009 - frozen


@dataclass(slots=True)
class _Telemetry:
    """A report that the VTN has asked for."""

    request_id: str
    specifier_id: str
    r_id: str
    every_s: float
    next_s: float
    """Where the next interval begins."""


class ThermostatVen:
    """Polls one VTN, enters its events in an agenda, answers them, and reports the power that is drawn.

    Args:
        mean_power: of the machine.
        clock: paces everything.
    """

    def __init__(self, settings: VenSettings, agenda: Agenda, mean_power: MeanPower, clock: Clock) -> None:
        self._settings, self._agenda = settings, agenda
        self._mean_power, self._clock = mean_power, clock
        self._unsent: dict[tuple[str, int], tuple[str, Opt]] = {}
        """Answers that the VTN has not taken yet, with the request that they belong to."""
        self._reports: list[_Telemetry] = []
        self.registered = False
        self.refused: dict[str, str] = {}
        """Events that a thermostat cannot follow, and why."""

    async def run(self) -> None:
        """Register and poll until cancelled; a VTN that is away is tried again with growing pauses."""
        client = self._client()
        failures = 0
        try:
            while True:
                failures = 0 if await self._exchange(client) else failures + 1
                if failures == 1:
                    _log.warning("the VTN %s does not answer", self._settings.vtn_url)
                await self._clock.sleep(self._settings.poll_s * min(2.0**failures, BACK_OFF_MAX))
        finally:
            if client.client_session is not None:
                await client.client_session.close()

    def _client(self) -> "_Transport":
        client = _Transport(
            ven_name=self._settings.ven_name, vtn_url=self._settings.vtn_url, show_fingerprint=False
        )
        client.add_report(
            callback=_never,
            resource_id=RESOURCE,
            measurement="REAL_POWER",
            report_specifier_id=f"{self._settings.ven_name}-power",
            r_id=f"{self._settings.ven_name}-{RESOURCE}",
            reading_type="Mean",
            report_duration=timedelta(seconds=REPORT_S[1]),
            sampling_rate=objects.SamplingRate(
                min_period=timedelta(seconds=REPORT_S[0]), max_period=timedelta(seconds=REPORT_S[1])
            ),
        )
        return client

    async def _exchange(self, client: "_Transport") -> bool:
        """One poll with all that belongs to it; False if the VTN is silent."""
        if not self.registered and not await self._register(client):
            return False
        if not await self._answer(client) or not await self._report(client):
            return False
        for _ in range(DRAINED_MAX):
            kind, payload = await client.poll()
            if kind is None or _code(payload) != OK:
                self.registered = False
                return False
            if not await self._handle(client, kind, payload):
                return True
        return True

    async def _register(self, client: "_Transport") -> bool:
        kind, _ = await client.query_registration()
        if kind is None:
            return False
        await client.create_party_registration(ven_id=client.ven_id)
        self.registered = client.registration_id is not None
        if not self.registered:
            return False
        self._reports.clear()
        await client.register_reports(client.reports)
        self._begin_reports(client)
        kind, payload = await client.request_event()
        if kind == "oadrDistributeEvent":
            self._take(payload)
        return kind is not None and await self._answer(client)

    async def _handle(self, client: "_Transport", kind: str, payload: Mapping[str, Any]) -> bool:
        """Act on one message; True if the VTN may have more."""
        match kind:
            case "oadrDistributeEvent":
                self._take(payload)
                return await self._answer(client)
            case "oadrCreateReport":
                await client.create_report(payload)
                self._begin_reports(client)
            case "oadrCancelReport":
                wanted = {str(payload.get("report_request_id"))}
                self._reports = [each for each in self._reports if each.request_id not in wanted]
                await client.confirm_cancelled(payload, [each.request_id for each in self._reports])
            case "oadrRequestReregistration":
                await client.send_response(service="EiRegisterParty")
                client.registration_id = None
                return await self._register(client)
            case "oadrCancelPartyRegistration":
                client.registration_id, self.registered = None, False
            case _:
                return False
        return False

    def _take(self, payload: Mapping[str, Any]) -> None:
        """Enter every event of a message, and keep the answers until they are sent."""
        for event in payload.get("events") or ():
            event_id, modification = identity(event)
            try:
                opt = self._agenda.take(read_notice(event, self._settings.program))
            except ValueError as unsupported:
                _log.warning("opting out of event %s: %s", event_id, unsupported)
                self.refused[event_id] = str(unsupported)
                opt = Opt.OUT
            if answer_wanted(event):
                self._unsent[event_id, modification] = (str(payload.get("request_id", "")), opt)

    async def _answer(self, client: "_Transport") -> bool:
        """Send what the VTN has not heard; False if it is silent."""
        while self._agenda.late:
            late: LateOpt = self._agenda.late.pop(0)
            self._unsent[late.event_id, late.modification] = ("", late.opt)
        for (event_id, modification), (request_id, opt) in list(self._unsent.items()):
            await client.created_event(request_id, event_id, opt.value, modification)
            if client.answered_with != "oadrResponse":
                return False
            del self._unsent[event_id, modification]
        return True

    def _begin_reports(self, client: "_Transport") -> None:
        """Start what the VTN has just asked for, at the next full interval."""
        now_s = self._clock.now().timestamp()
        for request_id, specifier_id, r_id, every_s in client.take_requests():
            begins_s = now_s - now_s % every_s
            self._reports.append(_Telemetry(request_id, specifier_id, r_id, every_s, begins_s))

    async def _report(self, client: "_Transport") -> bool:
        """Send the intervals that are complete; False if the VTN is silent."""
        now_s = self._clock.now().timestamp()
        for telemetry in self._reports:
            intervals = self._complete(telemetry, now_s)
            if intervals and not await client.update(telemetry.request_id, telemetry.specifier_id, intervals):
                return False
            telemetry.next_s += len(intervals) * telemetry.every_s
        return True

    def _complete(self, telemetry: _Telemetry, now_s: float) -> list[objects.ReportInterval]:
        count = int((now_s - telemetry.next_s) / telemetry.every_s)
        if count > INTERVALS_MAX:
            telemetry.next_s += (count - INTERVALS_MAX) * telemetry.every_s
            count = INTERVALS_MAX
        starts_s = [telemetry.next_s + number * telemetry.every_s for number in range(count)]
        return [
            objects.ReportInterval(
                dtstart=datetime.fromtimestamp(start_s, UTC),
                duration=timedelta(seconds=telemetry.every_s),
                report_payload=objects.ReportPayload(
                    r_id=telemetry.r_id,
                    value=round(self._mean_power(start_s, start_s + telemetry.every_s), 3),
                ),
            )
            for start_s in starts_s
        ]


class _Transport(OpenADRClient):  # type: ignore[misc]
    """openleadr's messages and HTTP; ``answered_with`` is the kind of the last answer, if there was one."""

    answered_with: str | None = None

    async def _perform_request(self, service: str, message: str) -> tuple[str | None, dict[str, Any]]:
        answer = await super()._perform_request(service, message)
        kind, payload = answer or (None, {})
        self.answered_with = kind
        return kind, payload

    async def create_report(self, response_payload: Mapping[str, Any]) -> None:
        """Confirm what the VTN asks for and keep it for :meth:`take_requests`; openleadr would start cron."""
        requests = list(response_payload.get("report_requests") or ())
        self.report_requests = requests
        if not requests:
            return
        given = response_payload.get("request_id") or _response(response_payload).get("request_id")
        message = self._create_message(
            "oadrCreatedReport",
            response={"response_code": OK, "response_description": "OK", "request_id": given},
            ven_id=self.ven_id,
            pending_reports=[{"report_request_id": each["report_request_id"]} for each in requests],
        )
        await self._perform_request("EiReport", message)

    def take_requests(self) -> list[tuple[str, str, str, float]]:
        """Request, specifier, resource and interval (s) of the reports asked for since last time."""
        requests, self.report_requests = self.report_requests, []
        found = []
        for request in requests:
            specifier = request["report_specifier"]
            every_s = _interval_s(specifier)
            for wanted in specifier["specifier_payloads"]:
                ids = (request["report_request_id"], specifier["report_specifier_id"], wanted["r_id"])
                found.append((str(ids[0]), str(ids[1]), str(ids[2]), every_s))
        return found

    async def confirm_cancelled(self, payload: Mapping[str, Any], pending: list[str]) -> None:
        message = self._create_message(
            "oadrCanceledReport",
            response={
                "response_code": OK,
                "response_description": "OK",
                "request_id": payload.get("request_id"),
            },
            ven_id=self.ven_id,
            pending_reports=[{"report_request_id": request_id} for request_id in pending],
        )
        await self._perform_request("EiReport", message)

    async def update(
        self, request_id: str, specifier_id: str, intervals: list[objects.ReportInterval]
    ) -> bool:
        """Send a TELEMETRY_USAGE report; whether the VTN has it."""
        report = objects.Report(
            report_request_id=request_id,
            report_specifier_id=specifier_id,
            report_name="TELEMETRY_USAGE",
            dtstart=intervals[0].dtstart,
            intervals=intervals,
        )
        message = self._create_message(
            "oadrUpdateReport", ven_id=self.ven_id, request_id=request_id, reports=[report]
        )
        kind, _ = await self._perform_request("EiReport", message)
        return kind == "oadrUpdatedReport"


def _interval_s(specifier: Mapping[str, Any]) -> float:
    """Length of an interval: the granularity, or how often reports come back; within what is offered."""
    for name in ("granularity", "report_back_duration"):
        duration = specifier.get(name)
        if isinstance(duration, timedelta) and duration > timedelta():
            return min(max(duration.total_seconds(), REPORT_S[0]), REPORT_S[1])
    return REPORT_S[1]


def _code(payload: Mapping[str, Any]) -> int:
    return int(_response(payload).get("response_code", OK))


def _response(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    response = payload.get("response")
    return response if isinstance(response, Mapping) else {}


def _never() -> float:
    """Stands where openleadr wants a callback; it is not called."""
    raise AssertionError
