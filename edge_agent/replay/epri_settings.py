"""Settings by their EPRI names, turned into ours: the one place where the two meet."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from edge_agent.control.functions import volt_var, volt_watt, watt_var
from edge_agent.control.functions.active_power import ActivePower
from edge_agent.control.functions.capability import REACTIVE_FIRST, Capability
from edge_agent.control.functions.curve import Curve
from edge_agent.control.functions.enter_service import EnterService
from edge_agent.control.functions.frequency_droop import FrequencyDroop, Latch
from edge_agent.control.functions.trips import NAMES, Category, TripElement, TripSettings, default_trips
from edge_agent.control.functions.volt_var import VoltVar
from edge_agent.control.functions.volt_watt import VoltWatt
from edge_agent.control.functions.watt_var import WattVar
from edge_agent.control.grid_code import GridCodeSettings

T = TypeVar("T")

_NEUTRAL: Mapping[str, float] = {
    "NP_EFFICIENCY": 1.0,
    "NP_INV_DELAY": 0.0,
    "NP_REACT_TIME": 0.0,
    "NP_V_MEAS_DELAY": 0.0,
    "NP_SET_EXE_TIME": 0.0,
    "NP_RT_RAMP_UP_TIME": 0.0,
    "ES_RANDOMIZED_DELAY": 0.0,
}
"""A device's own losses and delays, and chance: a control law has none of them."""
_NOT_OURS = ("CONST_PF_MODE_ENABLE", "CONST_Q_MODE_ENABLE")
_IGNORED = frozenset({"NP_AC_V_NOM", "NP_CURRENT_PU", "NP_APPARENT_POWER_CHARGE_MAX"})
"""Names of the plate that say nothing in per unit."""
_VOLT_VAR = tuple((f"QV_CURVE_V{number}", f"QV_CURVE_Q{number}") for number in (1, 2, 3, 4))
_VOLT_WATT = tuple((f"PV_CURVE_V{number}", f"PV_CURVE_P{number}") for number in (1, 2))
_WATT_VAR = tuple(
    (f"QP_CURVE_P{number}_{side}", f"QP_CURVE_Q{number}_{side}")
    for side, numbers in (("LOAD", (3, 2, 1)), ("GEN", (1, 2, 3)))
    for number in numbers
)
NUMBER_MAX = 1e9
"""No setting of any device is larger."""
_SWITCH = {"ENABLED": True, "DISABLED": False}


