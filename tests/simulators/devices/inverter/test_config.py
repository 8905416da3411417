"""What no unit can have is refused, and the message names it."""

from dataclasses import replace

import pytest

from simulators.devices.functions.settings import EnterService, FunctionSettings
from simulators.devices.inverter.nameplate import ImpossibleRating, Kind, Nameplate
from tests.simulators.devices.inverter.rig import PLATES, config


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("state_of_charge", 1.01, id="more-than-full"),
        pytest.param("state_of_charge", -0.01, id="less-than-empty"),
        pytest.param("state_of_charge", float("nan"), id="not-a-number"),
        pytest.param("refresh_s", 0.01, id="refresh-too-quick"),
        pytest.param("refresh_s", 0.61, id="refresh-too-slow"),
        pytest.param("step_s", 0.0, id="no-step"),
        pytest.param("reactive_loss_pu", -0.1, id="reactive-power-that-gains"),
        pytest.param("heartbeat_timeout_s", 0.0, id="no-time-for-a-beat"),
        pytest.param("boot_s", -1.0, id="booted-before-it-began"),
        pytest.param("battery_w_max", 0.0, id="a-battery-without-power"),
        pytest.param("pv_voltage_v", 0.0, id="dead-modules"),
    ],
)
def test_an_impossible_figure_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        config("hybrid", **{name: value})


def test_impossible_functions_are_refused() -> None:
    with pytest.raises(ValueError, match="delay"):
        config("pv", functions=FunctionSettings(enter_service=EnterService(delay_s=-1.0)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"injection_w_max": 0.0}, "injection_w_max", id="no-power"),
        pytest.param({"apparent_va_max": 9_999.0}, "apparent_va_max", id="less-apparent-than-active"),
        pytest.param({"reactive_var_max": 10_001.0}, "reactive_var_max", id="more-reactive-than-apparent"),
        pytest.param({"energy_capacity_wh": 0.0}, "energy_capacity_wh", id="a-battery-of-nothing"),
        pytest.param({"phases": 2}, "phases", id="two-phases"),
        pytest.param({"frequency_nominal_hz": 55.0}, "frequency_nominal_hz", id="between-the-worlds"),
        pytest.param({"kind": Kind.PV}, "energy_capacity_wh", id="pv-with-a-battery"),
    ],
)
def test_an_impossible_plate_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ImpossibleRating, match=says):
        replace(PLATES["hybrid"], **changes)  # type: ignore[arg-type]


def test_full_charge_and_discharge_are_known_to_register_maps() -> None:
    assert (config("pv").charge_w_max, config("pv").discharge_w_max) == (0.0, 0.0)
    hybrid = config("hybrid", battery_w_max=5_000.0)
    assert (hybrid.charge_w_max, hybrid.discharge_w_max) == (5_000.0, 5_000.0)
    only_sun = Nameplate(kind=Kind.HYBRID, energy_capacity_wh=5_000.0, pv_w_max=6_000.0)
    assert replace(hybrid, nameplate=only_sun, battery_w_max=None).charge_w_max == 10_000.0
