"""Curves of the autonomous functions in registers: 705, 706, 711 and 712.

Source: descriptions of the models; adoption is asked for, takes a moment, and succeeds or fails as a whole.
"""

from dataclasses import replace

import pytest

from simulators.devices.functions.checks import ImpossibleSettings
from simulators.devices.functions.settings import FunctionSettings, Priority
from simulators.devices.inverter.commands import Reversion
from simulators.devices.maps.curves import ADOPTION_S
from simulators.devices.models import Value
from tests.simulators.devices.maps.unit_bench import UnitBench

IN_PROGRESS, COMPLETED, FAILED = 0.0, 1.0, 2.0
REQUEST = {705: "AdptCrvReq", 706: "AdptCrvReq", 711: "AdptCtlReq", 712: "AdptCrvReq"}
RESULT = {number: name.replace("Req", "Rslt") for number, name in REQUEST.items()}
GROUP = {705: "Crv", 706: "Crv", 711: "Ctl", 712: "Crv"}
ALL = sorted(REQUEST)


def draft(bench: UnitBench, number: int, index: int, **points: float) -> None:
    for name, value in points.items():
        bench.write_point(number, f"{GROUP[number]}[{index}].{name}", value)


def adopt(bench: UnitBench, number: int, index: int) -> float:
    """Ask for a curve, wait, and return the result."""
    bench.write(number, **{REQUEST[number]: index})
    bench.wait(ADOPTION_S + 0.1)
    return bench.number(number, RESULT[number])


def in_force(bench: UnitBench) -> FunctionSettings:
    return bench.unit.settings


def curve_1(bench: UnitBench, number: int) -> list[Value]:
    names = bench.image.plan(number).points
    return [bench.read(number, name) for name in names if name.startswith(f"{GROUP[number]}[1].")]


@pytest.mark.parametrize("number", ALL)
def test_curve_1_is_in_force_and_read_only(bench: UnitBench, number: int) -> None:
    group = GROUP[number]
    assert bench.read(number, f"{group}[1].ReadOnly") == 1.0
    assert bench.read(number, f"{group}[2].ReadOnly") == 0.0
    point = next(
        name
        for name, point in bench.image.plan(number).points.items()
        if name.startswith(f"{group}[1].") and point.writable
    )
    assert bench.try_write(number, point, 1.0) == "02"


@pytest.mark.parametrize("number", ALL)
def test_adoption_takes_a_moment(bench: UnitBench, number: int) -> None:
    bench.write(number, **{REQUEST[number]: 2})
    assert bench.read(number, RESULT[number]) == IN_PROGRESS
    bench.wait(ADOPTION_S / 2)
    assert bench.read(number, RESULT[number]) == IN_PROGRESS
    bench.wait(ADOPTION_S)
    assert bench.read(number, RESULT[number]) == COMPLETED
    assert bench.read(number, REQUEST[number]) == 2.0


@pytest.mark.parametrize("number", ALL)
def test_the_default_curve_survives_its_registers(bench: UnitBench, number: int) -> None:
    before = in_force(bench)
    assert adopt(bench, number, 2) == COMPLETED
    after = in_force(bench)
    for name in ("volt_var", "volt_watt", "watt_var"):
        flat = [value for point in getattr(after, name).points for value in point]
        assert flat == pytest.approx([value for point in getattr(before, name).points for value in point])
    assert after.frequency_droop == before.frequency_droop


def test_a_volt_var_curve_is_adopted_and_acts(bench: UnitBench) -> None:
    draft(bench, 705, 2, ActPt=2, DeptRef=3, Pri=0, RspTms=2, VRef=100)
    draft(bench, 705, 2, **{"Pt[1].V": 98, "Pt[1].Var": 20, "Pt[2].V": 102, "Pt[2].Var": -30})
    assert adopt(bench, 705, 2) == COMPLETED
    function = in_force(bench).volt_var
    assert function.points == ((0.98, 0.2), (1.02, -0.3))
    assert (function.priority, function.response_s) == (Priority.ACTIVE, 2.0)
    assert [bench.read(705, f"Crv[1].{name}") for name in ("ActPt", "DeptRef", "Pri")] == [2.0, 3.0, 0.0]
    bench.write(705, Ena=1)
    bench.grid.apply(bench.now_s, voltage_pu=1.03)
    bench.wait(30.0)
    assert bench.number(701, "Var") == pytest.approx(-3_000.0, abs=20.0)


