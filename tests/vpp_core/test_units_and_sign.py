"""Conversions at the border: there and back, and the sign with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vpp_core import units
from vpp_core.sign import SignConvention

FINITE = st.floats(-1e9, 1e9)


@given(FINITE)
def test_kilo_and_mega_return_to_si(value: float) -> None:
    assert units.kw_from_watts(units.watts_from_kw(value)) == pytest.approx(value)
    assert units.mw_from_watts(units.watts_from_kw(value)) * 1e3 == pytest.approx(value)
    assert units.kwh_from_watt_hours(units.watt_hours_from_kwh(value)) == pytest.approx(value)


@given(FINITE, st.floats(1.0, 1e6))
def test_energy_over_its_duration_is_the_power(power_w: float, duration_s: float) -> None:
    energy_wh = units.energy_wh(power_w, duration_s)
    assert units.mean_power_w(energy_wh, duration_s) == pytest.approx(power_w)


def test_no_mean_power_over_no_time() -> None:
    with pytest.raises(ValueError, match="positive duration"):
        units.mean_power_w(1.0, 0.0)


def test_a_dead_band_compares_in_whole_millihertz() -> None:
    assert units.millihertz(50.0) - units.millihertz(49.964) == 36


@given(FINITE)
def test_consumption_becomes_negative_injection_and_returns(value: float) -> None:
    convention = SignConvention.CONSUMPTION_POSITIVE
    assert convention.to_core(value) == -value
    assert convention.from_core(convention.to_core(value)) == value
    assert SignConvention.INJECTION_POSITIVE.to_core(value) == value
