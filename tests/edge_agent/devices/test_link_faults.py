"""Every kind of link on the faults of a simulated device: no wrong answer is taken, and it comes back."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from edge_agent.devices.connections import Connections
from edge_agent.devices.driver import discover
from edge_agent.devices.lanes import Lanes
from edge_agent.devices.link import Link, LinkSettings, Parity, RegisterRefused, Transport
from edge_agent.devices.links import open_link
from firmware_profiles import load_profiles
from simulators.bench.device import BenchDevice, Reached
from simulators.bench.settings import load
from tests.integration.peers.certificates import Certificates, make_certificates
from vpp_core.clock import SystemClock
from vpp_core.der import DerKind
from vpp_core.faults import ConfigurationFault, DeviceFault

TIMEOUT_S, LATE_S = 0.1, 0.13
UNIT, METER = 1, 2
BASE, IDENTITY_REGISTERS = 40_002, 66
"""Model 1: texts that stand still, so that every window of them is known beforehand."""
RECOVER_S = 20.0
IDENTITY = {
    "manufacturer": "Abcdefghijklmnopqrstuvwxyz012345",
    "model": "6789ABCDEFGHIJKLMNOPQRSTUVWXYZab",
    "serial": "zyxwvutsrqponmlkjihgfedcba987654",
}


class Wire(NamedTuple):
    transport: Transport
    lean: bool = False

    def __str__(self) -> str:
        return "lean" if self.lean else self.transport.value


TCP, LEAN, TLS, RTU = (
    Wire(Transport.TCP),
    Wire(Transport.TCP, lean=True),
    Wire(Transport.TLS),
    Wire(Transport.RTU),
)
WIRES = (TCP, LEAN, TLS, RTU)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("papers"))


class Bench(NamedTuple):
    device: BenchDevice
    link: Link
    reached: Reached

    def truth(self, address: int, count: int, unit: int = UNIT) -> bytes:
        return self.device.images[unit].respond(b"\x03" + address.to_bytes(2) + count.to_bytes(2))[2:]

    async def ask_often(self, requests: int) -> int:
        """Read windows of the identity of both units; how many were answered, all of them rightly."""
        chance, answered = random.Random(1), 0
        for _ in range(requests):
            unit, address = chance.choice((UNIT, METER)), BASE + chance.randrange(IDENTITY_REGISTERS - 8)
            count = chance.randint(2, 8)
            try:
                value = await self.link.read(unit, address, count)
            except DeviceFault:
                continue
            assert value == self.truth(address, count, unit)
            answered += 1
        return answered

    async def recovers(self) -> None:
        """Ask until both units answer, at the pace of a site's fast loop."""
        async with asyncio.timeout(RECOVER_S):
            for unit in (UNIT, METER):
                while True:
                    try:
                        assert await self.link.read(unit, BASE, 8) == self.truth(BASE, 8, unit)
                    except DeviceFault:
                        await SystemClock().sleep(0.02)
                    else:
                        break


def where(wire: Wire, reached: Reached, papers: Certificates, timeout_s: float = TIMEOUT_S) -> LinkSettings:
    common: dict[str, Any] = {"transport": wire.transport, "timeout_s": timeout_s, "reconnect_s_max": 0.2}
    match wire.transport:
        case Transport.TCP:
            return LinkSettings(host="127.0.0.1", port=reached.port, lean=wire.lean, **common)
        case Transport.TLS:
            client = papers.client
            files: dict[str, Any] = {
                "ca_file": client.authority,
                "cert_file": client.certificate,
                "key_file": client.key,
            }
            return LinkSettings(host="127.0.0.1", port=reached.port, **files, **common)
        case Transport.RTU:
            assert reached.rtu_path is not None
            return LinkSettings(port_path=reached.rtu_path, baud=115_200, parity=Parity.NONE, **common)


@asynccontextmanager
async def bench(
    wire: Wire, papers: Certificates, folder: Path, timeout_s: float = TIMEOUT_S, **unit: Any
) -> AsyncIterator[Bench]:
    values = {"kind": "battery", "identity": IDENTITY, **unit}
    listen: dict[str, Any] = {} if unit else {"meter_unit": METER}
    if wire.transport is Transport.RTU:
        listen |= {"rtu_link": folder / "line", "baud": 115_200}
    if wire.transport is Transport.TLS:
        server = papers.server
        listen |= {
            "tls_cert_file": server.certificate,
            "tls_key_file": server.key,
            "tls_ca_file": server.authority,
        }
    device = BenchDevice(load(None, {"listen": listen, **values}), SystemClock())
    async with device.listening() as reached:
        settings = where(wire, reached, papers, timeout_s)
        async with Connections(open_link, [settings]) as connections:
            yield Bench(device, connections.share(settings), reached)
        device.faults.close()


@pytest.mark.parametrize("wire", WIRES, ids=str)
async def test_a_device_is_discovered_commanded_and_released(
    wire: Wire, papers: Certificates, tmp_path: Path
) -> None:
    async with bench(wire, papers, tmp_path, timeout_s=5.0) as at:
        device = await discover(at.link, UNIT, load_profiles(), SystemClock(), kind=DerKind.BATTERY)
        result = await device.command(1_000.0, 60.0)
        assert (result.__class__.__name__, at.device.status()["setpoint_w"]) == ("Confirmed", 1_000.0)
        assert (await device.read_frequency()).value == pytest.approx(60.0, abs=0.5)
        await device.release()
        assert at.device.status()["setpoint_w"] is None


