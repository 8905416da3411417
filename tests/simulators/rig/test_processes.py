"""The rig's children: ready before use, quoted when they die, and never left behind."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulators.rig.world.line import Line
from simulators.rig.world.pace import PaceFile
from simulators.rig.world.processes import ChildFault, Program, supervise
from vpp_core.clock import SystemClock
from vpp_core.faults import BrokerFault, LocalFault

pytestmark = pytest.mark.integration

MIDNIGHT = datetime(2021, 8, 12, tzinfo=UTC)
PATIENCE_S = 20.0

CHILD = """
import asyncio, socket, sys
from simulators.rig.world.child import Setting, run_child
from vpp_core.faults import DeviceFault

async def serve(setting: Setting) -> None:
    if fault := setting.config.get("fault"):
        print("preparing")
        raise DeviceFault(fault)
    listener = socket.create_server(("127.0.0.1", 0))
    await setting.line.say({"port": listener.getsockname()[1], "at": setting.clock.now().isoformat()})
    if setting.config.get("dies"):
        raise DeviceFault("The device fell off the wall.")
    if setting.config.get("deaf"):
        import signal
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: print("no", flush=True))
    def answer(question):
        if "divide" not in question:
            raise ValueError("I only divide")
        return {"result": 100 / question["divide"]}
    await setting.line.serve(answer)
    await asyncio.Event().wait()

sys.exit(run_child(serve, "a child of a test"))
"""


class Scene:
    """A folder with a child program, a clock and configurations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.logs = folder / "logs"
        self.clock = folder / "clock"
        self.pace = PaceFile.create(self.clock, MIDNIGHT)
        (folder / "rig_test_child.py").write_text(CHILD)

    def program(self, name: str, **config: object) -> Program:
        return Program(name, "rig_test_child", ("--clock", str(self.clock)), config=config)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return Scene(tmp_path)


async def test_a_child_says_its_ports_when_it_is_ready(scene: Scene) -> None:
    async with supervise(scene.logs) as children:
        [child] = await children.start(scene.program("meter"))
        assert _listens(child.ports["port"])
        assert child.ports["at"] == MIDNIGHT.isoformat()
        assert children["meter"] is child
    assert not _listens(child.ports["port"])
    assert not _alive(child.pid)


async def test_a_child_answers_and_refuses(scene: Scene) -> None:
    async with supervise(scene.logs) as children:
        [child] = await children.start(scene.program("meter"))
        assert await child.ask({"divide": 8}) == {"result": 12.5}
        with pytest.raises(LocalFault, match="I only divide"):
            await child.ask({"multiply": 8})
        assert await child.ask({"divide": 4}) == {"result": 25.0}


async def test_children_of_one_start_come_up_side_by_side(scene: Scene) -> None:
    async with supervise(scene.logs) as children:
        started = await children.start(scene.program("a"), scene.program("b"))
        assert {child.program.name for child in started} == {"a", "b"}
        assert len({child.ports["port"] for child in started}) == 2
        assert os.getpgid(started[0].pid) == started[0].pid, "a child leads its own group"


async def test_a_child_that_is_launched_early_waits_for_what_to_do(scene: Scene) -> None:
    async with supervise(scene.logs) as children:
        [child] = await children.launch(scene.program("meter"))
        assert child.ports == {}
        await children.configure(child, {"note": "now"})
        assert _listens(child.ports["port"])
        assert (await children.kill("meter")).config == {"note": "now"}, "it can be started again as it was"


async def test_a_launched_child_that_is_never_told_what_to_do_ends_with_the_block(scene: Scene) -> None:
    async with supervise(scene.logs) as children:
        [child] = await children.launch(scene.program("meter"))
    assert not _alive(child.pid)


async def test_a_child_that_dies_early_is_quoted(scene: Scene) -> None:
    with pytest.raises(ChildFault) as caught:
        async with supervise(scene.logs) as children:
            await children.start(scene.program("meter", fault="Port 502 is taken."))
    assert "meter ended with exit code 2 before it was ready" in str(caught.value)
    assert "preparing" in str(caught.value)
    assert "Port 502 is taken." in str(caught.value)


async def test_a_child_that_is_never_ready_is_given_up(scene: Scene) -> None:
    with pytest.raises(ChildFault, match=r"slow was not ready within 0 s; it said nothing"):
        async with supervise(scene.logs) as children:
            await children.start(scene.program("slow"), ready_s=0.01)


async def test_a_child_that_ends_by_itself_ends_the_block(scene: Scene) -> None:
    with pytest.raises(ChildFault, match=r"(?s)meter ended by itself with exit code 2.*fell off the wall"):
        await _start_and_wait(scene, scene.program("meter", dies=True))


