"""Active-power setpoint: steps up and down, and what the device makes of them."""

from simulators.rig.procedures.device import DeviceUnderTest
from simulators.rig.procedures.result import Check
from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault

STEPS = (0.5, -0.5, 0.25, 0.0)
"""Setpoints as parts of the rating of their direction, injection positive."""
TOLERANCE = 0.05
"""Of the rating: the accuracy that IEEE 1547 asks of power measurements."""
SETTLE_S_MAX = 30.0
HOLD_S = 2.0
POLL_S = 0.1


async def active_power_setpoint(device: DeviceUnderTest, clock: Clock) -> list[Check]:
    """For each step the time until the measured power is within tolerance, and the error after a hold.

    Raises:
        DeviceFault: no answer, a refused write, or a device that cannot both inject and absorb.
    """
    ratings_w = await device.read(702, "WMaxRtg"), await device.read(702, "WChaRteMaxRtg")
    if min(ratings_w) <= 0.0:
        raise DeviceFault("This procedure needs a device that injects and absorbs; choose a battery.")
    tolerance_w = TOLERANCE * max(ratings_w)
    checks: list[Check] = []
    try:
        for step in STEPS:
            setpoint_w = round(step * (ratings_w[0] if step >= 0.0 else ratings_w[1]))
            await device.write(704, {"WSetMod": 1, "WSet": setpoint_w, "WSetRvrtTms": 0, "WSetEna": 1})
            checks += await _measure(device, clock, setpoint_w, tolerance_w)
    finally:
        await device.write(704, {"WSetEna": 0})
    return checks


async def _measure(
    device: DeviceUnderTest, clock: Clock, setpoint_w: float, tolerance_w: float
) -> list[Check]:
    started_s = clock.monotonic_s()
    settled_s: float | None = None
    while settled_s is None and clock.monotonic_s() - started_s <= SETTLE_S_MAX:
        if abs(await device.read(701, "W") - setpoint_w) <= tolerance_w:
            settled_s = clock.monotonic_s() - started_s
        else:
            await clock.sleep(POLL_S)
    await clock.sleep(HOLD_S)
    power_w = await device.read(701, "W")
    name = f"setpoint {setpoint_w:+.0f} W"
    return [
        Check(name=f"{name}, settling time", measured=settled_s, unit="s", high=SETTLE_S_MAX),
        Check(
            name=f"{name}, measured power",
            measured=power_w,
            unit="W",
            low=setpoint_w - tolerance_w,
            high=setpoint_w + tolerance_w,
        ),
    ]
