"""Register images apart from any device: where they lie, what they refresh, and writes as a whole."""

import struct
from collections.abc import Mapping

import pytest

from simulators.devices.image import BASES, ModelInstance, NotWritable, RegisterImage, Values


class Panel:
    """Two numbers that may be written, and a third that may not."""

    def __init__(self) -> None:
        self.values: dict[str, float] = {"CtrlHb": 1.0, "SetOp": 1.0}
        self.written: list[dict[str, float]] = []
        self.is_local = False

    def check(self, changes: Mapping[str, float | None]) -> None:
        if self.is_local:
            raise NotWritable("local")
        if any(value is None or value > 100.0 for value in changes.values()):
            raise ValueError("above 100")

    def write(self, changes: Mapping[str, float], now_s: float) -> None:
        assert now_s == 5.0
        self.values.update(changes)
        self.written.append(dict(changes))

    def read(self) -> Values:
        return self.values


class OpenPanel(Panel):
    """Takes any value."""

    def check(self, changes: Mapping[str, float | None]) -> None:
        assert None not in changes.values()


class Gauge:
    """A live model that counts how often it is asked."""

    def __init__(self) -> None:
        self.power_w: float | None = 100.0
        self.asked = 0
        self.stamp = 0

    def read(self) -> Values:
        self.asked += 1
        return {"W": self.power_w}


def panel_model(panel: Panel, number: int = 802) -> ModelInstance:
    return ModelInstance(
        number=number,
        fixed={},
        live=panel.read,
        writable=frozenset(panel.values),
        target=panel,
    )


def image(*models: ModelInstance, base: int = 40_000) -> RegisterImage:
    return RegisterImage(models, lambda: 5.0, base)


def gauge_model(gauge: Gauge, *, stamped: bool) -> ModelInstance:
    stamp = (lambda: gauge.stamp) if stamped else None
    return ModelInstance(number=701, fixed={"W_SF": 0}, live=gauge.read, stamp=stamp)


@pytest.mark.parametrize("base", BASES)
def test_a_map_begins_at_its_base_and_ends_with_the_marker(base: int) -> None:
    registers = image(ModelInstance(number=1, fixed={"Mn": "A"}), base=base)
    assert registers.read(base, 5) == b"SunS\x00\x01\x00\x42A\x00"
    assert registers.read(registers.end - 2, 2) == b"\xff\xff\x00\x00"
    assert registers.end == base + 2 + 68 + 2
    assert registers.respond(struct.pack(">BHH", 3, registers.end, 1)) == b"\x83\x02"


@pytest.mark.parametrize("base", [1, 39_999, 65_000])
def test_another_base_is_refused(base: int) -> None:
    with pytest.raises(ValueError, match="begins at one of"):
        image(base=base)


def test_a_map_beyond_the_last_register_is_refused() -> None:
    models = [ModelInstance(number=701, fixed={}) for _ in range(110)]
    with pytest.raises(ValueError, match="beyond the last register"):
        image(*models, base=50_000)


def test_a_count_point_says_how_often_its_group_repeats() -> None:
    registers = image(ModelInstance(number=714, fixed={"Prt[2].ID": 7}, counts={"NPrt": 2}))
    address, _ = registers.locate(714, "NPrt")
    assert registers.read(address, 1) == b"\x00\x02"
    address, _ = registers.locate(714, "Prt[2].ID")
    assert registers.read(address, 1) == b"\x00\x07"
    assert registers.read(registers.locate(714, "L")[0], 1) == struct.pack(">H", 18 + 2 * 25)


def test_a_model_is_refreshed_only_when_its_stamp_differs() -> None:
    gauge = Gauge()
    registers = image(gauge_model(gauge, stamped=True))
    address, _ = registers.locate(701, "W")
    for _ in range(5):
        registers.read(address, 1)
    assert gauge.asked == 1
    gauge.power_w, gauge.stamp = 200.0, 1
    assert registers.read(address, 1) == struct.pack(">h", 200)
    assert gauge.asked == 2


def test_a_model_without_a_stamp_is_asked_each_time() -> None:
    gauge = Gauge()
    registers = image(gauge_model(gauge, stamped=False))
    for _ in range(3):
        registers.read(registers.locate(701, "W")[0], 1)
    assert gauge.asked == 3


def test_a_model_that_is_not_read_is_not_asked() -> None:
    gauge = Gauge()
    registers = image(ModelInstance(number=1, fixed={}), gauge_model(gauge, stamped=False))
    registers.read(40_000, 70)
    assert gauge.asked == 0
    registers.read(40_000, 71)
    assert gauge.asked == 1


def test_after_a_write_every_model_is_asked_again() -> None:
    gauge, panel = Gauge(), Panel()
    registers = image(gauge_model(gauge, stamped=True), panel_model(panel))
    registers.read(registers.locate(701, "W")[0], 1)
    registers.write(registers.locate(802, "SetOp")[0], b"\x00\x02")
    registers.read(registers.locate(701, "W")[0], 1)
    assert gauge.asked == 2


