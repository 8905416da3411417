"""``docs/reference/invariants.md`` names the tests that hold each invariant; they are there."""

import ast
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "docs" / "reference" / "invariants.md").read_text(encoding="utf-8")
SECTIONS = TEXT.split("\n## ")[1:]
NAMED = re.compile(r"^- `(\S+)::(\w+)`$", re.MULTILINE)


def test_there_are_ten() -> None:
    assert [section.partition(".")[0] for section in SECTIONS] == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize("section", [pytest.param(each, id=each.partition("\n")[0]) for each in SECTIONS])
def test_every_named_test_exists(section: str) -> None:
    named = NAMED.findall(section)
    assert named
    missing = [f"{file}::{test}" for file, test in named if test not in _tests(REPOSITORY / "tests" / file)]
    assert missing == []


def _tests(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
