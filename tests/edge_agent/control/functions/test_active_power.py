"""Limit of active power (IEEE 1547-2018, 4.6.2) and the ramp of what is wanted."""

import pytest

from edge_agent.control.functions.active_power import ActivePower, wanted

pytestmark = pytest.mark.req("IEEE 1547-2018 4.6.2")


@pytest.mark.parametrize(
    ("settings", "was_pu", "wanted_pu", "expected_pu"),
    [
        pytest.param(ActivePower(), 0.0, 0.9, 0.9, id="nothing-set-changes-nothing"),
        pytest.param(ActivePower(limit_pu=0.4), 0.0, 0.9, 0.4, id="the-limit-cuts"),
        pytest.param(ActivePower(limit_pu=0.4), 0.0, -0.9, -0.9, id="the-limit-is-one-of-injection"),
        pytest.param(ActivePower(ramp_pu_per_s=0.1), 0.5, 0.9, 0.55, id="the-ramp-rises"),
        pytest.param(ActivePower(ramp_pu_per_s=0.1), 0.5, -0.9, 0.45, id="the-ramp-falls"),
        pytest.param(ActivePower(ramp_pu_per_s=0.1), 0.5, 0.51, 0.51, id="a-small-step-is-done"),
        pytest.param(ActivePower(ramp_pu_per_s=0.1), None, 0.9, 0.9, id="the-first-value-is-taken"),
    ],
)
def test_half_a_second(
    settings: ActivePower, was_pu: float | None, wanted_pu: float, expected_pu: float
) -> None:
    assert wanted(settings, was_pu, wanted_pu, 0.5) == pytest.approx(expected_pu)
