"""Decoding and encoding of SunSpec models, with pysunspec2 as the oracle."""

import math
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sunspec2 import device as oracle

from edge_agent.devices.plan import ModelPlan, Unencodable, plan_of
from edge_agent.devices.sunspec_models import definition_of

MODELS = (1, 101, 103, 111, 120, 121, 123, 124, 201, 203, 211, 213, 701, 702, 703, 704, 713, 802)


def plan(model_id: int) -> ModelPlan:
    found = plan_of(model_id, 0xFFFF)
    assert found is not None
    return found


def oracle_values(model_id: int, registers: bytes) -> dict[str, float | None]:
    """Computed values of all numbers of a model, by our names, as pysunspec2 sees them."""
    model = oracle.Model(model_id, data=registers, model_len=len(registers) // 2 - 2)
    found: dict[str, float | None] = {}
    for name, point in plan(model_id).points.items():
        group = model
        *groups, leaf = name.split(".")
        for part in groups:
            group = getattr(group, part)
        scale = point.scale
        is_scaled = isinstance(scale, str)
        exponent = model.points[scale].value if is_scaled else None
        if is_scaled and (exponent is None or abs(exponent) > 10):
            found[name] = None
        elif point.type not in {"string", "pad", "sunssf"}:
            found[name] = group.points[leaf].cvalue
    return found


def some_registers(model_id: int, chance: random.Random) -> bytes:
    """Any content, with scale factors that are mostly valid and sentinels that are not rare."""
    found = plan(model_id)
    content = bytearray(struct.pack(">HH", model_id, found.registers - 2))
    content += chance.randbytes(2 * found.registers - 4)
    for point in list(found.points.values())[2:]:
        at = 2 * point.offset
        if point.type == "sunssf":
            exponent = chance.choice([-0x8000, 11, -11, 300, *range(-10, 11)])
            content[at : at + 2] = struct.pack(">h", exponent)
        elif point.type == "string":
            content[at : at + 2 * point.size] = b"A".ljust(2 * point.size, b"\0")
        elif chance.random() < 0.1:
            filler = chance.choice([b"\xff", b"\x00", b"\x80\x00"])
            content[at : at + 2 * point.size] = (filler * 8)[: 2 * point.size]
    return bytes(content)


@pytest.mark.parametrize("model_id", MODELS)
def test_every_number_decodes_as_pysunspec2_decodes_it(model_id: int) -> None:
    chance = random.Random(model_id)
    for _ in range(30):
        content = some_registers(model_id, chance)
        ours = plan(model_id).decode_named(content)
        for name, theirs in oracle_values(model_id, content).items():
            value = ours[name]
            if theirs is None or not math.isfinite(theirs):
                assert value is None, name
            else:
                assert isinstance(value, float)
                assert value == pytest.approx(theirs, rel=1e-12, abs=1e-11), name


@given(content=st.binary(min_size=2 * 68, max_size=2 * 68))
def test_any_text_decodes_without_an_error(content: bytes) -> None:
    for name in ("Mn", "Md", "Vr", "SN"):
        text = plan(1).decode_named(content)[name]
        assert text is None or (isinstance(text, str) and "\0" not in text)


@given(raw=st.integers(-0x7FFF_FFFF, 0x7FFF_FFFF), exponent=st.integers(-10, 10))
def test_what_is_encoded_decodes_to_the_same_value(raw: int, exponent: int) -> None:
    control = plan(704)
    content = bytearray(2 * control.registers)
    at, scale_at = 2 * control.points["WSet"].offset, 2 * control.points["WSet_SF"].offset
    content[at : at + 4] = struct.pack(">i", raw)
    content[scale_at : scale_at + 2] = struct.pack(">h", exponent)
    value = control.decode_named(bytes(content))["WSet"]
    assert isinstance(value, float)
    assert control.encode("WSet", value, exponent) == struct.pack(">i", raw)


@given(value=st.floats(-1e6, 1e6), exponent=st.integers(-3, 2))
def test_encoding_is_off_by_at_most_half_a_step_of_the_register(value: float, exponent: int) -> None:
    (raw,) = struct.unpack(">i", plan(704).encode("WSet", value, exponent))
    assert abs(raw * 10.0**exponent - value) <= 0.5 * 10.0**exponent * (1 + 1e-9)


@pytest.mark.parametrize(
    ("point", "value", "exponent", "reason"),
    [
        ("WSet", math.nan, 0, "not a number"),
        ("WSet", math.inf, 0, "not a number"),
        ("WSet", 3e9, 0, "does not fit"),
        ("WSet", -(2.0**31), 0, "not-implemented value"),
        ("WMaxLimPct", -1.0, 0, "does not fit"),
        ("WMaxLimPct", 655.35, -2, "not-implemented value"),
        ("WSet", 1.0, None, "no valid scale factor"),
        ("WSet", 1.0, 99, "no valid scale factor"),
    ],
    ids=[
        "nan", "infinity", "beyond-the-register", "its-sentinel", "negative-in-an-unsigned-point",
        "scaled-onto-the-sentinel", "scale-factor-missing", "scale-factor-out-of-range",
    ],
)  # fmt: skip
def test_a_value_that_a_register_cannot_hold_is_refused(
    point: str, value: float, exponent: int | None, reason: str
) -> None:
    with pytest.raises(Unencodable, match=reason):
        plan(704).encode(point, value, exponent)


def test_floats_and_fixed_scale_factors_are_encoded_too() -> None:
    assert plan(213).encode("Hz", 59.5) == struct.pack(">f", 59.5)
    with pytest.raises(Unencodable, match="does not fit"):
        plan(213).encode("Hz", 1e300)
    found = plan_of(308, 0xFFFF)
    assert found is not None
    assert found.encode("TmpBOM", 21.4) == struct.pack(">h", 214)


def test_a_shorter_version_of_a_model_keeps_the_points_that_fit() -> None:
    short = plan_of(701, 19)
    assert short is not None
    assert short.registers == 19
    assert "Hz" in short.points
    assert "TotWhInj" not in short.points
    assert short.decode_named(bytes(38))["Hz"] is None, "its scale factor was not read"


def test_nested_groups_are_laid_out_and_repeating_ones_left_out() -> None:
    nested, repeating = definition_of(704), definition_of(705)
    assert nested is not None
    assert repeating is not None
    assert nested.points[-8].name == "PFWInj.PF"
    assert nested.points[-1].offset + nested.points[-1].size == 67
    assert all("." not in point.name for point in repeating.points)


def test_a_model_that_sunspec_does_not_publish_has_no_plan() -> None:
    assert plan_of(65_000, 10) is None


def test_many_different_scale_factors_do_not_fill_the_memory() -> None:
    found = plan(713)
    for exponent in range(-200, 200):
        found.decode(struct.pack(">7hhh", 713, 7, 1, 1, 1, 1, 0, exponent % 21 - 10, exponent))
    assert len(found._scalings) <= 64
