"""The edge-cloud contract: committed schemas are the code's, and no change breaks an old agent."""

import json
from pathlib import Path
from typing import Any

import pytest

from vpp_core import contract

COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "contract"
RELEASED = Path(__file__).parent / "released"
"""What gateways in the field were built with; never edited, only added to with a new version."""
KINDS = sorted(contract.schemas())


def read(folder: Path, kind: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((folder / f"{kind}.v1.schema.json").read_text("utf-8"))
    return schema


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What a reader or writer of the old schema could not live with in the new one."""
    found = []
    for name, before in sorted(old["$defs"].items()):
        after = new["$defs"].get(name)
        if after is None:
            found.append(f"{name} is gone")
            continue
        properties = after.get("properties", {})
        found += [
            f"{name}.{field} is gone" for field in before.get("properties", {}) if field not in properties
        ]
        found += [
            f"{name}.{field} became required"
            for field in after.get("required", [])
            if field not in before.get("required", [])
        ]
        found += [
            f"{name}.{field} changed its type"
            for field, kind in before.get("properties", {}).items()
            if field in properties and kind.get("type") != properties[field].get("type")
        ]
        found += [f"{name} lost {value!r}" for value in before.get("enum", []) if value not in after["enum"]]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_the_committed_schema_is_the_codes(kind: str) -> None:
    assert read(COMMITTED, kind) == contract.schemas()[kind], "run `make schemas` and look at the difference"


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_removed_or_made_required(kind: str) -> None:
    assert breaks(read(RELEASED, kind), contract.schemas()[kind]) == []


def test_a_removed_field_and_a_new_duty_are_noticed() -> None:
    old = contract.schemas()["telemetry"]
    new = json.loads(json.dumps(old))
    del new["$defs"]["Reading"]["properties"]["power_w"]
    new["$defs"]["Telemetry"]["required"].append("v")
    new["$defs"]["Telemetry"]["properties"]["seq"]["type"] = "string"
    new["$defs"]["Quality"]["enum"].remove("good")
    assert breaks(old, new) == [
        "Quality lost 'good'",
        "Reading.power_w is gone",
        "Telemetry.v became required",
        "Telemetry.seq changed its type",
    ]
    del new["$defs"]["Telemetry"]
    assert "Telemetry is gone" in breaks(old, new)


def test_the_command_writes_every_schema(tmp_path: Path) -> None:
    assert contract.main([str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {f"{kind}.v1.schema.json" for kind in KINDS}
    assert contract.main([]) == 2
