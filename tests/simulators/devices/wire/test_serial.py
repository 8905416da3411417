"""Modbus RTU on terminals: pseudo-terminals are opened by their path, as a client's serial port is."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceRTU

from simulators.devices.wire.serial import RtuServer, SerialSettings
from simulators.devices.wire.tty import TerminalTransport, make_raw
from simulators.fleet import make_fleet, make_site
from simulators.grid.script import GridScript
from tests.simulators.devices.wire.recording import Recorder, read, read_answer, sealed, write_one
from vpp_core.clock import ManualClock
from vpp_core.faults import ConfigurationFault, LocalFault

READ, ANSWER = sealed(7, read(1_000, 2)), sealed(7, read_answer(1_000, 2))


class Client(asyncio.Protocol):
    """A client on the other end of the line."""

    def __init__(self, path: Path) -> None:
        self._received: asyncio.Queue[int] = asyncio.Queue()
        self._transport: asyncio.Transport | None = None
        terminal = os.open(path, os.O_RDWR | os.O_NOCTTY)
        make_raw(terminal, 19_200)
        TerminalTransport(terminal, self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        for byte in data:
            self._received.put_nowait(byte)

    async def exactly(self, count: int) -> bytes:
        return bytes([await self._received.get() for _ in range(count)])


@pytest.fixture
def unit() -> Recorder:
    return Recorder()


@pytest.fixture
async def path(unit: Recorder, tmp_path: Path) -> AsyncIterator[Path]:
    server = RtuServer({7: unit}, SerialSettings(link=tmp_path / "inverter"))
    yield await server.start()
    await server.stop()


@pytest.fixture
async def client(path: Path) -> AsyncIterator[Client]:
    client = Client(path)
    yield client
    client.transport.abort()


async def test_a_client_opens_the_link_like_a_serial_port(path: Path, tmp_path: Path, client: Client) -> None:
    assert path == tmp_path / "inverter"
    client.transport.write(READ)
    assert await client.exactly(9) == ANSWER


async def test_requests_that_arrive_together_are_answered_in_order(client: Client) -> None:
    client.transport.write(b"".join(sealed(7, read(1_000 + number, 1)) for number in range(20)))
    for number in range(20):
        assert await client.exactly(7) == sealed(7, read_answer(1_000 + number, 1))


async def test_a_broadcast_and_a_foreign_unit_are_not_answered(client: Client, unit: Recorder) -> None:
    client.transport.write(sealed(0, write_one(1_100, 5)) + sealed(9, write_one(1_101, 6)) + READ)
    assert await client.exactly(9) == ANSWER
    assert unit.writes == [(1_100, b"\x00\x05")]


async def test_noise_is_over_after_a_silence(client: Client, unit: Recorder) -> None:
    client.transport.write(b"\x07\x06noise")
    while unit.reads == 0:
        # As any client does: ask again until an answer comes.
        await asyncio.sleep(0.1)
        client.transport.write(READ)
    assert await client.exactly(9) == ANSWER


async def test_the_line_survives_that_its_client_comes_and_goes(path: Path) -> None:
    for _ in range(3):
        client = Client(path)
        client.transport.write(READ)
        assert await client.exactly(9) == ANSWER
        client.transport.abort()


async def test_every_byte_value_passes_unchanged(client: Client, unit: Recorder) -> None:
    """No echo, no line editing, no flow control by 0x11 and 0x13, no signal by 0x03."""
    unit.memory = {1_000 + value: bytes((value, 255 - value)) for value in range(256)}
    for first in (0, 100, 200):
        count = min(100, 256 - first)
        client.transport.write(sealed(7, read(1_000 + first, count)))
        answer = await client.exactly(5 + 2 * count)
        assert answer[3:-2] == b"".join(bytes((v, 255 - v)) for v in range(first, first + count))


async def test_a_link_to_a_file_of_somebody_is_left_alone(tmp_path: Path) -> None:
    link, letters = tmp_path / "inverter", tmp_path / "letters"
    letters.write_text("dear")
    link.symlink_to(letters)
    with pytest.raises(LocalFault, match="Cannot make the link"):
        await RtuServer({7: Recorder()}, SerialSettings(link=link)).start()
    assert link.read_text() == "dear"


async def test_a_link_that_a_killed_device_left_behind_is_taken_over(tmp_path: Path) -> None:
    link = tmp_path / "inverter"
    former = RtuServer({7: Recorder()}, SerialSettings(link=link))
    await former.start()
    server = RtuServer({7: Recorder()}, SerialSettings(link=link))
    await server.start()
    await former.stop()
    assert link.resolve().is_char_device()
    await server.stop()
    assert not link.is_symlink()


async def test_stopping_takes_the_link_away_and_may_be_done_twice(tmp_path: Path) -> None:
    link = tmp_path / "inverter"
    link.symlink_to("/nowhere")
    server = RtuServer({7: Recorder()}, SerialSettings(link=link))
    await server.start()
    assert link.resolve().is_char_device()
    await server.stop()
    await server.stop()
    assert not link.is_symlink()


async def test_a_serial_port_that_exists_is_served_too(unit: Recorder) -> None:
    """The far end of another pseudo-terminal stands for the port."""
    ours, theirs = os.openpty()
    port = Path(os.ttyname(theirs))
    server = RtuServer({7: unit}, SerialSettings(port=port, baud=9_600))
    assert await server.start() == port
    os.write(ours, READ)
    os.set_blocking(ours, False)
    answer = b""
    while len(answer) < 9:
        await asyncio.sleep(0.001)
        try:
            answer += os.read(ours, 100)
        except BlockingIOError:
            continue
    assert answer == ANSWER
    await server.stop()
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize(
    ("settings", "error", "sentence"),
    [
        pytest.param(
            SerialSettings(port=Path("/nowhere/tty")),
            LocalFault,
            "Cannot open",
            id="a-port-that-is-not-there",
        ),
        pytest.param(SerialSettings(port=Path("/dev/null")), LocalFault, "no serial port", id="no-terminal"),
        pytest.param(
            SerialSettings(baud=123), ConfigurationFault, "123 baud is none of", id="a-strange-rate"
        ),
        pytest.param(
            SerialSettings(link=Path("/nowhere/x")), LocalFault, "Cannot make", id="a-link-to-nowhere"
        ),
    ],
)
async def test_a_line_that_cannot_be_is_one_sentence(
    settings: SerialSettings, error: type[Exception], sentence: str
) -> None:
    server = RtuServer({7: Recorder()}, settings)
    with pytest.raises(error, match=sentence):
        await server.start()
    await server.stop()


@pytest.mark.parametrize("unit", [0, 248], ids=["broadcast", "reserved"])
def test_a_unit_id_that_a_serial_line_does_not_have_is_refused(unit: int) -> None:
    with pytest.raises(ConfigurationFault, match="is not from 1 to 247"):
        RtuServer({unit: Recorder()})


@pytest.mark.integration
async def test_named_oracle_pysunspec2_scans_a_battery_over_rtu(tmp_path: Path) -> None:
    """An independent peer on the serial line: its framing and CRC are its own."""
    site = make_site(make_fleet(3, 1)[2], ManualClock(datetime(2021, 8, 12, 17, tzinfo=UTC)), GridScript(1))
    server = RtuServer(site.images, SerialSettings(link=tmp_path / "line", baud=115_200))
    path = await server.start()

    def scan() -> list[int]:
        device: Any = SunSpecModbusClientDeviceRTU(slave_id=2, name=str(path), baudrate=115_200)
        try:
            device.scan()
            return [number for number in device.models if isinstance(number, int)]
        finally:
            device.close()

    assert await asyncio.to_thread(scan) == [1, 701, 702, 704, 713]
    await server.stop()
