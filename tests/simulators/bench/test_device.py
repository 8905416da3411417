"""One device at work, in memory and on a clock that stands still until it is moved."""

import asyncio
import csv
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from simulators.bench.device import BenchDevice
from simulators.bench.settings import load
from simulators.devices.control_port import ControlDesk
from simulators.devices.inverter.inverter import Inverter
from simulators.devices.models import model
from simulators.recorder import Recorder
from simulators.rig.virtual.virtual_time import run_virtual
from vpp_core.clock import ManualClock, VirtualClock
from vpp_core.faults import ConfigurationFault, StorageFault

EPOCH = datetime(2026, 6, 1, 12, tzinfo=UTC)


def make(clock: ManualClock | None = None, **values: Any) -> BenchDevice:
    return BenchDevice(load(None, {"kind": "hybrid", **values}), clock or ManualClock(EPOCH))


def read(device: BenchDevice, unit: int, address: int, count: int) -> bytes:
    answer = device.images[unit].respond(struct.pack(">BHH", 3, address, count))
    assert answer[0] == 3, answer
    return answer[2:]


def places(device: BenchDevice, unit: int = 1) -> dict[int, int]:
    """Where each model begins, as a client finds it."""
    found, at = {}, device.settings.base + 2
    while (header := struct.unpack(">HH", read(device, unit, at, 2)))[0] != 0xFFFF:
        found[header[0]] = at
        at += 2 + header[1]
    return found


def value(device: BenchDevice, number: int, name: str, unit: int = 1) -> float:
    plan, start = model(number), places(device, unit)[number]

    def raw(point: str) -> float:
        place = plan.points[point]
        factor = int(raw(place.scale_factor)) if place.scale_factor else 0
        decoded = place.decode(read(device, unit, start + place.offset, place.size), factor)
        assert isinstance(decoded, float | int)
        return decoded

    return raw(name)


@pytest.mark.parametrize("base", [40_000, 0, 50_000])
def test_a_map_begins_where_the_settings_say(base: int) -> None:
    device = make(base=base)
    assert read(device, 1, base, 2) == b"SunS"
    assert list(places(device)) == [1, 701, 702, 703, 704, 705, 706, 711, 712, 713, 714, 715, 802]


def test_registers_follow_the_truth_of_the_clock() -> None:
    clock = ManualClock(EPOCH)
    device = make(clock)
    clock.advance(60.0)
    told = device.status()
    assert value(device, 701, "W") == pytest.approx(told["power_w"], abs=10.0)
    assert told["injected_wh"] == pytest.approx(60.0 / 3600.0 * float(str(told["power_w"])), rel=0.05)


def test_a_meter_beside_the_unit_shows_its_power_and_the_load() -> None:
    clock = ManualClock(EPOCH)
    device = make(clock, listen={"meter_unit": 2}, load_w=1_500.0)
    clock.advance(30.0)
    unit_w = float(str(device.status()["power_w"]))
    assert value(device, 203, "W", unit=2) == pytest.approx(-(unit_w - 1_500.0), abs=20.0)


def test_the_control_desk_moves_the_grid_and_the_unit_feels_it() -> None:
    clock = ManualClock(EPOCH)
    device = make(clock, inverter={"functions": {"frequency_droop": {"enabled": True, "response_s": 0.5}}})
    desk = ControlDesk(device.controls)
    clock.advance(20.0)
    before_w = float(str(device.status()["power_w"]))
    assert desk.tell({"command": "grid", "frequency_hz": 60.8}) == {"ok": True}
    clock.advance(10.0)
    fallen_w = before_w - float(str(device.status()["power_w"]))
    assert fallen_w == pytest.approx(10_000.0 * (0.8 - 0.036) / (60.0 * 0.05), rel=0.02)
    assert value(device, 701, "Hz") == pytest.approx(60.8, abs=0.002)


def test_the_sun_sets_and_a_pv_unit_with_it() -> None:
    clock = ManualClock(EPOCH)
    device = BenchDevice(load(None, {"kind": "pv"}), clock)
    desk = ControlDesk(device.controls)
    clock.advance(20.0)
    assert float(str(device.status()["power_w"])) > 5_000.0
    assert desk.tell({"command": "sun", "power_pu": 0.0})["ok"]
    clock.advance(20.0)
    assert device.status()["power_w"] == 0.0


def test_a_battery_is_filled_and_emptied_on_command_and_stops_at_its_borders() -> None:
    clock = ManualClock(EPOCH)
    device = BenchDevice(load(None, {"kind": "battery"}), clock)
    desk = ControlDesk(device.controls)
    assert isinstance(device.unit, Inverter)
    for command_w, full in ((-5_000.0, 1.0), (5_000.0, 0.0)):
        assert desk.tell({"command": "soc", "state_of_charge": 0.5}) == {"ok": True}
        device.unit.commands.setpoint_w.value = command_w
        device.unit.commands.setpoint_w.enabled = True
        clock.advance(10.0)
        assert device.status()["power_w"] == pytest.approx(command_w, rel=0.01)
        assert desk.tell({"command": "soc", "state_of_charge": full}) == {"ok": True}
        clock.advance(10.0)
        told = desk.tell({"command": "status"})
        assert told["power_w"] == pytest.approx(0.0, abs=1.0)
        assert told["state_of_charge"] == pytest.approx(full, abs=1e-4)
    counted = desk.tell({"command": "counters"})
    assert counted["battery_in_wh"] == pytest.approx(5_000.0 * 10.0 / 3_600.0, rel=0.1)


