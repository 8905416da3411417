"""Capability and priority (IEEE 1547-2018, 5.2): active and reactive power that are possible together."""

from math import hypot

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.functions.capability import ACTIVE_FIRST, REACTIVE_FIRST, Capability

pytestmark = pytest.mark.req("IEEE 1547-2018 5.2")


@pytest.mark.parametrize(
    ("capability", "wanted", "possible"),
    [
        pytest.param(Capability(), (0.5, 0.2), (0.5, 0.2), id="what-fits-stays"),
        pytest.param(Capability(), (0.5, 0.6), (0.5, 0.44), id="injected-vars-end-at-their-rating"),
        pytest.param(Capability(), (0.5, -0.6), (0.5, -0.44), id="absorbed-vars-end-at-their-rating"),
        pytest.param(Capability(), (1.0, 0.44), (0.897998, 0.44), id="required-vars-go-before-power"),
        pytest.param(Capability(), (-1.0, 0.44), (-0.897998, 0.44), id="and-before-charging"),
        pytest.param(
            Capability(reactive_first_pu=ACTIVE_FIRST),
            (0.98, 0.44),
            (0.98, 0.198997),
            id="active-power-first",
        ),
        pytest.param(
            Capability(reactive_first_pu=ACTIVE_FIRST), (1.0, -0.44), (1.0, 0.0), id="active-power-takes-all"
        ),
        pytest.param(
            Capability(reactive_injected_pu=0.8, reactive_first_pu=REACTIVE_FIRST),
            (0.9, 0.8),
            (0.6, 0.8),
            id="all-vars-first",
        ),
        pytest.param(
            Capability(reactive_injected_pu=0.8), (0.9, 0.8), (0.897998, 0.44), id="only-required-vars-first"
        ),
        pytest.param(
            Capability(reduced_at_low_power=True), (0.2, 0.5), (0.2, 0.44), id="full-vars-from-20-percent"
        ),
        pytest.param(
            Capability(reduced_at_low_power=True), (0.05, 0.5), (0.05, 0.11), id="a-quarter-at-5-percent"
        ),
        pytest.param(
            Capability(reduced_at_low_power=True), (0.04, 0.5), (0.04, 0.0), id="none-below-5-percent"
        ),
    ],
)
def test_what_is_possible(
    capability: Capability, wanted: tuple[float, float], possible: tuple[float, float]
) -> None:
    assert capability.fit(*wanted) == pytest.approx(possible, abs=1e-6)


CAPABILITIES = st.builds(
    Capability,
    apparent_pu=st.floats(0.2, 1.2),
    reactive_first_pu=st.sampled_from((ACTIVE_FIRST, 0.44, REACTIVE_FIRST)),
    reduced_at_low_power=st.booleans(),
)


@given(CAPABILITIES, st.floats(-1.5, 1.5), st.floats(-1.5, 1.5))
def test_never_more_than_wanted_or_rated(
    capability: Capability, injection_pu: float, reactive_pu: float
) -> None:
    active, reactive = capability.fit(injection_pu, reactive_pu)
    assert abs(active) <= abs(injection_pu)
    assert abs(reactive) <= abs(reactive_pu)
    assert active * injection_pu >= 0.0
    assert reactive * reactive_pu >= 0.0
    assert hypot(active, reactive) <= max(capability.apparent_pu, 0.44) + 1e-9
