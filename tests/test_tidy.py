"""The house-style checks find what they are for, and leave the rest alone."""

from pathlib import Path

import pytest

from tests.tidy import check, main, orphans


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        pytest.param("def f(power: float) -> None: ...", "parameter 'power' has no unit", id="a bare power"),
        pytest.param(
            "class A:\n    energy_max: int | None", "field 'energy_max' has no unit", id="an optional field"
        ),
        pytest.param("LATENCY: float = 1.0", "field 'LATENCY' has no unit", id="a constant"),
        pytest.param(
            "async def f() -> None:\n" + "    pass\n" * 70,
            "f has 71 lines (70 at most)",
            id="a long function",
        ),
        pytest.param("x = 1\n" * 401, "401 code lines: split the module (400 at most)", id="a long module"),
    ],
)
def test_what_breaks_a_rule_is_named(tmp_path: Path, source: str, finding: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert [text for _, text in check(path)] == [finding]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            "def f(power_w: float, *, delay_s: int) -> None: ...", id="names that end in their unit"
        ),
        pytest.param("def f(power: Power, voltage: str) -> None: ...", id="quantities that are no numbers"),
        pytest.param("message: float = 0.0\nimage: int = 0", id="words that only end like a quantity"),
        pytest.param("# a comment\n" * 500 + "\n" * 500, id="comments and empty lines"),
    ],
)
def test_what_keeps_the_rules_is_left_alone(tmp_path: Path, source: str) -> None:
    path = tmp_path / "module.py"
    path.write_text(source)
    assert list(check(path)) == []


def test_a_module_that_nobody_imports_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text('[project.scripts]\nrun = "pack.program:main"\n')
    files = {
        "pack/__init__.py": "",
        "pack/program.py": "from pack import used\n",
        "pack/used.py": "",
        "pack/script.py": 'if __name__ == "__main__": ...\n',
        "pack/migrations/found_by_name.py": "",
        "pack/forgotten.py": "",
    }
    for name, source in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(source)
    assert list(orphans(sorted(Path("pack").rglob("*.py")))) == [Path("pack/forgotten.py")]


def test_findings_fail_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text("")
    Path("pack").mkdir()
    Path("pack/__init__.py").write_text("delay: float = 1.0\n")
    assert main(["pack"]) == 1
    assert capsys.readouterr().out == (
        "pack/__init__.py:1: field 'delay' has no unit\ntidy: 1 modules, 1 findings\n"
    )
    Path("pack/__init__.py").write_text("delay_s: float = 1.0\n")
    assert main(["pack"]) == 0
