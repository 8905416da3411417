"""The installer's test: a step in power, its sign, its speed, and the measured reversion."""

import math

from edge_agent.commissioning.checks import REVERSION_LATE_S, seen_reverted
from edge_agent.devices.command import NotConfirmed
from edge_agent.devices.driver import Device
from firmware_profiles.profile import ReversionKind
from vpp_core.clock import Clock, cpu_s
from vpp_core.der import DerKind
from vpp_core.messages import CommissioningCheck

STEP_FRACTION = 0.2
"""Part of the rating by which a battery steps."""
LIMIT_FRACTION = 0.5
"""Part of the present power to which a limit cuts PV or a charging vehicle."""
REACHED_FRACTION = 0.9
"""Of the step: from here on it counts as answered (IEEE 1547-2018 counts the same 90 %)."""
TIMER_EARLY_S = 1.5
"""A device that counts whole seconds may be this much early."""
POWER_W_MIN = 100.0
"""Below this there is nothing to limit."""
LATENCY_READS = 20

_HALF_CHARGED_PCT = 50.0
_LOOK_S = 0.1
_MILLISECONDS = 1_000.0


async def step_test(device: Device, clock: Clock, timer_s: float) -> tuple[CommissioningCheck, ...]:
    """Step the device, watch it follow and revert, and give it back in any case.

    Args:
        device: takes commands, and nobody else holds it.
        clock: paces the watching; real time outside tests.
        timer_s: the reversion timer of the step; long enough for the device to follow.

    Raises:
        DeviceFault: the device stopped answering; the timer still takes the setpoint back.
    """
    latency = await _latency(device)
    if (await device.read_control()).enabled:
        detail = "somebody else holds the device; end that control first"
        return latency, CommissioningCheck(name="step", passed=False, detail=detail)
    before_w = await _power_w(device)
    target_w = await _target_w(device, before_w)
    if target_w is None:
        detail = f"only {before_w:g} W are flowing: nothing to limit; test again when the device is working"
        return latency, CommissioningCheck(name="step", passed=False, detail=detail)
    try:
        return latency, *await _step(device, clock, timer_s, before_w, target_w)
    finally:
        await device.release()


async def _step(
    device: Device, clock: Clock, timer_s: float, before_w: float, target_w: float
) -> tuple[CommissioningCheck, ...]:
    result = await device.command(target_w, timer_s)
    if isinstance(result, NotConfirmed):
        return (CommissioningCheck(name="step", passed=False, detail=result.reason),)
    began_s = clock.monotonic_s()
    reached_s, power_w = await _follow(device, clock, before_w, result.setpoint_w, timer_s / 2)
    step_w, change_w = result.setpoint_w - before_w, power_w - before_w
    sign = CommissioningCheck(
        name="sign",
        passed=step_w * change_w > 0.0,
        detail=f"{step_w:+g} W were commanded, the measured power changed by {change_w:+g} W",
    )
    answered = "not within half the timer" if reached_s is None else f"after {reached_s:.1f} s"
    path = f"{before_w:g} W to {result.setpoint_w:g} W"
    step = CommissioningCheck(
        name="step",
        passed=reached_s is not None,
        detail=f"{REACHED_FRACTION:.0%} of the step from {path} {answered}",
    )
    return sign, step, await _reversion(device, clock, timer_s, began_s)


async def _reversion(device: Device, clock: Clock, timer_s: float, began_s: float) -> CommissioningCheck:
    left_s = began_s + timer_s + REVERSION_LATE_S - clock.monotonic_s()
    seen = await seen_reverted(device, left_s, clock)
    took_s = clock.monotonic_s() - began_s
    if not seen:
        expected = device.reversion.kind is not ReversionKind.WORKS
        detail = f"did not revert within {took_s:.1f} s of a {timer_s:g} s timer"
        detail += ", as its profile says" if expected else ": do not trust its timer"
        return CommissioningCheck(name="reversion", passed=expected, detail=detail)
    power_w = await _power_w(device)
    detail = f"reverted after {took_s:.1f} s with a {timer_s:g} s timer; power is now {power_w:g} W"
    return CommissioningCheck(name="reversion", passed=took_s >= timer_s - TIMER_EARLY_S, detail=detail)


async def _follow(
    device: Device, clock: Clock, before_w: float, target_w: float, within_s: float
) -> tuple[float | None, float]:
    """Seconds until most of the step was measured, or nothing in time; and the last power."""
    began_s = clock.monotonic_s()
    while True:
        power_w = await _power_w(device)
        took_s = clock.monotonic_s() - began_s
        done_w, step_w = power_w - before_w, target_w - before_w
        if abs(step_w - done_w) <= (1.0 - REACHED_FRACTION) * abs(step_w):
            return took_s, power_w
        if took_s >= within_s:
            return None, power_w
        await clock.sleep(_LOOK_S)


async def _target_w(device: Device, before_w: float) -> float | None:
    """A battery steps towards the middle of its charge; PV and an EVSE are cut to half of what flows."""
    if device.kind is not DerKind.BATTERY:
        return LIMIT_FRACTION * before_w if abs(before_w) >= POWER_W_MIN else None
    state_pct = (await device.read()).state_of_charge_pct
    plate = device.nameplate
    if state_pct is not None and state_pct < _HALF_CHARGED_PCT:
        return -STEP_FRACTION * plate.absorption_w_max
    return STEP_FRACTION * plate.injection_w_max


async def _latency(device: Device) -> CommissioningCheck:
    """The slowest of some small reads, against what the profile calls normal."""
    slowest_ms = 0.0
    for _ in range(LATENCY_READS):
        began_s = cpu_s()
        await device.read_power()
        slowest_ms = max(slowest_ms, (cpu_s() - began_s) * _MILLISECONDS)
    limit_ms = device.profile.access.response_ms_max
    return CommissioningCheck(
        name="response time",
        passed=slowest_ms <= limit_ms,
        detail=f"slowest of {LATENCY_READS} reads {slowest_ms:.1f} ms; up to {limit_ms:g} ms are normal",
    )


async def _power_w(device: Device) -> float:
    value = (await device.read_power()).value
    return math.nan if value is None else value
