"""Settings by their EPRI names become ours; what is unknown or wrong is named."""

from collections.abc import Mapping

import pytest

from edge_agent.control.functions.capability import REACTIVE_FIRST
from edge_agent.control.functions.frequency_droop import Latch
from edge_agent.control.functions.trips import Category, TripElement
from edge_agent.control.grid_code import GridCodeSettings
from edge_agent.replay.epri_settings import EpriSettings

WATT_VAR: dict[str, object] = {
    "QP_MODE_ENABLE": "ENABLED",
    "QP_CURVE_P3_GEN": 0.9,
    "QP_CURVE_Q3_GEN": -0.3,
    "QP_CURVE_P3_LOAD": -0.9,
    "QP_CURVE_Q3_LOAD": 0.3,
}


def made(
    values: Mapping[str, object], *, nominal_hz: float = 60.0, storage: bool = False
) -> GridCodeSettings:
    return EpriSettings(values, nominal_hz=nominal_hz, storage=storage).grid_code(Latch.SETTLED)


def read(**values: object) -> GridCodeSettings:
    return made(values)


def test_a_function_is_off_unless_it_is_enabled() -> None:
    settings = read(PF_KOF=0.02, QV_CURVE_V1=0.9, PV_OLRT=2.0)
    functions = settings.frequency_droop, settings.volt_var, settings.volt_watt, settings.watt_var
    assert functions == (None, None, None, None)


def test_droop() -> None:
    droop = read(
        PF_MODE_ENABLE="ENABLED", PF_DBOF=0.1, PF_DBUF=0.5, PF_KOF=0.07, PF_OLRT=10.0
    ).frequency_droop
    assert droop is not None
    assert (droop.deadband_over_hz, droop.deadband_under_hz) == (0.1, 0.5)
    assert (droop.droop_over_pu, droop.droop_under_pu, droop.response_s) == (0.07, 0.05, 10.0)
    assert droop.latch is Latch.SETTLED


def test_volt_var_with_a_reference_that_follows() -> None:
    settings = read(
        QV_MODE_ENABLE="ENABLED",
        QV_VREF=0.98,
        QV_VREF_AUTO_MODE="ENABLED",
        QV_VREF_TIME=600,
        QV_CURVE_Q4=-0.3,
    ).volt_var
    assert settings is not None
    assert (settings.reference_pu, settings.tracking_s) == (0.98, 600.0)
    assert settings.curve.corners[-1] == (1.08, -0.3)


def test_watt_var() -> None:
    settings = made(WATT_VAR).watt_var
    assert settings is not None
    assert (settings.curve.corners[0], settings.curve.corners[-1]) == ((-0.9, 0.3), (0.9, -0.3))


def test_the_category_comes_before_the_single_trips() -> None:
    settings = read(NP_ABNORMAL_OP_CAT="CAT_III", OV1_TRIP_T=1.0, UF1_TRIP_F=58.0)
    assert settings.category is Category.III
    assert settings.trips.ov1 == TripElement(1.1, 1.0)
    assert settings.trips.uf1 == TripElement(58.0, 300.0)
    assert settings.trips.uv1 == TripElement(0.88, 21.0)


def test_at_50_hz_the_presets_are_in_proportion() -> None:
    assert made({}, nominal_hz=50.0).trips.of1.threshold == pytest.approx(51.0)


def test_plate_and_limit() -> None:
    values: dict[str, object] = {
        "NP_P_MAX": 8e3,
        "NP_VA_MAX": 10e3,
        "NP_P_MAX_CHARGE": 4e3,
        "NP_Q_MAX_INJ": 5e3,
        "NP_PRIO_OUTSIDE_MIN_Q_REQ": "REACTIVE",
        "AP_LIMIT_ENABLE": "ENABLED",
        "AP_LIMIT": 0.7,
        "ES_PERMIT_SERVICE": "DISABLED",
    }
    settings = made(values, storage=True)
    assert (settings.capability.injection_min_pu, settings.capability.apparent_pu) == (-0.5, 1.25)
    assert settings.capability.reactive_injected_pu == 0.5
    assert settings.capability.reactive_first_pu == REACTIVE_FIRST
    assert settings.active_power.limit_pu == 0.7
    assert settings.permit_service is False


def test_the_longest_response_of_what_is_on() -> None:
    values: dict[str, object] = {
        "PF_MODE_ENABLE": "ENABLED",
        "PF_OLRT": 5.0,
        "PV_MODE_ENABLE": "ENABLED",
        "PV_OLRT": 60.0,
    }
    assert EpriSettings(values, nominal_hz=60.0, storage=False).response_s == 60.0
    assert EpriSettings(WATT_VAR, nominal_hz=60.0, storage=False).response_s == 10.0
    assert EpriSettings({"QV_OLRT": 90.0}, nominal_hz=60.0, storage=False).response_s == 0.0


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        pytest.param("PF_SLOPE", 0.05, "PF_SLOPE is not a setting", id="an-unknown-name"),
        pytest.param("PF_KOF", 0.0, "PF_KOF must be above 0", id="no-droop"),
        pytest.param("PF_DBOF", -0.1, "PF_DBOF may not be negative", id="a-negative-dead-band"),
        pytest.param("PF_OLRT", "quick", "PF_OLRT must be a number", id="a-word-for-a-number"),
        pytest.param("PF_OLRT", True, "PF_OLRT must be a number", id="a-truth-for-a-number"),
        pytest.param("PF_OLRT", None, "PF_OLRT must be a number", id="nothing-for-a-number"),
        pytest.param("NP_P_MAX", 1e10, "of at most 1e.09", id="no-device-is-so-large"),
        pytest.param("PF_MODE_ENABLE", "ON", "one of ENABLED, DISABLED", id="a-switch-of-another-kind"),
        pytest.param("PF_MODE_ENABLE", 1.0, "one of ENABLED, DISABLED", id="a-number-for-a-switch"),
        pytest.param("NP_ABNORMAL_OP_CAT", "CAT_IV", "one of CAT_I, CAT_II", id="no-such-category"),
        pytest.param("QV_CURVE_V2", 1.05, "QV_CURVE_V1 to QV_CURVE_Q4", id="a-curve-out-of-order"),
        pytest.param("NP_EFFICIENCY", 0.97, "NP_EFFICIENCY must be 1", id="a-devices-own-loss"),
        pytest.param("ES_RANDOMIZED_DELAY", 60.0, "ES_RANDOMIZED_DELAY must be 0", id="chance"),
        pytest.param("CONST_Q_MODE_ENABLE", "ENABLED", "must be DISABLED", id="a-function-that-is-not-ours"),
    ],
)
def test_what_is_wrong_is_named(name: str, value: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read(**{name: value})
