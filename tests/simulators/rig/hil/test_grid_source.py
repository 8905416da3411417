"""Grid sources: a fake AC source that takes lines of text, the control port of a device, and a person."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from simulators.bench.device import BenchDevice
from simulators.bench.settings import load
from simulators.rig.hil_bench.grid_source import BenchGridSource, ControlDeskLine, ManualSource, ScpiSource
from simulators.rig.hil_bench.settings import BenchGridSettings, ScpiGrid
from simulators.rig.hil_simulated import NOON
from vpp_core.clock import ManualClock, SystemClock
from vpp_core.faults import DeviceFault


class Instrument:
    """An AC source that understands FREQ, VOLT and SYST:ERR?."""

    def __init__(self, error: str = '0,"No error"') -> None:
        self.heard: list[str] = []
        self._error = error
        self._writers: list[asyncio.StreamWriter] = []

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            yield server.sockets[0].getsockname()[1]
        for writer in self._writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        while line := (await reader.readline()).decode().strip():
            self.heard.append(line)
            if line.endswith("?"):
                writer.write(f"{self._error}\n".encode())


def scpi(port: int, **more: object) -> ScpiGrid:
    return ScpiGrid(source="scpi", host="127.0.0.1", port=port, **more)


async def test_an_ac_source_hears_frequency_and_voltage_in_its_own_words() -> None:
    instrument = Instrument()
    async with instrument.listening() as port:
        settings = scpi(port, on_open=("OUTP ON",), on_close=("OUTP OFF",))
        source = ScpiSource(settings, ManualClock(NOON), (60.0, 240.0))
        await source.apply(frequency_hz=59.5)
        await source.apply(voltage_pu=1.05)
        await source.close()
    said = [line for line in instrument.heard if not line.endswith("?")]
    assert said == ["OUTP ON", "FREQ 59.500", "VOLT 252.00", "OUTP OFF"]


async def test_a_ramp_is_played_in_steps() -> None:
    instrument = Instrument()
    async with instrument.listening() as port:
        source = ScpiSource(scpi(port, ramp_step_s=0.25), ManualClock(NOON), (60.0, 240.0))
        await source.apply(frequency_hz=61.0, ramp_s=1.0)
        await source.close()
    assert [line for line in instrument.heard if "FREQ" in line] == [
        "FREQ 60.250",
        "FREQ 60.500",
        "FREQ 60.750",
        "FREQ 61.000",
    ]


async def test_an_error_of_the_source_is_a_fault() -> None:
    instrument = Instrument('-222,"Data out of range"')
    async with instrument.listening() as port:
        source = ScpiSource(scpi(port), ManualClock(NOON), (60.0, 240.0))
        with pytest.raises(DeviceFault, match="Data out of range"):
            await source.apply(frequency_hz=59.5)
        await source.close()


async def test_no_source_is_a_fault() -> None:
    async with Instrument().listening() as port:
        pass
    with pytest.raises(DeviceFault, match=r"check \[grid\]"):
        await ScpiSource(scpi(port), ManualClock(NOON), (60.0, 240.0)).apply(frequency_hz=59.5)


async def test_a_simulated_device_is_told_over_its_control_port() -> None:
    bench = BenchDevice(load(None, {"kind": "hybrid", "control": {"port": 0}}), SystemClock())
    async with bench.listening() as reached:
        assert reached.control_port is not None
        desk = ControlDeskLine(BenchGridSettings(source="bench", port=reached.control_port))
        source = BenchGridSource(desk.tell, desk.name)
        await source.apply(frequency_hz=59.25, voltage_pu=0.97)
        now_s = bench.advance()
        told = bench.around.frequency_hz(now_s), bench.around.voltage_pu(now_s)
        with pytest.raises(DeviceFault, match="refuses"):
            await source.apply(frequency_hz=1_000.0)
        desk.close()
    await SystemClock().sleep(0.0)  # both ends of the closed connection are done with in the loop's next turn
    assert told == pytest.approx((59.25, 0.97))


async def test_a_person_is_asked_and_no_instant_is_believed() -> None:
    asked: list[str] = []
    source = ManualSource(asked.append)
    await source.apply(frequency_hz=59.5, voltage_pu=1.0, ramp_s=2.0)
    assert asked == [
        "Set the frequency to 59.500 Hz and the voltage to 1.0000 per unit over 2 s, then press Enter: "
    ]
    assert not source.exact
