"""What an OpenADR event becomes: exactly what we can follow, or a refusal that says why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cloud.openadr.intake import EventStatus, GridEventNotice, Refused, read_event
from vpp_core.ids import ProgramId
from vpp_core.interval import Interval

START = datetime(2021, 8, 12, 22, 0, tzinfo=UTC)
CONTEXT = "oadr://utility/peak"
PROGRAMS = {CONTEXT: ProgramId("utility-peak")}


def signal(
    name: str = "LOAD_DISPATCH", kind: str = "setpoint", *values: float, **more: Any
) -> dict[str, Any]:
    intervals = [{"signal_payload": value, "duration": timedelta(hours=1)} for value in values or (5.0,)]
    return {"signal_name": name, "signal_type": kind, "intervals": intervals} | more


def event(*signals: dict[str, Any], **descriptor: Any) -> dict[str, Any]:
    return {
        "event_descriptor": {
            "event_id": "peak-1",
            "modification_number": 3,
            "market_context": CONTEXT,
            "event_status": "far",
        }
        | descriptor,
        "active_period": {"dtstart": START, "duration": timedelta(hours=2)},
        "event_signals": list(signals),
        "response_required": "always",
    }


def read(message: dict[str, Any]) -> GridEventNotice | Refused:
    return read_event(message, source="utility", programs=PROGRAMS)


def measured(unit: str, scale: str) -> dict[str, Any]:
    return {"measurement": {"name": "powerReal", "unit": unit, "scale": scale}}


@pytest.mark.parametrize(
    ("given", "target_w"),
    [
        pytest.param(signal(), 5_000.0, id="a-setpoint-without-a-unit-is-kW-above-the-baseline"),
        pytest.param(
            signal("LOAD_DISPATCH", "delta", -5.0), 5_000.0, id="a-delta-counts-load-so-less-is-more"
        ),
        pytest.param(signal(**measured("W", "none")), 5.0, id="a-scale-of-none-is-watts"),
        pytest.param(signal(**measured("W", "M")), 5e6, id="a-scale-of-M-is-megawatts"),
        pytest.param(signal("LOAD_DISPATCH", "setpoint", 5.0, 5.0), 5_000.0, id="equal-intervals-are-one"),
    ],
)
def test_a_load_dispatch_becomes_a_target(given: dict[str, Any], target_w: float) -> None:
    notice = read(event(given))
    assert notice == GridEventNotice(
        source="utility",
        event_id="peak-1",
        modification=3,
        status=EventStatus.PENDING,
        program_id=ProgramId("utility-peak"),
        interval=Interval(START, START + timedelta(hours=2)),
        target_w=target_w,
    )


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_a_simple_level_is_handed_on(level: int) -> None:
    notice = read(event(signal("SIMPLE", "level", level)))
    assert isinstance(notice, GridEventNotice)
    assert (notice.level, notice.target_w) == (level, 0.0)


def test_the_exact_signal_wins_over_simple() -> None:
    notice = read(event(signal("SIMPLE", "level", 1), signal()))
    assert isinstance(notice, GridEventNotice)
    assert (notice.level, notice.target_w) == (None, 5_000.0)


def test_signals_in_a_wrapper_are_found() -> None:
    message = event()
    message["event_signals"] = {"event_signals": [signal()]}
    assert isinstance(read(message), GridEventNotice)


@pytest.mark.parametrize("status", ["cancelled", "canceled", "CANCELLED"])
def test_a_cancellation_needs_no_signal(status: str) -> None:
    notice = read(event(event_status=status))
    assert isinstance(notice, GridEventNotice)
    assert (notice.status, notice.target_w) == (EventStatus.CANCELLED, 0.0)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param(
            event(signal(), market_context="oadr://other"), "no program of ours", id="foreign-program"
        ),
        pytest.param(event(signal("ELECTRICITY_PRICE", "price")), "not supported", id="price-signal"),
        pytest.param(event(), "empty event", id="no-signal"),
        pytest.param(event(signal("SIMPLE", "level", 7)), "levels 0 to 3", id="unknown-level"),
        pytest.param(event(signal("LOAD_DISPATCH", "multiplier")), "type multiplier", id="unknown-type"),
        pytest.param(
            event(signal("LOAD_DISPATCH", "setpoint", 1.0, 2.0)), "changes within", id="two-targets"
        ),
        pytest.param(event(signal("LOAD_DISPATCH", "delta", 5.0)), "asks for less", id="more-load"),
        pytest.param(event(signal(**measured("Wh", "k"))), "a power in W", id="an-energy"),
        pytest.param(
            event(signal()) | {"active_period": {"dtstart": START, "duration": timedelta()}},
            "without an end",
            id="open-ended",
        ),
        pytest.param(event(signal()) | {"active_period": {}}, "no start", id="no-period"),
    ],
)
def test_what_cannot_be_followed_is_refused_with_a_reason(message: dict[str, Any], reason: str) -> None:
    refused = read(message)
    assert isinstance(refused, Refused)
    assert refused.event_id == "peak-1"
    assert refused.modification == 3
    assert reason in refused.reason
