"""kaco-modbus, as its documentation uses it."""

from typing import Any

from kaco_modbus import KacoInverter, VArPctMod  # type: ignore[import-not-found]
from modbus_connection import ModbusTcpParams  # type: ignore[import-not-found]
from modbus_connection.tmodbus import ModbusConnection  # type: ignore[import-not-found]


class Peer:
    async def open(self, host: str, port: int, unit: int) -> dict[str, Any]:
        """Establish that it is a KACO, and read everything once."""
        self._connection = ModbusConnection(ModbusTcpParams(host=host, port=port))
        self._device = KacoInverter(self._connection.for_unit(unit))
        report = await self._device.async_update()
        info = self._device.info
        return {
            "manufacturer": info.manufacturer,
            "model": info.model,
            "serial": info.serial_number,
            "base": self._device.base_address,
            "models": sorted(self._device.models),
            "updated": report.updated,
            "failed": {name: str(failure) for name, failure in report.failed.items()},
        }

    async def close(self) -> None:
        await self._connection.close()

    async def read(self) -> dict[str, Any]:
        device = self._device
        report = await device.async_update()
        return {
            "failed": {name: str(failure) for name, failure in report.failed.items()},
            "running": device.is_running,
            "power_w": device.inverter.w,
            "apparent_va": device.inverter.va,
            "reactive_var": device.inverter.v_ar,
            "current_a": device.inverter.a,
            "frequency_hz": device.frequency,
            "phase_voltages_v": device.phase_voltages,
            "power_factor": device.power_factor,
            "temperature_c": device.temperature,
            "dc_w": device.inverter.dcw,
            "energy_wh": device.inverter.wh,
            "rating_w": device.nameplate.w_rtg,
            "rating_va": device.nameplate.va_rtg,
            "setting_w_max": device.settings.w_max,
            "nominal_hz": device.settings.ecp_nom_hz,
            "energy_since_made_wh": device.status.act_wh,
            "active_controls": int(device.status.st_act_ctl),
            "limit_pct": device.controls.w_max_lim_pct,
            "limit_enabled": device.controls.w_max_lim_ena,
            "revert_s": device.revert_seconds,
            "connected": device.controls.conn,
            "strings": [{"id": string.id_str, "power_w": string.dcw} for string in device.strings],
        }

    async def limit_power(self, percent: float) -> bool | None:
        """Whether the device lets the setpoint stay for good."""
        await self._device.async_set_power_limit(percent)
        held: bool | None = self._device.setpoints_held
        return held

    async def limit_power_for(self, percent: float, revert_s: int) -> None:
        """A limit with a timer: the client's own fields, since its own method always holds."""
        await self._device.controls.write("w_max_lim_pct", percent)
        await self._device.controls.write("w_max_lim_pct_rvrt_tms", revert_s)
        await self._device.controls.write("w_max_lim_ena", 1)

    async def release_power(self) -> None:
        await self._device.async_clear_power_limit()

    async def power_factor(self, value: float) -> None:
        await self._device.async_set_power_factor(value)

    async def release_power_factor(self) -> None:
        await self._device.async_clear_power_factor()

    async def reactive(self, percent: float, mode: str) -> None:
        await self._device.async_set_reactive_power(percent, mode=VArPctMod[mode])

    async def release_reactive(self) -> None:
        await self._device.async_clear_reactive_power()

    async def connect(self, connected: bool) -> None:  # noqa: FBT001 - called by name, from JSON
        await self._device.async_set_connected(connected)
