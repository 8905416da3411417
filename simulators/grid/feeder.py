"""A small radial feeder: the voltage of each node from the powers of the devices that sit there.

Balanced three-phase power flow by backward/forward sweep, exact to :data:`TOLERANCE_PU`. Voltages are line
to line and powers those of all phases together, so currents here are sqrt(3) times those of a line.

Source: W. H. Kersting, Distribution System Modeling and Analysis, chapter 10 (ladder technique).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple, Protocol

from simulators.grid.bench import checked
from simulators.grid.script import VOLTAGE_NOMINAL_V
from vpp_core.faults import ConfigurationFault, LocalFault

SUBSTATION = "substation"
"""The node that every feeder begins at; its voltage is that of the grid above."""
MEDIUM_VOLTAGE_V = 12_470.0
TOLERANCE_PU = 1e-9
SWEEPS_MAX = 100
VOLTAGE_PU_MIN = 0.05
"""Below it the grid above is taken to be dead, and every node with it."""

HOMES_PER_TRANSFORMER, TRANSFORMERS_PER_FEEDER = 8, 25
_SPAN_KM = 0.2
_LINE_OHM_PER_KM = complex(0.19, 0.39)
_TRANSFORMER_VA, _TRANSFORMER_PU = 50_000.0, complex(0.015, 0.017)
"""With the service drops of its homes in it."""


class Source(Protocol):
    """The grid above the feeder, over Unix seconds."""

    def frequency_hz(self, at_s: float) -> float: ...

    def voltage_pu(self, at_s: float) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A line or a transformer between a node and the one before it, seen from the substation."""

    node: str
    upstream: str = SUBSTATION
    resistance_ohm: float
    reactance_ohm: float


class Feeder:
    """Voltages of a radial network; between two calls of :meth:`solve` pure functions of time.

    Args:
        source: what the substation is connected to.
        sections: one for each node, in any order.
        voltage_nominal_v: line to line; impedances are those at this voltage.

    Raises:
        ConfigurationFault: the sections are not a tree that begins at the substation.
    """

    def __init__(
        self, source: Source, sections: Iterable[Section], voltage_nominal_v: float = MEDIUM_VOLTAGE_V
    ) -> None:
        ordered = _from_the_substation(list(sections))
        self._source = source
        self._nominal_v = checked("voltage_nominal_v", voltage_nominal_v, 1.0, 1e6)
        self._index = {section.node: number for number, section in enumerate(ordered, start=1)}
        self._index[SUBSTATION] = 0
        self._upstream = [0, *(self._index[section.upstream] for section in ordered)]
        self._impedance_ohm = [0j, *(_impedance(section) for section in ordered)]
        self._per_substation: list[complex] = [1 + 0j] * len(self._index)
        """Voltage of each node over that of the substation, as last solved."""

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self._index)

    def solve(self, at_s: float, powers_va: Mapping[str, complex]) -> None:
        """Find the voltages for the powers of the nodes: P + jQ, injection positive, absent ones 0.

        Raises:
            ConfigurationFault: there is no such node, or a power is not a finite number.
            LocalFault: no voltage carries these powers; the voltages stay as they were.
        """
        source_v = self._source.voltage_pu(at_s) * self._nominal_v
        if source_v < VOLTAGE_PU_MIN * self._nominal_v:
            return
        powers = self._powers(powers_va)
        found = [each * source_v for each in self._per_substation]
        for _ in range(SWEEPS_MAX):
            swept = self._sweep(found, powers, source_v)
            change_v = max(abs(after - before) for after, before in zip(swept, found, strict=True))
            if min(map(abs, swept)) < VOLTAGE_PU_MIN * source_v or not math.isfinite(change_v):
                break
            found = swept
            if change_v <= TOLERANCE_PU * source_v:
                self._per_substation = [each / source_v for each in found]
                return
        raise LocalFault(
            "The feeder cannot carry the power of its devices (its voltage collapses); "
            "connect fewer devices, or give it stronger sections."
        )

    def at(self, node: str) -> "FeederNode":
        """The grid as a device at this node sees it.

        Raises:
            ConfigurationFault: there is no such node.
        """
        return FeederNode(self, self._source, self._require(node))

    def ratio(self, index: int) -> float:
        """Voltage of a node over that of the substation, by the number of the node."""
        return abs(self._per_substation[index])

    def voltages_pu(self, at_s: float) -> dict[str, float]:
        """Every node's voltage, as last solved, under the present voltage of the grid above."""
        source_pu = self._source.voltage_pu(at_s)
        return {node: source_pu * self.ratio(index) for node, index in self._index.items()}

    def _sweep(
        self, voltages_v: Sequence[complex], powers: Sequence[complex], source_v: float
    ) -> list[complex]:
        """Currents from the ends towards the substation, then voltages from the substation to the ends."""
        flows = [
            (power / voltage_v).conjugate() if power else 0j
            for power, voltage_v in zip(powers, voltages_v, strict=True)
        ]
        for index in range(len(flows) - 1, 0, -1):
            flows[self._upstream[index]] += flows[index]
        swept = [complex(source_v)]
        for upstream, impedance_ohm, flow in zip(
            self._upstream[1:], self._impedance_ohm[1:], flows[1:], strict=True
        ):
            swept.append(swept[upstream] + impedance_ohm * flow)
        return swept

    def _powers(self, powers_va: Mapping[str, complex]) -> list[complex]:
        powers = [0j] * len(self._index)
        for node, power_va in powers_va.items():
            if not (math.isfinite(power_va.real) and math.isfinite(power_va.imag)):
                raise ConfigurationFault(f"The power of node {node} is {power_va!r}, not a finite number.")
            powers[self._require(node)] += power_va
        return powers

    def _require(self, node: str) -> int:
        if node not in self._index:
            raise ConfigurationFault(f"The feeder has no node {node!r}.")
        return self._index[node]


