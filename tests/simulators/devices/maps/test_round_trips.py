"""What holds for every register of every unit, whatever is asked or written (hypothesis)."""

import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.devices.inverter.nameplate import Kind
from simulators.devices.models import Point
from tests.simulators.devices.maps.unit_bench import UnitBench, plate

UNITS = {
    kind: UnitBench(plate(kind, phases=phases), base=base)
    for kind, phases, base in ((Kind.HYBRID, 3, 40_000), (Kind.PV, 1, 0), (Kind.BATTERY, 3, 50_000))
}
SELF_CLEARING = frozenset({"AlarmReset", "AlmRst"})
UNSIGNED_ZERO = frozenset({"PFWInj.Ext", "PFWAbs.Ext", "PFWInjRvrt.Ext", "PFWAbsRvrt.Ext"})


def writable_points() -> Iterator[tuple[Kind, int, str]]:
    for kind, bench in UNITS.items():
        for number in bench.numbers:
            for name in sorted(bench.image.writable(number)):
                yield kind, number, name


@pytest.mark.parametrize(("kind", "number", "name"), list(writable_points()))
def test_every_writable_point_is_one_that_the_standard_lets_write(kind: Kind, number: int, name: str) -> None:
    assert UNITS[kind].point(number, name).writable


def raw_values(point: Point) -> st.SearchStrategy[bytes]:
    """Values near zero, powers of ten and anything at all, as register bytes."""
    bits = 16 * point.size
    near = st.integers(-40, 40).map(lambda value: value % (1 << bits))
    decimal = st.sampled_from([100, 1_000, 9_500, 10_000, 65_534])
    anything = st.integers(0, (1 << bits) - 1)
    return st.one_of(near, decimal, anything).map(lambda value: value.to_bytes(2 * point.size, "big"))


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
@given(st.sampled_from(list(writable_points())), st.data())
def test_a_value_reads_back_as_written_or_was_refused(
    where: tuple[Kind, int, str], data: st.DataObject
) -> None:
    kind, number, name = where
    bench = UNITS[kind]
    address, size = bench.image.locate(number, name)
    registers = data.draw(raw_values(bench.point(number, name)))
    before = bench.registers(address, size)
    response = bench.send(address, registers)
    after = bench.registers(address, size)
    if response.startswith("10"):
        assert after == (bytes(2 * size) if name in SELF_CLEARING else registers)
    else:
        assert response == "9003"
        assert after == before


def state(bench: UnitBench) -> str:
    return repr((bench.unit.commands, bench.unit.settings))


READS_AND_WRITES = st.builds(
    lambda function, offset, rest: struct.pack(">BH", function, offset) + rest,
    st.sampled_from([3, 4, 6, 16]),
    st.integers(0, 1_100),
    st.binary(max_size=40),
)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=260), READS_AND_WRITES))
def test_any_bytes_get_a_well_formed_answer_and_only_a_good_write_changes_anything(pdu: bytes) -> None:
    bench = UNITS[Kind.PV]
    before = state(bench)
    response = bench.image.respond(pdu)
    function = pdu[0] if pdu else 0
    if response[0] & 0x80:
        assert len(response) == 2
        assert response[0] & 0x7F == function & 0x7F
        assert response[1] in {1, 2, 3}
    elif function in {3, 4}:
        assert response[:2] == bytes((function, len(response) - 2))
        assert len(response) == 2 + 2 * struct.unpack(">H", pdu[3:5])[0]
    else:
        assert function in {6, 16}
        assert len(response) == 5
        return
    assert state(bench) == before


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_block_is_written_in_full_or_not_at_all(data: st.DataObject) -> None:
    """Blocks that begin at a writable point and run over whatever follows, models included."""
    kind, number, name = data.draw(st.sampled_from(list(writable_points())))
    bench = UNITS[kind]
    address, _ = bench.image.locate(number, name)
    count = data.draw(st.integers(1, 12))
    count = min(count, bench.image.end - address)
    registers = data.draw(
        st.lists(st.sampled_from([0, 1, 2, 100, 0xFFFF]), min_size=count, max_size=count).map(
            lambda words: struct.pack(f">{count}H", *words)
        )
    )
    before = state(bench), whole(bench)
    response = bench.send(address, registers)
    if response.startswith("90"):
        assert (state(bench), whole(bench)) == before


def whole(bench: UnitBench) -> bytes:
    image = bench.image
    return b"".join(
        bench.registers(start, min(125, image.end - start)) for start in range(image.base, image.end, 125)
    )


@pytest.mark.parametrize("kind", UNITS)
def test_reads_may_begin_and_end_anywhere(kind: Kind) -> None:
    bench = UNITS[kind]
    everything = whole(bench)
    assert everything[:4] == b"SunS"
    assert everything[-4:] == b"\xff\xff\x00\x00"
    for start in range(bench.image.base, bench.image.end - 7, 41):
        first = 2 * (start - bench.image.base)
        assert bench.registers(start, 7) == everything[first : first + 14]
