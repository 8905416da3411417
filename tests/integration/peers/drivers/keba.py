"""keba-modbus-client, as its documentation uses it."""

from typing import Any

from python_keba_client import KebaModbusClient  # type: ignore[import-not-found]


class Peer:
    def open(self, host: str, port: int, unit: int) -> None:
        self._device = KebaModbusClient(address=host, port=port, slaveid=unit)

    def close(self) -> None:
        self._device.connection.close()

    def read(self) -> dict[str, Any]:
        readings: dict[str, Any] = self._device.todict()
        return readings

    def set_current(self, current_a: int) -> None:
        self._device.set_charging_current(current_a)

    def limit_energy(self, kwh: int) -> None:
        """Whole kWh, whatever its own words say."""
        self._device.set_charging_kilowatthours(kwh)

    def limit_energy_wh(self, energy_wh: float) -> None:
        """The same register in its steps of 10 Wh, by the client's connection."""
        written = self._device.connection.write_register(
            5010, round(energy_wh / 10), device_id=self._device.slaveid
        )
        if written.isError():
            raise ValueError(written)

    def enable(self) -> None:
        self._device.enable_chargingstation()

    def disable(self) -> None:
        self._device.disable_chargingstation()

    def unlock(self) -> None:
        self._device.unlock_plug()
