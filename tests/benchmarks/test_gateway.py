"""What the agent asks of a gateway: room on its disk, and patience at the start."""

from pathlib import Path

from tests.benchmarks.measuring import compare
from tests.benchmarks.table import Table
from tests.packaging.edge_environment import build_wheel, make_edge_environment


def test_the_edge_environment(table: Table, tmp_path: Path) -> None:
    wheel = build_wheel(tmp_path / "wheel")
    gateway = make_edge_environment(tmp_path / "env", wheel)
    measured = compare(
        lambda: gateway.run("vpp-edge", "--help"), lambda: gateway.run("python", "-c", "pass"), rounds=5
    )
    group = table.group("Gateway")
    group.add("start of `vpp-edge --help`", measured, "start of Python")
    compiled_mb = gateway.size_bytes() / 1e6
    wheel_mb = wheel.stat().st_size / 1e6
    group.note(
        f"An edge installation takes {compiled_mb:.1f} MB with every module compiled and without pip (bar: "
        f"60 MB); the wheel is {wheel_mb:.2f} MB."
    )
    assert measured.ratio < 100.0
