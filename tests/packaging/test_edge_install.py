"""What a gateway installs: the wheel is whole, the environment is small, and its programs work."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.edge_environment import (
    PACKAGES,
    ROOT,
    EdgeEnvironment,
    build_wheel,
    make_edge_environment,
    names_in,
)

pytestmark = [pytest.mark.slow, pytest.mark.integration]

SIZE_MB_MAX = 60
"""Bar of the design: an edge installation of at most 60 MB, without a numeric stack."""
ABSENT = ("numpy", "scipy", "fastapi", "onnxruntime", "duckdb", "sqlalchemy", "openleadr")
IMPORT_ALL = """
import importlib, pkgutil, sys
for name in ("vpp_core", "firmware_profiles", "edge_agent"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        importlib.import_module(module.name)
print(len([name for name in sys.modules if name.startswith("edge_agent.")]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> EdgeEnvironment:
    return make_edge_environment(tmp_path_factory.mktemp("gateway") / "env", wheel)


def test_the_wheel_carries_every_file_of_the_packages(wheel: Path) -> None:
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*") if file.is_file())
    expected = {file.relative_to(ROOT).as_posix() for file in files if "__pycache__" not in file.parts}
    assert expected - names_in(wheel) == set()


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param("firmware_profiles/profiles/*.toml", id="device profiles"),
        pytest.param("firmware_profiles/profile.schema.json", id="the form of a profile"),
        pytest.param("cloud/*/*.toml", id="products, rules, programs and terms"),
        pytest.param("cloud/payout/templates/*.j2", id="the statement's template"),
        pytest.param("cloud/storage/migrations/versions/*.py", id="migrations"),
        pytest.param("simulators/data/*.csv", id="prices, sessions and sun"),
        pytest.param("simulators/rig/report/*.j2", id="the report's template"),
        pytest.param("*.dist-info/licenses/LICENSE", id="the licence"),
    ],
)
def test_the_wheel_carries_data(wheel: Path, pattern: str) -> None:
    assert [name for name in names_in(wheel) if Path(name).match(pattern)]


def test_the_wheel_carries_nothing_but_the_packages(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in names_in(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_the_environment_is_small(gateway: EdgeEnvironment, record_property: Callable[..., None]) -> None:
    size_mb = gateway.size_bytes() / 1e6
    record_property("edge_environment_mb", round(size_mb, 1))
    assert 5 < size_mb <= SIZE_MB_MAX, f"the edge environment takes {size_mb:.1f} MB"


@pytest.mark.parametrize("package", ABSENT)
def test_there_is_no_numeric_stack_and_no_cloud(gateway: EdgeEnvironment, package: str) -> None:
    done = gateway.run("python", "-c", f"import {package}")
    assert done.returncode == 1
    assert f"No module named '{package}'" in done.stderr


def test_every_module_of_the_agent_can_be_imported(gateway: EdgeEnvironment) -> None:
    done = gateway.run("python", "-W", "error", "-c", IMPORT_ALL)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) > len(list((ROOT / "edge_agent").glob("*.py")))


@pytest.mark.parametrize("program", ["vpp-edge", "vpp-commission"])
def test_a_program_explains_itself(gateway: EdgeEnvironment, program: str) -> None:
    done = gateway.run(program, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: {program}" in done.stdout


def test_the_profiles_are_found_where_they_were_installed(gateway: EdgeEnvironment) -> None:
    done = gateway.run("vpp-commission", "profile", "lint")
    shipped = len(list((ROOT / "firmware_profiles" / "profiles").glob("*.toml")))
    assert (done.returncode, done.stdout) == (0, f"{shipped} profiles are sound\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("power = 3", "unknown key 'power'", id="a-key-that-does-not-exist"),
        pytest.param("site_id = ", "not valid TOML", id="no-toml"),
        pytest.param("", "is missing", id="an-empty-file"),
    ],
)
def test_bad_settings_are_one_sentence_and_exit_2(
    gateway: EdgeEnvironment, tmp_path: Path, text: str, reason: str
) -> None:
    config = tmp_path / "site.toml"
    config.write_text(text)
    done = gateway.run("vpp-edge", "check-config", "--config", str(config))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("vpp-edge: ")
    assert done.stderr.count("\n") == 1
    assert reason in done.stderr


def test_settings_that_are_not_there_are_one_sentence_and_exit_2(gateway: EdgeEnvironment) -> None:
    done = gateway.run("vpp-edge", "run", "--config", "nowhere.toml")
    assert done.returncode == 2
    assert (
        done.stderr
        == "vpp-edge: cannot read nowhere.toml: No such file or directory; name an existing file\n"
    )