async def test_a_killed_child_starts_again(scene: Scene) -> None:
    async with supervise(scene.logs) as children:
        [first] = await children.start(scene.program("gateway"))
        program = await children.kill("gateway")
        assert not _alive(first.pid)
        with pytest.raises(KeyError):
            children["gateway"]
        [second] = await children.start(program)
        assert second.pid != first.pid
        assert _listens(second.ports["port"])


async def test_a_stopped_child_is_no_fault(scene: Scene) -> None:
    async with supervise(scene.logs) as children:
        [child] = await children.start(scene.program("gateway"))
        await children.stop("gateway")
        assert child.process.returncode == 0


async def test_a_deaf_child_is_killed_after_the_bound(scene: Scene) -> None:
    async with supervise(scene.logs, stop_s=0.3) as children:
        [child] = await children.start(scene.program("deaf", deaf=True))
    assert child.process.returncode == -signal.SIGKILL
    assert "no" in child.log.read_text()


async def test_a_fault_of_the_block_comes_out_as_itself(scene: Scene) -> None:
    async def story() -> None:
        async with supervise(scene.logs) as children:
            await children.start(scene.program("meter"))
            raise BrokerFault("The broker is gone.")

    with pytest.raises(BrokerFault, match="gone"):
        await story()


async def test_a_foreign_command_runs_without_a_line(scene: Scene) -> None:
    async with supervise(scene.logs) as children:
        [child] = await children.start(Program("sleeper", command=("sleep", "60")))
        assert _alive(child.pid)
        with pytest.raises(ChildFault, match="no line"):
            await child.ask({})
    assert not _alive(child.pid)


async def test_a_command_that_does_not_exist_is_a_fault(scene: Scene) -> None:
    with pytest.raises(ChildFault, match=r"ghost ended by itself with exit code 1"):
        await _start_and_wait(scene, Program("ghost", command=("no-such-program-anywhere",)))


async def test_a_line_whose_other_end_is_gone_says_so() -> None:
    ours, theirs = socket.socketpair()
    line = await Line.over(ours)
    theirs.close()
    with pytest.raises(LocalFault, match=r"gone|ended before"):
        await line.ask({"divide": 1})
    await line.close()


async def test_a_child_started_by_hand_says_who_starts_it() -> None:
    with pytest.raises(LocalFault, match="vpp-demo"):
        await Line.inherited(9_999)


PARENT = """
import asyncio, sys
from pathlib import Path
from simulators.rig.world.processes import Program, supervise

folder = Path(sys.argv[1])

def program(name):
    return Program(name, "rig_test_child", ("--clock", str(folder / "clock")))

async def main():
    async with supervise(folder / "logs") as children:
        started = await children.start(program("a"), program("b"))
        print(*(f"{child.pid}:{child.ports['port']}" for child in started), flush=True)
        await asyncio.Event().wait()

try:
    asyncio.run(main())
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, signal.SIGTERM, signal.SIGKILL],
    ids=["Ctrl-C", "an-end-by-SIGTERM", "kill-9-of-the-rig"],
)
async def test_nothing_survives(scene: Scene, number: signal.Signals) -> None:
    parent, said = await _start_parent(scene)
    rows = [row.split(":") for row in (await said.readline()).decode().split()]
    pids, ports = [int(pid) for pid, _ in rows], [int(port) for _, port in rows]
    assert len(pids) == 2
    assert all(map(_alive, pids))
    assert all(map(_listens, ports))
    parent.send_signal(number)
    await parent.wait()
    await _eventually(lambda: not any(map(_alive, pids)))
    assert not any(map(_listens, ports))


async def test_ctrl_c_while_the_children_start_leaves_none(scene: Scene) -> None:
    parent, _ = await _start_parent(scene)
    await _eventually(lambda: bool(_children_of(parent.pid)))
    pids = _children_of(parent.pid)
    parent.send_signal(signal.SIGINT)
    assert await parent.wait() == 130
    await _eventually(lambda: not any(map(_alive, pids)))


async def _start_parent(scene: Scene) -> tuple[asyncio.subprocess.Process, asyncio.StreamReader]:
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PARENT,
        str(scene.folder),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    assert parent.stdout is not None
    return parent, parent.stdout


async def _start_and_wait(scene: Scene, program: Program) -> None:
    async with supervise(scene.logs) as children:
        await children.start(program)
        await asyncio.Event().wait()


def _children_of(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in path.read_text().split()] if path.exists() else []


def _alive(pid: int) -> bool:
    """Whether the process runs; a zombie that nobody has waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def _eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await SystemClock().sleep(0.01)
