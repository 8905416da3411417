"""The utility's VTN of OpenADR 2.0b; the only module of the simulators that imports openleadr.

openleadr encodes and serves; which event is sent, when, and in which state is decided by the utility's
book and clock. openleadr would mark events of a simulated day as completed by the host's clock and drop
them, so its own handling of events is replaced.
"""

import warnings
from collections.abc import Collection
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from aiohttp import web
from openleadr import OpenADRServer, objects

from simulators.utility.events import EventBook, PeakEvent
from vpp_core.clock import Clock

VTN_ID = "SIMULATED_UTILITY"
"""In capitals: openleadr's VEN answers an identifier of small letters with an error code."""
MARKET_CONTEXT = "oadr://simulated.utility/utility-peak"
PATH_PREFIX = "/OpenADR2/Simple/2.0b"
POLL_S = 10

Message = tuple[str, dict[str, Any]]


class Vtn:
    """Distributes the book's events to known VENs and notes what they answer.

    One process holds one at a time: openleadr keeps parts of a server in its classes.

    Args:
        book: the events.
        clock: tells which event is over, and stamps the answers.
        vens: names of the VENs that may register; others are refused.
        host: where to listen; loopback by default.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        book: EventBook,
        clock: Clock,
        *,
        vens: Collection[str],
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self._book = book
        self._clock = clock
        self._vens = frozenset(vens)
        self._address = (host, port)
        self._registered: dict[str, str] = {}
        """Names of the registered VENs by their ids."""
        self._server = self._make_server()
        self._runner = web.AppRunner(self._server.app, access_log=None)

    async def start(self) -> str:
        """Listen; returns the address that a VEN is given.

        Raises:
            OSError: the port is taken.
        """
        await self._runner.setup()
        await web.TCPSite(self._runner, *self._address).start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}{PATH_PREFIX}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    def _make_server(self) -> OpenADRServer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", web.NotAppKeyWarning)
            server = OpenADRServer(vtn_id=VTN_ID, requested_poll_freq=timedelta(seconds=POLL_S))
        server.add_handler("on_create_party_registration", self._register)
        server.add_handler("on_poll", self._on_poll)
        events = server.services["event_service"]
        events.handlers["oadrRequestEvent"] = self._on_request
        events.handlers["oadrCreatedEvent"] = self._on_created
        for service in server.services.values():
            service.ven_lookup = self._look_up
        return server

    async def _register(self, payload: dict[str, Any]) -> tuple[str, str] | bool:
        name = str(payload.get("ven_name"))
        if name not in self._vens:
            return False
        ven_id = f"VEN_{name}"
        self._registered[ven_id] = name
        return ven_id, f"REGISTRATION_{name}"

    async def _look_up(self, ven_id: str) -> dict[str, str] | None:
        """Who a VEN is; an unknown one is asked to register again."""
        name = self._registered.get(ven_id)
        if name is None:
            return None
        return {"ven_id": ven_id, "ven_name": name, "registration_id": f"REGISTRATION_{name}"}

    async def _on_poll(self, ven_id: str) -> Message | None:
        events = self._waiting(ven_id)
        return ("oadrDistributeEvent", {"events": events}) if events else None

    async def _on_request(self, payload: dict[str, Any]) -> Message:
        events = self._waiting(payload["ven_id"])
        return ("oadrDistributeEvent", {"events": events}) if events else ("oadrResponse", {})

    async def _on_created(self, payload: dict[str, Any]) -> Message:
        name = self._registered.get(payload["ven_id"])
        for response in payload["event_responses"]:
            event = self._book.get(str(response["event_id"]))
            if event is not None and event.ven == name:
                modification = int(response["modification_number"])
                self._book.answer(event.event_id, modification, response["opt_type"], self._clock.now())
        return "oadrResponse", {}

    def _waiting(self, ven_id: str) -> list[dict[str, Any]]:
        name = self._registered.get(ven_id, "")
        return [self._encode(event, ven_id) for event in self._book.waiting(name, self._clock.now())]

    def _encode(self, event: PeakEvent, ven_id: str) -> dict[str, Any]:
        """The event as openleadr's dictionary: a dispatch in kW, positive above the baseline."""
        call = event.newest
        duration = call.interval.end - call.interval.start
        descriptor = objects.EventDescriptor(
            event_id=event.event_id,
            modification_number=call.modification,
            modification_date_time=call.called_at,
            created_date_time=event.calls[0].called_at,
            market_context=MARKET_CONTEXT,
            event_status="far",
        )
        step = objects.Interval(
            dtstart=call.interval.start, duration=duration, signal_payload=float(call.target_kw)
        )
        measurement = objects.Measurement(
            name="powerReal",
            description="RealPower",
            unit="W",
            scale="k",
            power_attributes=objects.PowerAttributes(hertz=60, voltage=240, ac=True),
        )
        signal = objects.EventSignal(
            intervals=[step],
            signal_name="LOAD_DISPATCH",
            signal_type="setpoint",
            signal_id=f"{event.event_id}-0",
            measurement=measurement,
        )
        encoded = asdict(
            objects.Event(
                event_descriptor=descriptor,
                event_signals=[signal],
                targets=[objects.Target(ven_id=ven_id)],
                active_period=objects.ActivePeriod(dtstart=call.interval.start, duration=duration),
            )
        )
        encoded["event_descriptor"]["event_status"] = event.status(self._clock.now())
        return encoded
