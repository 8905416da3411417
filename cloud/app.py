"""The cloud as a process: broker, counterparties, API on a port."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable, Iterator

import httpx
import uvicorn
from fastapi import FastAPI

from cloud.composition import Surroundings, build
from cloud.settings import ApiSettings, BrokerSettings, CloudSettings
from cloud.telemetry.mqtt import BrokerAddress, MqttBroker, tls_context
from vpp_core.clock import Clock, SystemClock
from vpp_core.faults import ConfigurationFault
from vpp_core.ids import IdFactory

SHUTDOWN_S = 2


async def serve(
    settings: CloudSettings,
    *,
    clock: Clock | None = None,
    ids: IdFactory | None = None,
    chance: random.Random | None = None,
    on_ready: Callable[[int], None] | None = None,
) -> None:
    """Run the cloud until cancelled.

    Args:
        settings: all of it.
        clock: the host's by default.
        ids: chance from the system by default.
        chance: makes enrollment codes; the system's by default.
        on_ready: called with the API's port when the uplink is heard and the API answers.

    Raises:
        Fault: the port is in use, a store or a token cannot be used.
        ExceptionGroup: of faults: the broker is not there, or a store broke.
    """
    clock = clock or SystemClock()
    listener = _listen(settings.api)
    with contextlib.closing(listener):
        async with httpx.AsyncClient() as http:
            broker = MqttBroker(_address(settings.broker))
            around = Surroundings(clock, ids or IdFactory(clock.now), broker, broker, http, chance)
            cloud = build(settings, around)
            try:
                async with asyncio.TaskGroup() as services:
                    services.create_task(cloud.run(), name="cloud")
                    services.create_task(_serve_api(cloud.api, listener), name="api")
                    await cloud.ingest.connected.wait()
                    if on_ready is not None:
                        on_ready(listener.getsockname()[1])
            finally:
                cloud.close()


class _Server(uvicorn.Server):
    """Leaves signals to whoever runs the cloud."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve_api(app: FastAPI, listener: socket.socket) -> None:
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    server = _Server(config)
    try:
        await server.serve(sockets=[listener])
    except asyncio.CancelledError:
        await server.shutdown(sockets=[listener])
        raise


def _listen(settings: ApiSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        raise ConfigurationFault(
            f"the API cannot listen on {settings.host}:{settings.port} ({error}); "
            "choose another [api] host or port, or stop the program that holds it"
        ) from error
    listener.settimeout(0.0)
    return listener


def _address(settings: BrokerSettings) -> BrokerAddress:
    tls = None
    if settings.tls and settings.ca_file is not None:
        tls = tls_context(settings.ca_file, settings.cert_file, settings.key_file)
    return BrokerAddress(settings.host, settings.port, settings.client_id, settings.share, tls)
