import asyncio
import mmap
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from simulators.rig.world.pace import PaceFile
from vpp_core.clock import Pace, SystemClock, monotonic_host_s
from vpp_core.faults import LocalFault

NOON = datetime(2021, 8, 12, 12, tzinfo=UTC)

LAST = 1e12

READER = """
import sys
from pathlib import Path
from simulators.rig.world.pace import PaceFile

pace_file = PaceFile.open(Path(sys.argv[1]))
print("reading", flush=True)
last_s, seen = 0.0, 0
while last_s < 1e18:
    pace = pace_file.read()
    assert pace.at_s >= last_s, "time ran backwards"
    assert pace.speed == 0.0 or pace.at_s == pace.speed * 1e6, f"half of two paces: {pace}"
    seen += pace.at_s > last_s
    last_s = pace.at_s
print(seen)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "clock"


def test_a_new_clock_stands_still_at_its_instant(path: Path) -> None:
    pace = PaceFile.create(path, NOON)
    assert pace.now() == NOON
    assert pace.clock().now() == NOON


def test_a_reader_sees_every_change_of_the_keeper(path: Path) -> None:
    keeper = PaceFile.create(path, NOON)
    reader = PaceFile.open(path)
    keeper.set_speed(60.0)
    assert reader.read() == keeper.read()
    assert reader.read().speed == 60.0
    keeper.set_speed(0.0)
    assert reader.now() == keeper.now() > NOON


def test_time_is_continuous_when_the_speed_changes(path: Path) -> None:
    keeper = PaceFile.create(path, NOON)
    keeper.set_speed(1_000.0)
    before = keeper.now()
    keeper.set_speed(0.0)
    held = keeper.now()
    assert held >= before
    assert keeper.now() == held


@pytest.mark.parametrize("speed", [-1.0, float("nan"), float("inf")])
def test_a_speed_is_zero_or_more(path: Path, speed: float) -> None:
    keeper = PaceFile.create(path, NOON)
    with pytest.raises(ValueError, match="zero or more"):
        keeper.set_speed(speed)


async def test_a_run_ends_exactly_at_its_instant_and_stands_still(path: Path) -> None:
    keeper = PaceFile.create(path, NOON)
    watcher = PaceFile.open(path).clock()
    goal = NOON + timedelta(hours=6)
    async with asyncio.TaskGroup() as tasks:
        sleeper = tasks.create_task(watcher.sleep(timedelta(hours=6).total_seconds()))
        await SystemClock().sleep(0.0)
        await keeper.run_until(goal, speed=1_000_000.0)
        assert watcher.now() == keeper.now() == goal
        await sleeper
    await keeper.run_until(goal - timedelta(hours=1), speed=10.0)
    assert watcher.now() == goal, "what has passed takes no time"


async def test_a_sleeper_beyond_the_stop_waits_until_time_moves_again(path: Path) -> None:
    keeper = PaceFile.create(path, NOON)
    clock = keeper.clock()
    async with asyncio.TaskGroup() as tasks:
        sleeper = tasks.create_task(clock.sleep(10.0))
        await SystemClock().sleep(0.0)
        await keeper.run_until(NOON + timedelta(seconds=5), speed=1_000.0)
        await SystemClock().sleep(0.1)
        assert not sleeper.done()
        await keeper.run_until(NOON + timedelta(seconds=10), speed=1_000.0)


def test_only_the_keeper_writes(path: Path) -> None:
    PaceFile.create(path, NOON)
    with pytest.raises(TypeError):
        PaceFile.open(path).set_speed(1.0)


def test_a_closed_clock_lets_its_file_go(path: Path) -> None:
    keeper = PaceFile.create(path, NOON)
    keeper.close()
    path.unlink()
    assert not path.exists()


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 96], ids=["empty", "too-short", "foreign"])
def test_what_is_not_a_clock_file_is_refused_in_one_sentence(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LocalFault) as caught:
        PaceFile.open(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_clock_file_is_named(path: Path) -> None:
    with pytest.raises(LocalFault, match="cannot be read"):
        PaceFile.open(path)
    with pytest.raises(LocalFault, match="cannot be written"):
        PaceFile.create(path / "nowhere", NOON)


def test_a_damaged_pace_is_never_taken_for_a_time(path: Path) -> None:
    PaceFile.create(path, NOON).close()
    content = bytearray(path.read_bytes())
    content[16 + 40] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(LocalFault, match="damaged"):
        PaceFile.open(path).read()


def test_a_pace_that_is_being_written_is_not_in_force(path: Path) -> None:
    keeper = PaceFile.create(path, NOON)
    reader = PaceFile.open(path)
    content = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(16)
        file.write(b"half a pace".ljust(40, b"?"))
    assert reader.now() == NOON
    assert content != path.read_bytes()
    keeper.close()


def test_a_reader_that_is_overtaken_while_it_copies_reads_again(path: Path) -> None:
    keeper = PaceFile.create(path, NOON)
    reader = PaceFile.open(path)
    overtaken = OvertakenMap(reader._map, keeper)
    reader._map = overtaken  # type: ignore[assignment]
    pace = reader.read()
    assert overtaken.copies == 2
    assert pace == keeper.read()


class OvertakenMap:
    """A mapped file whose keeper writes twice in the middle of the first copy."""

    def __init__(self, real: mmap.mmap, keeper: PaceFile) -> None:
        self._real = real
        self._keeper = keeper
        self.copies = 0

    def __getitem__(self, part: slice) -> bytes:
        middle = part.start + 8
        head = self._real[part.start : middle]
        if self.copies == 0:
            self._keeper.set_speed(2.0)
            self._keeper.set_speed(3.0)
        self.copies += 1
        return head + self._real[middle : part.stop]


@pytest.mark.integration
async def test_another_process_never_sees_half_of_one_pace_and_half_of_another(path: Path) -> None:
    keeper = PaceFile.create(path, datetime.fromtimestamp(0, UTC))
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", READER, str(path), stdout=asyncio.subprocess.PIPE
    )
    assert reader.stdout is not None
    try:
        assert await reader.stdout.readline() == b"reading\n"
        deadline_s = monotonic_host_s() + 0.5
        speed = 2.0
        while monotonic_host_s() < deadline_s:
            keeper._write(Pace(speed * 1e6, 0.0, speed))
            speed += 1.0
        keeper._write(Pace(LAST * 1e6, 0.0, LAST))
        seen = int(await reader.stdout.readline())
        assert await reader.wait() == 0
    finally:
        if reader.returncode is None:
            reader.kill()
    assert seen > 10, "the reader watched too little to prove anything"
