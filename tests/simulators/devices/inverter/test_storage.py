"""The cells never leave their window, and do not flutter at its borders."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulators.devices.inverter.storage import Storage
from tests.simulators.devices.inverter.rig import STEP_S, rig

CAPACITY_WH = 1_000.0


def drain(storage: Storage, wanted_w: float, steps: int) -> list[float]:
    """Ask for a power (discharging positive), and return what flowed."""
    flows = []
    for _ in range(steps):
        power_w = min(max(wanted_w, -storage.charge_w_max(1.0)), storage.discharge_w_max(1.0))
        storage.give(power_w, 1.0)
        flows.append(power_w)
    return flows


def test_discharging_ends_exactly_at_nothing() -> None:
    storage = Storage(CAPACITY_WH, 0.001)
    flows = drain(storage, 2_000.0, 4)
    assert flows == pytest.approx([2_000.0, 1_600.0, 0.0, 0.0])
    assert storage.energy_wh == pytest.approx(0.0, abs=1e-9)


def test_charging_ends_exactly_at_full() -> None:
    storage = Storage(CAPACITY_WH, 0.999)
    assert drain(storage, -2_000.0, 3) == pytest.approx([-2_000.0, -1_600.0, 0.0])
    assert storage.state_of_charge == pytest.approx(1.0)


def test_the_reserve_is_held_back_and_can_be_let_go() -> None:
    storage = Storage(CAPACITY_WH, 0.5)
    storage.keep(0.4995)
    assert sum(drain(storage, 1_000.0, 10)) == pytest.approx(0.0005 * CAPACITY_WH * 3_600.0)
    storage.keep(0.0)
    assert drain(storage, 1_000.0, 1) == [1_000.0]


def test_a_reserve_above_the_charge_stops_discharging_and_forces_nothing() -> None:
    storage = Storage(CAPACITY_WH, 0.5)
    storage.keep(0.8)
    assert storage.discharge_w_max(1.0) == 0.0
    assert storage.charge_w_max(1.0) > 0.0


def test_a_full_battery_charges_again_only_when_room_has_come() -> None:
    storage = Storage(CAPACITY_WH, 1.0)
    drain(storage, 3_600.0, 4)
    assert storage.charge_w_max(1.0) == 0.0
    drain(storage, 3_600.0, 2)
    assert storage.charge_w_max(1.0) == pytest.approx(6 * 3_600.0)


def test_an_empty_battery_discharges_again_only_when_something_has_come() -> None:
    storage = Storage(CAPACITY_WH, 0.0)
    drain(storage, -3_600.0, 5)
    assert storage.discharge_w_max(1.0) == 0.0
    drain(storage, -3_600.0, 1)
    assert storage.discharge_w_max(1.0) > 0.0


@given(
    charged=st.floats(0.0, 1.0),
    reserve_pu=st.floats(0.0, 1.0),
    wishes_w=st.lists(st.floats(-1e6, 1e6), max_size=40),
)
def test_no_wish_drives_it_out_of_its_window(
    charged: float, reserve_pu: float, wishes_w: list[float]
) -> None:
    storage = Storage(CAPACITY_WH, charged)
    storage.keep(reserve_pu)
    lowest_wh = min(storage.energy_wh, reserve_pu * CAPACITY_WH)
    for wanted_w in wishes_w:
        drain(storage, wanted_w, 1)
        assert lowest_wh - 1e-6 <= storage.energy_wh <= CAPACITY_WH


@given(
    charged=st.floats(0.0, 1.0),
    power_w=st.floats(-50_000.0, 50_000.0),
    reserve_pu=st.sampled_from([0.0, 0.3, 1.0]),
)
def test_calm_steps_keep_their_word(charged: float, power_w: float, reserve_pu: float) -> None:
    storage = Storage(CAPACITY_WH, charged)
    storage.keep(reserve_pu)
    power_w = min(max(power_w, -storage.charge_w_max(STEP_S)), storage.discharge_w_max(STEP_S))
    calm = storage.calm_steps(power_w, STEP_S, 50_000.0)
    assume(calm > 0.0)

    def binds() -> tuple[float, float]:
        return (
            min(50_000.0, storage.charge_w_max(STEP_S)),
            min(50_000.0, storage.discharge_w_max(STEP_S)),
        )

    before = binds()
    storage.give(power_w, STEP_S * min(calm, 1e9))
    assert binds() == before


@pytest.mark.parametrize("border", ["full", "empty"])
def test_a_unit_at_the_border_keeps_still(border: str) -> None:
    charged, setpoint_w = (0.9995, -8_000.0) if border == "full" else (0.0005, 8_000.0)
    here = rig("battery", state_of_charge=charged)
    here.setpoint(setpoint_w)
    steps = here.each_step(20.0)
    assert steps[0].power_w == pytest.approx(setpoint_w)
    assert steps[-1].state_of_charge == pytest.approx(1.0 if border == "full" else 0.0, abs=1e-9)
    powers_w = [each.power_w for each in steps]
    changes = sum(1 for before, after in pairwise(powers_w) if before != after)
    assert changes <= 2
    assert powers_w[-1] == 0.0
