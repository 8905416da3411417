"""What the unit's instruments show, in the older models: 101-103, their float twins 111-113, and 122."""

from simulators.devices.image import ModelInstance, Values
from simulators.devices.inverter.commands import Commands
from simulators.devices.inverter.nameplate import Kind
from simulators.devices.inverter.snapshot import Alarm, Snapshot, State
from simulators.devices.maps.capacity import Ceilings
from simulators.devices.maps.direct_current import dc_w_max
from simulators.devices.maps.measurement import alarm_bits, line_to_line_v
from simulators.devices.maps.unit import PERCENT, TEMPERATURE, VOLTAGE, Scales, Unit, exponent, ratio

EPOCH_2000_S = 946_684_800.0
"""Unix seconds of 1 January 2000 UTC, from which model 122 counts."""
SPLIT_PHASE = frozenset({102, 112})
FLOAT = frozenset({111, 112, 113})
_FREQUENCY = -2
_PHASES = "ABC"
_COMMUNICATION_LOST = 1 << 0
_CONNECTED, _AVAILABLE, _OPERATING = 1 << 0, 1 << 1, 1 << 2
_GRID_CONNECTED = 1 << 1
_STATUS_RUNNING = frozenset({State.RUNNING, State.THROTTLED})
_RTC = "RTC"


def inverter(number: int, unit: Unit, scales: Scales) -> ModelInstance:
    """One of 101, 102, 103, 111, 112, 113.

    The power factor, in percent, is signed as in EEI: negative where the unit is over-excited while it
    injects (or under-excited while it absorbs). The counter of energy injected wraps in the integer models.
    """
    scale_factors = {
        "A_SF": scales.current_sf,
        "V_SF": VOLTAGE,
        "W_SF": scales.power_sf,
        "Hz_SF": _FREQUENCY,
        "VA_SF": scales.apparent_sf,
        "VAr_SF": scales.reactive_sf,
        "PF_SF": PERCENT,
        "WH_SF": 0,
        "DCA_SF": scales.current_sf,
        "DCV_SF": VOLTAGE,
        "DCW_SF": exponent(dc_w_max(unit), finest=scales.power_sf),
        "Tmp_SF": TEMPERATURE,
    }
    fixed = {"Evt2": 0, "EvtVnd2": 0, "EvtVnd3": 0, "EvtVnd4": 0}

    def live() -> Values:
        shown = unit.snapshot()
        legs = _split(shown) if number in SPLIT_PHASE else _legs(shown)
        return {**legs, **_totals(shown), **_direct_current(shown), **_status(shown)}

    return ModelInstance(
        number=number,
        fixed=fixed if number in FLOAT else {**scale_factors, **fixed},
        live=live,
        stamp=unit.snapshot,
    )


def status(unit: Unit, scales: Scales) -> ModelInstance:
    """Model 122: counters, what is available, which controls act, and the device's own time."""
    plate, ceilings = unit.config.nameplate, Ceilings(unit)

    def live() -> Values:
        shown = unit.snapshot()
        counters = shown.counters
        present = _presence(shown)
        free_va2 = ceilings.apparent_va**2 - shown.power_w**2
        return {
            "PVConn": present if plate.kind is not Kind.BATTERY else 0,
            "StorConn": present if plate.kind is not Kind.PV else 0,
            "ECPConn": _GRID_CONNECTED if shown.connected else 1,
            "ActWh": counters.injected_wh,
            "ActVArhQ1": counters.reactive_injected_varh,
            "ActVArhQ4": counters.reactive_absorbed_varh,
            "VArAval": min(max(free_va2, 0.0) ** 0.5, ceilings.injecting_var),
            "WAval": max(0.0, shown.available_w),
            "StActCtl": _active_controls(unit),
            "Tms": max(0.0, shown.at_s - EPOCH_2000_S),
            "StSetLimMsk": 0,
            "RtSt": 0,
        }

    return ModelInstance(
        number=122,
        fixed={"VArAval_SF": scales.reactive_sf, "WAval_SF": scales.power_sf, "TmSrc": _RTC},
        live=live,
    )


def _legs(shown: Snapshot) -> dict[str, float | None]:
    """Each phase by itself."""
    values: dict[str, float | None] = {"A": sum(shown.phase_current_a)}
    for index, name in enumerate(_PHASES[: len(shown.phase_voltage_v)]):
        values[f"Aph{name}"] = shown.phase_current_a[index]
        values[f"PhVph{name}"] = shown.phase_voltage_v[index]
        following = _PHASES[(index + 1) % len(_PHASES)]
        values[f"PPVph{name}{following}"] = line_to_line_v(shown, index)
    return values


def _split(shown: Snapshot) -> dict[str, float | None]:
    """A single-phase unit between two legs, each with half of the voltage and all of the current."""
    voltage_v, current_a = shown.phase_voltage_v[0], shown.phase_current_a[0]
    return {
        "A": 2.0 * current_a,
        "AphA": current_a,
        "AphB": current_a,
        "PPVphAB": voltage_v,
        "PhVphA": voltage_v / 2.0,
        "PhVphB": voltage_v / 2.0,
    }


def _totals(shown: Snapshot) -> dict[str, float | None]:
    same_sign = shown.power_w * shown.reactive_var > 0.0
    return {
        "W": shown.power_w,
        "Hz": shown.frequency_hz,
        "VA": shown.apparent_va,
        "VAr": shown.reactive_var,
        "PF": (-100.0 if same_sign else 100.0) * abs(shown.power_factor),
        "WH": shown.counters.injected_wh,
    }


def _direct_current(shown: Snapshot) -> dict[str, float | None]:
    """Of all inputs together, at the voltage of the one that the unit has (PV before a battery)."""
    power_w = shown.pv_w + shown.battery_w
    voltage_v = shown.pv_voltage_v or shown.battery_voltage_v
    return {"DCW": power_w, "DCV": voltage_v, "DCA": abs(ratio(power_w, voltage_v))}


def _status(shown: Snapshot) -> dict[str, float | None]:
    return {
        "TmpCab": shown.temperature_c,
        "TmpSnk": shown.temperature_c,
        "St": int(shown.state) + 1,
        "StVnd": int(shown.state),
        "Evt1": alarm_bits(shown.alarms),
        "EvtVnd1": _COMMUNICATION_LOST if Alarm.HEARTBEAT_LOST in shown.alarms else 0,
    }


def _presence(shown: Snapshot) -> int:
    runs = shown.state in _STATUS_RUNNING
    return (
        (_CONNECTED if shown.connected else 0)
        | (_AVAILABLE if shown.state is not State.FAULT else 0)
        | (_OPERATING if runs else 0)
    )


def _active_controls(unit: Unit) -> int:
    commands, settings = unit.commands, unit.settings
    acting = {
        0: commands.limit.enabled or commands.setpoint_w.enabled,
        1: commands.reactive_pu.enabled,
        2: _holds_power_factor(commands),
        3: settings.volt_var.enabled,
        4: settings.frequency_droop.enabled,
        10: settings.volt_watt.enabled,
    }
    return sum(1 << bit for bit, acts in acting.items() if acts)


def _holds_power_factor(commands: Commands) -> bool:
    return commands.power_factor_injecting.enabled or commands.power_factor_absorbing.enabled
