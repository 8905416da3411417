"""Ride-through (IEEE 1547-2018, 6.4.2 and 6.5.2): the region that a sample lies in."""

import pytest

from edge_agent.control.functions.ride_through import CEASING, Region, RideThrough
from edge_agent.control.functions.trips import Category
from edge_agent.control.functions.whole import per_million
from vpp_core.units import millihertz

pytestmark = pytest.mark.req("IEEE 1547-2018 6.4.2")


def region(
    category: Category, voltage_pu: float, frequency_hz: float = 60.0, nominal_hz: float = 60.0
) -> Region:
    return RideThrough(category, nominal_hz).region(per_million(voltage_pu), millihertz(frequency_hz))


@pytest.mark.parametrize(
    ("voltage_pu", "one", "two", "three"),
    [
        (1.25, Region.CEASE, Region.CEASE, Region.CEASE),
        (1.2, Region.PERMISSIVE, Region.PERMISSIVE, Region.MOMENTARY_CESSATION),
        (1.1, Region.CONTINUOUS, Region.CONTINUOUS, Region.CONTINUOUS),
        (0.88, Region.CONTINUOUS, Region.CONTINUOUS, Region.CONTINUOUS),
        (0.7, Region.MANDATORY, Region.MANDATORY, Region.MANDATORY),
        (0.6, Region.PERMISSIVE, Region.PERMISSIVE, Region.MANDATORY),
        (0.5, Region.PERMISSIVE, Region.PERMISSIVE, Region.MANDATORY),
        (0.4, Region.CEASE, Region.PERMISSIVE, Region.MOMENTARY_CESSATION),
        (0.1, Region.CEASE, Region.CEASE, Region.MOMENTARY_CESSATION),
    ],
)
def test_voltage(voltage_pu: float, one: Region, two: Region, three: Region) -> None:
    assert [region(category, voltage_pu) for category in Category] == [one, two, three]


@pytest.mark.parametrize(
    ("frequency_hz", "expected"),
    [
        (60.0, Region.CONTINUOUS),
        (58.8, Region.CONTINUOUS),
        (61.2, Region.CONTINUOUS),
        (58.799, Region.MANDATORY),
        (57.0, Region.MANDATORY),
        (61.8, Region.MANDATORY),
        (56.9, Region.NOT_DEFINED),
        (61.9, Region.NOT_DEFINED),
    ],
)
def test_frequency_scales_with_nominal(frequency_hz: float, expected: Region) -> None:
    assert region(Category.III, 1.0, frequency_hz) is expected
    at_50_hz = frequency_hz * 50.0 / 60.0
    if frequency_hz != 58.799:  # less than a mHz beside the edge at 50 Hz
        assert region(Category.III, 1.0, at_50_hz, 50.0) is expected


def test_abnormal_voltage_speaks_before_frequency() -> None:
    assert region(Category.III, 0.3, 58.0) is Region.MOMENTARY_CESSATION


def test_power_stays_unless_the_region_ceases() -> None:
    assert {Region.MOMENTARY_CESSATION, Region.CEASE} == CEASING
