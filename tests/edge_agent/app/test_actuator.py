"""The hand on one device when the device refuses, is silent, or is held by somebody else."""

from typing import cast

import pytest

from edge_agent.control.arbiter import Decision, Rule
from edge_agent.control.setpoint_write import WritePolicy
from edge_agent.devices.command import CommandResult, Confirmed, NotConfirmed
from edge_agent.devices.driver import Device
from edge_agent.devices.reading import ControlReadback
from edge_agent.site.actuator import Actuator, Done, Refused, Released, Silent
from edge_agent.site.slot import DeviceSlot
from firmware_profiles import load_profiles
from vpp_core.envelope import Envelope
from vpp_core.faults import DeviceFault

POLICY = WritePolicy(deadband_w=10.0, revert_s=900.0)
PROFILE = load_profiles()["generic-sunspec-7xx-battery"]


class FakeDevice:
    profile = PROFILE


class FakeSlot:
    """A device by script: the next answers, and what was asked of it."""

    def __init__(self) -> None:
        self.device = cast("Device", FakeDevice())
        self.timers_s: list[float] = []
        self.control = ControlReadback(enabled=False, setpoint_w=0.0)
        self.answers: list[CommandResult | DeviceFault] = []
        self.asked: list[float | None] = []

    async def read_control(self) -> ControlReadback:
        return self.control

    async def command(self, setpoint_w: float, revert_s: float) -> CommandResult:
        self.timers_s.append(revert_s)
        self.asked.append(setpoint_w)
        return self._answer(setpoint_w)

    async def release(self) -> CommandResult:
        self.asked.append(None)
        return self._answer(0.0)

    def _answer(self, setpoint_w: float) -> CommandResult:
        answer = self.answers.pop(0) if self.answers else Confirmed(setpoint_w, 900.0)
        if isinstance(answer, DeviceFault):
            raise answer
        return answer


class Case:
    def __init__(self, *, owned: bool = False) -> None:
        self.slot = FakeSlot()
        self.owned: list[bool] = []
        self.actuator = Actuator(cast("DeviceSlot", self.slot), POLICY, owned=owned, remember=self.remember)

    def remember(self) -> None:
        self.owned.append(self.actuator.owned)


def want(setpoint_w: float | None) -> Decision:
    return Decision(setpoint_w=setpoint_w, rule=Rule.MARKET, allowed=Envelope(-5_000.0, 5_000.0))


@pytest.fixture
def case() -> Case:
    return Case()


async def test_a_setpoint_is_written_once_and_then_withdrawn(case: Case) -> None:
    assert await case.actuator.apply(want(1_000.0), 0.0) == Done(1_000.0)
    assert await case.actuator.apply(want(1_000.0), 1.0) is None
    assert case.actuator.holding_w(1_005.0) == 1_000.0
    assert case.actuator.holding_w(1_500.0) is None
    assert await case.actuator.apply(want(None), 2.0) == Released()
    assert case.slot.asked == [1_000.0, None]
    assert case.owned == [True, False]


async def test_ownership_is_remembered_before_the_first_write(case: Case) -> None:
    case.slot.answers = [DeviceFault("silence")]
    await case.actuator.apply(want(1_000.0), 0.0)
    assert case.owned == [True]


async def test_while_control_holds_nothing_is_done(case: Case) -> None:
    assert await case.actuator.apply(None, 0.0) is None
    assert case.slot.asked == []


async def test_a_refusal_is_tried_again_after_a_pause_and_then_final(case: Case) -> None:
    case.slot.answers = [NotConfirmed("not read back")] * 2
    assert await case.actuator.apply(want(1_000.0), 0.0) == Refused("not read back", final=False)
    assert not case.actuator.obeys
    assert await case.actuator.apply(want(1_000.0), 0.5) is None
    assert await case.actuator.apply(want(1_000.0), 1.0) == Refused("not read back", final=True)
    assert await case.actuator.apply(want(1_000.0), 2.0) == Done(1_000.0)
    assert case.actuator.obeys


async def test_a_refusal_is_forgiven_after_one_reversion_time(case: Case) -> None:
    case.slot.answers = [NotConfirmed("not read back")]
    await case.actuator.apply(want(1_000.0), 0.0)
    await case.actuator.apply(want(None), 2.0)
    for now_s, obeys in ((899.0, False), (900.0, True)):
        await case.actuator.apply(want(None), now_s)
        assert case.actuator.obeys is obeys


async def test_silence_is_never_final_and_the_setpoint_is_due_again(case: Case) -> None:
    case.slot.answers = [DeviceFault("no answer")] * 5
    for second in range(5):
        effect = await case.actuator.apply(want(1_000.0), float(second))
        assert effect == Silent("no answer")
    assert await case.actuator.apply(want(1_000.0), 6.0) == Done(1_000.0)


