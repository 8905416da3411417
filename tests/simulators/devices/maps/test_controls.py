"""Commands through registers: model 704 and the older 123, on one unit and one set of commands.

Source of the timers: model 704 point descriptions; a timer starts when its function is enabled and again
with every later write to it (sunspec/models #215).
"""

import struct

import pytest

from simulators.devices.functions.settings import Priority
from simulators.devices.inverter.commands import Reversion
from simulators.devices.inverter.nameplate import Kind
from tests.simulators.devices.maps.unit_bench import UnitBench, plate


def test_a_setpoint_in_watts_is_followed_until_its_timer_ends(bench: UnitBench) -> None:
    bench.write(704, WSet=3_000, WSetRvrtTms=30, WSetEna=1)
    bench.wait(10.0)
    assert bench.read(701, "W") == 3_000.0
    assert bench.read(704, "WSetRvrtRem") == 20.0
    bench.wait(19.9)
    assert (bench.read(704, "WSetEna"), bench.read(704, "WSetRvrtRem")) == (1.0, 1.0)
    bench.wait(0.2)
    assert (bench.read(704, "WSetEna"), bench.read(704, "WSetRvrtRem")) == (0.0, 0.0)
    bench.wait(10.0)
    assert bench.number(701, "W") > 4_000.0


@pytest.mark.parametrize(
    ("enable", "points", "reverts"),
    [
        pytest.param("WSet", {"WSet": 2_500, "WSetRvrt": -1_500}, "WSet", id="active-power"),
        pytest.param("VarSet", {"VarSet": 1_200, "VarSetRvrt": -900}, "VarSet", id="reactive-power"),
        pytest.param("WMaxLimPct", {"WMaxLimPct": 30, "WMaxLimPctRvrt": 70}, "WMaxLimPct", id="limit"),
        pytest.param(
            "PFWInj", {"PFWInj__PF": 0.95, "PFWInjRvrt__PF": 0.98}, "PFWInj.PF", id="power-factor-injecting"
        ),
        pytest.param(
            "PFWAbs", {"PFWAbs__PF": 0.95, "PFWAbsRvrt__PF": 0.98}, "PFWAbs.PF", id="power-factor-absorbing"
        ),
    ],
)
@pytest.mark.parametrize("enabled_after", [0, 1], ids=["off-after", "on-after"])
def test_a_function_reverts_to_its_reversion_value_and_enable(
    bench: UnitBench, enable: str, points: dict[str, float], reverts: str, enabled_after: int
) -> None:
    first, second = points.values()
    bench.write(704, **points)
    bench.write(704, **{f"{enable}RvrtTms": 20, f"{enable}EnaRvrt": enabled_after, f"{enable}Ena": 1})
    bench.wait(19.5)
    assert bench.number(704, reverts) == pytest.approx(first)
    assert bench.read(704, f"{enable}RvrtRem") == 1.0
    bench.wait(0.6)
    assert bench.number(704, reverts) == pytest.approx(second)
    assert bench.read(704, f"{enable}Ena") == enabled_after
    assert bench.read(704, f"{enable}RvrtRem") == 0.0


def test_a_later_write_starts_the_timer_again(bench: UnitBench) -> None:
    bench.write(704, WSet=3_000, WSetRvrtTms=30, WSetEna=1)
    bench.wait(25.0)
    bench.write(704, WSet=3_100)
    assert bench.read(704, "WSetRvrtRem") == 30.0
    bench.wait(25.0)
    assert bench.read(704, "WSetEna") == 1.0


def test_a_time_of_zero_lasts(bench: UnitBench) -> None:
    bench.write(704, WSet=3_000, WSetEna=1)
    bench.wait(7_200.0)
    assert (bench.read(704, "WSetEna"), bench.read(701, "W")) == (1.0, 3_000.0)


def test_a_cosmetic_timer_counts_down_and_does_nothing() -> None:
    bench = UnitBench(reversion=Reversion.COSMETIC)
    bench.write(704, WSet=3_000, WSetRvrtTms=30, WSetEna=1)
    bench.wait(20.0)
    assert bench.read(704, "WSetRvrtRem") == 10.0
    bench.wait(20.0)
    assert (bench.read(704, "WSetRvrtRem"), bench.read(704, "WSetEna")) == (0.0, 1.0)


def test_an_absent_timer_stays_at_zero() -> None:
    bench = UnitBench(reversion=Reversion.ABSENT)
    bench.write(704, WSet=3_000, WSetRvrtTms=30, WSetEna=1)
    bench.wait(1.0)
    assert (bench.read(704, "WSetRvrtTms"), bench.read(704, "WSetRvrtRem")) == (30.0, 0.0)
    bench.wait(40.0)
    assert bench.read(704, "WSetEna") == 1.0


