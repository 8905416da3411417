"""Which models a unit shows: chosen by number, refused with the reason."""

import pytest

from simulators.devices.inverter.nameplate import Kind
from simulators.devices.maps import (
    SETS,
    ImpossibleMap,
    OverlappingModels,
    UnknownModel,
    inverter_models,
    models_of,
)
from tests.simulators.devices.maps.unit_bench import UnitBench, plate


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("phases", [1, 3])
def test_each_set_can_be_shown_by_each_kind(name: str, kind: Kind, phases: int) -> None:
    nameplate = plate(kind, phases=phases)
    numbers = models_of(name, nameplate)
    assert [model.number for model in UnitBench(nameplate, numbers).models] == list(numbers)


def test_a_three_phase_hybrid_shows_the_sets_as_they_are() -> None:
    for name, numbers in SETS.items():
        assert models_of(name, plate()) == numbers


def test_a_single_phase_unit_shows_the_single_phase_twin() -> None:
    assert models_of("legacy", plate(phases=1))[1] == 101
    assert models_of("float", plate(phases=1))[1] == 111


def test_pv_shows_no_storage() -> None:
    assert not {124, 713, 802} & set(models_of("both", plate(Kind.PV)))


@pytest.mark.parametrize(
    ("numbers", "kind", "refusal", "sentence"),
    [
        pytest.param((1, 99_999), Kind.HYBRID, UnknownModel, "no SunSpec model 99999", id="no-such-number"),
        pytest.param((1, 0), Kind.HYBRID, UnknownModel, "no SunSpec model 0", id="zero"),
        pytest.param((1, -701), Kind.HYBRID, UnknownModel, "no SunSpec model -701", id="a-negative-number"),
        pytest.param((1, 201), Kind.HYBRID, UnknownModel, "cannot fill model 201", id="a-meter's-model"),
        pytest.param((1, 101), Kind.HYBRID, UnknownModel, "3-phase .* model 101", id="too-few-phases"),
        pytest.param(
            (1, 713), Kind.PV, UnknownModel, "kind pv cannot fill model 713", id="pv-stores-nothing"
        ),
        pytest.param((1, 802), Kind.PV, UnknownModel, "kind pv cannot fill model 802", id="pv-has-no-bank"),
        pytest.param(
            (1, 124), Kind.PV, UnknownModel, "kind pv cannot fill model 124", id="pv-does-not-charge"
        ),
        pytest.param((1, 701, 701), Kind.PV, OverlappingModels, "701 is named twice", id="one-model-twice"),
        pytest.param((1, 1, 701), Kind.PV, OverlappingModels, "1 is named twice", id="model-1-twice"),
        pytest.param(
            (1, 103, 113), Kind.PV, OverlappingModels, "103 and 113 overlap", id="integer-and-float"
        ),
        pytest.param((701, 1), Kind.PV, ImpossibleMap, "begins with model 1", id="model-1-is-not-the-first"),
        pytest.param((701,), Kind.PV, ImpossibleMap, "begins with model 1", id="model-1-is-missing"),
        pytest.param((), Kind.PV, ImpossibleMap, "begins with model 1", id="nothing-at-all"),
    ],
)
def test_an_impossible_choice_is_refused(
    numbers: tuple[int, ...], kind: Kind, refusal: type[ImpossibleMap], sentence: str
) -> None:
    unit = UnitBench(plate(kind)).unit
    with pytest.raises(refusal, match=sentence):
        inverter_models(unit, numbers)


def test_a_refusal_names_what_there_is() -> None:
    unit = UnitBench(plate(Kind.PV)).unit
    with pytest.raises(UnknownModel, match=r"choose among 1, 103, 113, 120, .* 714 and 715\.$"):
        inverter_models(unit, (1, 900))


def test_every_refusal_is_a_value_error() -> None:
    assert issubclass(ImpossibleMap, ValueError)
    assert issubclass(UnknownModel, ImpossibleMap)
    assert issubclass(OverlappingModels, ImpossibleMap)
