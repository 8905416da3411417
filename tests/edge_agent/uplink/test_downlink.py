"""What comes down is acted on only if it is whole, plausible, and for this site."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.uplink.downlink import Refused, examine
from edge_agent.uplink.transport import Delivery
from vpp_core.codec import encode
from vpp_core.ids import CommandId, DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import (
    Acknowledgement,
    Dispatch,
    DispatchPriority,
    FrequencyResponse,
    ReserveStep,
    SiteConfig,
)
from vpp_core.schedule import Schedule, ScheduleStep

SITE = SiteId("site-01")
NOW = datetime(2021, 8, 12, 17, tzinfo=UTC)
HOUR = Interval.of(NOW, 3_600.0)
COMMAND = Dispatch(
    command_id=CommandId("c"),
    revision=1,
    site_id=SITE,
    der_id=DerId("d"),
    issued_at=NOW,
    expires_at=HOUR.end,
    priority=DispatchPriority.MARKET,
    schedule=Schedule((ScheduleStep(HOUR, 1_000.0),)),
)
CONFIG = SiteConfig(
    site_id=SITE,
    revision=1,
    issued_at=NOW,
    expires_at=HOUR.end,
    frequency_response=FrequencyResponse(
        steps=(ReserveStep(interval=HOUR, der_id=DerId("d"), reserve_w=1.0),)
    ),
)
ACKNOWLEDGEMENT = Acknowledgement(site_id=SITE, seq=7)


def topic(kind: str, site: str = SITE) -> str:
    return f"vpp/v1/{site}/{kind}"


@pytest.mark.parametrize(
    ("kind", "message"),
    [("command", COMMAND), ("config", CONFIG), ("acknowledgement", ACKNOWLEDGEMENT)],
    ids=["command", "config", "acknowledgement"],
)
def test_a_good_message_is_taken(kind: str, message: Any) -> None:
    assert examine(Delivery(topic(kind), encode(message)), SITE) == message


def changed(**fields: Any) -> bytes:
    return json.dumps(json.loads(encode(COMMAND)) | fields).encode()


def step_of(start: str, end: str) -> dict[str, Any]:
    return {"steps": [{"interval": {"start": start, "end": end}, "setpoint_w": 1.0}]}


@pytest.mark.parametrize(
    ("delivery", "reason"),
    [
        pytest.param(Delivery("other/topic", b""), "no topic", id="a-topic-that-is-not-ours"),
        pytest.param(Delivery(topic("telemetry"), b""), "no topic", id="a-topic-that-only-goes-up"),
        pytest.param(
            Delivery(topic("command", "site-02"), b""), "another site", id="the-topic-of-another-site"
        ),
        pytest.param(
            Delivery(topic("command"), changed(site_id="site-02")), "site-02", id="another-site-in-our-topic"
        ),
        pytest.param(Delivery(topic("command"), b""), "malformed", id="nothing"),
        pytest.param(Delivery(topic("command"), b"\xff\xfe"), "malformed", id="no-text"),
        pytest.param(Delivery(topic("command"), b"[" * 100_000), "malformed", id="a-deep-nest"),
        pytest.param(Delivery(topic("command"), b" " * 300_000), "malformed", id="a-flood"),
        pytest.param(Delivery(topic("command"), changed(v=2)), "version 2", id="a-contract-of-the-future"),
        pytest.param(
            Delivery(topic("command"), changed(priority=1)), "malformed", id="a-priority-that-is-none"
        ),
        pytest.param(
            Delivery(topic("command"), changed(expires_at="2021-08-12T18:00:00")),
            "time zone",
            id="a-naive-instant",
        ),
        pytest.param(
            Delivery(topic("command"), changed(expires_at="9999-12-31T23:59:59-12:00")),
            "out of this age",
            id="an-instant-that-would-overflow",
        ),
        pytest.param(
            Delivery(
                topic("command"), changed(schedule=step_of("2021-08-12T18:00:00Z", "2021-08-12T17:00:00Z"))
            ),
            "malformed",
            id="an-interval-that-ends-before-it-starts",
        ),
        pytest.param(
            Delivery(
                topic("command"), changed(schedule=step_of("1821-08-12T18:00:00Z", "2021-08-12T17:00:00Z"))
            ),
            "out of this age",
            id="a-step-of-another-century",
        ),
    ],
)
def test_everything_else_is_refused_with_a_reason(delivery: Delivery, reason: str) -> None:
    refused = examine(delivery, SITE)
    assert isinstance(refused, Refused)
    assert reason in refused.reason
    assert refused.reason.isprintable()
    assert len(refused.reason) < 250


@given(st.text(max_size=40), st.binary(max_size=200))
def test_no_delivery_raises(name: str, payload: bytes) -> None:
    for delivery in (Delivery(name, payload), Delivery(topic("command"), payload)):
        assert isinstance(examine(delivery, SITE), Refused)
