"""Curves and controls that a device adopts as a whole: models 705, 706, 711 and 712."""

from collections.abc import Mapping
from typing import NamedTuple

from simulators.rig.hil_bench.sunspec import SunSpecDevice
from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault

ADOPT_S_MAX = 30.0
"""IEEE 1547-2018 asks that a setting is taken over within 30 s (clause 10.4)."""
_POLL_S = 0.1
_COMPLETED, _FAILED = 1, 2
_READ_ONLY = 1.0


class _Words(NamedTuple):
    group: str
    request: str
    outcome: str
    quantity: str


_CURVES = _Words("Crv", "AdptCrvReq", "AdptCrvRslt", "NCrv")
WORDS: Mapping[int, _Words] = {
    705: _CURVES,
    706: _CURVES,
    711: _Words("Ctl", "AdptCtlReq", "AdptCtlRslt", "NCtl"),
    712: _CURVES,
}


async def adopt(device: SunSpecDevice, number: int, values: Mapping[str, float], clock: Clock) -> float:
    """Write a set of values beside the active one and have the device adopt it; how many seconds it took.

    Args:
        device: the device.
        number: of the model.
        values: points of one curve or control by their name within it (``KOf``, ``Pt[2].V``).
        clock: counts the time.

    Raises:
        DeviceFault: no free place, a refused write, or the device does not adopt the values.
    """
    words = WORDS[number]
    index = await _free(device, number)
    await device.write(number, {f"{words.group}[{index}].{name}": value for name, value in values.items()})
    await device.write(number, {words.request: index})
    begins_s = clock.monotonic_s()
    while True:
        outcome = await device.value(number, words.outcome)
        waited_s = clock.monotonic_s() - begins_s
        if outcome == _COMPLETED:
            return waited_s
        if outcome == _FAILED or waited_s > ADOPT_S_MAX:
            what = "reports FAILED for" if outcome == _FAILED else f"has not adopted within {ADOPT_S_MAX:g} s"
            raise DeviceFault(f"{device.name} {what} the settings of model {number}; see its manual.")
        await clock.sleep(_POLL_S)


async def active(device: SunSpecDevice, number: int) -> dict[str, float]:
    """What the device acts on, by the points' names within the curve or control."""
    return of_index(await device.read_model(number), WORDS[number].group, 1)


def of_index(values: Mapping[str, float | None], group: str, index: int) -> dict[str, float]:
    """The implemented points of one curve or control among all points of a model."""
    prefix = f"{group}[{index}]."
    return {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if name.startswith(prefix) and value is not None
    }


async def _free(device: SunSpecDevice, number: int) -> int:
    """The first place that may be written; place 1 shows what is active."""
    words = WORDS[number]
    count = int(await device.value(number, words.quantity))
    places: list[int] = [*range(2, count + 1), 1]
    for index in places:
        name = f"{words.group}[{index}].ReadOnly"
        if index <= count and (await device.read(number, name))[name] != _READ_ONLY:
            return index
    raise DeviceFault(f"{device.name} lets nobody write a curve of model {number}; choose another device.")
