"""The battery behind an inverter: models 713, 802 and 124."""

from simulators.devices.image import ModelInstance, Values
from simulators.devices.inverter.snapshot import Alarm, Snapshot, State
from simulators.devices.maps.block import Block, Stored, Writable, attribute, timer
from simulators.devices.maps.capacity import AMPERE_HOUR_V
from simulators.devices.maps.operation import Operation
from simulators.devices.maps.unit import PERCENT, SIGNED_MAX, VOLTAGE, Scales, Unit, exponent, ratio

_PERCENTS = 100.0
_OFF, _EMPTY, _DISCHARGING, _CHARGING, _FULL, _HOLDING = 1, 2, 3, 4, 5, 6
_NEARLY_EMPTY_PU, _NEARLY_FULL_PU = 0.001, 0.999
_STILL_W = 10.0
_LITHIUM_ION = 4
_DISCONNECTED, _CONNECTED, _STANDBY, _FAULT = 1, 3, 4, 99
_CONNECT, _DISCONNECT = 1, 2
_STOPPED, _STARTED = 1, 3
_OVER_TEMPERATURE_ALARM, _COMMUNICATION_ERROR = 1 << 1, 1 << 0
_TIMER_S_MAX, _HEARTBEAT_MAX = 0xFFFE, 0xFFFE
_CURRENT = -1


def storage_capacity(unit: Unit, scales: Scales) -> ModelInstance:
    """Model 713."""
    capacity_wh = unit.config.nameplate.energy_capacity_wh

    def live() -> Values:
        shown = unit.snapshot()
        return {"WHAvail": shown.energy_wh, "SoC": _charge_percent(shown)}

    return ModelInstance(
        number=713,
        fixed={
            "WHRtg": capacity_wh,
            "SoH": _PERCENTS,
            "Sta": 0,
            "WH_SF": exponent(capacity_wh, finest=min(scales.energy_sf, 0)),
            "Pct_SF": PERCENT,
        },
        live=live,
        stamp=unit.snapshot,
    )


def battery(unit: Unit, scales: Scales, operation: Operation) -> ModelInstance:
    """Model 802. W and A are positive while discharging; Hb is 16 bits of the unit's own counter."""
    config, commands = unit.config, unit.commands
    charge_ah = config.nameplate.energy_capacity_wh / AMPERE_HOUR_V
    block = Block(
        unit,
        {
            "SoCRsvMin": attribute(commands, "reserve_pu", low=0.0, high=_PERCENTS, factor=_PERCENTS),
            "CtrlHb": operation.controller_heartbeat(_HEARTBEAT_MAX),
            "AlmRst": operation.alarm_reset(),
            "SetOp": operation.connection(connect=_CONNECT, disconnect=_DISCONNECT),
            "SetInvState": operation.running(start=_STARTED, stop=_STOPPED),
        },
    )
    current = exponent(
        config.discharge_w_max / config.battery_voltage_v * 2.0, finest=_CURRENT, room=SIGNED_MAX
    )
    fixed = {
        "AHRtg": charge_ah,
        "WHRtg": config.nameplate.energy_capacity_wh,
        "WChaRteMax": config.charge_w_max,
        "WDisChaRteMax": config.discharge_w_max,
        "SoCMax": _PERCENTS,
        "SoCMin": 0,
        "SocRsvMax": _PERCENTS,
        "SoH": _PERCENTS,
        "Typ": _LITHIUM_ION,
        "Evt2": 0,
        "EvtVnd1": 0,
        "EvtVnd2": 0,
        "ReqInvState": 0,
        "AChaMax": config.charge_w_max / config.battery_voltage_v,
        "ADisChaMax": config.discharge_w_max / config.battery_voltage_v,
        "AHRtg_SF": exponent(charge_ah, finest=-1),
        "WHRtg_SF": scales.energy_sf,
        "WChaDisChaMax_SF": exponent(max(config.charge_w_max, config.discharge_w_max), finest=0),
        "SoC_SF": PERCENT,
        "DoD_SF": PERCENT,
        "SoH_SF": PERCENT,
        "V_SF": VOLTAGE,
        "CellV_SF": -3,
        "A_SF": current,
        "AMax_SF": current,
        "W_SF": exponent(2.0 * config.discharge_w_max, finest=0),
    }

    def live() -> Values:
        shown = unit.snapshot()
        percent = _charge_percent(shown)
        return {
            **block.read(),
            "SoC": percent,
            "DoD": _PERCENTS - percent,
            "NCyc": int(ratio(shown.counters.battery_out_wh, config.nameplate.energy_capacity_wh)),
            "ChaSt": _charge_state(shown),
            "LocRemCtl": int(unit.local),
            "Hb": unit.heartbeat % (_HEARTBEAT_MAX + 1),
            "State": _bank_state(shown),
            "Evt1": _events(shown),
            "V": shown.battery_voltage_v,
            "A": ratio(shown.battery_w, shown.battery_voltage_v),
            "W": shown.battery_w,
        }

    return ModelInstance(number=802, fixed=fixed, live=live, writable=block.names, target=block)


