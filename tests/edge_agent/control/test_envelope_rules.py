"""Ratings and the owner's hard limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.control.envelope_rules import StoredEnergy, protection, ratings
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.envelope import Envelope
from vpp_core.ids import DerId

LIMITS = OwnerLimits(reserve_fraction=0.2, ceiling_fraction=0.9, evse_charge_w_min=1_440.0)
CAPACITY_WH = 10_000.0


def der(kind: DerKind, **ratings_w: float) -> DerDescription:
    return DerDescription(
        der_id=DerId("d"),
        kind=kind,
        name="d",
        manufacturer="m",
        model="m",
        serial="1",
        firmware="1",
        profile="p",
        **ratings_w,
    )


BATTERY = der(
    DerKind.BATTERY,
    injection_w_max=5_000.0,
    absorption_w_max=4_000.0,
    energy_capacity_wh=CAPACITY_WH,
    charge_efficiency=0.9,
    discharge_efficiency=0.8,
)


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        pytest.param(BATTERY, Envelope(-4_000.0, 5_000.0), id="a-battery-may-charge-and-discharge"),
        pytest.param(der(DerKind.PV, injection_w_max=6_000.0), Envelope(0.0, 6_000.0), id="pv-only-injects"),
        pytest.param(
            der(DerKind.EVSE, absorption_w_max=7_200.0),
            Envelope(-7_200.0, -1_440.0),
            id="an-evse-is-never-cut-below-the-least-charge",
        ),
        pytest.param(
            der(DerKind.EVSE, absorption_w_max=1_000.0),
            Envelope(-1_000.0, -1_000.0),
            id="an-evse-weaker-than-the-least-charge-is-left-alone",
        ),
        pytest.param(der(DerKind.METER), Envelope(0.0, 0.0), id="a-meter-is-never-commanded"),
    ],
)
def test_ratings_bound_every_command(device: DerDescription, expected: Envelope) -> None:
    assert ratings(device, LIMITS) == expected


@pytest.mark.parametrize(
    ("charge_pct", "injected_wh", "horizon_s", "expected"),
    [
        pytest.param(50.0, 0.0, 60.0, Envelope(-4_000.0, 5_000.0), id="in-the-middle-only-ratings-bind"),
        pytest.param(20.0, 0.0, 60.0, Envelope(-4_000.0, 0.0), id="at-the-reserve-it-only-charges"),
        pytest.param(10.0, 0.0, 60.0, Envelope(-4_000.0, 0.0), id="below-the-reserve-it-only-charges"),
        pytest.param(90.0, 0.0, 60.0, Envelope(0.0, 5_000.0), id="at-the-ceiling-it-only-discharges"),
        pytest.param(95.0, 0.0, 60.0, Envelope(0.0, 5_000.0), id="above-the-ceiling-it-only-discharges"),
        pytest.param(
            21.0,
            0.0,
            360.0,
            Envelope(-4_000.0, 800.0),
            id="near-the-reserve-the-rest-is-spread-over-the-horizon",
        ),
        pytest.param(
            89.1,
            0.0,
            360.0,
            Envelope(-1_000.0, 5_000.0),
            id="near-the-ceiling-the-room-is-spread-over-the-horizon",
        ),
        pytest.param(
            21.0, 40.0, 360.0, Envelope(-4_000.0, 400.0), id="what-was-injected-since-the-sample-is-gone"
        ),
        pytest.param(
            89.1, -50.0, 360.0, Envelope(-500.0, 5_000.0), id="what-was-absorbed-since-the-sample-is-in"
        ),
    ],
)
def test_a_battery_cannot_pass_the_owners_limits_within_the_horizon(
    charge_pct: float, injected_wh: float, horizon_s: float, expected: Envelope
) -> None:
    stored = StoredEnergy(state_of_charge_pct=charge_pct, injected_wh=injected_wh, horizon_s=horizon_s)
    found = protection(BATTERY, LIMITS, stored)
    assert (found.low_w, found.high_w) == pytest.approx((expected.low_w, expected.high_w))


def test_without_a_state_of_charge_a_battery_may_do_nothing() -> None:
    assert protection(BATTERY, LIMITS, None) == Envelope(0.0, 0.0)


def test_without_a_capacity_a_battery_may_do_nothing() -> None:
    unknown = der(DerKind.BATTERY, injection_w_max=5_000.0)
    stored = StoredEnergy(state_of_charge_pct=50.0, horizon_s=60.0)
    assert protection(unknown, LIMITS, stored) == Envelope(0.0, 0.0)


def test_pv_needs_no_state_of_charge() -> None:
    assert protection(der(DerKind.PV, injection_w_max=6_000.0), LIMITS, None) == Envelope(0.0, 6_000.0)


@given(
    charge_pct=st.floats(0.0, 100.0),
    wish_w=st.floats(-6_000.0, 6_000.0),
    horizon_s=st.floats(1.0, 3_600.0),
)
def test_no_setpoint_takes_the_cell_out_of_the_owners_window(
    charge_pct: float, wish_w: float, horizon_s: float
) -> None:
    allowed = protection(BATTERY, LIMITS, StoredEnergy(state_of_charge_pct=charge_pct, horizon_s=horizon_s))
    setpoint_w = allowed.clamp(wish_w)
    hours = horizon_s / 3_600.0
    drawn_wh = setpoint_w * hours / 0.8 if setpoint_w > 0.0 else setpoint_w * hours * 0.9
    before_wh = charge_pct / 100.0 * CAPACITY_WH
    after_wh = before_wh - drawn_wh
    assert after_wh >= min(before_wh, 0.2 * CAPACITY_WH) - 1e-6
    assert after_wh <= max(before_wh, 0.9 * CAPACITY_WH) + 1e-6
