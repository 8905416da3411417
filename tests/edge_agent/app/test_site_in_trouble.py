"""A whole agent when something breaks: the broker, the cloud, the wires, the disk, the agent itself."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from edge_agent.settings import ControlSettings, DeviceSettings
from edge_agent.uplink.database import FILE_NAME
from tests.edge_agent.app.rig import BATTERY, EVSE, UNITS, Rig, play
from vpp_core.der import DerKind
from vpp_core.faults import Severity, StorageFault
from vpp_core.measurement import Quality
from vpp_core.messages import ControlState, Enrollment, GatewayState, ReceiptStatus, Telemetry

CALM = ControlSettings(fast_s=1.0)
ACCEPTED, STARTED = ReceiptStatus.ACCEPTED, ReceiptStatus.STARTED
START_S = 30.0
BATTERY_UNIT = 2


async def killed(rig: Rig) -> None:
    """As by kill -9: nothing is released, nothing is said."""
    rig.cut_wires()
    rig.broker.cut("gateway-01")
    assert rig.agent is not None
    rig.agent.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await rig.agent


def test_cancelled_it_releases_the_devices_and_says_goodbye(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("c", [1_000.0])
            await rig.wait(20.0)
            assert rig.power_w("battery") == pytest.approx(1_000.0)
            await rig.stop()
            await rig.wait(2.0)
            assert rig.power_w("battery") == 0.0
            assert not rig.state.online

    play(story, tmp_path, control=CALM)


def test_a_killed_gateway_is_reported_by_its_last_will_and_its_battery_reverts(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("c", [1_000.0], step_s=7_200.0)
            await rig.wait(20.0)
            await killed(rig)
            await rig.wait(2.0)
            assert not rig.state.online
            assert rig.power_w("battery") == pytest.approx(1_000.0)
            await rig.wait(900.0)
            assert rig.power_w("battery") == 0.0

    play(story, tmp_path, control=CALM)


def test_a_restart_resumes_the_command_without_enrolling_or_counting_anew(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.configure()
            rig.dispatch("c", [1_000.0], step_s=7_200.0)
            await rig.wait(100.0)
            await killed(rig)
            before = len(rig.received)
            await rig.wait(60.0)
        async with rig.running():
            await rig.wait(5.0)
            assert rig.power_w("battery") == pytest.approx(1_000.0)
            assert rig.state.control_state is ControlState.FOLLOWING
            assert rig.state.faults == ()
            await rig.wait(100.0)
            later = rig.received[before:]
            assert not [message for message in later if isinstance(message, Enrollment)]
            assert rig.statuses("c") == [ACCEPTED, STARTED]
            seqs = [message.seq for message in rig.of(Telemetry)]
            assert len(set(seqs)) == len(seqs)
            assert len({state.session for state in rig.of(GatewayState)}) == 2

    play(story, tmp_path, control=CALM)


def test_a_restart_withdraws_a_setpoint_whose_command_has_expired(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("c", [1_000.0], step_s=120.0)
            await rig.wait(60.0)
            await killed(rig)
            await rig.wait(120.0)
            assert rig.power_w("battery") == pytest.approx(1_000.0)
        async with rig.running():
            await rig.wait(5.0)
            assert rig.power_w("battery") == 0.0

    play(story, tmp_path, control=CALM)


def test_while_the_cloud_is_silent_nothing_is_forgotten_and_then_nothing_is_missing(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.acknowledging = False
        async with rig.running():
            await rig.wait(1_200.0)
            rig.broker.cut("gateway-01")
            rig.acknowledging = True
            await rig.wait(120.0)
        seqs = {message.seq for message in rig.of(Telemetry)}
        assert seqs == set(range(1, max(seqs) + 1))
        assert len(seqs) >= 21
        assert len(rig.of(Telemetry)) > len(seqs), "unacknowledged messages are sent again after a reconnect"

    play(story, tmp_path, control=CALM)


def test_a_lost_connection_is_made_again_and_commands_that_waited_are_heard(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.broker.cut("gateway-01")
            await rig.wait(0.1)
            online = [rig.state.online]
            rig.dispatch("c", [1_000.0])
            await rig.wait(30.0)
            online.append(rig.state.online)
            assert online == [False, True]
            assert rig.statuses("c") == [ACCEPTED, STARTED]

    play(story, tmp_path, control=CALM)


def test_a_device_that_is_gone_is_a_gap_and_a_fail_safe_and_comes_back(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("c", [1_000.0], step_s=7_200.0)
            await rig.wait(60.0)
            rig.broken.add(BATTERY_UNIT)
            rig.cut_wires()
            await rig.wait(240.0)
            gap = rig.of(Telemetry)[-1].readings[1]
            assert (gap.der_id, gap.quality, gap.power_w) == (BATTERY, Quality.MISSING, None)
            assert not rig.state.available[BATTERY]
            states = [rig.state.control_state]
            assert "battery" in {fault.source for fault in rig.state.faults if fault.cleared_at is None}
            rig.broken.clear()
            await rig.wait(120.0)
            assert rig.state.available[BATTERY]
            states.append(rig.state.control_state)
            assert states == [ControlState.FAIL_SAFE, ControlState.FOLLOWING]
            assert rig.power_w("battery") == pytest.approx(1_000.0)
            assert [fault for fault in rig.state.faults if fault.cleared_at is None] == []

    play(story, tmp_path, control=CALM)


def test_a_device_that_stalls_holds_up_neither_the_frequency_loop_nor_a_command_to_another(
    tmp_path: Path,
) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.stalled.add(BATTERY_UNIT)
            rig.dispatch("b", [1_000.0])
            await rig.wait(0.3)
            rig.dispatch("v", [-2_000.0], der_id=EVSE)
            await rig.wait(0.2)
            assert rig.statuses("v") == [ACCEPTED, STARTED]
            assert rig.statuses("b") == [ACCEPTED]
            rig.stalled.clear()
            await rig.wait(10.0)
            assert rig.statuses("b") == [ACCEPTED, STARTED]

    apart = tuple(
        DeviceSettings(name=name, kind=DerKind(name), host=name, unit=unit) for name, unit in UNITS.items()
    )
    play(story, tmp_path, evse=True, device=apart)


def test_a_device_that_is_not_there_yet_delays_the_first_start_only(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        rig.broken.add(BATTERY_UNIT)
        async with rig.running():
            await rig.wait(120.0)
            assert rig.received == []
            rig.broken.clear()
            await rig.wait(START_S)
            assert len(rig.of(Enrollment)) == 1

    play(story, tmp_path, control=CALM)


def test_a_foreign_writer_is_reported_and_not_fought(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.dispatch("c", [1_000.0], step_s=7_200.0)
            await rig.wait(60.0)
            await (await rig.foreign_battery()).command(-2_000.0, 600.0)
            await rig.wait(120.0)
            assert rig.power_w("battery") == pytest.approx(-2_000.0)
            [fault] = [fault for fault in rig.state.faults if fault.cleared_at is None]
            assert "somebody else" in fault.text
            assert not rig.state.available[BATTERY]
            await rig.wait(1_000.0)
            assert rig.power_w("battery") == pytest.approx(1_000.0)
            assert [fault for fault in rig.state.faults if fault.cleared_at is None] == []

    play(story, tmp_path, control=CALM)


def test_a_foreign_hand_found_at_the_start_is_reported_before_anything_is_written(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
        await (await rig.foreign_battery()).command(-2_000.0, 600.0)
        async with rig.running():
            rig.dispatch("c", [1_000.0])
            await rig.wait(120.0)
            assert rig.power_w("battery") == pytest.approx(-2_000.0)
            [fault] = [fault for fault in rig.state.faults if fault.cleared_at is None]
            assert "somebody else" in fault.text
            assert rig.statuses("c") == [ACCEPTED]

    play(story, tmp_path, control=CALM)


def test_a_device_that_takes_writes_without_effect_fails_the_command(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.deaf = True
            rig.dispatch("c", [1_000.0])
            await rig.wait(30.0)
            assert rig.statuses("c") == [ACCEPTED, ReceiptStatus.FAILED]
            assert not rig.state.available[BATTERY]
            rig.deaf = False
            rig.dispatch("c", [1_000.0], revision=2)
            await rig.wait(30.0)
            assert rig.statuses("c") == [ACCEPTED, ReceiptStatus.FAILED, ACCEPTED, STARTED]
            assert rig.power_w("battery") == pytest.approx(1_000.0)

    play(story, tmp_path, control=CALM)


def test_nonsense_from_above_changes_nothing_and_is_reported(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            rig.raw("vpp/v1/site-01/command", b"{")
            rig.raw("vpp/v1/site-01/config", b"\xff" * 400)
            rig.raw("vpp/v1/site-01/acknowledgement", b'{"site_id":"site-01","seq":999999}')
            await rig.wait(30.0)
            texts = [fault.text for fault in rig.state.faults]
            assert len(texts) == 3
            assert "malformed command" in texts[0]
            assert rig.state.control_state is ControlState.READY

    play(story, tmp_path, control=CALM)


def test_a_broken_file_is_put_aside_and_said_so(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"no database at all " * 100)

    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S + 60.0)
            alarms = [fault for fault in rig.state.faults if fault.severity is Severity.ALARM]
            assert [fault.code for fault in alarms] == ["storage"]
            [telemetry] = rig.of(Telemetry)
            assert telemetry.seq > 1_600_000_000

    play(story, tmp_path, control=CALM)
    assert len(list(tmp_path.glob("*.broken-*"))) == 1


def test_a_second_agent_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    async def story(rig: Rig) -> None:
        async with rig.running():
            await rig.wait(START_S)
            with pytest.raises(StorageFault, match="another agent"):
                await rig.run_agent()

    play(story, tmp_path, control=CALM)
