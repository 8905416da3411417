"""``vpp-hil`` against simulated devices, one of which only pretends to revert."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulators.data.house_load import HouseLoad
from simulators.data.pv_profile import PvProfile
from simulators.devices.battery import BatteryConfig
from simulators.devices.site import SimulatedSite, SiteConfig
from simulators.grid.script import GridScript
from simulators.rig import hil
from simulators.rig.procedures import Check
from vpp_core.clock import ManualClock
from vpp_core.faults import DeviceFault, LocalFault

pytestmark = pytest.mark.hil


class Bench:
    def __init__(self, **battery: float) -> None:
        self.clock = ManualClock(datetime(2021, 8, 12, 17, tzinfo=UTC))
        config = SiteConfig(site_id="s", battery=BatteryConfig(**battery))  # type: ignore[arg-type]
        dark = PvProfile([0.0, 1.0], [0.0, 0.0])
        self.site = SimulatedSite(config, self.clock, GridScript(), HouseLoad(0), dark)

    async def run(self, procedure: str, unit: int = 2) -> dict[str, object]:
        port = await self.site.start()
        try:
            return await hil.run(procedure, ("127.0.0.1", port), unit, self.clock)
        finally:
            await self.site.stop()


async def test_a_good_battery_passes_the_setpoint_procedure(capsys: pytest.CaptureFixture[str]) -> None:
    report = await Bench().run("active-power-setpoint")
    assert report["verdict"] == "PASS"
    shown = capsys.readouterr().out
    assert "Home battery" in shown
    assert "PASS  setpoint -2500 W, measured power: -2750 <= -2500.00 <= -2250 W" in shown


async def test_a_slow_ramp_shows_in_the_settling_time() -> None:
    """From 0 to 2,500 W at 200 W/s it is within 250 W of it after 11.25 s."""
    report = await Bench(ramp_w_per_s=200.0).run("active-power-setpoint")
    checks = {check["name"]: check for check in report["checks"]}  # type: ignore[attr-defined]
    assert checks["setpoint +2500 W, settling time"]["measured"] == pytest.approx(11.25, abs=0.2)


async def test_an_empty_battery_fails_the_setpoint_procedure() -> None:
    report = await Bench(state_of_charge=0.0).run("active-power-setpoint")
    failed = [check["name"] for check in report["checks"] if not check["passed"]]  # type: ignore[attr-defined]
    assert report["verdict"] == "FAIL"
    assert failed[:2] == ["setpoint +2500 W, settling time", "setpoint +2500 W, measured power"]


async def test_a_good_battery_passes_the_reversion_procedure_with_the_measured_time() -> None:
    report = await Bench().run("reversion")
    assert report["verdict"] == "PASS"
    checks = {check["name"]: check["measured"] for check in report["checks"]}  # type: ignore[attr-defined]
    assert checks["enable point off after"] == pytest.approx(10.0, abs=0.2)
    assert checks["power left the setpoint after"] == pytest.approx(10.1, abs=0.3)


async def test_a_cosmetic_timer_fails_the_reversion_procedure() -> None:
    """Field evidence: a vendor whose timer counts down and never reverts (reference/edge.md, section 5)."""
    bench = Bench(reversion_works=False)
    report = await bench.run("reversion")
    assert report["verdict"] == "FAIL"
    measured = [check["measured"] for check in report["checks"]]  # type: ignore[attr-defined]
    assert measured[1:] == [None, None]
    bench.clock.advance(5.0)
    assert bench.site.power_w("battery") == 0.0, "the procedure releases what it has commanded"


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        pytest.param(1, "has no SunSpec model 702", id="a-meter-cannot-be-commanded"),
        pytest.param(3, "choose a battery", id="a-pv-inverter-cannot-absorb"),
        pytest.param(9, r"refuses reading register 40000 \(Modbus exception 11\)", id="no-such-unit"),
    ],
)
async def test_an_unsuitable_device_is_a_fault(unit: int, reason: str) -> None:
    with pytest.raises(DeviceFault, match=reason):
        await Bench().run("active-power-setpoint", unit)


async def test_no_device_is_a_fault() -> None:
    port = await (bench := Bench()).site.start()
    await bench.site.stop()
    with pytest.raises(DeviceFault, match="check address and port"):
        await hil.run("reversion", ("127.0.0.1", port), 2, bench.clock)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param("", "does not answer reading register 40000", id="it-hangs-up"),
        pytest.param("000100000007 02 0304 00000000", "shows no SunSpec map", id="no-sunspec-map"),
        pytest.param("000900000007 02 0304 53756e53", "answers something else", id="another-transaction"),
        pytest.param("000100000005 02 0302 5375", "2 bytes for 2 registers", id="too-few-registers"),
    ],
)
async def test_a_device_that_answers_garbage_is_a_fault(answer: str, reason: str) -> None:
    async def rogue(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(12)
        writer.write(bytes.fromhex(answer))
        writer.close()

    async with await asyncio.start_server(rogue, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(DeviceFault, match=reason):
            await hil.run("reversion", ("127.0.0.1", port), 2, Bench().clock)


async def test_the_result_is_written_as_json(tmp_path: Path) -> None:
    report = await Bench().run("reversion")
    path = hil.write_report(report, tmp_path / "deep" / "down")
    assert json.loads(path.read_text()) == report
    assert path.name == "reversion.json"


async def test_a_result_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalFault, match="choose another --out"):
        hil.write_report({"procedure": "reversion"}, tmp_path / "file")


def test_list_names_the_procedures(capsys: pytest.CaptureFixture[str]) -> None:
    assert hil.main(["list"]) == 0
    assert [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()] == [
        "active-power-setpoint",
        "reversion",
    ]


@pytest.mark.parametrize(
    ("verdict", "code"), [pytest.param("PASS", 0, id="pass-is-0"), pytest.param("FAIL", 1, id="fail-is-1")]
)
def test_the_verdict_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verdict: str, code: int
) -> None:
    async def run(*_: object) -> dict[str, object]:
        return {"verdict": verdict, "procedure": "reversion"}

    monkeypatch.setattr(hil, "run", run)
    arguments = ["run", "reversion", "--target", "127.0.0.1:502", "--unit", "2", "--out", str(tmp_path)]
    assert hil.main(arguments) == code
    assert (tmp_path / "reversion.json").exists()


def test_a_fault_is_one_sentence_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert hil.main(["run", "reversion", "--target", "127.0.0.1:1", "--unit", "2"]) == 2
    assert (
        capsys.readouterr().err == "vpp-hil: No connection to 127.0.0.1:1 unit 2; check address and port.\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--target", "host", "--unit", "1"], id="no-port"),
        pytest.param(["--target", "host:99999", "--unit", "1"], id="no-such-port"),
        pytest.param(["--target", "host:502", "--unit", "300"], id="no-such-unit"),
    ],
)
def test_a_wrong_argument_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        hil.main(["run", "reversion", *arguments])
    assert ended.value.code == 2
    assert "is not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (Check(name="power", measured=1.0, unit="W", low=0.0), "PASS  power: 0 <= 1.00 W"),
        (Check(name="power", measured=-1.0, unit="W", low=0.0), "FAIL  power: 0 <= -1.00 W"),
        (Check(name="time", measured=None, unit="s", high=3.0), "FAIL  time: never <= 3 s"),
    ],
    ids=["within", "below", "never"],
)
def test_a_check_reads_as_an_inequality(check: Check, text: str) -> None:
    assert str(check) == text
