"""What comes down, examined: only messages of this site, whole and plausible, reach the control."""

from datetime import UTC, datetime

import msgspec

from edge_agent.uplink.transport import Delivery
from vpp_core.codec import MalformedMessage, decode
from vpp_core.ids import SiteId
from vpp_core.messages import Acknowledgement, Dispatch, SiteConfig
from vpp_core.topics import parse

_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""An instant outside is a mistake, and would overflow somewhere."""
_KINDS: dict[str, type[Dispatch | SiteConfig | Acknowledgement]] = {
    "command": Dispatch,
    "config": SiteConfig,
    "acknowledgement": Acknowledgement,
}


class Refused(msgspec.Struct, frozen=True):
    """A delivery that nobody acts on, and why."""

    reason: str


Downward = Dispatch | SiteConfig | Acknowledgement


def examine(delivery: Delivery, site_id: SiteId) -> Downward | Refused:
    """The message in a delivery, or why it is refused; never raises."""
    topic = parse(delivery.topic)
    if topic is None or topic.kind not in _KINDS:
        return Refused(f"{_shown(delivery.topic)} is no topic that a gateway listens to")
    if topic.site_id != site_id:
        return Refused(f"{_shown(delivery.topic)} belongs to another site")
    try:
        message = decode(delivery.payload, _KINDS[topic.kind])
    except MalformedMessage as error:
        return Refused(f"malformed {topic.kind}: {_shown(str(error))}")
    if message.site_id != site_id:
        return Refused(f"a {topic.kind} for site {_shown(message.site_id)} came in our topic")
    if not all(_plausible(instant) for instant in _instants(message)):
        return Refused(f"malformed {topic.kind}: an instant has no time zone or is out of this age")
    return message


def _instants(message: Downward) -> list[datetime]:
    match message:
        case Dispatch():
            borders = [
                edge for step in message.schedule.steps for edge in (step.interval.start, step.interval.end)
            ]
            return [message.issued_at, message.expires_at, *borders]
        case SiteConfig():
            borders = [
                edge
                for step in message.frequency_response.steps
                for edge in (step.interval.start, step.interval.end)
            ]
            return [message.issued_at, message.expires_at, *borders]
        case Acknowledgement():
            return []


def _plausible(instant: datetime) -> bool:
    return instant.tzinfo is not None and _EARLIEST.year <= instant.year < _LATEST.year


def _shown(text: str) -> str:
    """A foreign text, short and printable."""
    return "".join(character if character.isprintable() else "?" for character in text[:120])
