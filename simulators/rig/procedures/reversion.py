"""Reversion: arm the timer of a setpoint, leave the device alone, and see when it lets go.

A timer that counts down is not proof: one vendor's never reverts. What counts is the enable register and
the measured power.
"""

from simulators.rig.procedures.device import DeviceUnderTest
from simulators.rig.procedures.result import Check
from vpp_core.clock import Clock

TIMER_S = 10.0
TOLERANCE_S = 1.0
LATE_S_MAX = 10.0
"""How long after its time the reversion is still awaited."""
POLL_S = 0.1
STEP = 0.25
RAMP_S_MAX = 5.0


async def reversion(device: DeviceUnderTest, clock: Clock) -> list[Check]:
    """The time from arming until the enable point is off, and until the power has left the setpoint.

    Raises:
        DeviceFault: no answer, a refused write, or no model 701, 702 or 704.
    """
    rating_w = await device.read(702, "WMaxRtg")
    setpoint_w = round(STEP * rating_w)
    arming = {"WSetMod": 1, "WSetEnaRvrt": 0, "WSet": setpoint_w, "WSetRvrtTms": TIMER_S, "WSetEna": 1}
    try:
        await device.write(704, arming)
        armed_s = clock.monotonic_s()
        await clock.sleep(min(RAMP_S_MAX, TIMER_S / 2))
        held_w = await device.read(701, "W")
        disabled_s, left_s = await _await_release(device, clock, armed_s, held_w)
    finally:
        await device.write(704, {"WSetEna": 0, "WSetRvrtTms": 0})
    return [
        Check(
            name="power while armed",
            measured=held_w,
            unit="W",
            low=setpoint_w - 0.05 * rating_w,
            high=setpoint_w + 0.05 * rating_w,
        ),
        Check(
            name="enable point off after",
            measured=disabled_s,
            unit="s",
            low=TIMER_S - TOLERANCE_S,
            high=TIMER_S + TOLERANCE_S,
        ),
        Check(
            name="power left the setpoint after",
            measured=left_s,
            unit="s",
            low=TIMER_S - TOLERANCE_S,
            high=TIMER_S + TOLERANCE_S + RAMP_S_MAX,
        ),
    ]


async def _await_release(
    device: DeviceUnderTest, clock: Clock, armed_s: float, held_w: float
) -> tuple[float | None, float | None]:
    """Seconds after arming at which the enable point was off, and at which power had moved by half."""
    disabled_s: float | None = None
    left_s: float | None = None
    while clock.monotonic_s() - armed_s <= TIMER_S + LATE_S_MAX:
        since_s = clock.monotonic_s() - armed_s
        if disabled_s is None and not await device.read(704, "WSetEna"):
            disabled_s = since_s
        if left_s is None and abs(await device.read(701, "W") - held_w) >= abs(held_w) / 2:
            left_s = since_s
        if disabled_s is not None and left_s is not None:
            break
        await clock.sleep(POLL_S)
    return disabled_s, left_s
