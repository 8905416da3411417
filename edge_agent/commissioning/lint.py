"""Checks of a profile that its form cannot express: the points exist, fit their use, and may be written."""

from collections.abc import Iterator

from edge_agent.commissioning.lint_registers import register_findings
from edge_agent.devices.poll import split
from edge_agent.devices.sunspec_models import PointDefinition, definition_of
from firmware_profiles.control import Control, Heartbeat, PersistenceKind, Step
from firmware_profiles.profile import Point, Profile, Ratings, Readings, Tier
from firmware_profiles.registers import Register
from firmware_profiles.versions import is_range

_UNITS = {"_w": "W", "_w_max": "W", "_var": "var", "_va_max": "VA", "_v": "V", "_a_max": "A", "_hz": "Hz"} | {
    "_wh": "Wh",
    "_pct": "%",
}
_UNIT_OF_SETPOINT = {"watts": "W", "injection_w": "W", "absorption_w": "W", "absorption_a": "A"}
_BEATS_LOST_MAX = 3
"""Beats that may be lost before the device gives up."""


def findings(profile: Profile) -> Iterator[str]:
    """One sentence for each thing that is wrong, with its field; nothing for a sound profile."""
    for field, quantity, name in _read_points(profile):
        yield from _unknown(profile, field, name)
        if (register := profile.registers.get(name)) is not None:
            yield from _misread(field, name, register, _unit_of(quantity))
    yield from register_findings(profile)
    yield from _of_honesty(profile)
    if profile.control is not None:
        yield from _of_control(profile, profile.control)


def _of_control(profile: Profile, control: Control) -> Iterator[str]:
    for field in ("setpoint", "enable", "timer", "remaining"):
        if (name := getattr(control, field)) is not None:
            yield from _unknown(profile, f"control.{field}", name)
            if (register := profile.registers.get(name)) and not register.readable:
                yield f"control.{field}: {name} cannot be read"
    for part in ("command", "pause", "release"):
        for number, step in enumerate(getattr(control, part)):
            yield from _of_step(profile, f"control.{part}[{number}].point", step)
    yield from _of_recipes(control)
    yield from _of_setpoint(profile, control)
    if control.heartbeat is not None:
        yield from _of_heartbeat(profile, control.heartbeat)


def _of_recipes(control: Control) -> Iterator[str]:
    written = {step.point for step in control.steps}
    if any(step.set in {"setpoint", "negated", "magnitude"} for step in control.release):
        yield "control.release: a release cannot write a setpoint"
    if control.timer is not None and not any(step.set == "revert_s" for step in control.command):
        yield "control.command: no step writes the timer"
    if control.enable is not None and control.enable not in {step.point for step in control.release}:
        yield f"control.enable: no step of release writes {control.enable}"
    for name in control.persistence.points:
        if name not in written:
            yield f"control.persistence.points: no step writes {name}"


def _of_heartbeat(profile: Profile, heartbeat: Heartbeat) -> Iterator[str]:
    yield from _unknown(profile, "control.heartbeat.point", heartbeat.point)
    if heartbeat.echo is not None:
        yield from _unknown(profile, "control.heartbeat.echo", heartbeat.echo)
    if heartbeat.timeout_s < _BEATS_LOST_MAX * heartbeat.period_s:
        yield f"control.heartbeat.timeout_s: shorter than {_BEATS_LOST_MAX} periods"


def _of_setpoint(profile: Profile, control: Control) -> Iterator[str]:
    wanted = _UNIT_OF_SETPOINT.get(control.setpoint_unit, "%")
    register = profile.registers.get(control.setpoint)
    if register is not None and register.core_unit != wanted:
        yield f"control.setpoint: {control.setpoint} counts {register.unit or 'nothing'}, not {wanted}"
    ratings = profile.ratings
    if control.setpoint_unit == "absorption_a" and None in {ratings.phases, ratings.voltage_assumed_v}:
        yield "ratings: a setpoint in amperes needs phases and voltage_assumed_v"


def _of_step(profile: Profile, field: str, step: Step) -> Iterator[str]:
    yield from _unknown(profile, field, step.point)
    if (register := profile.registers.get(step.point)) is not None:
        if not register.writable:
            yield f"{field}: {step.point} is read-only"
        seen = register if register.readable else profile.registers.get(register.read_back or "")
        if step.verify and seen is None:
            yield f"{field}: {step.point} cannot be read back; say read_back, or verify = false"
        return
    model_id, _ = split(step.point)
    point = _definition(step.point)
    if point is not None and not point.writable:
        yield f"{field}: {step.point} is read-only"
    elif point is not None and model_id not in profile.match.models:
        yield f"{field}: model {model_id} is written, but match.models does not demand it"


def _of_honesty(profile: Profile) -> Iterator[str]:
    if profile.tier is Tier.BRONZE and profile.tested_with != "nothing":
        yield 'tested_with: a bronze profile was tested with "nothing"'
    if profile.tier is not Tier.BRONZE and profile.tested_with in {"", "nothing"}:
        yield f"tier: {profile.tier} needs to say what it was tested with"
    for number, quirk in enumerate(profile.quirks):
        if not quirk.source:
            yield f"quirks[{number}].source: is empty"
        if not is_range(quirk.versions):
            yield f'quirks[{number}].versions: {quirk.versions!r} is no range; write ">=1.2 <2"'
    control = profile.control
    if control and profile.tier is Tier.BRONZE and control.persistence.kind is PersistenceKind.RAM:
        named = any("ram" in quirk.text.casefold() for quirk in profile.quirks)
        if not named:
            yield "control.persistence.kind: an untested profile needs a quirk that says who calls it RAM"


def _read_points(profile: Profile) -> Iterator[tuple[str, str, str]]:
    """Field, canonical quantity and name of every point that is read."""
    parts: tuple[tuple[str, Readings | Ratings], ...] = (
        ("readings", profile.readings),
        ("ratings", profile.ratings),
    )
    for part, values in parts:
        for field in values.__struct_fields__:
            point = getattr(values, field)
            if isinstance(point, Point):
                for number, name in enumerate(point.at):
                    yield f"{part}.{field}.at[{number}]", field, name


def _unit_of(quantity: str) -> str:
    return next(
        unit for end, unit in sorted(_UNITS.items(), key=lambda u: -len(u[0])) if quantity.endswith(end)
    )


def _misread(field: str, name: str, register: Register, unit: str) -> Iterator[str]:
    if not register.readable:
        yield f"{field}: {name} cannot be read"
    if register.core_unit != unit:
        yield f"{field}: {name} counts {register.unit or 'nothing'}, not {unit}"


def _unknown(profile: Profile, field: str, name: str) -> Iterator[str]:
    if "." not in name:
        if name not in profile.registers:
            yield f"{field}: registers has no {name}"
        return
    model_id, point_name = split(name)
    if definition_of(model_id) is None:
        yield f"{field}: SunSpec has no model {model_id}"
    elif _definition(name) is None:
        yield f"{field}: model {model_id} has no point {point_name}"


def _definition(name: str) -> PointDefinition | None:
    model_id, point_name = split(name)
    definition = definition_of(model_id)
    return definition.point(point_name) if definition else None
