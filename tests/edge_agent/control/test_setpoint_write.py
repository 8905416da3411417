"""Write on a real change, when unsafe, and to re-arm; otherwise leave the device alone."""

import pytest

from edge_agent.control.setpoint_write import Action, Armed, Keep, Release, Write, WritePolicy
from vpp_core.envelope import Envelope

RAM = WritePolicy(deadband_w=10.0, revert_s=900.0)
FLASH = WritePolicy(deadband_w=10.0, revert_s=900.0, write_s_min=60.0)
WIDE = Envelope(-5_000.0, 5_000.0)
ARMED = Armed(1_000.0, 100.0)


@pytest.mark.parametrize(
    ("policy", "setpoint_w", "armed", "allowed", "now_s", "expected"),
    [
        pytest.param(RAM, None, None, WIDE, 0.0, Keep(), id="nothing-wanted-nothing-armed"),
        pytest.param(
            RAM, None, ARMED, WIDE, 100.1, Release(), id="a-setpoint-that-nobody-wants-is-withdrawn"
        ),
        pytest.param(RAM, 0.0, None, WIDE, 0.0, Write(0.0), id="the-first-setpoint-is-written-even-if-zero"),
        pytest.param(RAM, 1_010.0, ARMED, WIDE, 101.0, Keep(), id="a-change-within-the-dead-band-waits"),
        pytest.param(
            RAM, 1_010.1, ARMED, WIDE, 100.05, Write(1_010.1), id="a-real-change-is-written-at-once"
        ),
        pytest.param(
            RAM, 1_000.0, ARMED, WIDE, 399.9, Keep(), id="before-a-third-of-the-timer-nothing-happens"
        ),
        pytest.param(
            RAM, 1_000.0, ARMED, WIDE, 400.0, Write(1_000.0), id="at-a-third-of-the-timer-it-is-re-armed"
        ),
        pytest.param(RAM, 1_005.0, ARMED, WIDE, 400.0, Write(1_005.0), id="re-arming-takes-the-exact-value"),
        pytest.param(
            RAM,
            995.0,
            ARMED,
            Envelope(-5_000.0, 995.0),
            100.1,
            Write(995.0),
            id="a-setpoint-that-became-unsafe-is-replaced-within-the-dead-band",
        ),
        pytest.param(FLASH, 2_000.0, ARMED, WIDE, 130.0, Keep(), id="a-register-that-wears-out-waits"),
        pytest.param(FLASH, 2_000.0, ARMED, WIDE, 160.0, Write(2_000.0), id="until-its-pause-is-over"),
        pytest.param(
            FLASH,
            500.0,
            ARMED,
            Envelope(0.0, 500.0),
            101.0,
            Write(500.0),
            id="safety-does-not-wait-for-the-pause",
        ),
    ],
)
def test_when_a_setpoint_is_written(
    policy: WritePolicy,
    setpoint_w: float | None,
    armed: Armed | None,
    allowed: Envelope,
    now_s: float,
    expected: Action,
) -> None:
    assert policy.action(setpoint_w, armed, allowed, now_s) == expected
