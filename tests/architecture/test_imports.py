"""The drawn import graph: no circles, and each foreign library behind its own door.

The arrows between packages are contracts of import-linter (``pyproject.toml``); this is what they cannot say.
"""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("vpp_core", "firmware_profiles", "edge_agent", "cloud", "simulators")
FRAME = {"cloud.app", "cloud.composition", "simulators.rig.world.http_server"}
"""What puts the routers together and serves them."""


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    first, *others = PACKAGES
    return grimp.build_graph(first, *others, include_external_packages=True, cache_dir=None)


def ours(graph: grimp.ImportGraph) -> dict[str, set[str]]:
    """The modules of Gridchorus, each with those that it imports."""
    modules = {module for module in graph.modules if module.partition(".")[0] in PACKAGES}
    return {module: graph.find_modules_directly_imported_by(module) & modules for module in modules}


def rooms(arrows: Mapping[str, set[str]], depth: int) -> dict[str, set[str]]:
    """The same arrows between packages of a depth; a module that lies higher stands for itself."""
    found: dict[str, set[str]] = {}
    for module, imported in arrows.items():
        room = _room(module, depth)
        found.setdefault(room, set()).update({_room(other, depth) for other in imported} - {room})
    return found


def _room(module: str, depth: int) -> str:
    return ".".join(module.split(".")[:depth])


def circle(arrows: Mapping[str, set[str]]) -> list[str]:
    """One circle, or nothing."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


@pytest.mark.parametrize(
    "arrows",
    [
        pytest.param({"a.x": {"b.x"}, "b.x": {"a.x"}}, id="of two modules"),
        pytest.param({"a.x": {"b.x"}, "b.y": {"a.y"}}, id="of two packages by different modules"),
    ],
)
def test_a_circle_is_seen(arrows: dict[str, set[str]]) -> None:
    assert circle(rooms(arrows, 1))


def test_a_line_is_none() -> None:
    assert circle(rooms({"a.x": {"a.y", "b.x"}, "a.y": {"b.x"}, "b.x": {"c.x"}}, 1)) == []


@pytest.mark.parametrize(
    "depth",
    [
        pytest.param(1, id="between packages"),
        pytest.param(2, id="between stages and areas"),
        pytest.param(9, id="between modules"),
    ],
)
def test_nothing_imports_in_a_circle(graph: grimp.ImportGraph, depth: int) -> None:
    assert circle(rooms(ours(graph), depth)) == []


@pytest.mark.parametrize(
    ("library", "owners"),
    [
        pytest.param("pymodbus", {"edge_agent.devices.modbus"}, id="pymodbus"),
        pytest.param(
            "aiomqtt",
            {"edge_agent.uplink.mqtt", "cloud.telemetry.mqtt", "simulators.rig.world.broker"},
            id="aiomqtt",
        ),
        pytest.param("paho", {"edge_agent.uplink.mqtt", "cloud.telemetry.mqtt"}, id="paho"),
        pytest.param(
            "openleadr",
            {"cloud.openadr.ven", "simulators.utility.vtn", "simulators.thermostat.ven"},
            id="openleadr",
        ),
        pytest.param("iotcore", {"simulators.rig.world.iotcore_process"}, id="iotcore"),
        pytest.param(
            "duckdb",
            {"cloud.telemetry.duckdb_store", "simulators.data.make_extracts", "simulators.grid.recorded"},
            id="duckdb",
        ),
        pytest.param("alembic", {"cloud.storage.database"}, id="alembic"),
        pytest.param(
            "scipy", {"cloud.bidding.binding", "cloud.bidding.lp", "cloud.bidding.programme"}, id="scipy"
        ),
        pytest.param("sqlite3", {"cloud.storage.database", "edge_agent.uplink.database"}, id="sqlite3"),
        pytest.param(
            "pydantic_settings",
            {"vpp_core.configuration", "cloud.settings", "edge_agent.settings", "simulators.bench.settings"},
            id="the environment",
        ),
        pytest.param("time", {"vpp_core.clock"}, id="the computer's time"),
    ],
)
def test_a_library_is_imported_by_its_owners_only(
    graph: grimp.ImportGraph, library: str, owners: set[str]
) -> None:
    assert graph.find_modules_that_directly_import(library) == owners


def test_sunspec2_gives_its_model_files_to_one_module_a_side_and_is_never_run(
    graph: grimp.ImportGraph,
) -> None:
    assert "sunspec2" not in graph.modules
    naming = {
        path.relative_to(REPOSITORY).as_posix()
        for package in PACKAGES
        for path in (REPOSITORY / package).rglob("*.py")
        if "sunspec2" in path.read_text(encoding="utf-8")
    }
    assert naming == {"edge_agent/devices/sunspec_models.py", "simulators/devices/models.py"}


def test_a_repository_is_opened_by_its_own_room_and_the_composition_only(graph: grimp.ImportGraph) -> None:
    repositories = {module for module in ours(graph) if module.endswith(".repository")}
    assert repositories
    reaching = {
        importer
        for repository in repositories
        for importer in graph.find_modules_that_directly_import(repository)
        if _room(importer, 2) != _room(repository, 2)
    }
    assert reaching <= {"cloud.composition", "cloud.api.fleet_router"}


@pytest.mark.parametrize(
    ("library", "kept_by"),
    [
        pytest.param(
            "fastapi", ("router", ".app", "cloud.api.*", *FRAME), id="HTTP in routers and their frame"
        ),
        pytest.param(
            "sqlalchemy",
            (
                ".repository",
                "cloud.storage.*",
                "cloud.chain.store",
                "cloud.payout.ledger",
                "cloud.enrollment.commissioning",
            ),
            id="SQL where rows are kept",
        ),
    ],
)
def test_a_layer_keeps_its_library(graph: grimp.ImportGraph, library: str, kept_by: tuple[str, ...]) -> None:
    def kept(module: str) -> bool:
        return module.endswith(kept_by) or f"{_room(module, 2)}.*" in kept_by

    speaking = graph.find_modules_that_directly_import(library)
    assert speaking
    assert sorted(module for module in speaking if not kept(module)) == []
