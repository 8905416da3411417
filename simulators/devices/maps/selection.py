"""Which models a unit is to show, by number; what cannot be is refused with the reason."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from simulators.devices.image import ModelInstance
from simulators.devices.inverter.nameplate import Kind, Nameplate
from simulators.devices.maps.capacity import basic_settings, capacity, nameplate
from simulators.devices.maps.common import common
from simulators.devices.maps.controls import controls
from simulators.devices.maps.direct_current import dc_measurement, trackers
from simulators.devices.maps.enter_service import enter_service
from simulators.devices.maps.functions import frequency_droop, volt_var, volt_watt, watt_var
from simulators.devices.maps.immediate import immediate_controls
from simulators.devices.maps.legacy_measurement import inverter as legacy_inverter
from simulators.devices.maps.legacy_measurement import status
from simulators.devices.maps.measurement import measurement
from simulators.devices.maps.operation import Operation, operation_control
from simulators.devices.maps.storage import basic_storage, battery, storage_capacity
from simulators.devices.maps.unit import Identity, Scales, Unit
from simulators.devices.models import defined_models

COMMON = 1
SEVENS = (701, 702, 703, 704, 705, 706, 711, 712, 713, 714, 715)
CONTROLS = (120, 121, 122, 123, 124, 160)
BATTERY = 802
SETS: Mapping[str, tuple[int, ...]] = {
    "7xx": (COMMON, *SEVENS, BATTERY),
    "legacy": (COMMON, 103, *CONTROLS, BATTERY),
    "float": (COMMON, 113, *CONTROLS, BATTERY),
    "both": (COMMON, 103, *CONTROLS, *SEVENS, BATTERY),
}
"""Named sets as a three-phase hybrid shows them; :func:`models_of` suits them to another unit."""

_PHASES = {101: (1,), 102: (1,), 103: (3,), 111: (1,), 112: (1,), 113: (3,)}
"""Models of an inverter, of which a unit shows one, and how many phases each is for."""
_SINGLE_PHASE_TWIN = {103: 101, 113: 111}
_STORAGE = frozenset({124, 713, BATTERY})


class ImpossibleMap(ValueError):
    """A choice of models that no unit of this kind can show; a plain sentence says why."""


class UnknownModel(ImpossibleMap):
    """A number that no model has, or none that this kind of unit can fill."""


class OverlappingModels(ImpossibleMap):
    """Models of which a unit shows only one."""


class _Builder:
    """What all models of one unit share, and how each is made."""

    def __init__(self, unit: Unit, identity: Identity) -> None:
        scales, operation = Scales.of(unit.config.nameplate), Operation(unit)
        self.makers: dict[int, Callable[[], ModelInstance]] = {
            COMMON: lambda: common(identity),
            120: lambda: nameplate(unit, scales),
            121: lambda: basic_settings(unit, scales),
            122: lambda: status(unit, scales),
            123: lambda: immediate_controls(unit, operation),
            124: lambda: basic_storage(unit, scales),
            160: lambda: trackers(unit),
            701: lambda: measurement(unit, scales),
            702: lambda: capacity(unit, scales),
            703: lambda: enter_service(unit),
            704: lambda: controls(unit, scales),
            705: lambda: volt_var(unit),
            706: lambda: volt_watt(unit),
            711: lambda: frequency_droop(unit),
            712: lambda: watt_var(unit),
            713: lambda: storage_capacity(unit, scales),
            714: lambda: dc_measurement(unit),
            715: lambda: operation_control(unit, operation),
            BATTERY: lambda: battery(unit, scales, operation),
        }
        for number in _PHASES:
            self.makers[number] = _inverter_maker(number, unit, scales)


def inverter_models(
    inverter: Unit, numbers: Sequence[int], identity: Identity | None = None
) -> list[ModelInstance]:
    """The models of a unit in the order of their numbers' mention.

    Args:
        inverter: the unit whose state they show and whose commands they take.
        numbers: of the models; the first one is 1.
        identity: what model 1 says.

    Raises:
        UnknownModel: no such model, or none that this kind of unit can fill.
        OverlappingModels: a model twice, or several models of an inverter.
        ImpossibleMap: the map does not begin with model 1.
    """
    check(numbers, inverter.config.nameplate)
    builder = _Builder(inverter, identity or Identity())
    return [builder.makers[number]() for number in numbers]


def check(numbers: Sequence[int], plate: Nameplate) -> None:
    """Refuse a choice of models that a unit with this plate cannot show; see :func:`inverter_models`."""
    offered = offered_models(plate)
    for number in numbers:
        if number not in offered:
            raise UnknownModel(_unknown(number, plate, offered))
    if twice := sorted({number for number in numbers if numbers.count(number) > 1}):
        raise OverlappingModels(f"Model {twice[0]} is named twice; a unit shows each model once.")
    inverters = [number for number in numbers if number in _PHASES]
    if len(inverters) > 1:
        raise OverlappingModels(
            f"Models {_listed(inverters)} overlap: each describes the whole inverter, so choose one of them."
        )
    if not numbers or numbers[0] != COMMON:
        raise ImpossibleMap("A SunSpec map begins with model 1; put 1 in front of the other numbers.")


def offered_models(plate: Nameplate) -> frozenset[int]:
    """Numbers of all models that a unit with this plate can fill."""
    fitting = {number for number, phases in _PHASES.items() if plate.phases in phases}
    others = {COMMON, BATTERY, *SEVENS, *CONTROLS}
    return frozenset(fitting | (others - _STORAGE if plate.kind is Kind.PV else others))


def models_of(name: str, plate: Nameplate) -> tuple[int, ...]:
    """A named set of :data:`SETS`, as a unit with this plate can show it.

    Raises:
        KeyError: no such set.
    """
    offered = offered_models(plate)
    suited = (
        number if number in offered else _SINGLE_PHASE_TWIN.get(number, number) for number in SETS[name]
    )
    return tuple(number for number in suited if number in offered)


def _inverter_maker(number: int, unit: Unit, scales: Scales) -> Callable[[], ModelInstance]:
    return lambda: legacy_inverter(number, unit, scales)


def _unknown(number: int, plate: Nameplate, offered: Iterable[int]) -> str:
    choice = f"choose among {_listed(sorted(offered))}"
    if number not in defined_models():
        return f"There is no SunSpec model {number}; {choice}."
    return f"A {plate.phases}-phase unit of kind {plate.kind} cannot fill model {number}; {choice}."


def _listed(numbers: Iterable[int]) -> str:
    *front, last = (str(number) for number in numbers)
    return f"{', '.join(front)} and {last}" if front else last
