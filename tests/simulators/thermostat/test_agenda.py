"""Events as openleadr hands them over, and what a thermostat makes of them over time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from simulators.thermostat.agenda import EVENTS_MAX, Agenda, LateOpt, Opt
from simulators.thermostat.orders import NO_ORDER, Cap, CapKind, Order
from simulators.thermostat.signals import DispatchMeaning, Program, UnsupportedEvent, identity, read_notice

START = datetime(2026, 7, 1, 20, 0, tzinfo=UTC)
START_S = START.timestamp()
HOUR = timedelta(hours=1)
LOAD = Program(dispatch=DispatchMeaning.LOAD)


def signal(name: str, kind: str, *values: float | list[int], **more: Any) -> dict[str, Any]:
    return {
        "signal_name": name,
        "signal_type": kind,
        "intervals": [{"duration": HOUR, "signal_payload": value} for value in values],
        **more,
    }


def event(
    *signals: dict[str, Any], event_id: str = "e1", modification: int = 0, **more: Any
) -> dict[str, Any]:
    hours = max((len(each["intervals"]) for each in signals), default=1)
    return {
        "event_descriptor": {
            "event_id": event_id,
            "modification_number": modification,
            "event_status": more.pop("status", "far"),
            "priority": more.pop("priority", 0),
        },
        "active_period": {"dtstart": START, "duration": hours * HOUR, **more.pop("period", {})},
        "event_signals": list(signals),
        **more,
    }


def asked(found: Order) -> tuple[float, float | None, Cap | None, bool]:
    return found.offset_k, found.setpoint_c, found.cap, found.off


MEGAWATT = {"measurement": {"unit": "W", "scale": "M"}}


@pytest.mark.parametrize(
    ("sent", "program", "order"),
    [
        pytest.param(signal("SIMPLE", "level", 0), Program(), Order(), id="simple-0"),
        pytest.param(signal("SIMPLE", "level", 1), Program(), Order(offset_k=1.5), id="simple-1"),
        pytest.param(signal("SIMPLE", "level", 2), Program(), Order(offset_k=3.0), id="simple-2"),
        pytest.param(signal("simple", "level", 3), Program(), Order(off=True), id="simple-3"),
        pytest.param(
            signal("LOAD_CONTROL", "x-loadControlSetpoint", 26.5),
            Program(),
            Order(setpoint_c=26.5),
            id="load-control-setpoint",
        ),
        pytest.param(
            signal("LOAD_CONTROL", "x-loadControlLevelOffset", 2),
            Program(),
            Order(offset_k=3.0),
            id="load-control-level",
        ),
        pytest.param(
            signal("LOAD_CONTROL", "x-loadControlCapacity", 0.5),
            Program(),
            Order(cap=Cap(CapKind.SHARE, 0.5)),
            id="load-control-capacity",
        ),
        pytest.param(
            signal("LOAD_CONTROL", "x-loadControlPercentOffset", -30),
            Program(),
            Order(cap=Cap(CapKind.MULTIPLE, 0.7)),
            id="load-control-percent",
        ),
        pytest.param(
            signal("LOAD_DISPATCH", "setpoint", 2),
            Program(),
            Order(cap=Cap(CapKind.REDUCTION, 2_000.0)),
            id="dispatch-of-a-reduction-in-kW",
        ),
        pytest.param(
            signal("LOAD_DISPATCH", "setpoint", 2),
            LOAD,
            Order(cap=Cap(CapKind.POWER, 2_000.0)),
            id="dispatch-of-a-load-in-kW",
        ),
        pytest.param(
            signal("LOAD_DISPATCH", "delta", -0.002, **MEGAWATT),
            LOAD,
            Order(cap=Cap(CapKind.REDUCTION, 2_000.0)),
            id="dispatch-of-a-difference-in-MW",
        ),
        pytest.param(
            signal("LOAD_DISPATCH", "multiplier", 0.4),
            LOAD,
            Order(cap=Cap(CapKind.MULTIPLE, 0.4)),
            id="dispatch-of-a-multiple",
        ),
        pytest.param(
            signal("LOAD_DISPATCH", "level", 1), LOAD, Order(offset_k=1.5), id="dispatch-of-a-level"
        ),
    ],
)
def test_a_signal_becomes_an_order(sent: dict[str, Any], program: Program, order: Order) -> None:
    notice = read_notice(event(sent), program)
    assert asked(notice.steps[0].order) == asked(order)
    assert (notice.start_s, notice.steps[0].ends_s) == (START_S, 3_600.0)


def test_the_more_exact_signal_is_followed() -> None:
    simple, exact = signal("SIMPLE", "level", 3), signal("LOAD_CONTROL", "x-loadControlSetpoint", 26)
    notice = read_notice(event(simple, exact), Program())
    assert notice.steps[0].order.setpoint_c == 26.0


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        pytest.param(event(signal("ELECTRICITY_PRICE", "price", 1)), "ELECTRICITY_PRICE", id="a-price"),
        pytest.param(event(signal("SIMPLE", "level", 4)), "levels 0 to 3", id="an-unknown-level"),
        pytest.param(event(signal("LOAD_CONTROL", "price", 1)), "of the type price", id="a-wrong-type"),
        pytest.param(
            event(signal("LOAD_DISPATCH", "price", 1)), "of the type price", id="a-dispatched-price"
        ),
        pytest.param(
            event(signal("LOAD_DISPATCH", "setpoint", 1, measurement={"unit": "VA", "scale": "k"})),
            "k VA",
            id="apparent-power",
        ),
        pytest.param(event(), "nothing at all", id="no-signal"),
        pytest.param(event(signal("SIMPLE", "level")), "no intervals", id="no-intervals"),
        pytest.param(
            event(signal("SIMPLE", "level", 1), period={"dtstart": None}), "no start", id="no-start"
        ),
        pytest.param(
            event(signal("SIMPLE", "level", [1])), "cannot be read", id="a-payload-that-is-no-number"
        ),
        pytest.param(
            event(signal("SIMPLE", "level", 1), priority="high"), "cannot be read", id="a-priority-in-words"
        ),
    ],
)
def test_what_is_not_understood_says_why(sent: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsupportedEvent, match=reason):
        read_notice(sent, Program())


@pytest.mark.parametrize("modification", [None, "first"])
def test_an_event_without_a_modification_number_is_its_first_version(modification: object) -> None:
    sent = event(signal("SIMPLE", "level", 1))
    sent["event_descriptor"]["modification_number"] = modification
    assert identity(sent) == ("e1", 0)
    assert read_notice(sent, Program()).modification == 0


def taken(agenda: Agenda, *signals: dict[str, Any], **more: Any) -> Opt:
    return agenda.take(read_notice(event(*signals, **more), Program()))


def at(agenda: Agenda, hours: float) -> Order:
    return agenda.order_at(START_S + 3_600.0 * hours)


def test_levels_follow_one_another_and_end() -> None:
    agenda = Agenda()
    assert taken(agenda, signal("SIMPLE", "level", 1, 2, 0)) is Opt.IN
    offsets = [at(agenda, hours).offset_k for hours in (-0.1, 0.0, 0.9, 1.0, 2.5, 3.0)]
    assert offsets == [0.0, 1.5, 1.5, 3.0, 0.0, 0.0]
    assert at(agenda, 2.5).event_id == "e1"
    assert at(agenda, 3.0) == NO_ORDER


def test_an_event_without_an_end_lasts() -> None:
    agenda = Agenda()
    taken(agenda, signal("SIMPLE", "level", 1), period={"duration": timedelta()})
    assert at(agenda, 1_000.0).offset_k == 1.5


def test_a_modification_takes_the_place_of_the_event_and_a_late_old_one_does_not() -> None:
    agenda = Agenda()
    taken(agenda, signal("SIMPLE", "level", 1))
    taken(agenda, signal("SIMPLE", "level", 2), modification=2)
    taken(agenda, signal("SIMPLE", "level", 3), modification=1)
    assert at(agenda, 0.5).offset_k == 3.0


def test_a_cancellation_ends_it() -> None:
    agenda = Agenda()
    taken(agenda, signal("SIMPLE", "level", 1))
    assert taken(agenda, signal("SIMPLE", "level", 1), modification=1, status="cancelled") is Opt.IN
    assert at(agenda, 0.5) == NO_ORDER


def test_the_more_important_event_wins() -> None:
    agenda = Agenda()
    taken(agenda, signal("SIMPLE", "level", 1), event_id="none", priority=0)
    taken(agenda, signal("SIMPLE", "level", 2), event_id="second", priority=2)
    taken(agenda, signal("SIMPLE", "level", 3), event_id="first", priority=1)
    assert at(agenda, 0.5).event_id == "first"
    agenda.override(START_S + 1_800.0)
    assert at(agenda, 0.5).event_id == "second"


def test_an_unwilling_occupant_opts_out_and_nothing_changes() -> None:
    agenda = Agenda(willing=False)
    assert taken(agenda, signal("SIMPLE", "level", 3)) is Opt.OUT
    assert at(agenda, 0.5) == NO_ORDER


def test_an_override_is_told_late_and_a_modification_does_not_undo_it() -> None:
    agenda = Agenda()
    taken(agenda, signal("SIMPLE", "level", 3))
    agenda.override(START_S + 60.0)
    agenda.override(START_S + 61.0)
    assert agenda.late == [LateOpt("e1", 0, Opt.OUT)]
    assert taken(agenda, signal("SIMPLE", "level", 3)) is Opt.OUT
    assert taken(agenda, signal("SIMPLE", "level", 2), modification=1) is Opt.OUT
    assert at(agenda, 0.5) == NO_ORDER


def test_starts_are_shifted_at_random_by_seed_within_the_tolerance() -> None:
    period = {"tolerance": {"tolerate": {"startafter": timedelta(minutes=10)}}}
    shifts = []
    for seed in range(40):
        agenda = Agenda(seed=seed)
        taken(agenda, signal("SIMPLE", "level", 1), period=period)
        begun = [s for s in range(-5, 620) if agenda.order_at(START_S + s) is not NO_ORDER]
        shifts.append(begun[0])
        assert agenda.order_at(START_S + begun[0]).begins_s == pytest.approx(START_S + begun[0], abs=1.0)
    assert min(shifts) >= 0
    assert max(shifts) <= 600
    assert len(set(shifts)) > 20
    again = Agenda(seed=0)
    taken(again, signal("SIMPLE", "level", 1), period=period)
    assert again.order_at(START_S + shifts[0]) is not NO_ORDER
    assert again.order_at(START_S + shifts[0] - 1) is NO_ORDER


def test_only_so_many_events_are_remembered() -> None:
    agenda = Agenda()
    for number in range(EVENTS_MAX + 10):
        taken(agenda, signal("SIMPLE", "level", 1), event_id=f"e{number}")
    remembered = [number for number in range(EVENTS_MAX + 10) if agenda.opt(f"e{number}") is not None]
    assert len(remembered) == EVENTS_MAX
