"""MQTT 5 by aiomqtt: the one module that imports it.

The broker keeps the session between connections (clean start off), so commands sent while the gateway
was away arrive when it is back, unless they have expired.
"""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from edge_agent.settings import BrokerSettings
from edge_agent.uplink.transport import Connection, Delivery, Publication
from vpp_core.codec import PAYLOAD_BYTES_MAX
from vpp_core.faults import BrokerFault, ConfigurationFault

QOS = 1
REFUSED = 0x80
"""Reason codes from here on refuse (MQTT 5, 2.4)."""
INBOUND_MAX = 10_000
"""Deliveries that may wait; the session reads them at once, so that this is never reached in order."""
_PACKET_OVERHEAD_BYTES = 4_096


class MqttTransport:
    """One gateway's way to its broker.

    Raises:
        ConfigurationFault: a certificate, key or password file cannot be read.
    """

    def __init__(self, settings: BrokerSettings, client_id: str) -> None:
        self._settings = settings
        self._client_id = client_id
        self._tls = _tls(settings) if settings.tls else None
        self._password = _password(settings)

    @asynccontextmanager
    async def connect(self, will: Publication) -> AsyncIterator[Connection]:
        client = aiomqtt.Client(
            self._settings.host,
            self._settings.port,
            identifier=self._client_id,
            username=self._settings.username,
            password=self._password,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            keepalive=self._settings.keepalive_s,
            properties=self._connect_properties(),
            will=aiomqtt.Will(will.topic, will.payload, qos=QOS, retain=will.retain),
            tls_context=self._tls,
            timeout=self._settings.connect_timeout_s,
            max_queued_incoming_messages=INBOUND_MAX,
        )
        try:
            async with client:
                yield _MqttConnection(client)
        except aiomqtt.MqttError as error:
            raise self._fault(error) from error

    def _connect_properties(self) -> Properties:
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = self._settings.session_expiry_s
        properties.MaximumPacketSize = PAYLOAD_BYTES_MAX + _PACKET_OVERHEAD_BYTES
        return properties

    def _fault(self, error: aiomqtt.MqttError) -> BrokerFault:
        return BrokerFault(f"no connection to the broker {self._settings.url}: {error}; is it running?")


class _MqttConnection:
    def __init__(self, client: aiomqtt.Client) -> None:
        self._client = client

    async def publish(self, publication: Publication) -> None:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if publication.expiry_s is not None:
            properties.MessageExpiryInterval = publication.expiry_s
        try:
            await self._client.publish(
                publication.topic,
                publication.payload,
                qos=QOS,
                retain=publication.retain,
                properties=properties,
            )
        except aiomqtt.MqttError as error:
            raise _lost(error) from error

    async def subscribe(self, filters: Sequence[str]) -> None:
        options = SubscribeOptions(qos=QOS)
        try:
            answers: Sequence[int | ReasonCode] = await self._client.subscribe(
                [(name, options) for name in filters]
            )
        except aiomqtt.MqttError as error:
            raise _lost(error) from error
        for name, answer in zip(filters, answers, strict=True):
            if _code(answer) >= REFUSED:
                raise BrokerFault(f"the broker refuses {name}: {answer}; check its access list")

    async def messages(self) -> AsyncIterator[Delivery]:
        try:
            async for message in self._client.messages:
                yield Delivery(str(message.topic), message.payload)
        except aiomqtt.MqttError as error:
            raise _lost(error) from error


def _code(answer: int | ReasonCode) -> int:
    return answer if isinstance(answer, int) else answer.value


def _lost(error: aiomqtt.MqttError) -> BrokerFault:
    return BrokerFault(f"the connection to the broker is lost: {error}")


def _tls(settings: BrokerSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.cert_file is not None:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationFault(f"cannot read the broker's certificates: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _password(settings: BrokerSettings) -> str | None:
    if settings.password_file is None:
        return None
    try:
        return settings.password_file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationFault(f"cannot read {settings.password_file}: {error.strerror}") from error