@pytest.mark.parametrize(
    "answer", [DeviceFault("no answer"), NotConfirmed("still enabled")], ids=["silent", "refused"]
)
async def test_a_release_that_fails_is_tried_again(case: Case, answer: CommandResult | DeviceFault) -> None:
    await case.actuator.apply(want(1_000.0), 0.0)
    case.slot.answers = [answer]
    assert isinstance(await case.actuator.apply(want(None), 1.0), Refused | Silent)
    assert await case.actuator.apply(want(None), 2.5) == Released()


async def test_a_setpoint_from_a_former_run_is_renewed_or_withdrawn_at_once() -> None:
    for wanted_w, expected in ((1_000.0, Done(1_000.0)), (None, Released())):
        case = Case(owned=True)
        case.slot.control = ControlReadback(enabled=True, setpoint_w=1_000.0)
        assert await case.actuator.meet(0.0)
        assert case.actuator.setpoint_w == 1_000.0
        assert await case.actuator.apply(want(wanted_w), 0.1) == expected


async def test_a_setpoint_that_has_reverted_meanwhile_is_no_longer_ours() -> None:
    case = Case(owned=True)
    assert await case.actuator.meet(0.0)
    assert case.owned == [False]
    assert case.actuator.setpoint_w is None


async def test_a_device_in_foreign_hands_is_left_alone_for_one_reversion_time(case: Case) -> None:
    case.slot.control = ControlReadback(enabled=True, setpoint_w=-3_000.0)
    assert not await case.actuator.meet(0.0)
    assert not case.actuator.obeys
    assert await case.actuator.apply(want(1_000.0), 899.0) is None
    assert await case.actuator.apply(want(1_000.0), 900.0) == Done(1_000.0)
    assert case.actuator.obeys


@pytest.mark.parametrize(
    "control",
    [
        pytest.param(None, id="a-poll-without-control-points-says-nothing"),
        pytest.param(ControlReadback(enabled=True, setpoint_w=None), id="a-setpoint-that-is-not-told"),
        pytest.param(ControlReadback(enabled=True, setpoint_w=1_008.0), id="the-registers-resolution"),
        pytest.param(ControlReadback(enabled=False, setpoint_w=0.0), id="a-reversion"),
    ],
)
async def test_what_is_no_foreign_write(case: Case, control: ControlReadback | None) -> None:
    await case.actuator.apply(want(1_000.0), 0.0)
    assert case.actuator.look(control, 60.0)
    assert not case.actuator.yielding


async def test_another_setpoint_than_ours_is_foreign(case: Case) -> None:
    await case.actuator.apply(want(1_000.0), 0.0)
    assert not case.actuator.look(ControlReadback(enabled=True, setpoint_w=-500.0), 60.0)
    assert case.actuator.yielding
    assert await case.actuator.apply(want(1_000.0), 959.0) is None


async def test_after_a_reversion_the_setpoint_is_written_anew(case: Case) -> None:
    await case.actuator.apply(want(1_000.0), 0.0)
    case.actuator.look(ControlReadback(enabled=False, setpoint_w=0.0), 60.0)
    assert await case.actuator.apply(want(1_000.0), 60.1) == Done(1_000.0)


async def test_at_the_end_only_what_is_ours_is_released(case: Case) -> None:
    await case.actuator.let_go()
    assert case.slot.asked == []
    await case.actuator.apply(want(1_000.0), 0.0)
    case.slot.answers = [DeviceFault("no answer")]
    await case.actuator.let_go()
    assert case.actuator.owned
    await case.actuator.let_go()
    assert not case.actuator.owned


@pytest.mark.parametrize(
    ("profile", "asked_s", "given_s"),
    [
        ("generic-sunspec-7xx-battery", 30.0, 30.0),
        ("generic-sunspec-7xx-battery", 900.0, 900.0),
        ("keba-p30", 30.0, 198.0),
        ("keba-p30", 900.0, 600.0),
        ("solaredge-pv", 30.0, 30.0),
    ],
    ids=["ram", "ram-for-long", "may-wear", "may-wear-and-counts-to-600", "setpoint-in-ram-beside-flash"],
)
async def test_a_setpoint_that_may_wear_memory_out_is_armed_for_longer(
    profile: str, asked_s: float, given_s: float
) -> None:
    case = Case()
    case.slot.device = cast("Device", type("Other", (), {"profile": load_profiles()[profile]})())
    policy = WritePolicy(deadband_w=10.0, revert_s=asked_s)
    actuator = Actuator(cast("DeviceSlot", case.slot), policy, owned=False, remember=case.remember)
    await actuator.meet(0.0)
    assert await actuator.apply(want(1_000.0), 0.0) == Done(1_000.0)
    assert case.slot.timers_s == [pytest.approx(given_s)]
