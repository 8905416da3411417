"""Debian's mbpoll (libmodbus), unmodified: over TCP and over a serial line."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.integration.peers.mbpoll import Mbpoll, MbpollError
from tests.integration.peers.simulator import PV, Simulator, simulated

pytestmark = [pytest.mark.integration, pytest.mark.slow]

MODELS = (1, 103, 120, 121, 122, 123)
BASE = 40_000
POWER, POWER_SCALE, STATE = 14, 15, 38
"""Offsets in model 103."""
LIMIT, TIMER, ENABLED, LIMIT_SCALE = 5, 7, 9, 23
"""Offsets in model 123."""
TIMER_S = 2


class Bench(NamedTuple):
    device: Simulator
    master: Mbpoll


@pytest.fixture(scope="module", params=["tcp", "rtu"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    serial = request.param == "rtu"
    with simulated(models=MODELS, manufacturer="KACO new energy", serial=serial, settings=PV) as device:
        device.delivering()
        if device.serial:
            yield Bench(device, Mbpoll(str(device.serial), 1, "-m", "rtu", "-b", "19200"))
        else:
            yield Bench(device, Mbpoll(device.host, 1, "-p", str(device.port)))


def test_it_walks_the_models(bench: Bench) -> None:
    assert tuple(bench.master.chain(BASE)) == MODELS


def test_it_reads_the_power_that_is_so(bench: Bench) -> None:
    registers = bench.master.read(bench.master.chain(BASE)[103], 52)
    power, scale = (_signed(registers[offset]) for offset in (POWER, POWER_SCALE))
    assert power * 10.0**scale == pytest.approx(bench.device.truth()["power_w"], abs=20)


def test_it_reads_as_many_registers_as_a_frame_can_hold(bench: Bench) -> None:
    assert bench.master.read(BASE, 125)[:3] == [0x5375, 0x6E53, 1]


def test_several_registers_and_one_are_written_act_and_revert_by_timer(bench: Bench) -> None:
    controls = bench.master.chain(BASE)[123]
    per_percent = 10 ** -_signed(bench.master.read(controls + LIMIT_SCALE, 1)[0])
    before = bench.device.truth()
    bench.master.write(controls + LIMIT, 15 * per_percent, 0, TIMER_S)
    bench.master.write(controls + ENABLED, 1)
    bench.device.until("limited", lambda truth: truth["power_w"] <= 1_515)
    assert bench.master.read(controls + LIMIT, 5)[::2] == [15 * per_percent, TIMER_S, 1]
    after = bench.device.settled("reverted", lambda truth: truth["power_w"] >= before["power_w"] - 50)
    assert after["at_s"] - before["at_s"] >= TIMER_S
    assert bench.master.read(controls + ENABLED, 1) == [0]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param((1,), id="one"),
        pytest.param((1, 2), id="several"),
    ],
)
def test_it_may_not_write_the_marker(bench: Bench, words: tuple[int, ...]) -> None:
    with pytest.raises(MbpollError, match="Illegal data address"):
        bench.master.write(BASE, *words)
    assert bench.master.read(BASE, 2) == [0x5375, 0x6E53]


def test_it_is_refused_what_is_not_there(bench: Bench) -> None:
    with pytest.raises(MbpollError, match="Illegal data address"):
        bench.master.read(BASE - 1, 2)


def test_it_is_refused_a_percentage_that_cannot_be(bench: Bench) -> None:
    controls = bench.master.chain(BASE)[123]
    limit = bench.master.read(controls + LIMIT, 1)
    with pytest.raises(MbpollError, match="Illegal data value"):
        bench.master.write(controls + LIMIT, 0xFFFE)
    assert bench.master.read(controls + LIMIT, 1) == limit


def _signed(word: int) -> int:
    return word - 0x1_0000 if word & 0x8000 else word
