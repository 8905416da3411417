"""Our VEN of OpenADR 2.0b; the only module of the cloud that imports openleadr.

openleadr carries and encodes the messages. What it does on its own is left aside, because it judges by the
host's clock: its ``run()`` polls on a wall-clock scheduler, answers no event that it believes to be over,
and swallows every error of transport. Here the polling follows our clock, every event is handed on
whatever its time, its answer is sent until the VTN has it, and silence is noticed.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from openleadr import OpenADRClient

from cloud.openadr.intake import GridEventNotice, Opt, Refused, read_event
from vpp_core.clock import Clock
from vpp_core.ids import ProgramId

_log = logging.getLogger(__name__)

OK = 200
DRAINED_MAX = 10
"""Messages taken from the VTN in one poll period; a VTN that always has more does not hold us."""
BACK_OFF_S_MAX = 60.0
SILENT_PERIODS = 3.0

OnNotice = Callable[[GridEventNotice], Awaitable[Opt]]


class VenSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One utility's VTN and how we show who we are."""

    ven_name: str
    vtn_url: str
    """Up to and with the path prefix, such as ``https://vtn.example/OpenADR2/Simple/2.0b``."""
    source: str
    """What the utility is called in our records."""
    programs: dict[str, ProgramId]
    """Market contexts that we have agreed on."""
    poll_s: float = 10.0
    """Seconds of our clock between polls; the protocol's own floor is one second."""
    cert_file: Path | None = None
    key_file: Path | None = None
    ca_file: Path | None = None
    vtn_fingerprint: str | None = None


class VenStatus(msgspec.Struct, frozen=True, kw_only=True):
    registered: bool
    last_good_poll_at: datetime | None
    silent: bool
    """Registered once, and without a good poll for several periods."""


class Ven:
    """Polls one VTN, hands its events on, and answers them.

    Args:
        settings: the VTN.
        on_notice: decides on an event; called again for a repeated one, so it must be idempotent.
        clock: paces the polling.
    """

    def __init__(self, settings: VenSettings, on_notice: OnNotice, clock: Clock) -> None:
        self._settings = settings
        self._on_notice = on_notice
        self._clock = clock
        self._answers: dict[tuple[str, int], tuple[str, Opt]] = {}
        """Answers that the VTN has not taken yet, with the request that they belong to."""
        self._registered = False
        self._last_good_poll_at: datetime | None = None
        self._failures = 0

    async def run(self) -> None:
        """Register and poll until cancelled; a VTN that is away is tried again with growing pauses."""
        client = self._client()
        try:
            while True:
                good = await self._exchange(client)
                await self._clock.sleep(self._pause_s(good=good))
        finally:
            if client.client_session is not None:
                await client.client_session.close()

    def status(self, now: datetime) -> VenStatus:
        last = self._last_good_poll_at
        allowed = timedelta(seconds=SILENT_PERIODS * self._settings.poll_s)
        return VenStatus(
            registered=self._registered,
            last_good_poll_at=last,
            silent=last is not None and now - last > allowed,
        )

    def _client(self) -> "_Transport":
        settings = self._settings
        files = (settings.cert_file, settings.key_file, settings.ca_file)
        cert, key, ca_file = (None if path is None else str(path) for path in files)
        return _Transport(
            ven_name=settings.ven_name,
            vtn_url=settings.vtn_url,
            cert=cert,
            key=key,
            ca_file=ca_file,
            vtn_fingerprint=settings.vtn_fingerprint,
            show_fingerprint=False,
        )

    def _pause_s(self, *, good: bool) -> float:
        if good:
            self._failures = 0
            return self._settings.poll_s
        self._failures += 1
        longest_s = max(BACK_OFF_S_MAX, self._settings.poll_s)
        pause_s = min(self._settings.poll_s * 2.0 ** min(self._failures, 10), longest_s)
        _log.warning("the VTN %s does not answer; next try in %.0f s", self._settings.vtn_url, pause_s)
        return pause_s

    async def _exchange(self, client: "_Transport") -> bool:
        """Register if need be, send what is unanswered, and take what the VTN has; False if it is silent."""
        if not self._registered and not await self._register(client):
            return False
        if not await self._answer(client):
            return False
        for _ in range(DRAINED_MAX):
            kind, payload = await client.poll()
            if kind is None or _code(payload) != OK:
                return await self._refused(kind, payload)
            self._last_good_poll_at = self._clock.now()
            if not await self._handle(client, kind, payload):
                break
        return True

    async def _register(self, client: "_Transport") -> bool:
        kind, _ = await client.query_registration()
        if kind is None:
            return False
        await client.create_party_registration(ven_id=client.ven_id)
        self._registered = client.registration_id is not None
        if not self._registered:
            return False
        kind, payload = await client.request_event()
        if kind == "oadrDistributeEvent":
            await self._take(payload)
        return kind is not None

    async def _refused(self, kind: str | None, payload: Mapping[str, Any]) -> bool:
        if kind is not None:
            _log.warning("the VTN answers a poll with code %s; registering again", _code(payload))
            self._registered = False
        return False

    async def _handle(self, client: "_Transport", kind: str, payload: Mapping[str, Any]) -> bool:
        """Act on one message; True if the VTN may have more."""
        match kind:
            case "oadrDistributeEvent":
                await self._take(payload)
                await self._answer(client)
            case "oadrRequestReregistration":
                await client.send_response(service="EiRegisterParty")
                client.registration_id = None
                return await self._register(client)
            case "oadrCancelPartyRegistration":
                _log.warning("the VTN ended our registration; registering again at the next poll")
                self._registered = False
            case "oadrResponse":
                pass
            case _:
                _log.info("the VTN's %s is not supported and is left unanswered", kind)
        return False

    async def _take(self, payload: Mapping[str, Any]) -> None:
        """Decide on every event of a message, and keep the answers until they are sent."""
        for event in payload.get("events") or ():
            match read_event(event, source=self._settings.source, programs=self._settings.programs):
                case Refused(event_id, modification, reason):
                    _log.warning("opting out of event %s: %s", event_id, reason)
                    opt = Opt.OUT
                case notice:
                    event_id, modification = notice.event_id, notice.modification
                    opt = await self._on_notice(notice)
            if event.get("response_required", "always") == "always":
                self._answers[event_id, modification] = (str(payload.get("request_id", "")), opt)

    async def _answer(self, client: "_Transport") -> bool:
        for (event_id, modification), (request_id, opt) in list(self._answers.items()):
            await client.created_event(request_id, event_id, opt.value, modification)
            if client.answered_with == "oadrRequestReregistration":
                self._registered = False
            if client.answered_with != "oadrResponse":
                return False
            del self._answers[event_id, modification]
        return True


class _Transport(OpenADRClient):  # type: ignore[misc]
    """openleadr's messages and HTTP; ``answered_with`` is the kind of the last answer, if there was one."""

    answered_with: str | None = None

    async def _perform_request(self, service: str, message: str) -> tuple[str | None, dict[str, Any]]:
        answer = await super()._perform_request(service, message)
        kind, payload = answer or (None, {})
        self.answered_with = kind
        return kind, payload


def _code(payload: Mapping[str, Any]) -> int:
    response = payload.get("response")
    return int(response.get("response_code", OK)) if isinstance(response, Mapping) else OK
