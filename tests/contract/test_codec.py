"""Bytes on the wire: round trips, and a refusal that names the field."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpp_core import codec, topics
from vpp_core.ids import DerId, SiteId
from vpp_core.measurement import Quality
from vpp_core.messages import MESSAGES, Acknowledgement, Dispatch, Reading, Telemetry

NOON = datetime(2021, 8, 12, 12, tzinfo=UTC)
SITE = SiteId("01FCXWZ9M0AAAAAAAAAAAAAAAA")
FINITE = st.none() | st.floats(allow_nan=False, allow_infinity=False)
READINGS = st.builds(
    Reading,
    der_id=st.text(min_size=1).map(DerId),
    at=st.datetimes(timezones=st.just(UTC)),
    quality=st.sampled_from(Quality),
    power_w=FINITE,
    frequency_hz=FINITE,
)


@given(st.lists(READINGS, max_size=4), st.integers(0, 2**53))
def test_telemetry_survives_the_wire(readings: list[Reading], seq: int) -> None:
    message = Telemetry(site_id=SITE, seq=seq, readings=tuple(readings))
    assert codec.decode(codec.encode(message), Telemetry) == message


def test_an_old_agents_message_and_a_newer_ones_extra_field_are_read() -> None:
    payload = b'{"site_id":"s","seq":7,"from_the_future":true}'
    assert codec.decode(payload, Acknowledgement) == Acknowledgement(site_id=SiteId("s"), seq=7)


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        (b"", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b'{"site_id":"s"}', "seq"),
        (b'{"site_id":"s","seq":"7"}', "seq"),
        (b'{"site_id":"s","seq":7,"v":2}', "version 2"),
        (b"[" * 100_000, "Acknowledgement"),
        (b" " * (codec.PAYLOAD_BYTES_MAX + 1), "limit"),
    ],
    ids=["empty", "not-json", "field-missing", "wrong-type", "unknown-version", "nested-deep", "too-large"],
)
def test_a_malformed_payload_is_refused_by_name(payload: bytes, named: str) -> None:
    with pytest.raises(codec.MalformedMessage, match=named):
        codec.decode(payload, Acknowledgement)


def test_a_rule_of_the_vocabulary_is_kept_on_the_wire_too() -> None:
    interval = {"start": "2021-08-12T13:00:00Z", "end": "2021-08-12T12:00:00Z"}
    command = {
        "command_id": "c", "revision": 1, "site_id": "s", "der_id": "d", "priority": 6,
        "issued_at": "2021-08-12T12:00:00Z", "expires_at": "2021-08-12T12:00:00Z",
        "schedule": {"steps": [{"interval": interval, "setpoint_w": 1.0}]},
    }  # fmt: skip
    with pytest.raises(codec.MalformedMessage, match="must end after it starts"):
        codec.decode(msgspec.json.encode(command), Dispatch)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_refusal(payload: bytes) -> None:
    for kind in MESSAGES.values():
        try:
            codec.decode(payload, kind)
        except codec.MalformedMessage:
            continue


def test_topics_go_there_and_back() -> None:
    for kind in MESSAGES:
        assert topics.parse(topics.topic_of(SITE, kind)) == topics.Topic(SITE, kind)


@pytest.mark.parametrize("topic", ["vpp/v1/s/unknown", "vpp/v2/s/state", "vpp/v1/s", "vpp/v1//state", "x"])
def test_a_foreign_topic_is_nothing_of_ours(topic: str) -> None:
    assert topics.parse(topic) is None


def test_a_site_cannot_leave_its_subtree() -> None:
    for site in ("", "a/b", "+", "#"):
        with pytest.raises(ValueError, match="level"):
            topics.topic_of(SiteId(site), "state")
    with pytest.raises(ValueError, match="kind of message"):
        topics.topic_of(SITE, "gossip")


def test_the_cloud_hears_all_sites_and_a_gateway_only_its_own() -> None:
    assert topics.uplink_filters("ingest")[0] == "$share/ingest-enrollment/vpp/v1/+/enrollment"
    assert topics.uplink_filters() == tuple(f"vpp/v1/+/{kind}" for kind in topics.UPLINK)
    assert all(SITE in one for one in topics.downlink_filters(SITE))
