"""Ratings and the settings that stand under them: models 702, 120 and 121."""

from math import sqrt

from simulators.devices.functions.settings import Category
from simulators.devices.image import ModelInstance
from simulators.devices.inverter.nameplate import Kind, Nameplate
from simulators.devices.maps.block import Block, Writable
from simulators.devices.maps.unit import FACTOR, PERCENT, VOLTAGE, Scales, Unit, exponent

LEAST_PU = 0.01
"""The lowest a ceiling can be set, per unit of its rating: percentages of nothing mean nothing."""
_VOLTAGE_MAX_PU, _VOLTAGE_MIN_PU = 1.2, 0.5
_CATEGORY_B = 1
_ABNORMAL = {Category.ONE: 0, Category.TWO: 1, Category.THREE: 2}
_MODES = (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 12, 13)
"""702 CtrlModes: MAX_W, FIXED_W, FIXED_VAR, FIXED_PF, VOLT_VAR, FREQ_WATT, LV_TRIP, HV_TRIP, WATT_VAR,
VOLT_WATT, LF_TRIP, HF_TRIP."""
_PV_ONLY, _PV_AND_STORAGE = 4, 82
AMPERE_HOUR_V = 48.0
"""Voltage of the cells by which energy becomes charge (model 120 and 802 ask for ampere-hours)."""


class Ceilings:
    """The settings that bound a unit, in the units of its plate."""

    def __init__(self, unit: Unit) -> None:
        self._commands, self._plate = unit.commands, unit.config.nameplate

    @property
    def injection_w(self) -> float:
        return self._plate.injection_w_max * self._commands.injection_max_pu

    @injection_w.setter
    def injection_w(self, value: float) -> None:
        """A limit keeps its percentage."""
        new_pu = value / self._plate.injection_w_max
        factor = new_pu / self._commands.injection_max_pu
        self._commands.limit.value *= factor
        self._commands.limit.value_after *= factor
        self._commands.injection_max_pu = new_pu

    @property
    def absorption_w(self) -> float:
        return self._plate.absorption_w_max * self._commands.absorption_max_pu

    @absorption_w.setter
    def absorption_w(self, value: float) -> None:
        self._commands.absorption_max_pu = value / self._plate.absorption_w_max

    @property
    def apparent_va(self) -> float:
        return self._plate.apparent_va_max * self._commands.apparent_max_pu

    @apparent_va.setter
    def apparent_va(self, value: float) -> None:
        self._commands.apparent_max_pu = value / self._plate.apparent_va_max

    @property
    def injecting_var(self) -> float:
        return self._plate.reactive_var_max * self._commands.reactive_injecting_max_pu

    @injecting_var.setter
    def injecting_var(self, value: float) -> None:
        self._commands.reactive_injecting_max_pu = value / self._plate.reactive_var_max

    @property
    def absorbing_var(self) -> float:
        return self._plate.reactive_var_max * self._commands.reactive_absorbing_max_pu

    @absorbing_var.setter
    def absorbing_var(self, value: float) -> None:
        self._commands.reactive_absorbing_max_pu = value / self._plate.reactive_var_max

    def reactive_var(self, sign: float) -> float:
        return self.absorbing_var if sign < 0.0 else self.injecting_var

    def point(self, name: str, rating: float, *, sign: float = 1.0) -> Writable:
        """A setting that can be written, up to its rating."""
        bounds = sorted((sign * LEAST_PU * rating, sign * rating))
        return Writable(
            read=lambda: sign * float(getattr(self, name)),
            write=lambda value: setattr(self, name, sign * value),
            low=bounds[0],
            high=bounds[1],
        )


def power_factor_min(plate: Nameplate) -> float:
    """The least power factor with all of the reactive power at full apparent power."""
    return sqrt(max(0.0, 1.0 - (plate.reactive_var_max / plate.apparent_va_max) ** 2))


def current_a_max(plate: Nameplate) -> float:
    """Per phase."""
    return plate.apparent_va_max / plate.phases / plate.voltage_nominal_v


def capacity(unit: Unit, scales: Scales) -> ModelInstance:
    """Model 702. Its voltages are line to neutral: the model does not say, and 701 LNV compares with them."""
    plate, ceilings = unit.config.nameplate, Ceilings(unit)
    stores = plate.kind is not Kind.PV
    factor = power_factor_min(plate)
    at_factor_w = min(plate.injection_w_max, plate.apparent_va_max * factor)
    voltage_v = plate.voltage_nominal_v
    ratings = {
        "WMaxRtg": plate.injection_w_max,
        "WOvrExtRtg": at_factor_w,
        "WOvrExtRtgPF": factor,
        "WUndExtRtg": at_factor_w,
        "WUndExtRtgPF": factor,
        "VAMaxRtg": plate.apparent_va_max,
        "VarMaxInjRtg": plate.reactive_var_max,
        "VarMaxAbsRtg": plate.reactive_var_max,
        "WChaRteMaxRtg": plate.absorption_w_max,
        "WDisChaRteMaxRtg": plate.injection_w_max if stores else None,
        "VAChaRteMaxRtg": plate.apparent_va_max if stores else None,
        "VADisChaRteMaxRtg": plate.apparent_va_max if stores else None,
        "VNomRtg": voltage_v,
        "VMaxRtg": _VOLTAGE_MAX_PU * voltage_v,
        "VMinRtg": _VOLTAGE_MIN_PU * voltage_v,
        "AMaxRtg": current_a_max(plate),
        "NorOpCatRtg": _CATEGORY_B,
        "CtrlModes": sum(1 << bit for bit in _MODES),
        "IntIslandCatRtg": 0,
    }
    shown = {
        "WMaxOvrExt": at_factor_w,
        "WOvrExtPF": factor,
        "WMaxUndExt": at_factor_w,
        "WUndExtPF": factor,
        "VNom": voltage_v,
        "VMax": _VOLTAGE_MAX_PU * voltage_v,
        "VMin": _VOLTAGE_MIN_PU * voltage_v,
        "AMax": current_a_max(plate),
        "VAChaRteMax": plate.apparent_va_max if stores else None,
        "VADisChaRteMax": plate.apparent_va_max if stores else None,
    }
    points = {
        "WMax": ceilings.point("injection_w", plate.injection_w_max),
        "VAMax": ceilings.point("apparent_va", plate.apparent_va_max),
    }
    if plate.reactive_var_max:
        points["VarMaxInj"] = ceilings.point("injecting_var", plate.reactive_var_max)
        points["VarMaxAbs"] = ceilings.point("absorbing_var", plate.reactive_var_max)
    if plate.absorption_w_max:
        points["WChaRteMax"] = ceilings.point("absorption_w", plate.absorption_w_max)
    block = Block(unit, points)
    scale_factors = {
        "W_SF": scales.power_sf,
        "PF_SF": FACTOR,
        "VA_SF": scales.apparent_sf,
        "Var_SF": scales.reactive_sf,
        "V_SF": VOLTAGE,
        "A_SF": scales.current_sf,
        "S_SF": 0,
    }
    return ModelInstance(
        number=702,
        fixed={**scale_factors, **ratings, **shown},
        live=lambda: {
            **block.read(),
            "WDisChaRteMax": ceilings.injection_w if stores else None,
            "AbnOpCatRtg": _ABNORMAL[unit.settings.trips.category],
        },
        writable=block.names,
        target=block,
    )


