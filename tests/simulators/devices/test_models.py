"""Register plans of SunSpec models: layout as in the definition files, encoding as in the standard."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.devices.models import Point, defined_models, model


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


@pytest.mark.parametrize(
    ("number", "counts", "name", "offset"),
    [
        pytest.param(705, {"NCrv": 3, "NPt": 4}, "Crv[1].ActPt", 15, id="a-group-counted-by-a-point"),
        pytest.param(705, {"NCrv": 3, "NPt": 4}, "Crv[2].ActPt", 33, id="the-next-one-follows-at-once"),
        pytest.param(705, {"NCrv": 3, "NPt": 4}, "Crv[3].Pt[4].Var", 68, id="groups-in-groups"),
        pytest.param(705, {"NCrv": 2, "NPt": 1}, "Crv[2].Pt[1].V", 37, id="a-group-of-one-has-a-number-too"),
        pytest.param(711, {"NCtl": 2}, "Ctl[2].DbOf", 24, id="controls"),
        pytest.param(714, {"NPrt": 2}, "Prt[2].PrtTyp", 45, id="ports"),
        pytest.param(160, {"module": 2}, "module[2].ID", 30, id="a-group-that-repeats-to-the-end"),
        pytest.param(
            707, {"NCrvSet": 1, "NPt": 2}, "Crv[1].MomCess.Pt[2].V", 28, id="a-plain-group-between-two-others"
        ),
    ],
)
def test_groups_repeat(number: int, counts: dict[str, int], name: str, offset: int) -> None:
    assert model(number, counts).points[name].offset == offset


@pytest.mark.parametrize("number", [705, 160], ids=["counted-by-a-point", "as-long-as-the-model"])
def test_a_group_that_nobody_counted_is_absent(number: int) -> None:
    assert not any("[" in name for name in model(number).points)


@pytest.mark.parametrize("number", sorted(defined_models()))
def test_every_model_that_is_shipped_can_be_laid_out(number: int) -> None:
    """With one of each group, against a walk of the definition by itself; and every value can be absent."""
    group: dict[str, Any] = json.loads(
        files("sunspec2").joinpath(f"models/json/model_{number}.json").read_text()
    )["group"]
    counts = dict.fromkeys(_counted(group), 1)
    plan = model(number, counts)
    assert plan.size == _size(group)
    assert all(len(point.encode(None)) == 2 * point.size for point in plan.points.values())


def _size(group: dict[str, Any]) -> int:
    own: int = sum(point["size"] for point in group["points"])
    return own + sum(map(_size, group.get("groups", ())))


def _counted(group: dict[str, Any]) -> Iterator[str]:
    for inner in group.get("groups", ()):
        if "count" in inner:
            yield inner["count"] or inner["name"]
        yield from _counted(inner)


def test_a_model_that_is_not_defined_is_not_found() -> None:
    with pytest.raises(FileNotFoundError):
        model(99_999)


def test_a_definition_says_what_may_be_written_and_which_values_an_enumeration_has() -> None:
    enable = model(704).points["WSetEna"]
    assert (enable.writable, enable.choices) == (True, frozenset({0, 1}))
    assert not model(701).points["W"].writable


def test_a_scale_factor_may_be_fixed_by_the_definition() -> None:
    """Source: model 305, latitude in 10^-7 degrees."""
    assert model(305).points["Lat"].exponent == -7


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
        pytest.param("float32", 2, 1.5, 0, "3fc00000", id="a-float"),
        pytest.param("float64", 4, -2.0, 0, "c000000000000000", id="a-long-float"),
        pytest.param("acc32", 2, 4_294_967_301.0, 0, "00000005", id="a-counter-begins-again"),
        pytest.param("acc16", 1, 65_536.0, 0, "0000", id="a-short-counter-begins-again"),
        pytest.param("count", 1, 3.0, 0, "0003", id="a-count"),
        pytest.param("enum32", 2, 70_000.0, 0, "00011170", id="a-long-enumeration"),
        pytest.param("bitfield64", 4, 1 << 40, 0, "0000010000000000", id="bits"),
        pytest.param("int64", 4, -1.0, 0, "ffffffffffffffff", id="a-long-integer"),
        pytest.param("ipaddr", 2, "192.0.2.7", 0, "c0000207", id="an-address"),
        pytest.param("ipv6addr", 8, "2001:db8::1", 0, "20010db8" + 22 * "0" + "01", id="a-long-address"),
        pytest.param("eui48", 4, "02:00:5E:10:00:01", 0, "000002005e100001", id="a-hardware-address"),
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
        ("count", "ffff"),
        ("enum32", "ffffffff"),
        ("int64", "8000000000000000"),
        ("acc16", "0000"),
        ("acc64", "0000000000000000"),
        ("float32", "7fc00000"),
        ("float64", "7ff8000000000000"),
        ("pad", "8000"),
    ],
)
def test_not_implemented_values(kind: str, registers: str) -> None:
    """Source: SunSpec Device Information Model Specification, table of unimplemented values."""
    point = Point("x", kind, 0, len(registers) // 4, "")
    assert point.encode(None).hex() == registers
    assert point.decode(bytes.fromhex(registers)) is None


@pytest.mark.parametrize(
    ("kind", "registers"),
    [
        ("string", "00000000"),
        ("ipaddr", "00000000"),
        ("ipv6addr", 32 * "0"),
        ("eui48", "0000ffffffffffff"),
    ],
)
def test_absent_texts(kind: str, registers: str) -> None:
    point = Point("x", kind, 0, len(registers) // 4, "")
    assert point.encode(None).hex() == registers
    assert point.text(bytes.fromhex(registers)) is None


@pytest.mark.parametrize(
    ("kind", "size", "text"),
    [
        ("string", 4, "abc"),
        ("ipaddr", 2, "192.0.2.7"),
        ("ipv6addr", 8, "2001:db8::1"),
        ("eui48", 4, "02:00:5E:10:00:01"),
    ],
)
def test_a_text_that_was_encoded_is_decoded(kind: str, size: int, text: str) -> None:
    point = Point("x", kind, 0, size, "")
    assert point.text(point.encode(text)) == text
    with pytest.raises(TypeError):
        point.decode(point.encode(text))


@given(st.sampled_from(["int16", "uint16", "int32", "uint32", "float32", "acc32", "enum16"]), st.data())
def test_any_registers_decode_and_encode_again(kind: str, data: st.DataObject) -> None:
    size = 1 if kind.endswith("16") else 2
    point = Point("x", kind, 0, size, "")
    registers = data.draw(st.binary(min_size=2 * size, max_size=2 * size))
    value = point.decode(registers)
    if kind == "float32" and value is None:
        assert point.encode(None).hex() == "7fc00000"
    else:
        assert point.encode(value) == registers


@given(st.integers(-0x7FFF_FFFF, 0x7FFF_FFFF), st.integers(-3, 3))
def test_what_was_encoded_is_decoded(raw: int, exponent: int) -> None:
    point = Point("x", "int32", 0, 2, "F")
    value = raw * 10.0**exponent
    assert point.decode(point.encode(value, exponent), exponent) == pytest.approx(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("int16", 40_000.0), ("uint16", -1.0), ("uint16", 65_535.0), ("sunssf", 11.0), ("string", "too long")],
)
def test_what_does_not_fit_is_an_overflow(kind: str, value: float | str) -> None:
    with pytest.raises(OverflowError):
        Point("x", kind, 0, 1, "").encode(value)
