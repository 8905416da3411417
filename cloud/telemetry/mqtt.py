"""The cloud's MQTT 5 connection; the only module of the cloud that imports aiomqtt.

One connection carries both directions. The uplink is heard through a shared subscription, so that more
workers can join, but only if the broker proves that it delivers through one: four brokers that we know
grant such a filter and then deliver nothing. States are retained, and retained messages do not come
through shared subscriptions, so states are always heard plainly.
"""

import asyncio
import logging
import math
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from cloud.telemetry.wire import Inbound
from vpp_core.faults import BrokerFault, ConfigurationFault
from vpp_core.topics import uplink_filters

_log = logging.getLogger(__name__)

QOS = 1
CANARY_S_MAX = 2.0
ANSWER_S_MAX = 10.0
INBOUND_MAX = 200_000
"""Messages that wait here; beyond it they are dropped, and come again since nothing acknowledges them."""
CONCURRENT_PUBLISHES_MAX = 1_000


class BrokerAddress(NamedTuple):
    """Where the broker is and how the cloud shows who it is."""

    host: str
    port: int
    client_id: str
    share: str = ""
    """Name of the group of ingest workers; without one the uplink is heard plainly."""
    tls: ssl.SSLContext | None = None


class MqttBroker:
    """A :class:`~cloud.telemetry.wire.MessageSource` and :class:`~cloud.telemetry.wire.CommandSink`."""

    def __init__(self, address: BrokerAddress) -> None:
        self._address = address
        self._client: aiomqtt.Client | None = None
        self.shared = False
        """Whether the open connection hears the uplink through a shared subscription."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[Inbound]]:
        address = self._address
        client = aiomqtt.Client(
            address.host,
            address.port,
            identifier=address.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=True,
            tls_context=address.tls,
            timeout=ANSWER_S_MAX,
            max_queued_incoming_messages=INBOUND_MAX,
            max_inflight_messages=CONCURRENT_PUBLISHES_MAX,
            max_concurrent_outgoing_calls=CONCURRENT_PUBLISHES_MAX,
        )
        try:
            async with client:
                await self._subscribe(client)
                self._client = client
                try:
                    yield _inbound(client)
                finally:
                    self._client = None
        except aiomqtt.MqttError as error:
            raise self._lost(error) from error

    async def publish(
        self, topic: str, payload: bytes, *, retain: bool = False, expiry_s: int | None = None
    ) -> None:
        client = self._client
        if client is None:
            raise BrokerFault(f"the MQTT broker at {self._where} is not connected; nothing was sent.")
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if expiry_s is not None:
            properties.MessageExpiryInterval = max(1, math.ceil(expiry_s))
        try:
            await client.publish(topic, payload, qos=QOS, retain=retain, properties=properties)
        except aiomqtt.MqttError as error:
            raise self._lost(error) from error

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        address = self._address
        self.shared = bool(address.share) and await self._shared_delivers(client)
        if address.share and not self.shared:
            _log.warning("The broker does not deliver shared subscriptions; this must stay the only worker.")
        plain, shared = uplink_filters(), uplink_filters(address.share if self.shared else "")
        wanted = [p if p.endswith("/state") else s for p, s in zip(plain, shared, strict=True)]
        await self._granted(client, wanted)

    async def _shared_delivers(self, client: aiomqtt.Client) -> bool:
        """Whether a message published to a shared filter of our own comes back."""
        topic = f"gridchorus/canary/{self._address.client_id}"
        shared = f"$share/canary-{self._address.client_id}/{topic}"
        try:
            await self._granted(client, [shared])
            async with asyncio.timeout(CANARY_S_MAX):
                await client.publish(topic, b"canary", qos=QOS)
                async for message in client.messages:
                    if message.topic.value == topic:
                        break
        except (TimeoutError, BrokerFault):
            return False
        await client.unsubscribe(shared)
        return True

    async def _granted(self, client: aiomqtt.Client, filters: list[str]) -> None:
        wanted = [(name, SubscribeOptions(qos=QOS)) for name in filters]
        codes = await client.subscribe(wanted)
        refused = [
            name for name, code in zip(filters, codes, strict=True) if getattr(code, "is_failure", False)
        ]
        if refused:
            raise BrokerFault(
                f"the MQTT broker at {self._where} refuses the subscription to {', '.join(refused)}; "
                f"allow it for the client {self._address.client_id}."
            )

    @property
    def _where(self) -> str:
        return f"{self._address.host}:{self._address.port}"

    def _lost(self, error: aiomqtt.MqttError) -> BrokerFault:
        return BrokerFault(
            f"the MQTT broker at {self._where} does not answer ({error}); "
            "check that it runs and that the address is right."
        )


def tls_context(ca_file: Path, cert_file: Path | None, key_file: Path | None) -> ssl.SSLContext:
    """TLS that trusts only ``ca_file`` and shows our certificate.

    Raises:
        ConfigurationFault: a file is missing or is not what it should be.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file))
        if cert_file is not None:
            context.load_cert_chain(str(cert_file), str(key_file) if key_file else None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationFault(
            f"the broker's TLS files cannot be read: {error}; check [broker]."
        ) from error
    return context


async def _inbound(client: aiomqtt.Client) -> AsyncIterator[Inbound]:
    async for message in client.messages:
        yield Inbound(message.topic.value, bytes(message.payload))
