"""Commands: idempotent, expiring, ordered by priority, and remembered over a restart."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.commands import (
    COMMANDS_MAX,
    Accepted,
    Clamped,
    CommandTable,
    Expired,
    Held,
    Ignored,
    Phase,
    Rejected,
)
from vpp_core.envelope import Envelope
from vpp_core.ids import CommandId, DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.messages import Dispatch, DispatchPriority
from vpp_core.schedule import Schedule, ScheduleStep

T0 = datetime(2021, 8, 12, 17, tzinfo=UTC)
BATTERY, EVSE = DerId("battery"), DerId("evse")
RANGES = {BATTERY: Envelope(-5_000.0, 5_000.0), EVSE: Envelope(-7_200.0, -1_440.0)}
EVENT = DispatchPriority.EVENT
STEP_MIN = 15.0


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def dispatch(
    name: str = "c",
    setpoints_w: tuple[float, ...] = (1_000.0,),
    *,
    start_min: float = 0.0,
    ttl_min: float = 60.0,
    issued_min: float = -1.0,
    **fields: Any,
) -> Dispatch:
    """A command with one step every 15 minutes; ``fields`` replace those of a market command."""
    steps = tuple(
        ScheduleStep(Interval.of(at(start_min + STEP_MIN * n), STEP_MIN * 60.0), setpoint_w)
        for n, setpoint_w in enumerate(setpoints_w)
    )
    usual: dict[str, Any] = {"revision": 1, "der_id": BATTERY, "priority": DispatchPriority.MARKET}
    return Dispatch(
        command_id=CommandId(name),
        site_id=SiteId("site"),
        issued_at=at(issued_min),
        expires_at=at(ttl_min),
        schedule=Schedule(steps),
        **(usual | fields),
    )


def wanted_w(table: CommandTable, minutes: float, der_id: DerId = BATTERY) -> float | None:
    found = table.in_force(der_id, at(minutes))
    return None if found is None else found.setpoint_w


@pytest.fixture
def table() -> CommandTable:
    return CommandTable(RANGES)


def test_a_schedule_is_followed_step_by_step_and_never_beyond_its_end(table: CommandTable) -> None:
    assert table.offer(dispatch(setpoints_w=(1_000.0, -2_000.0)), T0) == Accepted()
    assert [wanted_w(table, minutes) for minutes in (-1, 0, 14.9, 15, 29.9, 30)] == [
        None, 1_000.0, 1_000.0, -2_000.0, -2_000.0, None,
    ]  # fmt: skip


def test_nothing_is_in_force_from_the_expiry_on(table: CommandTable) -> None:
    table.offer(dispatch(ttl_min=10.0), T0)
    assert wanted_w(table, 9.99) == 1_000.0
    assert wanted_w(table, 10.0) is None


@pytest.mark.parametrize("revision", [1, 0], ids=["a-replay", "an-older-revision"])
def test_replays_and_older_revisions_do_nothing(table: CommandTable, revision: int) -> None:
    table.offer(dispatch(revision=1), T0)
    version = table.version
    assert table.offer(dispatch(setpoints_w=(9.0,), revision=revision), T0) == Ignored()
    assert wanted_w(table, 1) == 1_000.0
    assert table.version == version


def test_a_newer_revision_replaces_and_starts_anew(table: CommandTable) -> None:
    table.offer(dispatch(), T0)
    table.started(CommandId("c"))
    assert table.offer(dispatch(setpoints_w=(2_000.0,), revision=2), T0) == Accepted()
    found = table.in_force(BATTERY, at(1))
    assert found is not None
    assert (found.setpoint_w, found.revision, found.started) == (2_000.0, 2, False)


def test_an_empty_schedule_cancels(table: CommandTable) -> None:
    table.offer(dispatch(), T0)
    assert table.offer(dispatch(setpoints_w=(), revision=2), T0) == Accepted()
    assert wanted_w(table, 1) is None
    assert table.advance(at(20)) == []


def test_what_arrives_after_its_expiry_is_expired(table: CommandTable) -> None:
    assert table.offer(dispatch(ttl_min=0.0), T0) == Expired()
    assert wanted_w(table, 0) is None


def test_setpoints_are_fitted_to_the_device_and_the_first_change_is_told(table: CommandTable) -> None:
    assert table.offer(dispatch(setpoints_w=(1_000.0, 9_000.0, -9_000.0)), T0) == Clamped(5_000.0)
    assert wanted_w(table, 16) == 5_000.0
    assert table.offer(dispatch("e", (0.0,), der_id=EVSE), T0) == Clamped(-1_440.0)


def test_an_event_outranks_the_market_while_they_overlap(table: CommandTable) -> None:
    table.offer(dispatch("market", (1_000.0,) * 4), T0)
    table.offer(dispatch("event", (4_000.0,), start_min=15.0, priority=EVENT), T0)
    assert [wanted_w(table, minutes) for minutes in (14, 15, 29, 30)] == [1_000.0, 4_000.0, 4_000.0, 1_000.0]


def test_of_equals_the_newest_wins(table: CommandTable) -> None:
    table.offer(dispatch("b", (2.0,), issued_min=-1), T0)
    table.offer(dispatch("a", (1.0,), issued_min=-2), T0)
    assert wanted_w(table, 1) == 2.0


def test_commands_of_other_devices_do_not_matter(table: CommandTable) -> None:
    table.offer(dispatch("e", (-3_000.0,), der_id=EVSE), T0)
    assert wanted_w(table, 1) is None
    assert wanted_w(table, 1, EVSE) == -3_000.0


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        pytest.param(dispatch(der_id=DerId("x")), "no device x", id="an-unknown-device"),
        pytest.param(
            dispatch("held", revision=2, der_id=EVSE),
            "another device",
            id="a-revision-that-moves-to-another-device",
        ),
    ],
)
def test_what_cannot_be_done_is_rejected_with_its_reason(
    table: CommandTable, offered: Dispatch, reason: str
) -> None:
    table.offer(dispatch("held"), T0)
    outcome = table.offer(offered, T0)
    assert isinstance(outcome, Rejected)
    assert reason in outcome.reason


def test_an_owner_who_opted_out_refuses_everything() -> None:
    table = CommandTable(RANGES, closed="the owner has opted out")
    assert table.offer(dispatch(), T0) == Rejected("the owner has opted out")


def test_the_table_is_bounded_but_known_commands_may_still_change(table: CommandTable) -> None:
    for number in range(COMMANDS_MAX):
        assert table.offer(dispatch(f"c{number}"), T0) == Accepted()
    assert isinstance(table.offer(dispatch("one-more"), T0), Rejected)
    assert table.offer(dispatch("c0", revision=2), T0) == Accepted()


STARTED, UNTOUCHED = True, False


@pytest.mark.parametrize(
    ("ttl_min", "was", "seen_min", "phase"),
    [
        pytest.param(60.0, STARTED, 15.0, Phase.COMPLETED, id="started-and-at-its-end-is-completed"),
        pytest.param(60.0, UNTOUCHED, 15.0, Phase.EXPIRED, id="never-started-is-expired"),
        pytest.param(10.0, STARTED, 10.0, Phase.EXPIRED, id="cut-short-by-its-expiry-is-expired"),
        pytest.param(10.0, STARTED, 99.0, Phase.EXPIRED, id="cut-short-and-seen-late-is-expired"),
        pytest.param(60.0, STARTED, 999.0, Phase.COMPLETED, id="completed-and-seen-late-is-completed"),
    ],
)
def test_how_a_command_ends(
    table: CommandTable, ttl_min: float, was: object, seen_min: float, phase: Phase
) -> None:
    table.offer(dispatch(ttl_min=ttl_min), T0)
    if was is STARTED:
        table.started(CommandId("c"))
    assert table.advance(at(min(ttl_min, 15.0) - 0.01)) == []
    assert [held.phase for held in table.advance(at(seen_min))] == [phase]
    assert table.advance(at(seen_min)) == []


def test_started_and_failed_are_told_once(table: CommandTable) -> None:
    name = CommandId("c")
    assert table.started(name) is None
    table.offer(dispatch(), T0)
    assert table.started(name) is not None
    assert table.started(name) is None
    assert table.failed(name) is not None
    assert table.failed(name) is None
    assert wanted_w(table, 1) is None


def test_a_finished_command_is_remembered_until_its_expiry(table: CommandTable) -> None:
    table.offer(dispatch(ttl_min=60.0), T0)
    table.advance(at(20))
    assert table.offer(dispatch(ttl_min=60.0), at(21)) == Ignored()
    table.advance(at(60))
    assert table.commands() == []
    assert table.offer(dispatch(ttl_min=60.0), at(61)) == Expired()


def test_the_next_change_is_the_next_border_or_expiry(table: CommandTable) -> None:
    assert table.next_change(T0) is None
    table.offer(dispatch(setpoints_w=(1.0, 2.0), start_min=5.0, ttl_min=50.0), T0)
    borders, now = [], T0
    while (change := table.next_change(now)) is not None:
        borders.append((change - T0).total_seconds() / 60.0)
        now = change
    assert borders == [5.0, 20.0, 35.0, 50.0]


def test_a_restart_remembers_commands_and_how_far_they_got(table: CommandTable) -> None:
    table.offer(dispatch("a", (1.0, 2.0)), T0)
    table.offer(dispatch("b", (3.0,), der_id=EVSE, priority=EVENT), T0)
    table.started(CommandId("a"))
    again = CommandTable(RANGES, msgspec.json.decode(table.encode(), type=list[Held]))
    assert again.commands() == table.commands()
    assert again.offer(dispatch("a", (9.0,)), T0) == Ignored()
    found = again.in_force(BATTERY, at(1))
    assert found is not None
    assert found.started


OFFERS = st.builds(
    dispatch,
    st.sampled_from(["a", "b", "c"]),
    st.lists(st.floats(-9_000.0, 9_000.0), max_size=3).map(tuple),
    revision=st.integers(0, 3),
    der_id=st.sampled_from([BATTERY, EVSE]),
    start_min=st.sampled_from([0.0, 15.0, 30.0]),
    ttl_min=st.sampled_from([10.0, 30.0, 90.0]),
    priority=st.sampled_from(list(DispatchPriority)),
)


@given(st.lists(OFFERS, max_size=8), st.floats(0.0, 90.0))
def test_whatever_is_sent_stays_within_the_range_and_replays_change_nothing(
    offers: list[Dispatch], minutes: float
) -> None:
    table = CommandTable(RANGES)
    for offered in offers:
        table.offer(offered, T0)
    before = table.encode()
    for der_id, limits in RANGES.items():
        found = table.in_force(der_id, at(minutes))
        assert found is None or limits.contains(found.setpoint_w)
    for offered in offers:
        table.offer(offered, T0)
    assert table.encode() == before
