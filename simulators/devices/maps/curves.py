"""Curves that a controller stores in a unit and has it adopt: models 705, 706, 711 and 712.

Curve 1 is what is in force, and read-only. The others are drafts: any value that a register can hold may
be written there. A request to adopt one takes a moment; then the whole curve is in force, or, where it is
impossible, the request has failed and nothing has changed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from simulators.devices.functions.settings import FunctionSettings
from simulators.devices.image import ModelInstance
from simulators.devices.inverter.commands import Appointment
from simulators.devices.maps.block import Changed, ValueRefused, refuse_under_local_control
from simulators.devices.maps.unit import Unit, whole_s
from simulators.devices.models import Point, model

ADOPTION_S = 0.5
"""On the device's clock."""
_IN_PROGRESS, _COMPLETED, _FAILED = 0, 1, 2
_READ_WRITE, _READ_ONLY = 0, 1
_REVERSION_S_MAX = 0xFFFF_FFFE

Row = dict[str, float]
"""One curve: points by their name within the group (``DeptRef``, ``Pt[1].V``)."""


class Impossible(ValueError):
    """A curve that the unit cannot follow; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveModel:
    """How one of the models says what all of them say."""

    number: int
    group: str
    """``Crv`` or ``Ctl``; the names of requests and results follow it."""
    counts: Mapping[str, int]
    scale_factors: Mapping[str, int]
    read_only: frozenset[str]
    """Points of the group that no curve lets write."""
    choices: Mapping[str, Sequence[int]]
    """What an enumeration in a curve takes."""
    show: Callable[[FunctionSettings], Row]
    """The curve in force."""
    enabled: Callable[[FunctionSettings], bool]
    enable: Callable[[FunctionSettings, bool], FunctionSettings]
    adopt: Callable[[FunctionSettings, Row], FunctionSettings]
    """Raises ValueError for an impossible curve."""
    none_allowed: bool
    """Whether curve 0 (none) may be asked for: the function is off then."""
    adopted: Callable[[Row], None] = lambda _: None
    """Told of a curve that has come into force."""


class CurveSet:
    """The curves of one function: a write target, and what stands in the registers."""

    def __init__(self, unit: Unit, kind: CurveModel) -> None:
        self._unit, self._kind = unit, kind
        self._plan = model(kind.number, kind.counts)
        self._count = kind.counts[f"N{kind.group}"]
        first = kind.show(unit.settings)
        self._drafts = {index: dict(first) for index in range(2, self._count + 1)}
        self._request, self._result = 1, _COMPLETED
        self._reversion_s, self._reversion_curve = 0.0, 0
        self._adoption: Appointment | None = None
        self._reversion: Appointment | None = None
        self._revision = 0
        self.writable = frozenset(self._head_names | self._draft_names())

    def instance(self) -> ModelInstance:
        kind = self._kind
        return ModelInstance(
            number=kind.number,
            counts=kind.counts,
            fixed=kind.scale_factors,
            live=self.read,
            writable=self.writable,
            target=self,
            stamp=self._stamp,
        )

    def read(self) -> dict[str, float | None]:
        kind, settings = self._kind, self._unit.settings
        values: dict[str, float | None] = {
            "Ena": float(kind.enabled(settings)),
            f"Adpt{kind.group}Req": self._request,
            f"Adpt{kind.group}Rslt": self._present_result(),
            "RvrtTms": self._reversion_s,
            "RvrtRem": self._remaining_s(),
            f"Rvrt{kind.group}": self._reversion_curve,
        }
        for index, row in ((1, kind.show(settings)), *self._drafts.items()):
            prefix = f"{kind.group}[{index}]."
            values |= {f"{prefix}{name}": value for name, value in row.items()}
            values[f"{prefix}ReadOnly"] = _READ_ONLY if index == 1 else _READ_WRITE
        return values

    def check(self, changes: Changed) -> None:
        """Nothing, if all values may be written.

        Raises:
            NotWritable: the unit is under local control.
            ValueRefused: a value is out of range or stands for "not implemented".
        """
        refuse_under_local_control(self._unit)
        for name, value in changes.items():
            low, high = self._range(name)
            if value is None or not low <= value <= high:
                raise ValueRefused(f"{name} takes {low} .. {high}, not {value}")

    def write(self, changes: Mapping[str, float], now_s: float) -> None:
        """Take over values that :meth:`check` has passed."""
        self._revision += 1
        for name, value in changes.items():
            if "." in name:
                prefix, _, point = name.partition(".")
                self._drafts[_index(prefix)][point] = value
        if self._head_names.isdisjoint(changes):
            return
        self._unit.remote_write(str(self._kind.number))
        group = self._kind.group
        self._reversion_s = changes.get("RvrtTms", self._reversion_s)
        self._reversion_curve = int(changes.get(f"Rvrt{group}", self._reversion_curve))
        if "Ena" in changes:
            self._enable(changes["Ena"] > 0.0)
        if f"Adpt{group}Req" in changes:
            self._ask_for(int(changes[f"Adpt{group}Req"]), now_s)
        self._start_timer(now_s)

    @property
    def _head_names(self) -> set[str]:
        group = self._kind.group
        return {"Ena", f"Adpt{group}Req", "RvrtTms", f"Rvrt{group}"}

    def _draft_names(self) -> set[str]:
        prefixes = {f"{self._kind.group}[{index}]" for index in self._drafts}
        return {
            point.name
            for point in self._plan.points.values()
            if point.writable and point.name.partition(".")[0] in prefixes and self._is_offered(point)
        }

    def _is_offered(self, point: Point) -> bool:
        return point.name.partition(".")[2] not in self._kind.read_only

    def _range(self, name: str) -> tuple[float, float]:
        group = self._kind.group
        if name == "RvrtTms":
            return 0.0, _REVERSION_S_MAX
        if name == "Ena":
            return 0.0, 1.0
        if name == f"Adpt{group}Req":
            return (0.0 if self._kind.none_allowed else 1.0), self._count
        if name == f"Rvrt{group}":
            return 0.0, self._count
        point = name.partition(".")[2]
        if point in self._kind.choices:
            return min(self._kind.choices[point]), max(self._kind.choices[point])
        return float("-inf"), float("inf")

    def _ask_for(self, index: int, now_s: float) -> None:
        """What the draft holds now will be adopted, whatever is written to it meanwhile."""
        self._request, self._result = index, _IN_PROGRESS
        row = dict(self._drafts[index]) if index in self._drafts else None
        self._cancel(self._adoption)
        self._adoption = self._appoint(now_s + ADOPTION_S, lambda: self._finish(index, row))

    def _finish(self, index: int, row: Row | None) -> None:
        self._adoption = None
        self._revision += 1
        self._result = _COMPLETED if self._put_in_force(index, row) else _FAILED

    def _put_in_force(self, index: int, row: Row | None) -> bool:
        if index == 0:
            self._enable(on=False)
        elif row is not None:
            try:
                self._unit.adopt(self._kind.adopt(self._unit.settings, row))
            except ValueError:
                return False
            self._kind.adopted(row)
        return True

    def _enable(self, on: bool) -> None:  # noqa: FBT001
        self._unit.adopt(self._kind.enable(self._unit.settings, on))

    def _start_timer(self, now_s: float) -> None:
        """The timer runs while the function is enabled, and begins again with each write to its head."""
        self._cancel(self._reversion)
        self._reversion = None
        adopting_none = self._result == _IN_PROGRESS and self._request == 0
        if self._reversion_s > 0.0 and self._kind.enabled(self._unit.settings) and not adopting_none:
            self._reversion = self._appoint(now_s + self._reversion_s, self._revert, reverts=True)

    def _revert(self) -> None:
        self._reversion = None
        self._revision += 1
        index = self._reversion_curve
        self._put_in_force(index, self._drafts.get(index))

    def _present_result(self) -> int:
        """An adoption that was under way when the unit rebooted has failed."""
        if self._adoption is not None and self._adoption not in self._unit.commands.appointments:
            self._adoption, self._result = None, _FAILED
        return self._result

    def _remaining_s(self) -> int:
        if self._reversion is None or self._reversion not in self._unit.commands.appointments:
            return 0
        return whole_s(max(0.0, self._reversion.at_s - self._unit.now_s))

    def _appoint(self, at_s: float, act: Callable[[], None], *, reverts: bool = False) -> Appointment:
        appointment = Appointment(at_s, act, reverts)
        self._unit.commands.appointments.append(appointment)
        return appointment

    def _cancel(self, appointment: Appointment | None) -> None:
        if appointment in self._unit.commands.appointments:
            self._unit.commands.appointments.remove(appointment)

    def _stamp(self) -> object:
        return self._revision, self._unit.settings, self._remaining_s(), self._present_result()


def corners(row: Row, x: str, y: str) -> list[tuple[float, float]]:
    """The active points of a curve.

    Raises:
        Impossible: there are none, or they go down.
    """
    count = int(row["ActPt"])
    if count < 1 or f"Pt[{count}].{x}" not in row:
        raise Impossible(f"{count} active points")
    points = [(row[f"Pt[{index}].{x}"], row[f"Pt[{index}].{y}"]) for index in range(1, count + 1)]
    if any(after[0] < before[0] for before, after in pairwise(points)):
        raise Impossible(f"{x} goes down")
    return points


def rows(points: Iterable[tuple[float, float]], x: str, y: str, size: int) -> Row:
    """Active points in registers, the last one repeated to the end."""
    listed = list(points)[:size]
    filled = listed + [listed[-1]] * (size - len(listed))
    row = {"ActPt": float(len(listed))}
    for index, (at_x, at_y) in enumerate(filled, start=1):
        row[f"Pt[{index}].{x}"], row[f"Pt[{index}].{y}"] = at_x, at_y
    return row


def _index(prefix: str) -> int:
    return int(prefix[prefix.index("[") + 1 : -1])
