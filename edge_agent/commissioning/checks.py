"""The checks of a first start: quick, harmless to the owner, and the same for every device.

Their texts hold nothing that depends on how fast the host is, so a run on a virtual clock repeats.
"""

from collections.abc import AsyncIterator, Mapping

from edge_agent.devices.command import NotConfirmed
from edge_agent.devices.driver import Device
from edge_agent.devices.reading import DeviceReading
from firmware_profiles.profile import ReversionKind
from vpp_core.clock import Clock
from vpp_core.der import DerKind
from vpp_core.faults import DeviceFault
from vpp_core.measurement import Quality
from vpp_core.messages import CommissioningCheck

TIMER_S = 3.0
"""Reversion timer of the check; longer where the device cannot count that short."""
REVERSION_LATE_S = 3.0
"""How long after its timer a device may take to be seen reverted."""
_LOOK_S = 0.5


async def commission(
    devices: Mapping[str, Device], clock: Clock, timer_s: float = TIMER_S
) -> tuple[CommissioningCheck, ...]:
    """Check every device: identity, ratings, measurement, control read-back and seen reversion.

    Writes only what changes nothing for the owner: a battery's present power, a limit at the full rating.
    A device that fails gets a failed check, never an exception.

    Args:
        devices: by the names that shall stand in the checks.
        clock: paces the wait for the reversion.
        timer_s: the reversion timer of the check. On a clock that runs faster than real time it must
            outlast a write and its read-back.
    """
    checks: list[CommissioningCheck] = []
    for name, device in devices.items():
        try:
            async for check in _check_device(name, device, clock, timer_s):
                checks.append(check)  # noqa: PERF401 (what was found before a fault stays)
        except DeviceFault as fault:
            checks.append(CommissioningCheck(name=f"{name}: communication", passed=False, detail=str(fault)))
    return tuple(checks)


async def _check_device(
    name: str, device: Device, clock: Clock, timer_s: float
) -> AsyncIterator[CommissioningCheck]:
    yield _identity(name, device)
    reading = await device.read()
    yield _measurement(name, reading)
    if device.profile.control is None:
        return
    ratings = _ratings(name, device)
    yield ratings
    if ratings.passed and reading.power_w is not None:
        for check in await _control(name, device, reading.power_w, clock, timer_s):
            yield check


def _identity(name: str, device: Device) -> CommissioningCheck:
    found = device.map
    known = f"{found.manufacturer} {found.model} {found.version} serial {found.serial}"
    missing = [part for part in ("manufacturer", "model", "serial") if not str(getattr(found, part)).strip()]
    detail = f"{known}, profile {device.profile.name} ({device.profile.tier})"
    if missing:
        detail = f"the device does not tell its {' and '.join(missing)}: {detail}"
    return CommissioningCheck(name=f"{name}: identity", passed=not missing, detail=detail)


def _measurement(name: str, reading: DeviceReading) -> CommissioningCheck:
    measured = {
        "W": reading.power_w,
        "V": reading.voltage_v,
        "Hz": reading.frequency_hz,
        "% charged": reading.state_of_charge_pct,
    }
    detail = ", ".join(f"{value:g} {unit}" for unit, value in measured.items() if value is not None)
    good = reading.quality is Quality.GOOD
    return CommissioningCheck(
        name=f"{name}: measurement", passed=good, detail=detail if good else "; ".join(reading.doubts)
    )


def _ratings(name: str, device: Device) -> CommissioningCheck:
    plate = device.nameplate
    needed = {
        DerKind.BATTERY: {
            "W injection": plate.injection_w_max,
            "W absorption": plate.absorption_w_max,
            "Wh capacity": device.energy_capacity_wh,
        },
        DerKind.PV: {"W injection": plate.injection_w_max},
        DerKind.EVSE: {"W absorption": plate.absorption_w_max},
        DerKind.METER: {},
    }[device.kind]
    return CommissioningCheck(
        name=f"{name}: ratings",
        passed=all(value > 0.0 for value in needed.values()),
        detail=", ".join(f"{value:g} {unit}" for unit, value in needed.items()),
    )


async def _control(
    name: str, device: Device, power_w: float, clock: Clock, timer_s: float
) -> tuple[CommissioningCheck, ...]:
    before = await device.read_control()
    if before.enabled:
        held = "an unknown setpoint" if before.setpoint_w is None else f"{before.setpoint_w:g} W"
        detail = f"somebody else holds the device at {held}; end that control, then commission again"
        return (CommissioningCheck(name=f"{name}: control", passed=False, detail=detail),)
    timer_s = max(timer_s, device.reversion.timer_s_min)
    try:
        result = await device.command(harmless_setpoint_w(device, power_w), timer_s)
        if isinstance(result, NotConfirmed):
            return (CommissioningCheck(name=f"{name}: control", passed=False, detail=result.reason),)
        control = CommissioningCheck(
            name=f"{name}: control",
            passed=True,
            detail=f"{result.setpoint_w:g} W was written and read back",
        )
        return control, await _reversion(name, device, timer_s, clock)
    finally:
        await device.release()


async def _reversion(name: str, device: Device, timer_s: float, clock: Clock) -> CommissioningCheck:
    check = f"{name}: reversion"
    if device.reversion.kind is not ReversionKind.WORKS:
        detail = "the profile knows no working timer; the agent alone takes setpoints back"
        return CommissioningCheck(name=check, passed=True, detail=detail)
    if await seen_reverted(device, timer_s + REVERSION_LATE_S, clock):
        detail = f"gave control back by itself after its {timer_s:g} s timer"
        return CommissioningCheck(name=check, passed=True, detail=detail)
    detail = f"still holds the setpoint {REVERSION_LATE_S:g} s after its {timer_s:g} s timer ended"
    return CommissioningCheck(name=check, passed=False, detail=detail)


def harmless_setpoint_w(device: Device, power_w: float) -> float:
    """A setpoint that changes nothing: a battery's present power, or a limit at the full rating."""
    plate = device.nameplate
    match device.kind:
        case DerKind.BATTERY:
            return float(round(min(max(power_w, -plate.absorption_w_max), plate.injection_w_max)))
        case DerKind.EVSE:
            return -plate.absorption_w_max
        case _:
            return plate.injection_w_max


async def seen_reverted(device: Device, within_s: float, clock: Clock) -> bool:
    """Watch, without writing, until the device has given control back; false if it does not in time."""
    deadline_s = clock.monotonic_s() + within_s
    while (await device.read_control()).enabled:
        if clock.monotonic_s() >= deadline_s:
            return False
        await clock.sleep(_LOOK_S)
    return True