@pytest.mark.parametrize(
    ("reference", "percent", "expected_pu"),
    [
        pytest.param(0, 20.0, 0.2, id="of-maximum-active-power"),
        pytest.param(1, 50.0, 0.22, id="of-maximum-reactive-power"),
        pytest.param(3, 40.0, 0.4, id="of-maximum-apparent-power"),
    ],
)
def test_reactive_power_of_a_curve_has_a_reference(
    bench: UnitBench, reference: int, percent: float, expected_pu: float
) -> None:
    draft(bench, 705, 3, ActPt=1, DeptRef=reference, **{"Pt[1].V": 100, "Pt[1].Var": percent})
    assert adopt(bench, 705, 3) == COMPLETED
    ((voltage_pu, reactive_pu),) = in_force(bench).volt_var.points
    assert voltage_pu == 1.0
    assert reactive_pu == pytest.approx(expected_pu)
    assert bench.read(705, "Crv[1].Pt[1].Var") == percent


def test_the_reference_voltage_and_its_tracking_are_adopted(bench: UnitBench) -> None:
    draft(bench, 705, 2, VRef=102.5, VRefAutoEna=1, VRefAutoTms=900)
    assert adopt(bench, 705, 2) == COMPLETED
    function = in_force(bench).volt_var
    assert (function.reference_pu, function.tracks_voltage, function.tracking_s) == (1.025, True, 900.0)
    assert bench.read(705, "Crv[1].VRefAuto") is None
    draft(bench, 705, 2, VRefAutoEna=0)
    assert adopt(bench, 705, 2) == COMPLETED
    assert bench.read(705, "Crv[1].VRefAuto") == 102.5


def test_a_volt_watt_curve_is_adopted_and_acts(bench: UnitBench) -> None:
    draft(bench, 706, 2, ActPt=2, RspTms=1, **{"Pt[1].V": 103, "Pt[1].W": 100})
    draft(bench, 706, 2, **{"Pt[2].V": 105, "Pt[2].W": 20})
    assert adopt(bench, 706, 2) == COMPLETED
    bench.write(706, Ena=1)
    bench.write(704, WSet=9_000, WSetEna=1)
    bench.grid.apply(bench.now_s, voltage_pu=1.05)
    bench.wait(60.0)
    assert bench.number(701, "W") == pytest.approx(2_000.0, abs=20.0)


def test_a_droop_is_adopted_and_acts(bench: UnitBench) -> None:
    """0.5 Hz over with 0.1 Hz dead-band and a droop of 4 %: 0.4 / (60 * 0.04) of the rating less."""
    draft(bench, 711, 2, DbOf=0.1, DbUf=0.2, KOf=0.04, KUf=0.03, RspTms=0.5, PMin=-50)
    assert adopt(bench, 711, 2) == COMPLETED
    droop = in_force(bench).frequency_droop
    assert (droop.deadband_over_hz, droop.deadband_under_hz) == (0.1, 0.2)
    assert (droop.droop_over, droop.droop_under, droop.response_s) == (0.04, 0.03, 0.5)
    assert droop.floor_pu == -0.5
    bench.write(711, Ena=1)
    bench.write(704, WSet=5_000, WSetEna=1)
    bench.wait(60.0)
    bench.grid.apply(bench.now_s, frequency_hz=60.5)
    bench.wait(10.0)
    assert bench.number(701, "W") == pytest.approx(5_000.0 - 10_000.0 * 0.4 / 2.4, abs=20.0)


