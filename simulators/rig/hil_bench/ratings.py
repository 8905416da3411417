"""What the plate of the device under test says."""

import msgspec

from simulators.rig.hil_bench.instruments import Instruments
from simulators.rig.hil_bench.settings import DeviceTarget
from simulators.rig.hil_bench.sunspec import SunSpecDevice

POWER_TOLERANCE = 0.05
"""Of the rating: the accuracy that IEEE 1547-2018, table 3 (steady state) asks of power measurements."""
_LINE_TO_LINE_RATIO_MIN = 1.5
"""A nominal voltage that is so much more than what is measured to neutral counts between lines."""
_SQRT3 = 3.0**0.5


class Ratings(msgspec.Struct, frozen=True, kw_only=True):
    """As magnitudes."""

    injection_w: float
    absorption_w: float = 0.0
    apparent_va: float = 0.0
    reactive_injection_var: float = 0.0
    reactive_absorption_var: float = 0.0
    voltage_v: float = 0.0
    """Line to neutral."""
    frequency_hz: float = 60.0

    @property
    def storage(self) -> bool:
        return self.absorption_w > 0.0

    @property
    def power_tolerance_w(self) -> float:
        return POWER_TOLERANCE * max(self.injection_w, self.absorption_w)

    @property
    def reactive_tolerance_var(self) -> float:
        return POWER_TOLERANCE * self.apparent_va


async def read_ratings(unit: SunSpecDevice, instruments: Instruments, target: DeviceTarget) -> Ratings:
    """Model 702, or 120 of a legacy device; 0 for what it does not say."""
    said: dict[str, float | None] = {}
    if 702 in unit.places:  # noqa: PLR2004 - the model's number is its name
        names = ("WMaxRtg", "VAMaxRtg", "VarMaxInjRtg", "VarMaxAbsRtg", "WChaRteMaxRtg", "VNomRtg")
        said = await unit.read(702, *names)
    elif 120 in unit.places:  # noqa: PLR2004
        legacy = await unit.read(120, "WRtg", "VARtg", "VArRtgQ1", "VArRtgQ4", "MaxChaRte")
        said = {
            "WMaxRtg": legacy["WRtg"],
            "VAMaxRtg": legacy["VARtg"],
            "VarMaxInjRtg": legacy["VArRtgQ1"],
            "VarMaxAbsRtg": abs(legacy["VArRtgQ4"] or 0.0),
            "WChaRteMaxRtg": legacy["MaxChaRte"],
        }
    injection_w = said.get("WMaxRtg") or 0.0
    return Ratings(
        injection_w=injection_w,
        absorption_w=said.get("WChaRteMaxRtg") or 0.0,
        apparent_va=said.get("VAMaxRtg") or injection_w,
        reactive_injection_var=said.get("VarMaxInjRtg") or 0.0,
        reactive_absorption_var=said.get("VarMaxAbsRtg") or 0.0,
        voltage_v=target.voltage_nominal_v or await _voltage_v(said.get("VNomRtg"), instruments),
        frequency_hz=float(target.frequency_nominal_hz),
    )


async def _voltage_v(said_v: float | None, instruments: Instruments) -> float:
    """Nominal voltage line to neutral; the models do not say which way theirs counts."""
    measured_v = (await instruments.read()).get("voltage_v") or 0.0
    if said_v is None or said_v <= 0.0:
        return round(measured_v)
    between_lines = measured_v > 0.0 and said_v / measured_v >= _LINE_TO_LINE_RATIO_MIN
    return said_v / _SQRT3 if between_lines else said_v
