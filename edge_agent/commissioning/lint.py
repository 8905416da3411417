"""Checks of a profile that its form cannot express: the points exist, and may be written."""

from collections.abc import Iterator

from edge_agent.devices.poll import split
from edge_agent.devices.sunspec_models import PointDefinition, definition_of
from firmware_profiles.profile import Point, Profile, Ratings, Readings


def findings(profile: Profile) -> Iterator[str]:
    """One sentence for each thing that is wrong, with its field; nothing for a sound profile."""
    for field, name in _read_points(profile):
        yield from _complaints(profile, field, name, writes=False)
    if (control := profile.control) is None:
        return
    for field in ("setpoint", "enable", "timer", "remaining"):
        if (name := getattr(control, field)) is not None:
            yield from _complaints(profile, f"control.{field}", name, writes=field in {"setpoint", "enable"})
    for part, steps in (("command", control.command), ("release", control.release)):
        for number, step in enumerate(steps):
            yield from _complaints(profile, f"control.{part}[{number}].point", step.point, writes=True)
    if any(step.set == "setpoint" for step in control.release):
        yield "control.release: a release cannot write a setpoint"
    if control.timer is not None and not any(step.set == "revert_s" for step in control.command):
        yield "control.command: no step writes the timer"


def _read_points(profile: Profile) -> Iterator[tuple[str, str]]:
    parts: tuple[tuple[str, Readings | Ratings], ...] = (
        ("readings", profile.readings),
        ("ratings", profile.ratings),
    )
    for part, values in parts:
        for field in values.__struct_fields__:
            point = getattr(values, field)
            if isinstance(point, Point):
                for number, name in enumerate(point.at):
                    yield f"{part}.{field}.at[{number}]", name


def _complaints(profile: Profile, field: str, name: str, *, writes: bool) -> Iterator[str]:
    model_id, point_name = split(name)
    definition = definition_of(model_id)
    if definition is None:
        yield f"{field}: SunSpec has no model {model_id}"
        return
    point: PointDefinition | None = definition.point(point_name)
    if point is None:
        yield f"{field}: model {model_id} has no point {point_name}"
    elif writes and not point.writable:
        yield f"{field}: {name} is read-only"
    elif writes and model_id not in profile.match.models:
        yield f"{field}: model {model_id} is written, but match.models does not demand it"
