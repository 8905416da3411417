"""What must be so before a procedure may touch a device; each refusal says what to do."""

from simulators.rig.hil_bench.keeper import Keeper
from simulators.rig.hil_bench.settings import RunSettings
from simulators.rig.hil_bench.sunspec import SunSpecDevice
from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault

_LOCAL = 1
_FAULT_STATE = 6
_PERCENT = 100.0


async def require_ready(device: SunSpecDevice, keeper: Keeper, run: RunSettings, clock: Clock) -> None:
    """Raises DeviceFault where the device must not be tested now.

    Args:
        device: the device.
        keeper: has read the settings just now.
        run: the limits.
        clock: for watching.
    """
    await _require_remote(device)
    await _require_charge(device, run)
    await _require_sound(device)
    if run.watch_s > 0.0:
        await clock.sleep(run.watch_s)
        changes = await keeper.changes()
        if changes:
            raise DeviceFault(
                f"{device.name}: {changes[0]} while the rig only watched: stop the other master first."
            )


async def _require_remote(device: SunSpecDevice) -> None:
    for number in (715, 802):
        if number in device.places and (await device.read(number, "LocRemCtl"))["LocRemCtl"] == _LOCAL:
            raise DeviceFault(
                f"{device.name} is set to LOCAL ({number} LocRemCtl): set it to REMOTE at the device first."
            )


async def _require_charge(device: SunSpecDevice, run: RunSettings) -> None:
    if 713 not in device.places:  # noqa: PLR2004 - the model's number is its name
        return
    percent = (await device.read(713, "SoC"))["SoC"]
    if percent is None:
        return
    low, high = run.state_of_charge_min * _PERCENT, run.state_of_charge_max * _PERCENT
    if not low <= percent <= high:
        verb = "Charge" if percent < low else "Discharge"
        raise DeviceFault(
            f"{device.name} has a state of charge of {percent:.0f} %, and the tests need {low:.0f} to "
            f"{high:.0f} %. {verb} it first, or change [run]."
        )


async def _require_sound(device: SunSpecDevice) -> None:
    if 701 not in device.places:  # noqa: PLR2004
        return
    state = (await device.read(701, "InvSt"))["InvSt"]
    if state == _FAULT_STATE:
        raise DeviceFault(f"{device.name} is in the state FAULT; find out why and reset its alarms first.")
