"""pysunspec2's client, as its documentation uses it: over TCP, TLS and a serial line."""

from typing import Any

from sunspec2.modbus.client import SunSpecModbusClientDeviceRTU, SunSpecModbusClientDeviceTCP


class Peer:
    def open(self, host: str, port: int, unit: int, **tls: str) -> dict[str, Any]:
        """By TCP; with ``cafile``, ``certfile`` and ``keyfile`` by TLS."""
        self._device = SunSpecModbusClientDeviceTCP(
            slave_id=unit, ipaddr=host, ipport=port, timeout=5.0, tls=bool(tls), **tls
        )
        return self._scan()

    def open_serial(self, path: str, unit: int, baud: int, parity: str = "N") -> dict[str, Any]:
        self._device = SunSpecModbusClientDeviceRTU(
            slave_id=unit, name=path, baudrate=baud, parity=parity, timeout=5.0
        )
        return self._scan()

    def close(self) -> None:
        self._device.close()

    def read(self, model: int) -> dict[str, Any]:
        """The points of a model, scaled; its groups are lists."""
        found = self._model(model)
        found.read()
        values: dict[str, Any] = found.get_dict(computed=True)
        return values

    def write(self, model: int, points: dict[str, float]) -> None:
        """Several points, scaled, in as few requests as the client makes of them."""
        found = self._model(model)
        for name, value in points.items():
            found.points[name].cvalue = value
        found.write()

    def write_point(self, model: int, point: str, value: float) -> None:
        """One point, scaled, in a request of its own."""
        found = self._model(model).points[point]
        found.cvalue = value
        found.write()

    def write_registers(self, address: int, data: list[int]) -> None:
        """Registers as they are, wherever they lie."""
        self._device.write(address, b"".join(word.to_bytes(2) for word in data))

    def _model(self, number: int) -> Any:
        return self._device.models[number][0]

    def _scan(self) -> dict[str, Any]:
        self._device.scan()
        self._device.connect()
        return {
            "base": self._device.base_addr,
            "models": [model.model_id for model in self._device.model_list],
            "errors": {
                model.model_id: model.error_info for model in self._device.model_list if model.error_info
            },
        }
