"""MQTT topics: ``vpp/v1/{site}/{kind}``. A gateway lives in its own subtree and nowhere else."""

from typing import NamedTuple

from vpp_core.ids import SiteId
from vpp_core.messages import MESSAGES

ROOT = "vpp/v1"
UPLINK = ("enrollment", "telemetry", "state", "receipt", "event")
"""What a gateway publishes."""
DOWNLINK = ("command", "config", "acknowledgement")
"""What a gateway listens to."""


class Topic(NamedTuple):
    site_id: SiteId
    kind: str


def topic_of(site_id: SiteId, kind: str) -> str:
    """The topic of one kind of message of one site.

    Raises:
        ValueError: not a kind of message, or a site id that would leave its subtree.
    """
    if kind not in MESSAGES:
        raise ValueError(f"{kind!r} is not a kind of message; there are {', '.join(MESSAGES)}")
    if not site_id or any(character in site_id for character in "/+#"):
        raise ValueError(f"{site_id!r} cannot be a level of a topic")
    return f"{ROOT}/{site_id}/{kind}"


def parse(topic: str) -> Topic | None:
    """The site and kind of a topic of ours, or nothing for a foreign one."""
    match topic.split("/"):
        case ["vpp", "v1", site_id, kind] if site_id and kind in MESSAGES:
            return Topic(SiteId(site_id), kind)
        case _:
            return None


def uplink_filters(share: str = "") -> tuple[str, ...]:
    """Filters by which the cloud hears every site; with ``share``, one member of that group does.

    Each kind has a group of its own, ``share-kind``: brokers on rumqttd (iotcore) serve only one filter of
    a group and starve the others in silence.
    """
    return tuple(f"$share/{share}-{kind}/{ROOT}/+/{kind}" if share else f"{ROOT}/+/{kind}" for kind in UPLINK)


def downlink_filters(site_id: SiteId) -> tuple[str, ...]:
    """Filters by which one gateway hears the cloud."""
    return tuple(topic_of(site_id, kind) for kind in DOWNLINK)