@pytest.mark.parametrize("wire", WIRES, ids=str)
async def test_a_meter_of_input_registers_is_read(wire: Wire, papers: Certificates, tmp_path: Path) -> None:
    sdm630 = {"kind": "meter", "map": "sdm630", "load_w": 3_000.0}
    async with bench(wire, papers, tmp_path, timeout_s=5.0, **sdm630) as at:
        meter = await discover(at.link, UNIT, load_profiles(), SystemClock(), kind=DerKind.METER)
        assert meter.profile.name == "generic-modbus-meter-sdm630"
        assert (await meter.read()).power_w == pytest.approx(-3_000.0, rel=0.05)


FAULTS: dict[str, Mapping[str, object]] = {
    "delay": {"delay_s": 0.07, "jitter_s": 0.06},
    "loss": {"share": 0.3},
    "late-answer": {"late_s": LATE_S, "every": 3},
    "wrong-transaction": {"share": 0.4},
    "half-open": {},
    "refused": {},
    "reboot": {"off_s": 0.3},
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("wire", WIRES, ids=str)
async def test_no_answer_is_taken_for_that_to_another_request_and_the_link_comes_back(
    wire: Wire, fault: str, papers: Certificates, tmp_path: Path
) -> None:
    async with bench(wire, papers, tmp_path) as at:
        await at.recovers()
        at.device.faults.raise_(fault, FAULTS[fault])
        answered = await at.ask_often(20)
        if fault == "half-open":
            assert answered == 0
        at.device.faults.clear_all()
        await at.recovers()


async def test_corrupted_bytes_on_a_serial_line_are_never_a_value(
    papers: Certificates, tmp_path: Path
) -> None:
    async with bench(RTU, papers, tmp_path) as at:
        at.device.faults.raise_("corrupted", {"share": 0.4, "bits": 2})
        assert await at.ask_often(20) > 0
        at.device.faults.raise_("corrupted", {"share": 1.0})
        with pytest.raises(DeviceFault, match="wrong checksum"):
            await _patiently(at.link)
        at.device.faults.clear_all()
        await at.recovers()


async def _patiently(link: Link) -> None:
    """Read, and wait as long as the unit is left alone."""
    while True:
        try:
            await link.read(UNIT, BASE, 8)
        except DeviceFault as fault:
            if "may still answer" not in str(fault):
                raise
            await SystemClock().sleep(0.02)


async def test_a_unit_that_is_late_on_a_serial_line_keeps_no_other_from_its_answer(
    papers: Certificates, tmp_path: Path
) -> None:
    """The late answer arrives while the other unit is asked, and is passed over."""
    async with bench(RTU, papers, tmp_path) as at:
        await at.recovers()
        at.device.faults.raise_("delay", {"delay_s": 1.5 * TIMEOUT_S})
        with pytest.raises(DeviceFault, match="did not answer"):
            await at.link.read(UNIT, BASE, 8)
        at.device.faults.clear_all()
        assert await at.link.read(METER, BASE, 8) == at.truth(BASE, 8, METER)
        with pytest.raises(DeviceFault, match="may still answer its last request"):
            await at.link.read(UNIT, BASE, 8)
        await at.recovers()


@pytest.mark.parametrize("wire", [TCP, LEAN], ids=str)
async def test_a_stalled_device_does_not_hold_up_the_writes_to_another(
    wire: Wire, papers: Certificates, tmp_path: Path
) -> None:
    async with (
        bench(wire, papers, tmp_path, timeout_s=5.0) as stalled,
        bench(wire, papers, tmp_path, timeout_s=5.0) as sound,
    ):
        await stalled.recovers()
        stalled.device.faults.raise_("half-open")
        lanes = Lanes.over(sound.link, SystemClock(), 0.0)
        async with asyncio.TaskGroup() as asking:
            waiting = asking.create_task(stalled.link.read(UNIT, BASE, 8))
            with pytest.raises(RegisterRefused):
                await lanes.control.write(UNIT, BASE, b"\0\1")
            assert not waiting.done()
            waiting.cancel()


async def test_a_line_that_is_pulled_out_is_a_fault_and_is_opened_again(
    papers: Certificates, tmp_path: Path
) -> None:
    async with bench(RTU, papers, tmp_path) as at:
        await at.recovers()
    with pytest.raises(DeviceFault, match="cannot be reached; check that the serial port is there"):
        await open_link(where(RTU, at.reached, papers)).read(UNIT, BASE, 8)


async def test_a_device_with_a_certificate_of_another_authority_is_not_talked_to(
    papers: Certificates, tmp_path: Path
) -> None:
    stranger = make_certificates(tmp_path)
    async with bench(TLS, papers, tmp_path) as at:
        link = open_link(where(TLS, at.reached, stranger))
        with pytest.raises(DeviceFault, match="the certificates of both sides"):
            await link.read(UNIT, BASE, 8)
        await link.close()


def test_a_certificate_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    settings = LinkSettings(transport=Transport.TLS, host="192.0.2.7", port=802, ca_file=tmp_path / "no.pem")
    with pytest.raises(ConfigurationFault, match=r"192\.0\.2\.7:802 needs TLS, and .*no\.pem cannot be used"):
        open_link(settings)