@pytest.mark.parametrize(
    ("power_w", "shown"),
    [
        pytest.param(1e6, 32_767, id="beyond-the-top"),
        pytest.param(-1e6, -32_767, id="beyond-the-bottom-is-not-the-sentinel"),
        pytest.param(-32_768.0, -32_767, id="the-sentinel-is-no-value"),
        pytest.param(float("inf"), 32_767, id="infinity"),
        pytest.param(float("-inf"), -32_767, id="minus-infinity"),
        pytest.param(float("nan"), -32_768, id="no-number-is-not-implemented"),
        pytest.param(None, -32_768, id="nothing-is-not-implemented"),
    ],
)
def test_an_instrument_stays_at_its_end(power_w: float | None, shown: int) -> None:
    gauge = Gauge()
    gauge.power_w = power_w
    registers = image(gauge_model(gauge, stamped=False))
    assert registers.read(registers.locate(701, "W")[0], 1) == struct.pack(">h", shown)


def test_a_fixed_value_that_does_not_fit_is_an_overflow() -> None:
    with pytest.raises(OverflowError):
        image(ModelInstance(number=701, fixed={"W": 40_000.0}))


class TestWrites:
    """All registers of a request, or none; also over two models."""

    @pytest.fixture
    def panels(self) -> tuple[Panel, Panel]:
        return Panel(), Panel()

    @pytest.fixture
    def registers(self, panels: tuple[Panel, Panel]) -> RegisterImage:
        """Two models, of which the last point of the former and the first of the latter may be written."""
        first, second = panels
        first.values, second.values = {"OpCtl": 0.0}, {"Ena": 0.0, "AdptCtlReq": 0.0}
        return image(
            ModelInstance(number=715, fixed={}, live=first.read, writable=frozenset({"OpCtl"}), target=first),
            ModelInstance(
                number=711,
                fixed={},
                live=second.read,
                writable=frozenset({"Ena", "AdptCtlReq"}),
                target=second,
            ),
        )

    def test_a_point_is_written(self, registers: RegisterImage, panels: tuple[Panel, Panel]) -> None:
        registers.write(registers.locate(711, "Ena")[0], struct.pack(">HH", 1, 2))
        assert panels[1].written == [{"Ena": 1.0, "AdptCtlReq": 2.0}]

    def test_a_read_only_point_at_the_end_spoils_the_whole(
        self, registers: RegisterImage, panels: tuple[Panel, Panel]
    ) -> None:
        address, _ = registers.locate(711, "Ena")
        request = struct.pack(">BHHBHHH", 16, address, 3, 6, 1, 2, 0)
        assert registers.respond(request).hex() == "9002"
        assert panels[1].written == []

    def test_the_head_of_the_next_model_spoils_the_whole(
        self, registers: RegisterImage, panels: tuple[Panel, Panel]
    ) -> None:
        address, _ = registers.locate(715, "OpCtl")
        assert registers.respond(struct.pack(">BHHBHH", 16, address, 2, 4, 1, 711)).hex() == "9002"
        assert panels[0].written == []

    def test_an_impossible_value_spoils_the_whole(
        self, registers: RegisterImage, panels: tuple[Panel, Panel]
    ) -> None:
        address, _ = registers.locate(711, "Ena")
        assert registers.respond(struct.pack(">BHHBHH", 16, address, 2, 4, 1, 500)).hex() == "9003"
        assert panels[1].written == []

    def test_a_unit_that_takes_no_writes_says_so(
        self, registers: RegisterImage, panels: tuple[Panel, Panel]
    ) -> None:
        panels[1].is_local = True
        address, _ = registers.locate(711, "Ena")
        assert registers.respond(struct.pack(">BHH", 6, address, 1)).hex() == "8602"

    def test_the_marker_and_the_end_are_read_only(self, registers: RegisterImage) -> None:
        for address in (40_000, 40_001, registers.end - 2, registers.end - 1):
            assert registers.respond(struct.pack(">BHH", 6, address, 1)).hex() == "8602"


def test_a_write_may_span_two_models_that_take_it() -> None:
    """No SunSpec model begins with a writable point, so this takes a model whose id is one."""
    first, second = Panel(), OpenPanel()
    first.values, second.values = {"OpCtl": 0.0}, {"ID": 711.0, "L": 26.0, "Ena": 0.0}
    registers = image(
        ModelInstance(number=715, fixed={}, live=first.read, writable=frozenset(first.values), target=first),
        ModelInstance(
            number=711, fixed={}, live=second.read, writable=frozenset(second.values), target=second
        ),
    )
    address, _ = registers.locate(715, "OpCtl")
    registers.write(address, struct.pack(">HHHH", 1, 711, 12, 1))
    assert first.written == [{"OpCtl": 1.0}]
    assert second.written == [{"ID": 711.0, "L": 12.0, "Ena": 1.0}]


def test_what_is_not_there_cannot_be_located() -> None:
    with pytest.raises(KeyError):
        image().locate(701, "W")
    with pytest.raises(KeyError):
        image(ModelInstance(number=701, fixed={})).locate(701, "Watts")