def test_what_has_no_battery_has_no_state_of_charge() -> None:
    for kind in ("pv", "evse", "meter"):
        device = BenchDevice(load(None, {"kind": kind}), ManualClock(EPOCH))
        answer = ControlDesk(device.controls).tell({"command": "soc", "state_of_charge": 0.5})
        assert answer["ok"] is False
        assert "no battery" in str(answer["error"])


@pytest.mark.parametrize(
    ("values", "counter"),
    [
        pytest.param({"kind": "pv"}, "injected_wh", id="an-inverter-injects"),
        pytest.param({"kind": "meter", "load_w": 6_000.0}, "imported_wh", id="a-meter-imports"),
        pytest.param({"kind": "meter", "load_w": -6_000.0}, "exported_wh", id="a-meter-exports"),
        pytest.param({"kind": "evse"}, "total_wh", id="a-station-charges"),
    ],
)
def test_every_kind_tells_what_it_has_counted(values: dict[str, Any], counter: str) -> None:
    clock = ManualClock(EPOCH)
    device = BenchDevice(load(None, values), clock)
    clock.advance(600.0)
    desk = ControlDesk(device.controls)
    counted = float(str(desk.tell({"command": "counters"})[counter]))
    assert desk.tell({"command": "status"})[counter] == counted
    power_w = abs(float(str(device.status()["power_w"])))
    assert counted == pytest.approx(power_w / 6.0, rel=0.05)
    assert counted > 500.0


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        pytest.param({"models": [1, 701, 9_999]}, "no SunSpec model 9999", id="a-model-that-does-not-exist"),
        pytest.param({"models": [1, 103, 113]}, "overlap", id="models-that-overlap"),
        pytest.param({"models": [1, 701, 701]}, "twice", id="a-model-twice"),
        pytest.param({"models": [701]}, "begins with model 1", id="a-map-without-model-1"),
        pytest.param({"models": "8xx"}, "no set of models", id="no-such-set"),
        pytest.param({"map": "keba"}, "kind hybrid has sunspec", id="a-map-of-another-kind"),
        pytest.param({"kind": "evse", "models": "7xx"}, "keba has registers of its own", id="keba-models"),
        pytest.param(
            {"kind": "evse", "listen": {"meter_unit": 2}}, "no meter beside it", id="a-meter-beside-a-station"
        ),
        pytest.param({"kind": "pv", "models": [1, 713]}, "cannot fill model 713", id="a-battery-model-on-pv"),
        pytest.param({"kind": "meter", "models": [1, 101]}, "Model 101", id="an-inverter-model-on-a-meter"),
        pytest.param(
            {"inverter": {"nameplate": {"voltage_nominal_v": 1e20}}}, "does not fit", id="a-rating-too-large"
        ),
        pytest.param(
            {"identity": {"manufacturer": "\N{SNOWMAN}" * 12}}, "longer than 32 bytes", id="a-name-too-long"
        ),
        pytest.param({"faults": [{"fault": "gremlin"}]}, "no fault 'gremlin'", id="no-such-fault"),
        pytest.param(
            {"faults": [{"fault": "delay", "parameters": {"delay_s": -1}}]}, "delay_s", id="a-negative-delay"
        ),
    ],
)
def test_what_no_device_can_be_is_refused_at_the_start(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationFault) as refused:
        make(**values)
    assert sentence in str(refused.value)


def test_a_trace_with_a_gap_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "gap.csv"
    path.write_text("at_s,frequency_hz\n0,60\n1,60\n2,60\n9,60\n")
    with pytest.raises(ConfigurationFault, match=r"line 5: a gap of 7 s"):
        make(grid={"trace": str(path)})


@pytest.mark.parametrize(
    ("kind", "unit", "address"), [("evse", 255, 1_000), ("meter", 1, 40_000)], ids=["an-evse", "a-meter"]
)
def test_other_kinds_answer_on_their_own_registers(kind: str, unit: int, address: int) -> None:
    device = BenchDevice(load(None, {"kind": kind}), ManualClock(EPOCH))
    assert len(read(device, unit, address, 2)) == 4
    assert ControlDesk(device.controls).tell({"command": "status"})["kind"] == kind


def test_the_log_holds_the_truth_at_its_period(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"

    async def play(clock: VirtualClock) -> None:
        settings = load(
            None,
            {
                "kind": "hybrid",
                "grid": {"trace": "steps"},
                "log": {"file": str(path), "period_s": 5.0},
                "faults": [{"fault": "delay", "at_s": 12.0, "for_s": 10.0}],
            },
        )
        device = BenchDevice(settings, clock)
        device.line()
        device.play()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(device.run())
            await clock.sleep(31.0)
            running.cancel()

    run_virtual(play, EPOCH)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert len(rows) == 7
    assert [row["frequency_hz"] for row in rows] == ["60", "60", "59.9", "59.9", "59.5", "59.5", "60"]
    assert [row["faults"] for row in rows] == ["", "", "", "delay", "delay", "", ""]


def test_the_log_has_a_column_for_a_command_that_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"

    async def play(clock: VirtualClock) -> None:
        device = BenchDevice(load(None, {"kind": "hybrid", "log": {"file": str(path)}}), clock)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(device.run())
            await clock.sleep(0.5)
            assert isinstance(device.unit, Inverter)
            setpoint = device.unit.commands.setpoint_w
            setpoint.value, setpoint.enabled = 2_500.0, True
            await clock.sleep(1.0)
            running.cancel()

    run_virtual(play, EPOCH)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [row["setpoint_w"] for row in rows] == ["", "2500"]


def test_a_log_that_cannot_be_written_ends_the_device_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageFault, match="choose another file"):
        Recorder(tmp_path / "missing" / "log.csv")
    with pytest.raises(StorageFault, match="No space"), Recorder(Path("/dev/full")) as recorder:
        recorder.write({"a": 1.0})
