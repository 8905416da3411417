"""Voltages of a radial feeder against the closed form of two nodes and a nodal power flow in numpy."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.typing import NDArray

from simulators.grid.bench import BenchGrid
from simulators.grid.feeder import SUBSTATION, Feeder, Section, street
from vpp_core.faults import ConfigurationFault, LocalFault

T_S = 1_628_700_000.0
NOMINAL_V = 12_470.0

TREE = [
    Section(node="b", upstream="a", resistance_ohm=0.8, reactance_ohm=1.1),
    Section(node="a", resistance_ohm=0.5, reactance_ohm=0.9),
    Section(node="c", upstream="b", resistance_ohm=1.5, reactance_ohm=0.7),
    Section(node="d", upstream="b", resistance_ohm=2.0, reactance_ohm=0.4),
    Section(node="e", upstream="a", resistance_ohm=0.3, reactance_ohm=0.2),
]


def nodal_pu(
    sections: Sequence[Section], powers_va: Mapping[str, complex], source_v: float
) -> dict[str, float]:
    """Magnitudes per unit, by Newton's method on the mismatch of the admittance matrix.

    Oracle: nodal analysis in complex numbers, S = V conj(Y V); nothing is swept along the tree.
    """
    names = [SUBSTATION, *(section.node for section in sections)]
    place = {name: index for index, name in enumerate(names)}
    admittance = np.zeros((len(names), len(names)), complex)
    for section in sections:
        here, there = place[section.node], place[section.upstream]
        siemens = 1.0 / complex(section.resistance_ohm, section.reactance_ohm)
        admittance[[here, there], [here, there]] += siemens
        admittance[[here, there], [there, here]] -= siemens
    wanted = np.array([powers_va.get(name, 0.0) for name in names[1:]], complex)

    def mismatch(parts: NDArray[np.float64]) -> NDArray[np.float64]:
        half = len(parts) // 2
        voltage = np.concatenate(([source_v], parts[:half] + 1j * parts[half:]))
        surplus = voltage[1:] * np.conj(admittance @ voltage)[1:] - wanted
        return np.concatenate((surplus.real, surplus.imag))

    parts = np.concatenate((np.full(len(wanted), source_v), np.zeros(len(wanted))))
    for _ in range(20):
        base = mismatch(parts)
        slopes = np.column_stack(
            [(mismatch(parts + step) - base) / 1e-3 for step in 1e-3 * np.eye(len(parts))]
        )
        parts = parts - np.linalg.solve(slopes, base)
    assert np.abs(mismatch(parts)).max() < 1e-2
    half = len(parts) // 2
    return dict(zip(names[1:], np.abs(parts[:half] + 1j * parts[half:]) / NOMINAL_V, strict=True))


def solved(
    sections: Sequence[Section], powers_va: Mapping[str, complex], source_pu: float = 1.0
) -> dict[str, float]:
    grid = BenchGrid()
    grid.apply(T_S, voltage_pu=source_pu)
    feeder = Feeder(grid, sections)
    feeder.solve(T_S, powers_va)
    return feeder.voltages_pu(T_S)


def test_an_idle_feeder_has_the_voltage_of_its_substation() -> None:
    assert set(solved(TREE, {}, 1.03).values()) == {1.03}


@pytest.mark.parametrize(
    "power_va",
    [complex(-2e6, -1e6), complex(2e6, 0.0), complex(0.0, 1e6), complex(0.0, -1e6), complex(3e6, -2e6)],
    ids=["load", "sun", "over-excited", "under-excited", "sun-under-excited"],
)
def test_two_nodes_have_the_voltage_of_the_closed_form(power_va: complex) -> None:
    """By hand: V^4 - (V0^2 + 2 (R P + X Q)) V^2 + |Z|^2 |S|^2 = 0, the upper root."""
    resistance_ohm, reactance_ohm = 1.2, 2.4
    middle = NOMINAL_V**2 + 2.0 * (resistance_ohm * power_va.real + reactance_ohm * power_va.imag)
    last = abs(complex(resistance_ohm, reactance_ohm)) ** 2 * abs(power_va) ** 2
    expected_pu = math.sqrt((middle + math.sqrt(middle**2 - 4.0 * last)) / 2.0) / NOMINAL_V
    line = [Section(node="end", resistance_ohm=resistance_ohm, reactance_ohm=reactance_ohm)]
    assert solved(line, {"end": power_va})["end"] == pytest.approx(expected_pu, abs=1e-8)
    assert abs(expected_pu - 1.0) > 1e-3


@pytest.mark.parametrize("source_pu", [0.95, 1.0, 1.05])
@pytest.mark.parametrize(
    "powers_va",
    [
        {"a": -5e5 - 2e5j, "b": -4e5 - 1e5j, "c": -6e5 + 0j, "d": -3e5 - 3e5j, "e": -2e5 - 1e5j},
        {"c": 2e6 + 0j, "d": 1e6 - 5e5j},
        {"a": -1e6 + 0j, "c": 1.5e6 + 0j, "e": -5e5 + 5e5j},
    ],
    ids=["evening", "noon", "mixed"],
)
def test_a_tree_has_the_voltages_of_a_nodal_power_flow(
    powers_va: dict[str, complex], source_pu: float
) -> None:
    ours = solved(TREE, powers_va, source_pu)
    truth = nodal_pu(TREE, powers_va, source_pu * NOMINAL_V)
    assert {node: ours[node] for node in truth} == pytest.approx(truth, abs=1e-7)


@settings(max_examples=30, deadline=None)
@given(
    powers=some.lists(some.complex_numbers(max_magnitude=1.5e6), min_size=5, max_size=5),
    more_w=some.floats(1e4, 1e6),
)
def test_voltages_are_those_of_nodal_analysis_and_rise_with_injection(
    powers: list[complex], more_w: float
) -> None:
    powers_va = dict(zip("abcde", powers, strict=True))
    before = solved(TREE, powers_va)
    truth = nodal_pu(TREE, powers_va, NOMINAL_V)
    assert {node: before[node] for node in truth} == pytest.approx(truth, abs=1e-7)
    after = solved(TREE, {**powers_va, "c": powers_va["c"] + more_w})
    assert after["c"] > before["c"]


def test_solving_again_from_other_powers_gives_the_same() -> None:
    grid = BenchGrid()
    feeder = Feeder(grid, TREE)
    for power_va in (3e6 + 0j, -2e6 - 1e6j, 1e6 + 0j):
        feeder.solve(T_S, {"c": power_va})
    assert feeder.voltages_pu(T_S) == pytest.approx(solved(TREE, {"c": 1e6 + 0j}), abs=1e-8)


def test_a_node_is_a_grid_for_the_devices_that_sit_there() -> None:
    grid = BenchGrid()
    feeder = Feeder(grid, TREE)
    node = feeder.at("c")
    feeder.solve(T_S, {"c": 2e6 + 0j})
    ratio = feeder.voltages_pu(T_S)["c"]
    grid.apply(T_S + 1.0, frequency_hz=59.7, voltage_pu=0.9)
    assert ratio > 1.01
    assert node.frequency_hz(T_S + 1.0) == 59.7
    assert node.voltage_pu(T_S + 1.0) == pytest.approx(0.9 * ratio)
    assert node.voltage_v(T_S) == pytest.approx(240.0 * ratio)


def test_a_dead_grid_above_makes_every_node_dead() -> None:
    assert set(solved(TREE, {"c": -1e6 + 0j}, 0.0).values()) == {0.0}


def test_a_power_that_no_voltage_carries_is_a_fault_and_changes_nothing() -> None:
    grid = BenchGrid()
    feeder = Feeder(grid, TREE)
    feeder.solve(T_S, {"c": -1e6 + 0j})
    before = feeder.voltages_pu(T_S)
    with pytest.raises(LocalFault, match="collapses"):
        feeder.solve(T_S, {"c": -1e8 + 0j})
    assert feeder.voltages_pu(T_S) == before


@pytest.mark.parametrize(
    ("sections", "reason"),
    [
        pytest.param(
            [Section(node="a", upstream="x", resistance_ohm=1, reactance_ohm=1)],
            "which the feeder lacks",
            id="no-beginning",
        ),
        pytest.param([*TREE, TREE[0]], "two sections", id="a-node-twice"),
        pytest.param(
            [Section(node=SUBSTATION, upstream="a", resistance_ohm=1, reactance_ohm=1), TREE[1]],
            "two sections",
            id="fed-substation",
        ),
        pytest.param(
            [
                Section(node="a", upstream="b", resistance_ohm=1, reactance_ohm=1),
                Section(node="b", upstream="a", resistance_ohm=1, reactance_ohm=1),
            ],
            "has a circle",
            id="circle",
        ),
        pytest.param(
            [Section(node="a", resistance_ohm=-1, reactance_ohm=1)], "resistance_ohm of a", id="negative"
        ),
        pytest.param(
            [Section(node="a", resistance_ohm=1, reactance_ohm=math.nan)], "reactance_ohm of a", id="nan"
        ),
    ],
)
def test_what_is_no_radial_feeder_is_refused(sections: list[Section], reason: str) -> None:
    with pytest.raises(ConfigurationFault, match=reason):
        Feeder(BenchGrid(), sections)


def test_a_node_that_is_not_there_and_a_power_that_is_no_number_are_refused() -> None:
    feeder = Feeder(BenchGrid(), TREE)
    with pytest.raises(ConfigurationFault, match="no node 'z'"):
        feeder.at("z")
    with pytest.raises(ConfigurationFault, match="no node 'z'"):
        feeder.solve(T_S, {"z": 1j})
    with pytest.raises(ConfigurationFault, match="not a finite number"):
        feeder.solve(T_S, {"a": complex(math.nan, 0.0)})


@pytest.mark.parametrize("homes", [1, 8, 9, 200, 450])
def test_a_street_gives_every_home_a_transformer_of_at_most_eight(homes: int) -> None:
    found = street(homes)
    feeder = Feeder(BenchGrid(), found.sections)
    assert len(found.node_of_home) == homes
    assert set(found.node_of_home) < set(feeder.nodes)
    assert max(found.node_of_home.count(node) for node in set(found.node_of_home)) <= 8
    assert sum(section.upstream == SUBSTATION for section in found.sections) == math.ceil(homes / 200)


def test_a_street_at_noon_lies_above_and_in_the_evening_below_but_within_service_limits() -> None:
    """Source: ANSI C84.1, range A: 0.95 to 1.05 at the service."""
    found = street(200)
    for home_w, low, high in ((4_000.0, 1.005, 1.05), (-3_000.0, 0.95, 0.995)):
        powers_va = {node: home_w * found.node_of_home.count(node) + 0j for node in found.node_of_home}
        seen = solved(found.sections, powers_va)
        assert all(low < seen[node] < high for node in powers_va)
