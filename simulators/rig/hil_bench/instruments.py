"""What measures: the device's own registers, or a meter of its own; always the same names and signs."""

from collections.abc import Mapping
from typing import Protocol

from simulators.rig.hil_bench.sunspec import SunSpecDevice
from vpp_core.faults import DeviceFault

Reading = dict[str, float | None]
"""By name with unit; injection positive; ``None`` where the instrument does not have it."""

_INVERTER_701 = {
    "InvSt": "state",
    "ConnSt": "connected",
    "Alrm": "alarms",
    "W": "power_w",
    "VA": "apparent_va",
    "Var": "reactive_var",
    "PF": "power_factor",
    "A": "current_a",
    "LNV": "voltage_v",
    "Hz": "frequency_hz",
    "TotWhInj": "injected_wh",
    "TotWhAbs": "absorbed_wh",
}
_INVERTER_LEGACY = {
    "A": "current_a",
    "PhVphA": "voltage_v",
    "W": "power_w",
    "Hz": "frequency_hz",
    "VA": "apparent_va",
    "VAr": "reactive_var",
    "PF": "power_factor",
    "WH": "injected_wh",
    "St": "state",
}
_METER = {
    "A": "current_a",
    "PhV": "voltage_v",
    "Hz": "frequency_hz",
    "W": "power_w",
    "VA": "apparent_va",
    "VAR": "reactive_var",
    "PF": "power_factor",
}
_METERS = (203, 202, 201, 204, 213, 212, 211, 214)
"""They count import as positive, as most meters in the field do."""
_MAPS: Mapping[int, Mapping[str, str]] = {
    701: _INVERTER_701,
    **dict.fromkeys((103, 102, 101, 113, 112, 111), _INVERTER_LEGACY),
    **dict.fromkeys(_METERS, _METER),
}
_IN_PERCENT = frozenset({101, 102, 103, 111, 112, 113, 201, 202, 203, 204})
"""Models whose PF is in percent; 701 and the float meters show a ratio."""
_SIGNED = ("power_w", "reactive_var")


class Instruments(Protocol):
    """Who measures.

    Attributes:
        name: for the report.
        refresh_s: how old a reading may be.
    """

    name: str
    refresh_s: float

    async def read(self) -> Reading:
        """Everything that it has.

        Raises:
            DeviceFault: it does not answer.
        """
        ...


class SunSpecInstruments:
    """Measurements of a SunSpec unit, in one request a reading.

    Raises:
        DeviceFault: none of its models measures.
    """

    def __init__(
        self, device: SunSpecDevice, refresh_s: float, *, sign: int | None = None, name: str = ""
    ) -> None:
        found = [number for number in _MAPS if number in device.places]
        if not found:
            raise DeviceFault(f"{device.name} has no SunSpec model that measures; name a meter in [measure].")
        self.model = found[0]
        self.name = name or f"model {self.model} of the device itself"
        self.refresh_s = refresh_s
        usual = -1 if self.model in _METERS else 1
        self._device, self._sign = device, sign or usual
        self._names = _MAPS[self.model]

    async def read(self) -> Reading:
        values = await self._device.read(self.model, *self._names)
        reading: Reading = {self._names[name]: value for name, value in values.items()}
        for name in _SIGNED:
            value = reading.get(name)
            if value is not None:
                reading[name] = self._sign * value
        factor = reading.get("power_factor")
        if factor is not None and self.model in _IN_PERCENT:
            reading["power_factor"] = factor / 100.0
        return reading
