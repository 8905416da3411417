"""pysunspec2's own client, unmodified: it scans, reads and writes over TCP, TLS and a serial line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.integration.peers.certificates import Certificates, make_certificates
from tests.integration.peers.environments import environment
from tests.integration.peers.peer import Peer, PeerError, running
from tests.integration.peers.simulator import HYBRID, METER, SINGLE, Settings, Simulator, simulated

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SEVENS = (1, 701, 702, 703, 704, 705, 706, 711, 712, 713, 714, 715, 802)
LEGACY = (1, 103, 120, 121, 122, 123, 124, 160, 802)
FLOATS = (1, 113, 120, 121, 122, 123, 124, 160, 802)
BOTH = (1, 103, 120, 121, 122, 123, 124, 160, 701, 702, 703, 704, 705, 706, 711, 712, 713, 714, 715, 802)
SINGLE_PHASE = (1, 101, 120, 121, 122, 123)
METERS = ((201, 211), (202, 212), (203, 213), (204, 214))
TIMER_S = 2
BAUD = 115_200


class Bench(NamedTuple):
    device: Simulator
    client: Peer
    opened: Any


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@contextmanager
def benched(
    transport: str, certificates: Certificates, settings: Settings = HYBRID, **options: Any
) -> Iterator[Bench]:
    """A device, and the client connected to it."""
    wire: dict[str, Any] = {"serial": transport == "serial"}
    if transport == "tls":
        wire = {"tls": certificates.server}
    with (
        running(environment("pysunspec2"), "sunspec") as client,
        simulated(settings=settings, **wire, **options) as device,
    ):
        match transport:
            case "serial":
                opened = client.call("open_serial", path=str(device.serial), unit=1, baud=BAUD)
            case "tls":
                opened = client.call(
                    "open", host=device.host, port=device.port, unit=1, **certificates.client.options()
                )
            case _:
                opened = client.call("open", host=device.host, port=device.port, unit=1)
        yield Bench(device, client, opened)
        client.call("close")


@pytest.fixture(scope="module", params=["tcp", "tls", "serial"])
def bench(request: pytest.FixtureRequest, certificates: Certificates) -> Iterator[Bench]:
    """A hybrid with all models of both generations."""
    with benched(request.param, certificates, models=BOTH) as made:
        made.device.delivering()
        yield made


@pytest.mark.parametrize(
    ("models", "base"),
    [
        pytest.param(SEVENS, 40_000, id="7xx"),
        pytest.param(LEGACY, 40_000, id="legacy"),
        pytest.param(FLOATS, 0, id="floats-at-0"),
        pytest.param(SEVENS, 50_000, id="7xx-at-50000"),
    ],
)
def test_a_scan_finds_the_models_at_their_lengths(
    certificates: Certificates, models: tuple[int, ...], base: int
) -> None:
    with benched("tcp", certificates, models=models, base=base) as bench:
        assert bench.opened == {"base": base, "models": list(models), "errors": {}}


def test_a_scan_finds_both_generations_side_by_side(bench: Bench) -> None:
    assert bench.opened == {"base": 40_000, "models": list(BOTH), "errors": {}}


def test_it_reads_the_same_figures_from_both_generations(bench: Bench) -> None:
    modern, legacy = bench.client.call("read", model=701), bench.client.call("read", model=103)
    truth = bench.device.truth()
    for read, power, frequency in ((modern, "W", "Hz"), (legacy, "W", "Hz")):
        assert read[power] == pytest.approx(truth["power_w"], abs=20)
        assert read[frequency] == pytest.approx(truth["frequency_hz"], abs=0.02)
    assert modern["LNV"] == pytest.approx(truth["phase_voltage_v"][0], abs=0.5)
    assert legacy["PhVphA"] == pytest.approx(truth["phase_voltage_v"][0], abs=0.5)
    assert bench.client.call("read", model=713)["SoC"] == pytest.approx(
        100 * truth["state_of_charge"], abs=0.5
    )


def test_a_limit_written_in_one_request_acts_and_reverts_by_timer(bench: Bench) -> None:
    before = bench.device.truth()
    bench.client.call(
        "write",
        model=704,
        points={
            "WMaxLimPctEna": 1,
            "WMaxLimPct": 20.0,
            "WMaxLimPctRvrt": 100.0,
            "WMaxLimPctEnaRvrt": 0,
            "WMaxLimPctRvrtTms": TIMER_S,
        },
    )
    bench.device.until("limited", lambda truth: truth["power_w"] <= 2_020)
    assert 0 < bench.client.call("read", model=704)["WMaxLimPctRvrtRem"] <= TIMER_S
    after = bench.device.settled("reverted", lambda truth: truth["power_w"] >= before["power_w"] - 50)
    assert after["at_s"] - before["at_s"] >= TIMER_S
    read = bench.client.call("read", model=704)
    assert (read["WMaxLimPctEna"], read["WMaxLimPctRvrtRem"]) == (0, 0)


def test_a_limit_of_the_other_generation_is_the_same_limit(bench: Bench) -> None:
    before_w = bench.device.truth()["power_w"]
    bench.client.call("write_point", model=123, point="WMaxLimPct", value=25.0)
    bench.client.call("write_point", model=123, point="WMaxLim_Ena", value=1)
    bench.device.settled("limited", lambda truth: truth["power_w"] <= 2_525)
    read = bench.client.call("read", model=704)
    assert (read["WMaxLimPctEna"], read["WMaxLimPct"]) == (1, 25.0)
    bench.client.call("write_point", model=123, point="WMaxLim_Ena", value=0)
    bench.device.settled("released", lambda truth: truth["power_w"] >= before_w - 50)


def test_what_may_not_be_written_is_refused_and_changes_nothing(bench: Bench) -> None:
    before = bench.client.call("read", model=702)["WMaxRtg"]
    with pytest.raises(PeerError, match="Modbus exception"):
        bench.client.call("write_point", model=702, point="WMaxRtg", value=before / 2)
    assert bench.client.call("read", model=702)["WMaxRtg"] == before


def test_a_client_of_another_authority_is_refused(certificates: Certificates, tmp_path: Path) -> None:
    stranger = make_certificates(tmp_path).client
    identity = stranger._replace(authority=certificates.client.authority)
    with (
        running(environment("pysunspec2"), "sunspec") as client,
        simulated(models=SEVENS, tls=certificates.server, settings=HYBRID) as device,
        pytest.raises(PeerError, match="Error scanning SunSpec base addresses"),
    ):
        client.call("open", host=device.host, port=device.port, unit=1, **identity.options())


def test_single_phase_models_are_scanned_too(certificates: Certificates) -> None:
    with benched("tcp", certificates, models=SINGLE_PHASE, settings=SINGLE) as bench:
        assert bench.opened == {"base": 40_000, "models": list(SINGLE_PHASE), "errors": {}}


@pytest.mark.parametrize("models", METERS, ids=["single-phase", "split-phase", "wye", "delta"])
def test_a_meter_is_scanned_and_read_in_integers_and_floats(models: tuple[int, int]) -> None:
    with (
        running(environment("pysunspec2"), "sunspec") as client,
        simulated(models=(1, *models), settings=METER) as device,
    ):
        opened = client.call("open", host=device.host, port=device.port, unit=1)
        read, truth = [client.call("read", model=model) for model in models], device.truth()
        client.call("close")
    assert opened == {"base": 40_000, "models": [1, *models], "errors": {}}
    for each in read:
        assert each["Hz"] == pytest.approx(truth["frequency_hz"], abs=0.02)
        assert abs(each["W"]) == pytest.approx(3_000, rel=0.01)
    assert truth["power_w"] == pytest.approx(-3_000, rel=0.01)
