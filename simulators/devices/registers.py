"""Which SunSpec models each device of a site shows, and what stands in them."""

from functools import partial
from math import ceil
from typing import Protocol

from simulators.devices.controls import WRITABLE, Controls, Ratings
from simulators.devices.evse import Evse
from simulators.devices.image import ModelInstance, Values
from simulators.devices.physics import BATTERY, EVSE, METER, PV, SitePhysics

MANUFACTURER = "Gridchorus Simulators"
FIRMWARE = "1.0.0"

_SINGLE_PHASE = 0
_ON, _SLEEPING, _RUNNING, _THROTTLED, _CONNECTED = 1, 1, 3, 4, 1
_CONTROL_MODES = 0b11
"""702 CtrlModes: MAX_W and FIXED_W."""
_SCALES_701 = {
    "A_SF": -2,
    "V_SF": -1,
    "Hz_SF": -3,
    "W_SF": 0,
    "PF_SF": -3,
    "VA_SF": 0,
    "Var_SF": 0,
    "TotWh_SF": -2,
    "TotVarh_SF": 0,
    "Tmp_SF": 0,
}
_SCALES_702 = {"W_SF": 0, "PF_SF": -3, "VA_SF": 0, "Var_SF": 0, "V_SF": 0, "A_SF": -1, "S_SF": 0}
_SCALES_704 = {
    "PF_SF": -3,
    "WMaxLimPct_SF": -2,
    "WSet_SF": 0,
    "WSetPct_SF": -2,
    "VarSet_SF": 0,
    "VarSetPct_SF": -2,
}
_VOLTAGE_NOMINAL_V = 240.0


class Grid(Protocol):
    def frequency_hz(self, at_s: float) -> float: ...

    def voltage_v(self, at_s: float) -> float: ...


def meter_models(site_id: str, physics: SitePhysics, grid: Grid) -> list[ModelInstance]:
    return [_common("Site meter", site_id, METER), _measurement(METER, physics, grid)]


def battery_models(site_id: str, physics: SitePhysics, grid: Grid) -> list[ModelInstance]:
    battery = physics.battery
    return [
        _common("Home battery", site_id, BATTERY),
        _measurement(BATTERY, physics, grid),
        _capacity(battery.config.ratings),
        _controls(battery.controls, physics),
        ModelInstance(
            number=713,
            fixed={"WHRtg": battery.config.energy_capacity_wh, "Sta": 0, "WH_SF": 0, "Pct_SF": -2},
            live=lambda: {"WHAvail": battery.energy_wh, "SoC": 100.0 * battery.state_of_charge},
        ),
    ]


def pv_models(site_id: str, physics: SitePhysics, grid: Grid) -> list[ModelInstance]:
    return [
        _common("PV inverter", site_id, PV),
        _measurement(PV, physics, grid),
        _capacity(physics.pv.config.ratings),
        _controls(physics.pv.controls, physics),
    ]


def evse_models(site_id: str, physics: SitePhysics, grid: Grid, evse: Evse) -> list[ModelInstance]:
    return [
        _common("Charging station", site_id, EVSE),
        _measurement(EVSE, physics, grid),
        _capacity(evse.config.ratings),
        _controls(evse.controls, physics),
        ModelInstance(
            number=713, fixed={"Sta": 0, "WH_SF": 1, "Pct_SF": -2}, live=partial(_session, evse, physics)
        ),
    ]


def _common(product: str, site_id: str, device: str) -> ModelInstance:
    return ModelInstance(
        number=1,
        fixed={"Mn": MANUFACTURER, "Md": product, "Vr": FIRMWARE, "SN": f"{site_id}-{device}"},
    )


def _measurement(device: str, physics: SitePhysics, grid: Grid) -> ModelInstance:
    """Model 701. Reactive power is zero: every device runs at unity power factor."""

    def live() -> Values:
        power_w = physics.power_w(device)
        voltage_v = grid.voltage_v(physics.now_s)
        counters = physics.counters[device]
        return {
            "InvSt": _THROTTLED if _throttled(device, physics) else _RUNNING if power_w else _SLEEPING,
            "W": power_w,
            "VA": abs(power_w),
            "A": power_w / voltage_v,
            "LNV": voltage_v,
            "LLV": voltage_v,
            "Hz": grid.frequency_hz(physics.now_s),
            "TotWhInj": counters.injected_wh,
            "TotWhAbs": counters.absorbed_wh,
        }

    fixed = {"ACType": _SINGLE_PHASE, "St": _ON, "ConnSt": _CONNECTED, "Alrm": 0, "Var": 0, "PF": 1.0}
    return ModelInstance(number=701, fixed={**_SCALES_701, **fixed}, live=live)


def _throttled(device: str, physics: SitePhysics) -> bool:
    return device == PV and physics.pv.available_w(physics.now_s) > physics.power_w(PV)


def _capacity(ratings: Ratings) -> ModelInstance:
    """Model 702: ratings, and settings that equal them."""
    injection_w, absorption_w = ratings.injection_w_max, ratings.absorption_w_max
    apparent_va = max(injection_w, absorption_w)
    powers = {
        "WMax": injection_w,
        "VAMax": apparent_va,
        "WChaRteMax": absorption_w,
        "WDisChaRteMax": injection_w if absorption_w else None,
        "VNom": _VOLTAGE_NOMINAL_V,
        "AMax": apparent_va / _VOLTAGE_NOMINAL_V,
    }
    ratings_and_settings = {**powers, **{f"{name}Rtg": value for name, value in powers.items()}}
    return ModelInstance(
        number=702, fixed={**_SCALES_702, **ratings_and_settings, "CtrlModes": _CONTROL_MODES}
    )


def _controls(controls: Controls, physics: SitePhysics) -> ModelInstance:
    """Model 704: the functions of active power; those of reactive power are not implemented."""

    def live() -> Values:
        values = controls.read(physics.now_s)
        return {
            name: float(ceil(value)) if name.endswith("RvrtRem") else value for name, value in values.items()
        }

    return ModelInstance(number=704, fixed=_SCALES_704, live=live, writable=WRITABLE, target=controls)


def _session(evse: Evse, physics: SitePhysics) -> Values:
    """Model 713 of a charging station: what the driver asked for, and what has been delivered."""
    session = evse.session(physics.now_s)
    if session is None:
        return {"WHRtg": 0.0, "WHAvail": 0.0, "SoC": None}
    return {
        "WHRtg": session.requested_wh,
        "WHAvail": evse.delivered_wh,
        "SoC": min(100.0, 100.0 * evse.delivered_wh / session.requested_wh),
    }
