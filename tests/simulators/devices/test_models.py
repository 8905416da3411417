"""Register plans of SunSpec models: layout as in the definition files, encoding as in the standard."""

import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.models import Point, model


@pytest.mark.parametrize(
    ("number", "registers"),
    [(1, 68), (701, 155), (702, 52), (704, 67), (713, 9)],
    ids=str,
)
def test_a_plan_has_the_published_length(number: int, registers: int) -> None:
    """Source: SunSpec model lengths (ID and L included)."""
    assert model(number).size == registers


@pytest.mark.parametrize("number", [1, 701, 702, 704, 713])
def test_points_follow_one_another_without_gap(number: int) -> None:
    end = 0
    for point in model(number).points.values():
        assert point.offset == end
        end += point.size
    assert end == model(number).size


def test_groups_come_after_the_fixed_points() -> None:
    """Source: model 704, synchronised groups of power factor and excitation."""
    assert model(704).points["PFWInj.PF"].offset == 59
    assert model(704).points["PFWAbsRvrt.Ext"].offset == 66


def test_every_model_that_is_shipped_can_be_laid_out_or_repeats_a_group() -> None:
    folder = files("sunspec2").joinpath("models/json")
    for path in folder.iterdir():
        if path.name.startswith("model_7"):
            group: dict[str, Any] = json.loads(path.read_text())["group"]
            assert model(int(path.name[6:-5])).points.keys() >= {point["name"] for point in group["points"]}


@pytest.mark.parametrize(
    ("kind", "size", "value", "exponent", "registers"),
    [
        pytest.param("int16", 1, -5.0, 0, "fffb", id="int16-is-two's-complement"),
        pytest.param("int32", 2, -5_000.0, 0, "ffffec78", id="int32-spans-two-registers"),
        pytest.param("uint32", 2, 59.964, -3, "0000ea3c", id="60-Hz-in-mHz"),
        pytest.param("uint64", 4, 1_234.56, -2, "000000000001e240", id="Wh-counter-in-hundredths"),
        pytest.param("uint16", 1, 72_000.0, 1, "1c20", id="72-kWh-in-steps-of-10"),
        pytest.param("sunssf", 1, -3.0, 0, "fffd", id="a-scale-factor"),
        pytest.param("string", 2, "ab", 0, "61620000", id="text-is-filled-with-zeros"),
    ],
)
def test_encoding(kind: str, size: int, value: float | str, exponent: int, registers: str) -> None:
    assert Point("x", kind, 0, size, "").encode(value, exponent).hex() == registers


@pytest.mark.parametrize(
    ("kind", "registers"),
    [
        ("int16", "8000"),
        ("uint16", "ffff"),
        ("enum16", "ffff"),
        ("int32", "80000000"),
        ("uint32", "ffffffff"),
        ("bitfield32", "ffffffff"),
        ("uint64", "ffffffffffffffff"),
        ("acc32", "00000000"),
        ("sunssf", "8000"),
    ],
)
def test_not_implemented_values(kind: str, registers: str) -> None:
    """Source: SunSpec Device Information Model Specification, table of unimplemented values."""
    point = Point("x", kind, 0, len(registers) // 4, "")
    assert point.encode(None).hex() == registers
    assert point.decode(bytes.fromhex(registers)) is None


def test_an_absent_text_is_all_zeros() -> None:
    assert Point("x", "string", 0, 2, "").encode(None) == bytes(4)


@given(st.integers(-0x7FFF_FFFF, 0x7FFF_FFFF), st.integers(-3, 3))
def test_what_was_encoded_is_decoded(raw: int, exponent: int) -> None:
    point = Point("x", "int32", 0, 2, "F")
    value = raw * 10.0**exponent
    assert point.decode(point.encode(value, exponent), exponent) == pytest.approx(value)


@pytest.mark.parametrize(("kind", "value"), [("int16", 40_000.0), ("uint16", -1.0), ("string", "too long")])
def test_what_does_not_fit_is_an_overflow(kind: str, value: float | str) -> None:
    with pytest.raises(OverflowError):
        Point("x", kind, 0, 1, "").encode(value)
