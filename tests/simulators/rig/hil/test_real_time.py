"""The rig as it runs on hardware: over sockets and in real time, with a meter of its own and with TLS."""

import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from simulators.bench.device import BenchDevice
from simulators.bench.settings import load
from simulators.rig.hil_bench.settings import HilSettings
from simulators.rig.hil_gateway import run_real_gateway
from simulators.rig.hil_run import Order, choose, run_real
from simulators.rig.hil_simulated import NOON
from simulators.rig.procedures.result import RunResult, Verdict
from vpp_core.clock import SystemClock
from vpp_core.faults import DeviceFault

pytestmark = [pytest.mark.hil, pytest.mark.integration]

SHORT = {"active-power-setpoint": {"steps_pu": [0.5, -0.5], "settle_s_max": 2.0, "hold_s": 0.3}}
RUN = {"watch_s": 0.1}


async def run(settings: HilSettings) -> RunResult:
    result = RunResult(started_at=NOON, target="", grid="", instruments="", clock="")
    await run_real(Order(settings, choose(settings, ["active-power-setpoint"]), result), SystemClock())
    return result


def bench_with(**settings: Any) -> BenchDevice:
    return BenchDevice(load(None, {"kind": "hybrid", **settings}), SystemClock())


def hil(target: Mapping[str, Any], **settings: Any) -> HilSettings:
    values: dict[str, Any] = {"target": {"kind": "device", "host": "127.0.0.1", **target}, "run": RUN}
    return HilSettings(**values, procedure=SHORT, **settings)


async def test_a_device_with_its_own_instruments_and_a_grid_by_its_control_port() -> None:
    bench = bench_with(control={"port": 0})
    async with bench.listening() as reached:
        grid = {"source": "bench", "port": reached.control_port}
        result = await run(hil({"port": reached.port}, grid=grid))
    assert result.verdict is Verdict.PASS
    assert result.grid.startswith("vpp-sim device, control port")
    assert result.instruments == "model 701 of the device itself"


async def test_a_separate_meter_measures_with_its_own_sign() -> None:
    """A meter model counts injection as negative, and the rig knows; told otherwise, every step fails."""
    bench = bench_with(listen={"meter_unit": 2})
    async with bench.listening() as reached:
        meter = {"source": "meter", "host": "127.0.0.1", "port": reached.port, "unit": 2}
        results = {
            sign: await run(hil({"port": reached.port}, measure={**meter, **sign_of(sign)}))
            for sign in (None, -1, 1)
        }
    verdicts = {sign: result.verdict for sign, result in results.items()}
    assert verdicts == {None: Verdict.PASS, -1: Verdict.PASS, 1: Verdict.FAIL}
    assert "meter 127.0.0.1" in results[None].instruments


def sign_of(sign: int | None) -> dict[str, int]:
    return {} if sign is None else {"injection_sign": sign}


async def test_modbus_tls_with_certificates_on_both_sides(tmp_path: Path) -> None:
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    _openssl(tmp_path, *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "subjectAltName=DNS:rig")):
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-subj", f"/CN={name}", "-addext", extension)
        _openssl(tmp_path, *new, *signed, "-keyout", f"{name}.key", "-out", f"{name}.pem")
    papers = {
        "tls_cert_file": tmp_path / "server.pem",
        "tls_key_file": tmp_path / "server.key",
        "tls_ca_file": tmp_path / "ca.pem",
    }
    bench = bench_with(listen=papers)
    own = {"cert_file": tmp_path / "client.pem", "key_file": tmp_path / "client.key"}
    async with bench.listening() as reached:
        target = {"port": reached.port, "tls": {"ca_file": tmp_path / "ca.pem", **own}}
        assert (await run(hil(target))).verdict is Verdict.PASS
        with pytest.raises(DeviceFault, match="No connection"):
            await run(hil({"port": reached.port, "tls": {"ca_file": tmp_path / "client.pem"}}))


async def test_no_gateway_is_a_fault_that_says_what_to_do() -> None:
    settings = HilSettings(target={"kind": "agent", "port": _free_port(), "ready_s_max": 0.3})
    result = RunResult(started_at=NOON, target="", grid="", instruments="", clock="")
    order = Order(settings, choose(settings, ["loss-of-communication"]), result)
    with pytest.raises(DeviceFault, match="point its devices to the rig"):
        await run_real_gateway(order, SystemClock())
    assert "No gateway has answered" in result.fault


async def test_no_site_is_a_fault() -> None:
    target = {"kind": "site", "host": "127.0.0.1", "port": _free_port(), "rating_w": 5_000.0}
    settings = HilSettings(target=target)
    result = RunResult(started_at=NOON, target="", grid="", instruments="", clock="")
    with pytest.raises(DeviceFault, match="No connection to meter"):
        await run_real_gateway(
            Order(settings, choose(settings, ["loss-of-communication"]), result), SystemClock()
        )


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)  # noqa: S603, S607


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
