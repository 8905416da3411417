"""SunSpec's model definitions: the register layout of every model, from the JSON of pysunspec2.

Only its data is used, never its blocking client.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec


class PointDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """One point as the model lays it out."""

    name: str
    """Within its model; a point of a nested group is ``Group.Point``."""
    offset: int
    """Registers from the start of the model, its ID included."""
    size: int
    """Registers."""
    type: str
    scale: str | int | None
    """Name of the scale-factor point, or a fixed power of ten, or unscaled."""
    writable: bool


class ModelDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """The fixed part of a model; repeating groups, whose place depends on counts, are left out."""

    model_id: int
    name: str
    points: tuple[PointDefinition, ...]

    def point(self, name: str) -> PointDefinition | None:
        return next((point for point in self.points if point.name == name), None)


@cache
def definition_of(model_id: int) -> ModelDefinition | None:
    """The definition of a model, or nothing for one that SunSpec does not publish."""
    source = files("sunspec2") / "models" / "json" / f"model_{model_id}.json"
    if not source.is_file():
        return None
    group = json.loads(source.read_text(encoding="utf-8"))["group"]
    points: list[PointDefinition] = []
    _lay_out(group, "", points)
    return ModelDefinition(model_id=model_id, name=group["name"], points=tuple(points))


def _lay_out(group: dict[str, Any], prefix: str, points: list[PointDefinition]) -> bool:
    """Append the points of a group in order of address; False once a repeating group is met."""
    offset = points[-1].offset + points[-1].size if points else 0
    for point in group["points"]:
        points.append(
            PointDefinition(
                name=prefix + point["name"],
                offset=offset,
                size=point["size"],
                type=point["type"],
                scale=point.get("sf"),
                writable=point.get("access") == "RW",
            )
        )
        offset += point["size"]
    return all(
        nested.get("count", 1) == 1 and _lay_out(nested, f"{prefix}{nested['name']}.", points)
        for nested in group.get("groups", ())
    )
