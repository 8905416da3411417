"""fronius-modbus, as its documentation uses it."""

from typing import Any

from fronius_modbus import FroniusModbusInverter  # type: ignore[import-not-found]
from modbus_connection.tmodbus import connect_tcp  # type: ignore[import-not-found]

READINGS = (
    "ac_current",
    "ac_current_phase_1",
    "voltage_phase_1_2",
    "voltage_phase_1",
    "voltage_phase_3",
    "ac_power",
    "frequency",
    "apparent_power",
    "reactive_power",
    "power_factor",
    "energy_total",
    "dc_power",
    "operating_state",
    "events",
)
STORAGE = (
    "charge_reference_power",
    "state_of_charge",
    "state",
    "minimum_reserve",
    "charge_limit",
    "discharge_limit",
    "charge_limit_enabled",
    "discharge_limit_enabled",
    "revert_seconds",
    "grid_charging",
)
CONTROLS = ("power_limit", "revert_seconds", "enabled")


class Peer:
    async def open(self, host: str, port: int, unit: int) -> dict[str, Any]:
        self._connection = await connect_tcp(host, port=port)
        self._device = FroniusModbusInverter(self._connection.for_unit(unit))
        return await self.discover()

    async def discover(self) -> dict[str, Any]:
        """Look for the models; again after the map has moved."""
        await self._device.discover()
        return {
            "models": [model.model_id for model in self._device.model_chain],
            "float": self._device.float_mode,
            "has_storage": self._device.has_storage,
        }

    async def close(self) -> None:
        await self._connection.close()

    async def read(self) -> dict[str, Any]:
        """Everything that the device has, in one pooled update."""
        device = self._device
        await device.async_update()
        return {
            "common": {
                name: getattr(device.common, name) for name in ("manufacturer", "model", "serial_number")
            },
            "inverter": {name: getattr(device.inverter, name) for name in READINGS},
            "storage": {name: getattr(device.storage, name) for name in STORAGE},
            "controls": {name: getattr(device.controls, name) for name in CONTROLS},
            "max_power": device.basic_settings.max_power,
            "modules": [
                {"id": module.id_str, "role": role, "power": module.power, "voltage": module.voltage}
                for module, role in zip(device.mppt.modules, device.mppt.module_roles, strict=True)
            ],
        }

    async def accepts_writes(self) -> bool:
        answer: bool = await self._device.controls.probe_write_access()
        return answer

    async def limit_power(self, percent: float, revert_s: int = 0) -> None:
        await self._device.controls.set_power_limit(percent, revert_seconds=revert_s)

    async def release_power(self) -> None:
        await self._device.controls.clear_power_limit()

    async def limit_storage(
        self, charge: float | None = None, discharge: float | None = None, revert_s: int = 0
    ) -> None:
        await self._device.storage.set_limits(charge=charge, discharge=discharge, revert_seconds=revert_s)

    async def reserve(self, percent: float) -> None:
        await self._device.storage.set_minimum_reserve(percent)

    async def charge_from_grid(self, allowed: bool) -> None:  # noqa: FBT001 - called by name, from JSON
        await self._device.storage.set_grid_charging(allowed)