def test_a_fast_clock_shows_in_the_remaining_time(bench: UnitBench) -> None:
    bench.wait(1.0)
    bench.unit.quirks.clock_rate = 2.0
    bench.wait(0.1)
    bench.write(704, WSet=3_000, WSetRvrtTms=60, WSetEna=1)
    bench.wait(20.0)
    assert bench.number(704, "WSetRvrtRem") == pytest.approx(20.0, abs=1.0)


def test_percent_of_w_max_and_watts_are_two_ways_to_say_it(bench: UnitBench) -> None:
    bench.write(704, WSetMod=0, WSetPct=25.5, WSetEna=1)
    bench.wait(30.0)
    assert bench.read(701, "W") == 2_550.0
    bench.write(704, WSet=4_000)
    bench.wait(30.0)
    assert bench.read(701, "W") == 2_550.0, "watts do not count while the mode says percent"
    bench.write(704, WSetMod=1)
    bench.wait(30.0)
    assert bench.read(701, "W") == 4_000.0
    assert bench.read(704, "WSetPct") == 25.5


@pytest.mark.parametrize(
    ("mode", "percent", "expected_var"),
    [
        pytest.param(0, 20.0, 2_000.0, id="of-maximum-active-power"),
        pytest.param(1, 50.0, 2_200.0, id="of-maximum-reactive-power"),
        pytest.param(3, -30.0, -3_000.0, id="of-maximum-apparent-power"),
    ],
)
def test_reactive_power_in_percent(bench: UnitBench, mode: int, percent: float, expected_var: float) -> None:
    bench.write(704, VarSetMod=mode, VarSetPct=percent, VarSetEna=1)
    bench.wait(60.0)
    assert bench.number(701, "Var") == pytest.approx(expected_var, abs=1.0)
    assert bench.read(704, "VarSetPct") == percent


def test_an_override_from_elsewhere_shows_in_the_governing_point(bench: UnitBench) -> None:
    """As when the vendor's cloud writes: registers tell what is commanded, not what was written."""
    bench.write(704, WSet=3_000, WSetEna=1)
    bench.unit.commands.setpoint_w.value = -500.0
    assert bench.read(704, "WSet") == -500.0


@pytest.mark.parametrize(
    ("excitation", "sign"),
    [pytest.param(0, 1.0, id="over-excited"), pytest.param(1, -1.0, id="under-excited")],
)
def test_a_power_factor_acts_with_its_excitation(bench: UnitBench, excitation: int, sign: float) -> None:
    bench.write(704, WSet=5_000, WSetEna=1, PFWInj__PF=0.95, PFWInj__Ext=excitation, PFWInjEna=1)
    bench.wait(60.0)
    assert bench.number(701, "Var") == pytest.approx(sign * 5_000.0 * (1 / 0.95**2 - 1) ** 0.5, abs=2.0)


def test_a_limit_bounds_injection(bench: UnitBench) -> None:
    bench.write(704, WSet=9_000, WSetEna=1, WMaxLimPct=40, WMaxLimPctEna=1)
    bench.wait(60.0)
    assert bench.read(701, "W") == 4_000.0


def test_a_ramp_in_percent_a_second(bench: UnitBench) -> None:
    assert bench.read(704, "WRmp") is None
    bench.write(704, WRmp=2, WSet=1_000, WSetEna=1)
    bench.wait(120.0)
    bench.write(704, WSet=5_000)
    bench.wait(10.0)
    assert bench.number(701, "W") == pytest.approx(3_000.0, abs=150.0)
    assert bench.read(704, "WRmp") == 2.0


def test_priority_is_kept(bench: UnitBench) -> None:
    bench.write(704, VarSetPri=0)
    assert bench.unit.commands.priority is Priority.ACTIVE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("WSetEna", 2, id="an-enable-that-is-neither"),
        pytest.param("WSetMod", 2, id="a-mode-that-does-not-exist"),
        pytest.param("VarSetMod", 2, id="percent-of-available-reactive-power-is-not-offered"),
        pytest.param("VarSetPri", 2, id="no-vendor's-priority"),
        pytest.param("WSet", 10_001, id="above-the-rating"),
        pytest.param("WSet", -8_001, id="below-the-charge-rating"),
        pytest.param("WSetPct", 100.01, id="above-100-percent"),
        pytest.param("VarSet", 4_401, id="beyond-reactive-power"),
        pytest.param("WMaxLimPct", 100.01, id="a-limit-above-100-percent"),
        pytest.param("PFWInj.PF", 0.5, id="a-power-factor-beyond-capability"),
        pytest.param("PFWInj.PF", 1.001, id="a-power-factor-above-1"),
        pytest.param("WRmp", 0, id="a-ramp-that-never-moves"),
        pytest.param("AntiIslEna", 0, id="anti-islanding-cannot-be-turned-off"),
        pytest.param("WSet", None, id="not-implemented-is-not-a-value"),
    ],
)
def test_what_makes_no_sense_is_a_value_exception(bench: UnitBench, name: str, value: float | None) -> None:
    before = bench.raw(704, name)
    assert bench.try_write(704, name, value) == "03"
    assert bench.raw(704, name) == before