def nameplate(unit: Unit, scales: Scales) -> ModelInstance:
    """Model 120. Quadrants are the generator's (1 injects both); power factors are signed as in EEI."""
    plate = unit.config.nameplate
    stores = plate.kind is not Kind.PV
    factor, charge_ah = power_factor_min(plate), plate.energy_capacity_wh / AMPERE_HOUR_V
    storage = {
        "WHRtg": plate.energy_capacity_wh,
        "WHRtg_SF": scales.energy_sf,
        "AhrRtg": charge_ah,
        "AhrRtg_SF": exponent(charge_ah, finest=-1),
        "MaxChaRte": plate.absorption_w_max,
        "MaxChaRte_SF": scales.power_sf,
        "MaxDisChaRte": plate.injection_w_max,
        "MaxDisChaRte_SF": scales.power_sf,
    }
    ratings = {
        "DERTyp": _PV_AND_STORAGE if stores else _PV_ONLY,
        "WRtg": plate.injection_w_max,
        "WRtg_SF": scales.power_sf,
        "VARtg": plate.apparent_va_max,
        "VARtg_SF": scales.apparent_sf,
        "VArRtgQ1": plate.reactive_var_max,
        "VArRtgQ2": plate.reactive_var_max if stores else None,
        "VArRtgQ3": -plate.reactive_var_max if stores else None,
        "VArRtgQ4": -plate.reactive_var_max,
        "VArRtg_SF": scales.reactive_sf,
        "ARtg": current_a_max(plate),
        "ARtg_SF": scales.current_sf,
        "PFRtgQ1": -factor,
        "PFRtgQ2": factor if stores else None,
        "PFRtgQ3": -factor if stores else None,
        "PFRtgQ4": factor,
        "PFRtg_SF": FACTOR,
    }
    return ModelInstance(number=120, fixed={**ratings, **(storage if stores else {})})


def basic_settings(unit: Unit, scales: Scales) -> ModelInstance:
    """Model 121: the same ceilings as 702, and the default ramp."""
    plate, commands, ceilings = unit.config.nameplate, unit.commands, Ceilings(unit)
    stores = plate.kind is not Kind.PV
    points = {
        "WMax": ceilings.point("injection_w", plate.injection_w_max),
        "VAMax": ceilings.point("apparent_va", plate.apparent_va_max),
    }
    if plate.reactive_var_max:
        points["VArMaxQ1"] = ceilings.point("injecting_var", plate.reactive_var_max)
        points["VArMaxQ4"] = ceilings.point("absorbing_var", plate.reactive_var_max, sign=-1.0)
    block = Block(unit, points)
    factor = power_factor_min(plate)
    shown = {
        "VRef": plate.voltage_nominal_v,
        "VRefOfs": 0,
        "VMax": _VOLTAGE_MAX_PU * plate.voltage_nominal_v,
        "VMin": _VOLTAGE_MIN_PU * plate.voltage_nominal_v,
        "PFMinQ1": -factor,
        "PFMinQ4": factor,
        "ClcTotVA": 1,
        "ECPNomHz": plate.frequency_nominal_hz,
        "ConnPh": 1 if plate.phases == 1 else None,
    }
    scale_factors = {
        "WMax_SF": scales.power_sf,
        "VRef_SF": VOLTAGE,
        "VRefOfs_SF": VOLTAGE,
        "VMinMax_SF": VOLTAGE,
        "VAMax_SF": scales.apparent_sf,
        "VArMax_SF": scales.reactive_sf,
        "WGra_SF": PERCENT,
        "PFMin_SF": FACTOR,
        "ECPNomHz_SF": -2,
    }

    def live() -> dict[str, float | None]:
        ramp_s = commands.setpoint_w.ramp_s
        return {
            **block.read(),
            "VArMaxQ2": ceilings.injecting_var if stores else None,
            "VArMaxQ3": -ceilings.absorbing_var if stores else None,
            "WGra": 100.0 / ramp_s if ramp_s else None,
        }

    return ModelInstance(
        number=121, fixed={**scale_factors, **shown}, live=live, writable=block.names, target=block
    )
