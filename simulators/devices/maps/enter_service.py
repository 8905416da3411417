"""Model 703: when the unit may come back, how long it waits, and how slowly it returns."""

from dataclasses import replace
from typing import Any

from simulators.devices.image import ModelInstance
from simulators.devices.maps.block import Block, Changed, ValueRefused, Writable
from simulators.devices.maps.unit import FREQUENCY, PERCENT, Unit, whole_s

_SECONDS_MAX = 86_400.0
_HIGH_PCT = 120.0
_LOW_PCT = 50.0


def enter_service(unit: Unit) -> ModelInstance:
    nominal_hz = unit.config.nameplate.frequency_nominal_hz

    def point(name: str, low: float, high: float, factor: float = 1.0) -> Writable:
        def write(value: float) -> None:
            figures: dict[str, Any] = {name: value / factor}
            changed = replace(unit.settings.enter_service, **figures)
            unit.adopt(replace(unit.settings, enter_service=changed))

        return Writable(
            read=lambda: float(getattr(unit.settings.enter_service, name)) * factor,
            write=write,
            low=low,
            high=high,
        )

    def permit(value: float) -> None:
        changed = replace(unit.settings.enter_service, permitted=value > 0.0)
        unit.adopt(replace(unit.settings, enter_service=changed))

    block = Block(
        unit,
        {
            "ES": Writable(read=lambda: float(unit.settings.enter_service.permitted), write=permit),
            "ESVHi": point("voltage_high_pu", 100.0, _HIGH_PCT, 100.0),
            "ESVLo": point("voltage_low_pu", _LOW_PCT, 100.0, 100.0),
            "ESHzHi": point("frequency_high_hz", nominal_hz, 1.1 * nominal_hz),
            "ESHzLo": point("frequency_low_hz", 0.9 * nominal_hz, nominal_hz),
            "ESDlyTms": point("delay_s", 0.0, _SECONDS_MAX),
            "ESRndTms": point("random_delay_s", 0.0, _SECONDS_MAX),
            "ESRmpTms": point("ramp_s", 0.0, _SECONDS_MAX),
        },
        rule=_windows_are_open,
    )
    return ModelInstance(
        number=703,
        fixed={"V_SF": PERCENT, "Hz_SF": FREQUENCY},
        live=lambda: {
            **block.read(),
            "ESDlyRemTms": whole_s(unit.snapshot().enter_service_remaining_s),
        },
        writable=block.names,
        target=block,
    )


def _windows_are_open(values: Changed) -> None:
    for low, high in (("ESVLo", "ESVHi"), ("ESHzLo", "ESHzHi")):
        if (values[low] or 0.0) >= (values[high] or 0.0):
            raise ValueRefused(f"{low} must lie under {high}")
