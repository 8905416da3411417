"""franklinwh-modbus, as its documentation uses it."""

from typing import Any

from franklinwh_modbus import FranklinWHController  # type: ignore[import-not-found]
from franklinwh_modbus.discovery import probe  # type: ignore[import-not-found]


class Peer:
    def find(self, host: str, port: int, unit: int) -> dict[str, Any]:
        """What its discovery says about the device; reads only."""
        found: dict[str, Any] = probe(host, port=port, unit_id=unit).to_dict()
        return found

    def open(self, host: str, port: int, unit: int) -> dict[str, Any]:
        self._device = FranklinWHController(host, port=port, unit_id=unit)
        return {
            "connected": self._device.connect(),
            "models": sorted(key for key in self._device.models if isinstance(key, int)),
            "nameplate": self._device.read_nameplate(),
            "charge_w_max": self._device.RATED_MAX_CHARGE_W,
            "discharge_w_max": self._device.RATED_MAX_DISCHARGE_W,
        }

    def close(self) -> None:
        self._device.disconnect()

    def read(self) -> dict[str, Any]:
        return {
            "battery": self._device.read_battery_status(),
            "grid": self._device.read_grid_status(),
            "control": self._device.read_control_status(),
            "alarms": self._device.active_alarms(),
            "enter_service": self._model(703),
        }

    def dispatch(self, action: str, power_w: float | None = None) -> list[Any]:
        """Charge, discharge or stop; whether it was done, and what the client says about it."""
        return list(self._device.dispatch(action, power=power_w))

    def verify(self, expected_w: float, timeout_s: float) -> dict[str, Any]:
        """The client's own check that a command took effect; charging is positive here."""
        verified: dict[str, Any] = self._device.verify_dispatch(
            expected_w, timeout_s=timeout_s, poll_interval_s=0.2
        )
        return verified

    def revert(self, power_w: float, after_w: float, timer_s: int) -> None:
        """A setpoint with the device's own timer, by the client's model 704; injection positive."""
        model = self._device.get_model(704)
        model.read()
        scale = 10.0 ** self._device._get_scale_factor(model, "WSet_SF")
        model.WSetMod.value = 1
        model.WSet.value = round(power_w / scale)
        model.WSetRvrt.value = round(after_w / scale)
        model.WSetEnaRvrt.value = 0
        model.WSetRvrtTms.value = timer_s
        model.write()
        model.WSetEna.value = 1
        model.write()

    def _model(self, number: int) -> dict[str, Any]:
        model = self._device.get_model(number)
        model.read()
        return {name: point.cvalue for name, point in model.points.items()}
