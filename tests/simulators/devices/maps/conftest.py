import pytest

from tests.simulators.devices.maps.unit_bench import UnitBench


@pytest.fixture
def bench() -> UnitBench:
    """A three-phase hybrid that shows everything."""
    return UnitBench()
