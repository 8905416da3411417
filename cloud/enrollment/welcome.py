"""Answers a gateway that presents itself: a first configuration tells it that it has been accepted."""

from collections.abc import Callable
from datetime import timedelta

from cloud.chain.records import EnrolledSite
from cloud.telemetry.wire import CommandSink
from vpp_core.clock import Clock
from vpp_core.codec import encode
from vpp_core.faults import BrokerFault
from vpp_core.ids import SiteId
from vpp_core.messages import Enrollment, FrequencyResponse, SiteConfig
from vpp_core.topics import topic_of

FIRST_REVISION = 1
"""Every configuration that carries something has a higher one."""
EXPIRY_S = 300
"""A gateway that missed the answer presents itself again."""


class Welcome:
    """Who handles enrollment messages.

    Args:
        enroll: checks a message; gives the site's record if it is accepted.
        on_accepted: told of every site that was accepted, new or again.
        sink: the way down to the gateway.
        clock: stamps the configuration.
    """

    def __init__(
        self,
        enroll: Callable[[Enrollment], EnrolledSite | None],
        on_accepted: Callable[[SiteId], None],
        sink: CommandSink,
        clock: Clock,
    ) -> None:
        self._enroll = enroll
        self._on_accepted = on_accepted
        self._sink = sink
        self._clock = clock

    async def on_enrollment(self, message: Enrollment) -> None:
        record = self._enroll(message)
        if record is None:
            return
        self._on_accepted(record.site_id)
        now = self._clock.now()
        config = SiteConfig(
            site_id=record.site_id,
            revision=FIRST_REVISION,
            issued_at=now,
            expires_at=now + timedelta(seconds=EXPIRY_S),
            frequency_response=FrequencyResponse(),
        )
        try:
            await self._sink.publish(topic_of(record.site_id, "config"), encode(config), expiry_s=EXPIRY_S)
        except BrokerFault:
            return