class FeederNode:
    """Frequency of the grid above, voltage of the node: a grid for the devices that sit there."""

    def __init__(self, feeder: Feeder, source: Source, index: int) -> None:
        self._feeder, self._source, self._index = feeder, source, index

    def frequency_hz(self, at_s: float) -> float:
        return self._source.frequency_hz(at_s)

    def voltage_pu(self, at_s: float) -> float:
        return self._source.voltage_pu(at_s) * self._feeder.ratio(self._index)

    def voltage_v(self, at_s: float) -> float:
        """At the terminals of a home."""
        return VOLTAGE_NOMINAL_V * self.voltage_pu(at_s)


class Street(NamedTuple):
    """A plausible network for a number of homes."""

    sections: list[Section]
    node_of_home: list[str]


def street(homes: int) -> Street:
    """Feeders of 12.47 kV with a 50 kVA transformer every 200 m and eight homes behind each.

    A feeder has 25 transformers; further homes are on further feeders from the same substation.
    """
    sections: list[Section] = []
    line_ohm = _SPAN_KM * _LINE_OHM_PER_KM
    transformer_ohm = _TRANSFORMER_PU * MEDIUM_VOLTAGE_V**2 / _TRANSFORMER_VA
    for number in range(math.ceil(homes / HOMES_PER_TRANSFORMER)):
        first = number % TRANSFORMERS_PER_FEEDER == 0
        before = SUBSTATION if first else f"pole-{number}"
        pole = f"pole-{number + 1}"
        sections.append(_section(pole, before, line_ohm))
        sections.append(_section(f"transformer-{number + 1}", pole, transformer_ohm))
    nodes = [f"transformer-{home // HOMES_PER_TRANSFORMER + 1}" for home in range(homes)]
    return Street(sections, nodes)


def _section(node: str, upstream: str, impedance_ohm: complex) -> Section:
    return Section(
        node=node, upstream=upstream, resistance_ohm=impedance_ohm.real, reactance_ohm=impedance_ohm.imag
    )


def _impedance(section: Section) -> complex:
    checked(f"resistance_ohm of {section.node}", section.resistance_ohm, 0.0, 1e6)
    checked(f"reactance_ohm of {section.node}", section.reactance_ohm, 0.0, 1e6)
    return complex(section.resistance_ohm, section.reactance_ohm)


def _from_the_substation(sections: Sequence[Section]) -> list[Section]:
    """The sections in an order in which every node comes after the one before it."""
    by_node = {section.node: section for section in sections}
    if len(by_node) < len(sections) or SUBSTATION in by_node:
        raise ConfigurationFault("A node of the feeder has two sections before it; a radial feeder has one.")
    for section in sections:
        if section.upstream != SUBSTATION and section.upstream not in by_node:
            raise ConfigurationFault(
                f"The section to {section.node!r} begins at {section.upstream!r}, which the feeder lacks."
            )
    try:
        order = list(
            TopologicalSorter({node: {each.upstream} for node, each in by_node.items()}).static_order()
        )
    except CycleError as error:
        circle = ", ".join(error.args[1])
        raise ConfigurationFault(f"The feeder has a circle ({circle}); a radial feeder has none.") from error
    return [by_node[node] for node in order if node != SUBSTATION]
