"""A charging station with the registers of a KEBA KeContact P30.

Facts (addresses, types, units, ranges) are those of KEBA's "Modbus TCP Programmers Guide" for the P30, read
in public copies of version 1.02 and, for phase switching and fail-safe, as later clients use them. Where
sources differ: 1036 counts 0.1 Wh (guide 1.02 says Wh; later guides and the clients in the field divide by
10,000 to get kWh). What the guide leaves open is decided here and marked with (*).

The guide: unit 255; function 3 reads one value of two registers at a time, function 6 writes one register.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.devices.charging.readings import EvseReadings, Phase
from simulators.devices.charging.station import EvseUnit
from simulators.devices.image import Values
from simulators.devices.vendor.image import VendorImage
from simulators.devices.vendor.table import READ_HOLDING, WRITE_ONE, Access, Kind, Row, Table

_U32, _U16, _W = Kind.U32, Kind.U16, Access.WRITE

KEBA_P30 = Table(
    product="KeContact P30 c-series",
    unit_id=255,
    functions=frozenset({READ_HOLDING, WRITE_ONE}),
    read_count_max=2,
    write_count_max=1,
    rows=(
        #   address  name                     kind  unit     one count
        Row(1000, "charging_state", _U32),
        Row(1004, "cable_state", _U32),
        Row(1006, "error_code", _U32),
        Row(1008, "current_l1", _U32, "A", 0.001),
        Row(1010, "current_l2", _U32, "A", 0.001),
        Row(1012, "current_l3", _U32, "A", 0.001),
        Row(1014, "serial_number", _U32),
        Row(1016, "product_type", _U32),
        Row(1018, "firmware_version", _U32),
        Row(1020, "active_power", _U32, "W", 0.001),
        Row(1036, "total_energy", _U32, "Wh", 0.1),
        Row(1040, "voltage_l1", _U32, "V"),
        Row(1042, "voltage_l2", _U32, "V"),
        Row(1044, "voltage_l3", _U32, "V"),
        Row(1046, "power_factor", _U32, "%", 0.1),
        Row(1100, "charging_current_max", _U32, "A", 0.001),
        Row(1110, "supported_current_max", _U32, "A", 0.001),
        Row(1500, "rfid_card", _U32),
        Row(1502, "charged_energy", _U32, "Wh"),
        Row(1550, "phase_switch_source", _U32),
        Row(1552, "phase_switch_state", _U32),
        Row(1600, "failsafe_current", _U32, "A", 0.001),
        Row(1602, "failsafe_timeout", _U32, "s"),
        #   address  name                     kind  unit one count         from        to           or
        Row(5004, "set_current", _U16, "A", 0.001, _W, least=6.0, most=63.0),
        Row(5010, "set_energy", _U16, "Wh", 10.0, _W),
        Row(5012, "unlock", _U16, "", 1.0, _W, least=0.0, most=0.0),
        Row(5014, "enable", _U16, "", 1.0, _W, least=0.0, most=1.0),
        Row(5016, "set_failsafe_current", _U16, "A", 0.001, _W, least=6.0, most=63.0, also=(0.0,)),
        Row(5018, "set_failsafe_timeout", _U16, "s", 1.0, _W, least=10.0, most=600.0, also=(0.0,)),
        Row(5020, "keep_failsafe", _U16, "", 1.0, _W, least=0.0, most=1.0),
        Row(5050, "set_phase_switch_source", _U16, "", 1.0, _W, least=0.0, most=4.0),
        Row(5052, "switch_phases", _U16, "", 1.0, _W, least=0.0, most=1.0),
    ),
)

BY_MODBUS = 3
"""Phase switch source: nothing 0, OCPP 1, REST 2, Modbus 3, UDP 4."""
_STATE = {
    Phase.STARTING: 0,
    Phase.IDLE: 1,
    Phase.ENDED: 1,  # (*) "locked by another mechanism"
    Phase.OFFERING: 2,
    Phase.CHARGING: 3,
    Phase.FAILED: 4,
    Phase.SUSPENDED: 5,
}
_UNPLUGGED, _PLUGGED, _PLUGGED_AND_LOCKED = 0, 5, 7
_CURRENT_DIGIT = {13: 1, 16: 2, 20: 3, 32: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class KebaIdentity:
    serial_number: int = 18_416_854
    firmware: tuple[int, int, int] = (3, 10, 60)
    rfid_card: int = 0

    @property
    def firmware_register(self) -> int:
        """One byte a number, the last byte unused."""
        major, minor, patch = self.firmware
        return major << 24 | minor << 16 | patch << 8


class KebaStation:
    """A charging station behind KEBA's registers.

    Any accepted write is a sign of life for the fail-safe (*); reads are not.

    Args:
        unit: the station.
        clock_s: the present in Unix seconds.
        identity: what its plate says.
    """

    def __init__(
        self, unit: EvseUnit, clock_s: Callable[[], float], identity: KebaIdentity | None = None
    ) -> None:
        self.unit = unit
        self._clock_s = clock_s
        self._identity = identity or KebaIdentity()
        self._phase_source = BY_MODBUS if unit.config.switches_phases else 0
        self.image = VendorImage(KEBA_P30, self._advance, self.values, self)

    def respond(self, pdu: bytes) -> bytes:
        """The response to a Modbus request PDU."""
        return self.image.respond(pdu)

    def values(self) -> Values:
        """All readable points by name, in their units."""
        shown, (failsafe_a, failsafe_s) = self.unit.readings(), self.unit.failsafe
        measured_v = shown.phase_voltage_v if shown.phase is Phase.CHARGING else (0.0, 0.0, 0.0)
        plugged = _PLUGGED_AND_LOCKED if shown.locked else _PLUGGED
        numbers = ("l1", "l2", "l3")
        return {
            "charging_state": _STATE[shown.phase],
            "cable_state": plugged if shown.plugged else _UNPLUGGED,
            "error_code": shown.error,
            **{f"current_{n}": a for n, a in zip(numbers, shown.phase_current_a, strict=True)},
            **{f"voltage_{n}": v for n, v in zip(numbers, measured_v, strict=True)},
            "serial_number": self._identity.serial_number,
            "product_type": self._product_type(),
            "firmware_version": self._identity.firmware_register,
            "active_power": -shown.power_w,
            "total_energy": shown.total_wh,
            "power_factor": 100.0 * _power_factor(shown),
            "charging_current_max": shown.limit_a,
            "supported_current_max": self.unit.config.current_a_max,
            "rfid_card": self._identity.rfid_card,
            "charged_energy": shown.session_wh,
            "phase_switch_source": self._phase_source,
            "phase_switch_state": int(shown.phases > 1),
            "failsafe_current": failsafe_a,
            "failsafe_timeout": failsafe_s,
        }

    def check(self, changes: Mapping[str, float | None]) -> None:
        """Refuse what the station cannot do now.

        Raises:
            ValueError: phases cannot be switched by Modbus, or the plug cannot be unlocked (*).
        """
        if "switch_phases" in changes and self._phase_source != BY_MODBUS:
            raise ValueError("Modbus is not the source of phase switching")
        if "switch_phases" in changes and not self.unit.config.switches_phases:
            raise ValueError("this station does not switch phases")
        if "unlock" in changes and self.unit.readings().phase is Phase.CHARGING:
            raise ValueError("the plug stays locked while the vehicle charges")

    def write(self, changes: Mapping[str, float], now_s: float) -> None:
        """Carry out what was written and has been checked."""
        self.unit.heard(now_s)
        for name, value in changes.items():
            self._carry_out(name, value)

    def _carry_out(self, name: str, value: float) -> None:
        unit = self.unit
        match name:
            case "set_current":
                unit.set_limit(value)
            case "set_energy":
                unit.end_session_at(value or None)
            case "unlock":
                unit.unlock()
            case "enable":
                unit.enable(enabled=bool(value))
            case "set_failsafe_current":
                unit.set_failsafe(current_a=value)
            case "set_failsafe_timeout":
                unit.set_failsafe(timeout_s=value)
            case "keep_failsafe" if value:
                unit.keep_failsafe()
            case "set_phase_switch_source":
                self._phase_source = round(value)
            case "switch_phases":
                unit.switch_phases(3 if value else 1)
            case _:
                pass

    def _advance(self) -> float:
        now_s = self._clock_s()
        self.unit.advance(now_s)
        return now_s

    def _product_type(self) -> int:
        """Digits: P30, with cable, its current, c-series, a plain meter, no RFID (or with)."""
        current = _CURRENT_DIGIT.get(round(self.unit.config.current_a_max), _CURRENT_DIGIT[32])
        return int(f"31{current}11{int(bool(self._identity.rfid_card))}")


def _power_factor(shown: EvseReadings) -> float:
    return shown.power_factor if shown.phase is Phase.CHARGING else 0.0