def test_a_watt_var_curve_is_adopted_and_acts(bench: UnitBench) -> None:
    draft(bench, 712, 2, ActPt=2, DeptRef=3, **{"Pt[1].W": 0, "Pt[1].Var": 0, "Pt[2].W": 100})
    draft(bench, 712, 2, **{"Pt[2].Var": -40})
    assert adopt(bench, 712, 2) == COMPLETED
    bench.write(712, Ena=1)
    bench.write(704, WSet=5_000, WSetEna=1)
    bench.wait(120.0)
    assert bench.number(701, "Var") == pytest.approx(-2_000.0, abs=20.0)


@pytest.mark.parametrize(
    ("number", "points"),
    [
        pytest.param(705, {"ActPt": 0}, id="no-points"),
        pytest.param(705, {"ActPt": 7}, id="more-points-than-there-are"),
        pytest.param(705, {"Pt[1].V": 99, "Pt[2].V": 97}, id="voltage-goes-down"),
        pytest.param(705, {"DeptRef": 2}, id="reactive-power-of-what-is-available"),
        pytest.param(705, {"Pt[1].Var": 130}, id="more-than-all-reactive-power"),
        pytest.param(705, {"Pt[4].V": 300}, id="a-voltage-beyond-reason"),
        pytest.param(706, {"DeptRef": 1}, id="active-power-of-what-is-available"),
        pytest.param(706, {"Pt[1].V": 120}, id="volt-watt-goes-down"),
        pytest.param(706, {"Pt[1].W": -101}, id="below-all-absorption"),
        pytest.param(711, {"KOf": 0}, id="a-droop-of-nothing"),
        pytest.param(711, {"DbUf": 6}, id="a-dead-band-beyond-reason"),
        pytest.param(711, {"PMin": 101}, id="a-floor-above-the-rating"),
        pytest.param(711, {"RspTms": 2_000}, id="a-response-beyond-reason"),
        pytest.param(712, {"Pt[1].W": 60, "Pt[2].W": 20}, id="power-goes-down"),
    ],
)
def test_an_impossible_curve_fails_as_a_whole(
    bench: UnitBench, number: int, points: dict[str, float]
) -> None:
    before = in_force(bench), curve_1(bench, number)
    draft(bench, number, 2, **points)
    assert adopt(bench, number, 2) == FAILED
    assert (in_force(bench), curve_1(bench, number)) == before
    for name, value in points.items():
        assert bench.read(number, f"{GROUP[number]}[2].{name}") == value