class EpriSettings:
    """The settings of one case, read by name; what is never read is a name that we do not know.

    Raises:
        ValueError: an unknown name, or a value of the wrong type or out of range; the text names it.
    """

    def __init__(self, values: Mapping[str, object], *, nominal_hz: float, storage: bool) -> None:
        self._values = dict(values)
        self._read = set(_IGNORED)
        self._nominal_hz = nominal_hz
        self._storage = storage

    def grid_code(self, latch: Latch) -> GridCodeSettings:
        """All functions of the case, with P_pre of the droop taken as ``latch`` says."""
        for name, neutral in _NEUTRAL.items():
            if self._number(name, neutral) != neutral:
                raise ValueError(f"{name} must be {neutral:g}: a control law is replayed, not a device")
        for name in _NOT_OURS:
            if self._switch(name):
                raise ValueError(f"{name} must be DISABLED: the control has no such function")
        category = self._one_of("NP_ABNORMAL_OP_CAT", {member.value: member for member in Category}, "CAT_II")
        self._one_of("STATUS_INIT", {"ON": True, "OFF": False}, "ON")
        settings = GridCodeSettings(
            nominal_hz=self._nominal_hz,
            category=category,
            trips=self._trips(category),
            enter_service=self._enter_service(),
            permit_service=self._switch("ES_PERMIT_SERVICE", default="ENABLED"),
            capability=self._capability(),
            active_power=self._active_power(),
            frequency_droop=self._droop(latch),
            volt_var=self._volt_var(),
            volt_watt=self._volt_watt(),
            watt_var=self._watt_var(),
        )
        for name in self._values:
            if name not in self._read:
                raise ValueError(f"{name} is not a setting that this control knows")
        return settings

    @property
    def starts_in_service(self) -> bool:
        return self._one_of("STATUS_INIT", {"ON": True, "OFF": False}, "ON")

    @property
    def response_s(self) -> float:
        """The longest open-loop response time of the functions that are on."""
        pairs = (("PF_MODE_ENABLE", "PF_OLRT"), ("QV_MODE_ENABLE", "QV_OLRT"), ("PV_MODE_ENABLE", "PV_OLRT"))
        times = [self._number(name_s, 10.0) for mode, name_s in pairs if self._switch(mode)]
        return max([*times, WattVar().response_s if self._switch("QP_MODE_ENABLE") else 0.0])

    def _droop(self, latch: Latch) -> FrequencyDroop | None:
        settings = FrequencyDroop(
            nominal_hz=self._nominal_hz,
            deadband_over_hz=self._not_negative("PF_DBOF", 0.036),
            deadband_under_hz=self._not_negative("PF_DBUF", 0.036),
            droop_over_pu=self._positive("PF_KOF", 0.05),
            droop_under_pu=self._positive("PF_KUF", 0.05),
            response_s=self._not_negative("PF_OLRT", 5.0),
            latch=latch,
        )
        return settings if self._switch("PF_MODE_ENABLE") else None

    def _volt_var(self) -> VoltVar | None:
        tracking = self._switch("QV_VREF_AUTO_MODE")
        tracking_s = self._positive("QV_VREF_TIME", 300.0)
        settings = VoltVar(
            curve=self._curve(_VOLT_VAR, volt_var.CATEGORY_B),
            response_s=self._not_negative("QV_OLRT", 5.0),
            reference_pu=self._number("QV_VREF", 1.0),
            tracking_s=tracking_s if tracking else None,
        )
        return settings if self._switch("QV_MODE_ENABLE") else None

    def _volt_watt(self) -> VoltWatt | None:
        settings = VoltWatt(
            curve=self._curve(_VOLT_WATT, volt_watt.DEFAULT),
            response_s=self._not_negative("PV_OLRT", 10.0),
        )
        return settings if self._switch("PV_MODE_ENABLE") else None

    def _watt_var(self) -> WattVar | None:
        settings = WattVar(curve=self._curve(_WATT_VAR, watt_var.CATEGORY_B))
        return settings if self._switch("QP_MODE_ENABLE") else None

    def _trips(self, category: Category) -> TripSettings:
        presets = default_trips(category, self._nominal_hz)
        return TripSettings(**{name: self._trip(name.upper(), getattr(presets, name)) for name in NAMES})

    def _trip(self, name: str, preset: TripElement) -> TripElement:
        threshold = self._number(f"{name}_TRIP_{'V' if name[1] == 'V' else 'F'}", preset.threshold)
        return TripElement(threshold, self._not_negative(f"{name}_TRIP_T", preset.clearing_s))

    def _enter_service(self) -> EnterService:
        preset = EnterService.at_nominal(self._nominal_hz)
        return EnterService(
            voltage_low_pu=self._number("ES_V_LOW", preset.voltage_low_pu),
            voltage_high_pu=self._number("ES_V_HIGH", preset.voltage_high_pu),
            frequency_low_hz=self._number("ES_F_LOW", preset.frequency_low_hz),
            frequency_high_hz=self._number("ES_F_HIGH", preset.frequency_high_hz),
            delay_s=self._not_negative("ES_DELAY", preset.delay_s),
            ramp_s=self._not_negative("ES_RAMP_RATE", preset.ramp_s),
        )

    def _capability(self) -> Capability:
        rating = self._positive("NP_P_MAX", 1.0)
        apparent = self._positive("NP_VA_MAX", rating)
        charge = self._not_negative("NP_P_MAX_CHARGE", rating)
        reactive_first = {"REACTIVE": REACTIVE_FIRST, "ACTIVE": Capability().reactive_first_pu}
        reduced = self._one_of(
            "NP_Q_CAPABILITY_LOW_P", {"REDUCED": True, "SAME": False}, "SAME" if self._storage else "REDUCED"
        )
        return Capability(
            injection_min_pu=-charge / rating if self._storage else 0.0,
            apparent_pu=apparent / rating,
            reactive_injected_pu=self._not_negative("NP_Q_MAX_INJ", 0.44 * apparent) / apparent,
            reactive_absorbed_pu=self._not_negative("NP_Q_MAX_ABS", 0.44 * apparent) / apparent,
            reduced_at_low_power=reduced,
            reactive_first_pu=self._one_of("NP_PRIO_OUTSIDE_MIN_Q_REQ", reactive_first, "ACTIVE"),
        )

    def _active_power(self) -> ActivePower:
        limit_pu = self._number("AP_LIMIT", 1.0)
        return ActivePower(limit_pu=limit_pu if self._switch("AP_LIMIT_ENABLE") else None)

    def _curve(self, names: Sequence[tuple[str, str]], preset: Curve) -> Curve:
        corners = [
            (self._number(x_name, x), self._number(y_name, y))
            for (x_name, y_name), (x, y) in zip(names, preset.corners, strict=True)
        ]
        try:
            return Curve(tuple(corners))
        except ValueError as error:
            raise ValueError(f"{names[0][0]} to {names[-1][1]}: {error}") from error

    def _switch(self, name: str, default: str = "DISABLED") -> bool:
        return self._one_of(name, _SWITCH, default)

    def _one_of(self, name: str, choices: Mapping[str, T], default: str) -> T:
        value = self._value(name, default)
        if not isinstance(value, str) or value not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
        return choices[value]

    def _positive(self, name: str, default: float) -> float:
        number = self._number(name, default)
        if not number > 0.0:
            raise ValueError(f"{name} must be above 0, not {number:g}")
        return number

    def _not_negative(self, name: str, default: float) -> float:
        number = self._number(name, default)
        if number < 0.0:
            raise ValueError(f"{name} may not be negative, as {number:g} is")
        return number

    def _number(self, name: str, default: float) -> float:
        value = self._value(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > NUMBER_MAX:
            raise ValueError(f"{name} must be a number of at most {NUMBER_MAX:g}, not {value!r}")
        return float(value)

    def _value(self, name: str, default: object) -> object:
        self._read.add(name)
        return self._values.get(name, default)
