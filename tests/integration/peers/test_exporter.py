"""prometheus-pysunspec2-exporter, unmodified: its own program scrapes a device, and Prometheus scrapes it."""

import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.integration.peers.environments import environment, plain_variables
from tests.integration.peers.simulator import HYBRID, Simulator, poll, simulated

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MODELS = (1, 701, 702, 704, 713, 714)
EXCLUDED = 702
_METRIC = re.compile(r"^(sunspec_\w+)\{.*\} (\S+)$", re.MULTILINE)
_SCRAPE_S = 30.0
"""Ends a scrape that hangs; no measure of anything."""


class Bench(NamedTuple):
    device: Simulator
    address: str

    def scrape(self) -> Mapping[str, float]:
        with urllib.request.urlopen(self.address, timeout=_SCRAPE_S) as response:  # noqa: S310
            text = response.read().decode()
        return {name: float(value) for name, value in _METRIC.findall(text)}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    settings = tmp_path_factory.mktemp("exporter") / "exporter.yml"
    with simulated(models=MODELS, manufacturer="Gridchorus", settings=HYBRID) as device:
        settings.write_text(
            f"devices:\n  - tcp:\n      ipaddr: {device.host}\n      ipport: {device.port}\n"
            f"      slave_id: 1\n    excluded_models: [{EXCLUDED}]\n    labels: {{site: bench}}\n"
        )
        device.delivering()
        with _exporting(settings) as port:
            yield Bench(device, f"http://127.0.0.1:{port}/metrics")


def test_the_first_scrape_and_the_next_have_the_same_metrics(bench: Bench) -> None:
    first, second = bench.scrape(), bench.scrape()
    assert first["sunspec_up"] == second["sunspec_up"] == 1.0
    assert first.keys() == second.keys()
    assert len(first) > 60


def test_its_metrics_are_what_is_so(bench: Bench) -> None:
    metrics, truth = bench.scrape(), bench.device.truth()
    assert metrics["sunspec_DERMeasureAC_W_W"] == pytest.approx(truth["power_w"], abs=20)
    assert metrics["sunspec_DERMeasureAC_Hz_Hz"] == pytest.approx(truth["frequency_hz"], abs=0.02)
    assert metrics["sunspec_DERStorageCapacity_SoC_Pct"] == pytest.approx(
        100 * truth["state_of_charge"], abs=0.5
    )
    assert not any("DERCapacity" in name for name in metrics)


def test_it_says_that_a_device_is_down_and_finds_it_when_it_is_back(bench: Bench) -> None:
    assert bench.scrape()["sunspec_up"] == 1.0
    bench.device.tell("reboot", off_s=2.0)
    assert bench.scrape() == {"sunspec_up": 0.0}
    poll("back", lambda: bench.scrape()["sunspec_up"])


@contextmanager
def _exporting(settings: Path) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    command = environment("exporter").script("prometheus_pysunspec2_exporter")
    diagnostics = settings.with_suffix(".log")
    with (
        diagnostics.open("w") as errors,
        subprocess.Popen(  # noqa: S603 - the program of the package
            [*command, str(settings), "--address", "127.0.0.1", "--port", str(port)],
            env=plain_variables(),
            stderr=errors,
        ) as process,
    ):
        try:
            poll("listening", lambda: _listens(port, process, diagnostics))
            yield port
        finally:
            process.send_signal(signal.SIGTERM)


def _listens(port: int, process: "subprocess.Popen[bytes]", diagnostics: Path) -> bool:
    assert process.poll() is None, diagnostics.read_text()
    try:
        socket.create_connection(("127.0.0.1", port), timeout=_SCRAPE_S).close()
    except OSError:
        return False
    return True