def test_what_only_the_unit_itself_knows_to_be_impossible_fails_too(
    bench: UnitBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(settings: FunctionSettings) -> None:
        raise ImpossibleSettings(str(settings.volt_var.points))

    before = curve_1(bench, 705)
    draft(bench, 705, 2, DeptRef=3)
    monkeypatch.setattr(bench.unit, "adopt", refuse)
    assert adopt(bench, 705, 2) == FAILED
    assert curve_1(bench, 705) == before


def test_what_was_asked_for_is_adopted_and_not_what_is_written_meanwhile(bench: UnitBench) -> None:
    draft(bench, 711, 2, KOf=0.03)
    bench.write(711, AdptCtlReq=2)
    draft(bench, 711, 2, KOf=0.07)
    bench.wait(1.0)
    assert in_force(bench).frequency_droop.droop_over == 0.03


def test_a_later_request_takes_the_place_of_the_former(bench: UnitBench) -> None:
    draft(bench, 711, 2, KOf=0.03)
    draft(bench, 711, 3, KOf=0.04)
    bench.write(711, AdptCtlReq=2)
    bench.wait(0.2)
    bench.write(711, AdptCtlReq=3)
    bench.wait(0.4)
    assert bench.read(711, "AdptCtlRslt") == IN_PROGRESS
    bench.wait(0.3)
    assert bench.read(711, "AdptCtlRslt") == COMPLETED
    assert in_force(bench).frequency_droop.droop_over == 0.04


def test_a_reboot_fails_an_adoption_under_way(bench: UnitBench) -> None:
    bench.write(711, AdptCtlReq=2)
    bench.unit.reboot()
    assert bench.read(711, "AdptCtlRslt") == FAILED


@pytest.mark.parametrize("number", ALL)
def test_a_curve_reverts_to_the_curve_that_was_named(bench: UnitBench, number: int) -> None:
    named = f"Rvrt{GROUP[number]}"
    bench.write(number, Ena=1, RvrtTms=20, **{named: 2, REQUEST[number]: 3})
    bench.wait(10.0)
    assert bench.read(number, "RvrtRem") == 10.0
    assert bench.read(number, "Ena") == 1.0
    bench.wait(10.1)
    assert (bench.read(number, "RvrtRem"), bench.read(number, "Ena")) == (0.0, 1.0)


def test_the_curve_reverted_to_is_in_force(bench: UnitBench) -> None:
    draft(bench, 711, 2, KOf=0.07)
    draft(bench, 711, 3, KOf=0.02)
    bench.write(711, Ena=1, RvrtCtl=2, RvrtTms=20, AdptCtlReq=3)
    bench.wait(19.0)
    assert in_force(bench).frequency_droop.droop_over == 0.02
    bench.wait(1.1)
    assert in_force(bench).frequency_droop.droop_over == 0.07


def test_without_a_curve_to_revert_to_the_function_goes_off(bench: UnitBench) -> None:
    bench.write(705, RvrtTms=20, Ena=1)
    bench.wait(20.1)
    assert bench.read(705, "Ena") == 0.0
    assert not in_force(bench).volt_var.enabled


def test_a_write_to_the_head_starts_the_timer_again(bench: UnitBench) -> None:
    bench.write(705, RvrtTms=20, Ena=1)
    bench.wait(15.0)
    draft(bench, 705, 2, VRef=101)
    assert bench.read(705, "RvrtRem") == 5.0
    bench.write(705, Ena=1)
    assert bench.read(705, "RvrtRem") == 20.0
    bench.write(705, Ena=0)
    assert bench.read(705, "RvrtRem") == 0.0


@pytest.mark.parametrize("reversion", [Reversion.COSMETIC, Reversion.ABSENT])
def test_a_unit_whose_reversions_do_nothing_keeps_its_curve(reversion: Reversion) -> None:
    bench = UnitBench(reversion=reversion)
    bench.write(705, RvrtTms=20, Ena=1)
    bench.wait(1.0)
    assert bench.read(705, "RvrtRem") == (19.0 if reversion is Reversion.COSMETIC else 0.0)
    bench.wait(30.0)
    assert bench.read(705, "Ena") == 1.0


@pytest.mark.parametrize("number", [711, 712])
def test_no_curve_at_all_turns_the_function_off(bench: UnitBench, number: int) -> None:
    """Source: AdptCtlReq and AdptCrvReq of 711 and 712: 0 is no active curve."""
    bench.write(number, Ena=1)
    assert adopt(bench, number, 0) == COMPLETED
    assert bench.read(number, "Ena") == 0.0


@pytest.mark.parametrize("number", ALL)
@pytest.mark.parametrize("index", [4, 0xFFFE])
def test_a_curve_that_is_not_there_is_refused(bench: UnitBench, number: int, index: int) -> None:
    assert bench.try_write(number, REQUEST[number], index) == "03"


@pytest.mark.parametrize(
    ("name", "value"), [("Ena", 2), ("AdptCrvReq", 0), ("Crv[2].Pri", 2), ("Crv[2].DeptRef", 4)]
)
def test_values_outside_an_enumeration_are_refused(bench: UnitBench, name: str, value: float) -> None:
    assert bench.try_write(705, name, value) == "03"


def test_settings_from_elsewhere_show_in_curve_1(bench: UnitBench) -> None:
    """As when somebody at the unit's own screen changes them."""
    assert bench.read(711, "Ctl[1].KOf") == 0.05
    droop = replace(in_force(bench).frequency_droop, droop_over=0.06)
    bench.unit.adopt(replace(in_force(bench), frequency_droop=droop))
    assert bench.read(711, "Ctl[1].KOf") == 0.06