def basic_storage(unit: Unit, scales: Scales) -> ModelInstance:
    """Model 124: limits of charging and discharging; a negative one forces the other direction."""
    config, commands = unit.config, unit.commands
    charge, discharge = commands.charge_limit, commands.discharge_limit
    both = (charge, discharge)
    charge_ah = config.nameplate.energy_capacity_wh / AMPERE_HOUR_V
    ramp = Stored(0.0)

    def mode(value: float) -> None:
        charge.enabled, discharge.enabled = bool(int(value) & 1), bool(int(value) & 2)

    def ramps(value: float) -> None:
        ramp.set(value)
        charge.ramp_s = discharge.ramp_s = value

    def grid(value: float) -> None:
        commands.charges_from_grid = value > 0.0

    block = Block(
        unit,
        {
            "MinRsvPct": attribute(commands, "reserve_pu", low=0.0, high=_PERCENTS, factor=_PERCENTS),
            "OutWRte": attribute(
                discharge, "value", low=-_PERCENTS, high=_PERCENTS, factor=_PERCENTS, commands=(discharge,)
            ),
            "InWRte": attribute(
                charge, "value", low=-_PERCENTS, high=_PERCENTS, factor=_PERCENTS, commands=(charge,)
            ),
            "InOutWRte_WinTms": Stored(0.0).writable(0.0, 0.0),
            "InOutWRte_RvrtTms": timer(both, _TIMER_S_MAX),
            "InOutWRte_RmpTms": Writable(read=ramp.get, write=ramps, high=_TIMER_S_MAX),
            "ChaGriSet": Writable(read=lambda: float(commands.charges_from_grid), write=grid),
            "StorCtl_Mod": Writable(
                read=lambda: float(charge.enabled | discharge.enabled << 1),
                write=mode,
                high=3.0,
                commands=both,
            ),
        },
    )
    fixed = {
        "WChaMax": config.charge_w_max,
        "WChaGra": _PERCENTS,
        "WDisChaGra": _PERCENTS,
        "WChaMax_SF": exponent(config.charge_w_max, finest=min(scales.power_sf, 0)),
        "WChaDisChaGra_SF": 0,
        "MinRsvPct_SF": PERCENT,
        "ChaState_SF": PERCENT,
        "StorAval_SF": exponent(charge_ah, finest=-1),
        "InBatV_SF": VOLTAGE,
        "InOutWRte_SF": PERCENT,
    }

    def live() -> Values:
        shown = unit.snapshot()
        free = max(0.0, (shown.state_of_charge or 0.0) - commands.reserve_pu)
        return {
            **block.read(),
            "ChaState": _charge_percent(shown),
            "StorAval": free * charge_ah,
            "InBatV": shown.battery_voltage_v,
            "ChaSt": _charge_state(shown),
        }

    return ModelInstance(number=124, fixed=fixed, live=live, writable=block.names, target=block)


def _charge_percent(shown: Snapshot) -> float:
    return 100.0 * (shown.state_of_charge or 0.0)


def _charge_state(shown: Snapshot) -> int:
    if not shown.connected or shown.state is State.OFF:
        return _OFF
    if shown.battery_w > _STILL_W:
        return _DISCHARGING
    if shown.battery_w < -_STILL_W:
        return _CHARGING
    charge_pu = shown.state_of_charge or 0.0
    if charge_pu <= _NEARLY_EMPTY_PU:
        return _EMPTY
    return _FULL if charge_pu >= _NEARLY_FULL_PU else _HOLDING


def _bank_state(shown: Snapshot) -> int:
    if shown.state is State.FAULT:
        return _FAULT
    if not shown.connected:
        return _DISCONNECTED
    return _CONNECTED if shown.state in {State.RUNNING, State.THROTTLED} else _STANDBY


def _events(shown: Snapshot) -> int:
    return (_OVER_TEMPERATURE_ALARM if Alarm.OVER_TEMPERATURE in shown.alarms else 0) | (
        _COMMUNICATION_ERROR if Alarm.HEARTBEAT_LOST in shown.alarms else 0
    )