def test_pv_takes_no_negative_setpoint() -> None:
    bench = UnitBench(plate(Kind.PV))
    assert bench.try_write(704, "WSet", -1.0) == "03"
    assert bench.try_write(704, "WSet", 0.0) == ""


@pytest.mark.parametrize("name", ["ID", "L", "WSetRvrtRem", "WSet_SF", "WMaxLimPctRvrtRem"])
def test_what_is_read_only_is_an_address_exception(bench: UnitBench, name: str) -> None:
    assert bench.try_write(704, name, 1.0) == "02"


def test_local_control_takes_no_command(bench: UnitBench) -> None:
    bench.unit.local = True
    for number, name, value in ((704, "WSet", 1.0), (123, "Conn", 1.0), (711, "Ena", 1.0), (703, "ES", 1.0)):
        assert bench.try_write(number, name, value) == "02"
    assert bench.read(715, "LocRemCtl") == 1.0


def test_a_block_of_registers_is_one_command(bench: UnitBench) -> None:
    """WSetEna .. WSetRvrt in one request, as a master that keeps a copy of the model sends it."""
    address, _ = bench.image.locate(704, "WSetEna")
    assert bench.send(address, struct.pack(">HHii", 1, 1, 2_000, 500))[:2] == "10"
    bench.wait(30.0)
    assert bench.read(701, "W") == 2_000.0


def test_a_block_with_one_impossible_value_changes_nothing(bench: UnitBench) -> None:
    address, _ = bench.image.locate(704, "WSetEna")
    size = bench.image.plan(704).size
    before = bench.registers(bench.image.locate(704, "ID")[0], size)
    assert bench.send(address, struct.pack(">HHii", 1, 1, 2_000, 50_000)) == "9003"
    assert bench.registers(bench.image.locate(704, "ID")[0], size) == before


def test_a_listener_hears_of_commands_from_remote(bench: UnitBench) -> None:
    heard: list[str] = []
    bench.unit.on_command.append(lambda name, at_s: heard.append(name) if at_s else None)
    bench.write(704, WSet=1_000, WSetEna=1)
    bench.write(715, ControllerHb=1)
    bench.write(711, Ena=1)
    assert heard == ["WSet", "WSetEna", "711"]


class TestImmediateControls:
    """Model 123."""

    def test_a_limit_reverts_by_its_timer(self, bench: UnitBench) -> None:
        bench.write(123, WMaxLimPct=30, WMaxLimPct_RvrtTms=20, WMaxLim_Ena=1)
        bench.wait(19.0)
        assert bench.read(701, "W") == 3_000.0
        bench.wait(1.1)
        assert (bench.read(123, "WMaxLim_Ena"), bench.read(123, "WMaxLimPct")) == (0.0, 100.0)
        bench.wait(20.0)
        assert bench.number(701, "W") > 5_000.0

    def test_a_ramp_time_is_that_of_the_whole_change(self, bench: UnitBench) -> None:
        bench.sky.sun_pu = 1.0
        bench.write(704, WSet=10_000, WSetEna=1)
        bench.wait(60.0)
        bench.write(123, WMaxLimPct_RmpTms=20, WMaxLimPct=20, WMaxLim_Ena=1)
        bench.wait(10.0)
        assert bench.number(701, "W") == pytest.approx(6_000.0, abs=500.0)
        bench.wait(11.0)
        assert bench.number(701, "W") == pytest.approx(2_000.0, abs=50.0)

    def test_disconnecting_reverts(self, bench: UnitBench) -> None:
        bench.write(123, Conn_RvrtTms=10, Conn=0)
        bench.wait(5.0)
        assert (bench.read(123, "Conn"), bench.read(701, "W"), bench.read(701, "ConnSt")) == (0.0, 0.0, 0.0)
        assert bench.read(802, "SetOp") == 2.0
        bench.wait(60.0)
        assert bench.read(123, "Conn") == 1.0
        assert bench.number(701, "W") > 1_000.0

    @pytest.mark.parametrize(
        ("factor", "sign"),
        [
            pytest.param(-0.95, 1.0, id="negative-is-over-excited"),
            pytest.param(0.95, -1.0, id="positive-is-under-excited"),
        ],
    )
    def test_a_power_factor_is_signed_as_in_eei(self, bench: UnitBench, factor: float, sign: float) -> None:
        bench.write(704, WSet=5_000, WSetEna=1)
        bench.write(123, OutPFSet=factor, OutPFSet_Ena=1)
        bench.wait(60.0)
        assert bench.number(701, "Var") == pytest.approx(sign * 1_643.0, abs=3.0)

    @pytest.mark.parametrize("factor", [1.0, -1.0])
    def test_unity_is_read_back_with_its_sign(self, bench: UnitBench, factor: float) -> None:
        bench.write(123, OutPFSet=factor, OutPFSet_Ena=1)
        assert bench.read(123, "OutPFSet") == factor

    @pytest.mark.parametrize(
        ("mode", "name", "percent", "expected_var"),
        [
            pytest.param(1, "VArWMaxPct", 20.0, 2_000.0, id="of-maximum-active-power"),
            pytest.param(2, "VArMaxPct", -50.0, -2_200.0, id="of-maximum-reactive-power"),
        ],
    )
    def test_reactive_power(
        self, bench: UnitBench, mode: int, name: str, percent: float, expected_var: float
    ) -> None:
        bench.write(123, VArPct_Mod=mode, **{name: percent}, VArPct_RvrtTms=60, VArPct_Ena=1)
        bench.wait(30.0)
        assert bench.number(701, "Var") == pytest.approx(expected_var, abs=1.0)
        bench.wait(60.0)
        assert bench.read(701, "Var") == 0.0

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("WMaxLimPct", 100.01),
            ("Conn", 2),
            ("OutPFSet", 0.5),
            ("VArPct_Mod", 3),
            ("VArPct_Mod", 0),
            ("WMaxLimPct_WinTms", 5),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, bench: UnitBench, name: str, value: float) -> None:
        assert bench.try_write(123, name, value) == "03"


