"""Model 701: what the unit's instruments show at its terminals."""

from math import hypot, sqrt

from simulators.devices.image import ModelInstance, Values
from simulators.devices.inverter.snapshot import Alarm, Snapshot, State
from simulators.devices.maps.unit import FACTOR, FREQUENCY, TEMPERATURE, VOLTAGE, Scales, Unit, ratio

_ENERGY = -2
_SINGLE_PHASE, _THREE_PHASE = 0, 2
_PHASES = 3
ALARM_BITS = {
    Alarm.MANUAL_SHUTDOWN: 6,
    Alarm.OVER_TEMPERATURE: 7,
    Alarm.OVER_FREQUENCY: 8,
    Alarm.UNDER_FREQUENCY: 9,
    Alarm.OVER_VOLTAGE: 10,
    Alarm.UNDER_VOLTAGE: 11,
}
"""Bits that 701 Alrm and 101-103 Evt1 share."""
_MANUFACTURER_ALARM = 1 << 16
_GRID_FOLLOWING, _PV_CLIPPED = 1 << 0, 1 << 2
_MAX_W, _FIXED_W, _FREQ_WATT, _VOLT_WATT, _DERATED = 1 << 0, 1 << 1, 1 << 5, 1 << 10, 1 << 14
_NO_ALARM_TEXT = ""
_STILL_W = 1e-9


def measurement(unit: Unit, scales: Scales) -> ModelInstance:
    """Power factor has the sign of active power, as the model says; currents are magnitudes."""
    phases = unit.config.nameplate.phases
    fixed = {
        "ACType": _SINGLE_PHASE if phases == 1 else _THREE_PHASE,
        "A_SF": scales.current_sf,
        "V_SF": VOLTAGE,
        "Hz_SF": FREQUENCY,
        "W_SF": scales.power_sf,
        "PF_SF": FACTOR,
        "VA_SF": scales.apparent_sf,
        "Var_SF": scales.reactive_sf,
        "TotWh_SF": _ENERGY,
        "TotVarh_SF": _ENERGY,
        "Tmp_SF": TEMPERATURE,
    }

    def live() -> Values:
        shown = unit.snapshot()
        values: dict[str, float | str | None] = {**_total(shown), **_state(unit, shown)}
        for phase in range(phases):
            values |= _phase(shown, phase)
        return values

    return ModelInstance(number=701, fixed=fixed, live=live, stamp=unit.snapshot)


def line_to_line_v(shown: Snapshot, phase: int) -> float | None:
    """Voltage from a phase to the next one, 120 degrees apart; nothing on a single phase."""
    if len(shown.phase_voltage_v) < _PHASES:
        return None
    first_v, second_v = shown.phase_voltage_v[phase], shown.phase_voltage_v[(phase + 1) % _PHASES]
    return sqrt(first_v * first_v + second_v * second_v + first_v * second_v)


def alarm_bits(alarms: Alarm) -> int:
    return sum(1 << bit for alarm, bit in ALARM_BITS.items() if alarm in alarms)


def mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def signed_factor(factor: float, power_w: float) -> float:
    return -abs(factor) if power_w < 0.0 else abs(factor)


def _total(shown: Snapshot) -> dict[str, float | None]:
    lines_v = [line_to_line_v(shown, phase) for phase in range(_PHASES)]
    known_v = tuple(voltage_v for voltage_v in lines_v if voltage_v is not None)
    counters = shown.counters
    return {
        "W": shown.power_w,
        "VA": shown.apparent_va,
        "Var": shown.reactive_var,
        "PF": signed_factor(shown.power_factor, shown.power_w),
        "A": sum(shown.phase_current_a),
        "LLV": mean(known_v) if known_v else None,
        "LNV": mean(shown.phase_voltage_v),
        "Hz": shown.frequency_hz,
        "TotWhInj": counters.injected_wh,
        "TotWhAbs": counters.absorbed_wh,
        "TotVarhInj": counters.reactive_injected_varh,
        "TotVarhAbs": counters.reactive_absorbed_varh,
        "TmpSnk": shown.temperature_c,
    }


def _phase(shown: Snapshot, phase: int) -> dict[str, float | None]:
    """Counters of a phase are those of the unit where it has only one."""
    name, following = phase + 1, (phase + 1) % _PHASES + 1
    power_w, reactive_var = shown.phase_power_w[phase], shown.phase_reactive_var[phase]
    apparent_va = hypot(power_w, reactive_var)
    values = {
        f"WL{name}": power_w,
        f"VAL{name}": apparent_va,
        f"VarL{name}": reactive_var,
        f"PFL{name}": ratio(power_w, apparent_va) if apparent_va > _STILL_W else 1.0,
        f"AL{name}": shown.phase_current_a[phase],
        f"VL{name}L{following}": line_to_line_v(shown, phase),
        f"VL{name}": shown.phase_voltage_v[phase],
    }
    if len(shown.phase_power_w) == 1:
        counters = shown.counters
        values |= {
            "TotWhInjL1": counters.injected_wh,
            "TotWhAbsL1": counters.absorbed_wh,
            "TotVarhInjL1": counters.reactive_injected_varh,
            "TotVarhAbsL1": counters.reactive_absorbed_varh,
        }
    return values


def _state(unit: Unit, shown: Snapshot) -> dict[str, float | str | None]:
    lost = Alarm.HEARTBEAT_LOST in shown.alarms
    runs = shown.state in {State.RUNNING, State.THROTTLED}
    throttled = shown.state is State.THROTTLED
    clipped = throttled and unit.config.nameplate.pv_w_max > 0.0
    return {
        "St": 0 if shown.state is State.OFF else 1,
        "InvSt": int(shown.state),
        "ConnSt": int(shown.connected),
        "Alrm": alarm_bits(shown.alarms) | (_MANUFACTURER_ALARM if lost else 0),
        "DERMode": (_GRID_FOLLOWING if runs else 0) | (_PV_CLIPPED if clipped else 0),
        "ThrotPct": shown.throttled_pct,
        "ThrotSrc": _throttled_by(unit, shown) if throttled else 0,
        "MnAlrmInfo": "The controller has fallen silent" if lost else _NO_ALARM_TEXT,
    }


def _throttled_by(unit: Unit, shown: Snapshot) -> int:
    """Every source that at present may hold power back."""
    commands, settings, plate = unit.commands, unit.settings, unit.config.nameplate
    over_hz = shown.frequency_hz - plate.frequency_nominal_hz
    voltage_pu = mean(shown.phase_voltage_v) / plate.voltage_nominal_v
    droop, volt_watt = settings.frequency_droop, settings.volt_watt
    sources = {
        _MAX_W: commands.limit.enabled,
        _FIXED_W: commands.setpoint_w.enabled,
        _FREQ_WATT: droop.enabled and over_hz > droop.deadband_over_hz,
        _VOLT_WATT: volt_watt.enabled and voltage_pu > volt_watt.points[0][0],
        _DERATED: Alarm.OVER_TEMPERATURE in shown.alarms,
    }
    return sum(bit for bit, holds in sources.items() if holds)
