"""Faults of the register map, on a whole hybrid with old models and new ones."""

import struct
from collections.abc import Iterator

import pytest

from simulators.devices.faults.faults import Faults
from simulators.devices.faults.sunspec_map import SunSpecMap
from simulators.devices.wire.pdu import Span
from tests.simulators.devices.faults.faulty import Faulty
from tests.simulators.devices.wire.recording import Recorder, read, write, write_one
from vpp_core.faults import ConfigurationFault


@pytest.fixture
def device() -> Faulty:
    return Faulty()


def scan(device: Faulty, address: int = 40_002) -> Iterator[tuple[int, int, bytes]]:
    """Number, address and registers of every model, as a client finds them."""
    while True:
        number, length = struct.unpack(">HH", device.registers(address, 2))
        if number == 0xFFFF:
            return
        whole = b"".join(
            device.registers(address + at, min(100, 2 + length - at)) for at in range(0, 2 + length, 100)
        )
        yield number, address, whole
        address += 2 + length


class TestTheMap:
    def test_is_found_by_reading(self, device: Faulty) -> None:
        map_ = SunSpecMap.read(device.image)
        assert [number for number, _ in map_.models] == list(device.numbers)
        for number, name in ((701, "W"), (704, "WSet"), (802, "SoC"), (103, "W_SF")):
            address, size = device.image.locate(number, name)
            assert map_.find(f"{number}.{name}") == Span(address, address + size)

    def test_gives_the_first_model_that_has_a_point(self, device: Faulty) -> None:
        map_ = SunSpecMap.read(device.image)
        assert map_.find("W") == map_.find("103.W") != map_.find("701.W")
        assert map_.find("Nonsense") is map_.find("701.Nonsense") is map_.find("999.W") is None

    @pytest.mark.parametrize("base", [0, 40_000, 50_000])
    def test_may_begin_at_three_places(self, base: int) -> None:
        assert SunSpecMap.read(Faulty(base=base).image).models[0] == (1, Span(base + 2, base + 70))

    def test_of_anything_else_is_empty(self) -> None:
        assert SunSpecMap.read(Recorder()).models == ()


class TestStuckRegister:
    def test_keeps_what_it_showed_when_it_got_stuck(self, device: Faulty) -> None:
        device.command(3_000.0)
        device.wait(60.0)
        before_w = device.number(701, "W")
        device.faults.raise_("stuck-register", {"point": "701.W"})
        device.command(-2_000.0)
        device.wait(60.0)
        assert before_w == pytest.approx(3_000.0, abs=1.0)
        assert device.number(701, "W") == before_w
        assert device.number(103, "W") == pytest.approx(device.power_w, abs=1.0)
        assert device.power_w == pytest.approx(-2_000.0, abs=1.0)
        device.faults.clear("stuck-register")
        assert device.number(701, "W") == pytest.approx(-2_000.0, abs=1.0)

    def test_an_address_may_be_a_number_as_options_and_files_give_it(self, device: Faulty) -> None:
        address, _ = device.image.locate(701, "W")
        device.faults.raise_("stuck-register", {"point": address})
        (active,) = device.faults.active
        assert active.parameters["point"] == str(address)

    def test_is_seen_by_reads_that_begin_and_end_anywhere(self, device: Faulty) -> None:
        address, _ = device.image.locate(704, "WSet")
        device.faults.raise_("stuck-register", {"point": str(address), "count": 2})
        device.command(1_234.0)
        held = device.registers(address, 2)
        assert held == b"\0\0\0\0"
        whole = device.registers(address - 5, 12)
        assert whole[10:14] == held
        assert device.registers(address + 1, 1) == held[2:]
        assert whole[:10] == device.image.respond(read(address - 5, 12))[2:12]

    @pytest.mark.parametrize(
        ("writes", "setpoint_w"),
        [
            pytest.param("carried-out", 1_500.0, id="carried-out"),
            pytest.param("swallowed", 0.0, id="swallowed"),
        ],
    )
    def test_acknowledges_writes_that_are(self, device: Faulty, writes: str, setpoint_w: float) -> None:
        device.faults.raise_("stuck-register", {"point": "704.WSet", "writes": writes})
        device.command(1_500.0)
        assert device.number(704, "WSet") == 0.0
        assert device.unit.commands.setpoint_w.value == setpoint_w

    def test_swallows_only_writes_that_touch_it(self, device: Faulty) -> None:
        device.faults.raise_("stuck-register", {"point": "704.WSet", "writes": "swallowed"})
        device.write(704, WMaxLimPct=50, WMaxLimPctEna=1)
        assert device.unit.commands.limit.value == pytest.approx(0.5)
        address, _ = device.image.locate(704, "WSet")
        assert device.ask(write_one(address + 1, 7)) == write_one(address + 1, 7)
        assert device.ask(write(address, b"abcd")[:-1]) == b"\x90\x03"