class TestAgreement:
    """One unit in two series: what was commanded by way of one is told by the other."""

    def test_a_limit(self, bench: UnitBench) -> None:
        bench.write(123, WMaxLimPct=42.5, WMaxLimPct_RvrtTms=90, WMaxLim_Ena=1)
        assert bench.read(704, "WMaxLimPct") == 42.5
        assert (bench.read(704, "WMaxLimPctEna"), bench.read(704, "WMaxLimPctRvrtTms")) == (1.0, 90.0)
        bench.wait(30.0)
        assert bench.read(704, "WMaxLimPctRvrtRem") == 60.0
        bench.write(704, WMaxLimPctEna=0)
        assert bench.read(123, "WMaxLim_Ena") == 0.0

    def test_a_power_factor(self, bench: UnitBench) -> None:
        bench.write(704, PFWInj__PF=0.95, PFWInj__Ext=1, PFWInjEna=1)
        assert (bench.read(123, "OutPFSet"), bench.read(123, "OutPFSet_Ena")) == (0.95, 1.0)
        bench.write(123, OutPFSet=-0.98)
        assert (bench.read(704, "PFWInj.PF"), bench.read(704, "PFWInj.Ext")) == (0.98, 0.0)
        assert (bench.read(704, "PFWAbs.PF"), bench.read(704, "PFWAbs.Ext")) == (0.98, 0.0)

    def test_reactive_power(self, bench: UnitBench) -> None:
        bench.write(704, VarSet=1_100, VarSetEna=1)
        assert (bench.read(123, "VArMaxPct"), bench.read(123, "VArPct_Ena")) == (25.0, 1.0)
        bench.write(123, VArMaxPct=-50.0)
        assert bench.read(704, "VarSet") == -2_200.0

    def test_connection(self, bench: UnitBench) -> None:
        bench.write(802, SetOp=2)
        assert bench.read(123, "Conn") == 0.0
        bench.write(123, Conn=1)
        assert bench.read(802, "SetOp") == 1.0

    def test_a_reserve(self, bench: UnitBench) -> None:
        bench.write(124, MinRsvPct=15)
        assert bench.read(802, "SoCRsvMin") == 15.0
        bench.write(802, SoCRsvMin=20)
        assert bench.read(124, "MinRsvPct") == 20.0

    def test_a_ceiling(self, bench: UnitBench) -> None:
        bench.write(121, WMax=8_000)
        assert bench.read(702, "WMax") == 8_000.0
        bench.write(702, VarMaxAbs=2_000)
        assert bench.read(121, "VArMaxQ4") == -2_000.0

    def test_stopping(self, bench: UnitBench) -> None:
        bench.write(715, OpCtl=0)
        assert bench.read(802, "SetInvState") == 1.0

    def test_a_timer_longer_than_16_bits_shows_as_the_longest(self, bench: UnitBench) -> None:
        bench.write(704, WMaxLimPctRvrtTms=100_000)
        assert bench.read(123, "WMaxLimPct_RvrtTms") == 65_534.0