class TestWrongScaleFactor:
    def test_makes_values_ten_times_as_large_and_the_device_goes_by_the_right_one(
        self, device: Faulty
    ) -> None:
        device.command(2_000.0)
        device.wait(60.0)
        device.faults.raise_("wrong-scale-factor", {"point": "701.W_SF"})
        assert device.number(701, "W") == pytest.approx(20_000.0, abs=10.0)
        assert device.power_w == pytest.approx(2_000.0, abs=1.0)

    def test_spoils_what_is_written_by_it(self, device: Faulty) -> None:
        device.faults.raise_("wrong-scale-factor", {"point": "704.WMaxLimPct_SF"})
        device.write(704, WMaxLimPct=50.0)
        assert device.unit.commands.limit.value == pytest.approx(0.05)

    def test_is_seen_wherever_a_read_begins(self, device: Faulty) -> None:
        address, _ = device.image.locate(701, "W_SF")
        honest = device.registers(address, 1)
        device.faults.raise_("wrong-scale-factor", {"point": "701.W_SF", "shift": -2})
        (before,), (after,) = (struct.unpack(">h", each) for each in (honest, device.registers(address, 1)))
        assert after == before - 2
        assert device.registers(address - 3, 7)[6:8] == device.registers(address, 1)
        assert device.registers(address + 1, 3) == device.image.respond(read(address + 1, 3))[2:]


class TestShiftedMap:
    @pytest.mark.parametrize("registers", [2, 10, 1_000])
    def test_a_new_scan_finds_every_model_further_on_with_the_same_registers(
        self, device: Faulty, registers: int
    ) -> None:
        before = list(scan(device))
        device.faults.raise_("shifted-map", {"registers": registers})
        common, filler, *others = scan(device)
        assert common == before[0]
        assert filler == (
            64_900,
            40_070,
            struct.pack(">HH", 64_900, registers - 2).ljust(2 * registers, b"\0"),
        )
        assert others == [(number, at + registers, values) for number, at, values in before[1:]]

    def test_every_read_is_a_window_on_one_map(self, device: Faulty) -> None:
        device.faults.raise_("shifted-map", {"registers": 6})
        whole = b"".join(device.registers(address, 1) for address in range(40_000, 40_200))
        for start in range(40_060, 40_080):
            for count in (1, 2, 9, 20, 100):
                assert device.registers(start, count) == whole[2 * (start - 40_000) :][: 2 * count]

    def test_writes_go_where_the_client_would_find_the_point_now(self, device: Faulty) -> None:
        address, _ = device.image.locate(704, "WSet")
        device.faults.raise_("shifted-map", {"registers": 7})
        assert device.send(address + 7, struct.pack(">i", 1_500)) == write(address + 7, bytes(4))[:5].hex()
        assert device.unit.commands.setpoint_w.value == 1_500.0
        assert device.ask(write_one(address + 8, 99)) == write_one(address + 8, 99)
        assert device.unit.commands.setpoint_w.value == 99.0

    def test_an_old_address_is_another_register_now(self, device: Faulty) -> None:
        address, _ = device.image.locate(704, "ID")
        assert device.registers(address, 1) == (704).to_bytes(2)
        device.faults.raise_("shifted-map")
        assert device.registers(address, 1) != (704).to_bytes(2)

    @pytest.mark.parametrize("address", [40_069, 40_070, 40_075, 40_079])
    def test_the_gap_cannot_be_written(self, device: Faulty, address: int) -> None:
        device.faults.raise_("shifted-map")
        assert device.send(address, bytes(4)) == "9002"

    def test_reads_beyond_the_end_are_refused_as_ever(self, device: Faulty) -> None:
        end = device.image.end
        device.faults.raise_("shifted-map")
        assert device.registers(end + 8, 2) == b"\xff\xff\0\0"
        assert device.ask(read(end + 9, 2)) == b"\x83\x02"
        assert device.ask(read(0xFFFF, 125)) == b"\x83\x02"
        assert device.ask(read(40_000, 126)) == b"\x83\x03"

    def test_together_with_a_stuck_point_the_point_is_stuck_at_its_new_place(self, device: Faulty) -> None:
        device.faults.raise_("shifted-map")
        device.faults.raise_("stuck-register", {"point": "704.WSet"})
        address, _ = device.image.locate(704, "WSet")
        device.send(address + 10, struct.pack(">i", 1_500))
        assert device.registers(address + 10, 2) == bytes(4)
        assert device.unit.commands.setpoint_w.value == 1_500.0


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        pytest.param(
            "stuck-register", {"point": "Nonsense"}, "no unit has a point or register", id="a-point"
        ),
        pytest.param(
            "stuck-register", {"point": "60000"}, "no unit has a point or register", id="a-register"
        ),
        pytest.param(
            "stuck-register", {"point": "70000"}, "no unit has a point or register", id="beyond-the-last"
        ),
        pytest.param(
            "stuck-register",
            {"point": "65535", "count": 2},
            "no unit has a point or register",
            id="over-the-end",
        ),
        pytest.param(
            "wrong-scale-factor", {"point": "W_XX"}, "no unit has a scale factor 'W_XX'", id="a-scale-factor"
        ),
        pytest.param(
            "wrong-scale-factor", {"point": "701.W"}, "no unit has a scale factor '701.W'", id="a-value"
        ),
    ],
)
def test_what_the_map_has_not_is_refused(
    device: Faulty, name: str, parameters: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigurationFault, match=sentence):
        device.faults.raise_(name, parameters)
    assert device.faults.active == ()


def test_a_map_that_is_not_sunspec_cannot_shift_but_its_registers_may_be_stuck() -> None:
    recorder = Recorder()

    class Line:
        images = (recorder,)

        def refusal_changed(self) -> None: ...

        def drop(self) -> None: ...

    faults = Faults()
    faults.watch(Line())
    with pytest.raises(ConfigurationFault, match="no unit has SunSpec models that could move"):
        faults.raise_("shifted-map")
    faults.raise_("stuck-register", {"point": "1100", "count": 2})
    recorder.write(1_100, b"abcdef")
    assert faults.respond(recorder, read(1_099, 4))[2:] == b"\x04\x4b\x04\x4c\x04\x4def"
