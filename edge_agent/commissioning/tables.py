"""What the installer sees: tables on the terminal, and a report as JSON."""

from collections.abc import Iterable

import msgspec
from rich.markup import escape
from rich.table import Column, Table

from edge_agent.devices.scan import DeviceMap
from edge_agent.devices.sunspec_models import definition_of
from firmware_profiles import Profile
from firmware_profiles.profile import Latency, Quirk, Step
from vpp_core.messages import CommissioningCheck


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Of one test of one device."""

    endpoint: str
    unit: int
    profile: str
    at: str
    passed: bool
    checks: tuple[CommissioningCheck, ...]


def identity_line(endpoint: str, unit: int, found: DeviceMap) -> str:
    identity = f"{found.manufacturer} {found.model}, firmware {found.version}, serial {found.serial}"
    return f"{endpoint} unit {unit}: {identity}"


def map_table(found: DeviceMap) -> Table:
    table = Table()
    for heading in ("Register", "Model", "Registers", "Name"):
        table.add_column(heading, justify="left" if heading == "Name" else "right")
    for location in found.models:
        definition = definition_of(location.model_id)
        name = definition.name if definition else "not a published SunSpec model"
        table.add_row(str(location.address), str(location.model_id), str(location.registers), name)
    return table


def checks_table(title: str, checks: Iterable[CommissioningCheck]) -> Table:
    table = Table("Check", "Result", "What was seen", title=escape(title), title_justify="left")
    for check in checks:
        table.add_row(
            escape(check.name), "[green]passed" if check.passed else "[red]FAILED", escape(check.detail)
        )
    return table


def profiles_table(profiles: Iterable[Profile]) -> Table:
    """One line a profile; :func:`profile_details` tells the rest."""
    table = Table(Column("Profile", no_wrap=True), "Kind", "Tier", "Timer", "Kept in")
    for profile in profiles:
        control = profile.control
        commanded = (control.reversion.kind, control.persistence.kind) if control else ()
        table.add_row(profile.name, profile.kind, profile.tier, *commanded)
    return table


def profile_details(profile: Profile) -> Table:
    """All that a person wants to know of one profile before it is used on a device."""
    table = Table(Column(no_wrap=True), "", show_header=False, title=profile.name, title_justify="left")
    rows = (
        ("Family", profile.description),
        ("Tier", f"{profile.tier}, tested with: {profile.tested_with}"),
        ("Found by", _found_by(profile)),
        ("Endpoint", _endpoint(profile)),
        ("Asked", _asked(profile)),
        *_commanded_by(profile),
        *(("Measured", _measured(latency)) for latency in profile.latency),
        *(("Quirk", _quirk(quirk)) for quirk in profile.quirks),
        *(("Source", source) for source in profile.sources),
    )
    for name, text in rows:
        table.add_row(name, escape(text))
    return table


def _found_by(profile: Profile) -> str:
    match = profile.match
    identity = (match.manufacturer, match.model, match.version, match.firmware)
    parts = (
        " ".join(part for part in identity if part),
        _numbers("models", match.models),
        _numbers("one of", match.models_any),
        _numbers("not", match.models_absent),
        "its registers " + ", ".join(probe.register for probe in match.probes) if match.probes else "",
    )
    return "; ".join(part for part in parts if part) or "its name, given by whoever looks for it"


def _numbers(what: str, numbers: tuple[int, ...]) -> str:
    return f"{what} {' '.join(str(number) for number in numbers)}" if numbers else ""


def _endpoint(profile: Profile) -> str:
    endpoint = profile.endpoint
    parts = (
        " or ".join(endpoint.framing),
        f"port {endpoint.port}",
        _numbers("unit", endpoint.units),
        f"{endpoint.connections_max} connections at most" if endpoint.connections_max else "",
        f"closed after {endpoint.idle_close_s:g} s of silence" if endpoint.idle_close_s else "",
    )
    return ", ".join(part for part in parts if part)


def _asked(profile: Profile) -> str:
    access = profile.access
    parts = (
        f"{access.block_registers_max} registers a read",
        f"writes by function {access.write_function}",
        f"{access.gap_ms_min:g} ms between requests" if access.gap_ms_min else "",
        f"{access.write_gap_ms_min:g} ms between writes" if access.write_gap_ms_min else "",
        f"{len(profile.registers)} registers of its own" if profile.registers else "",
    )
    return ", ".join(part for part in parts if part)


def _commanded_by(profile: Profile) -> tuple[tuple[str, str], ...]:
    if (control := profile.control) is None:
        return ()
    reversion, persistence = control.reversion, control.persistence
    timer = f"{reversion.kind}: {reversion.measured or 'not seen by this project'}"
    if control.timer is not None:
        timer += f"; takes {reversion.timer_s_min:g} to {reversion.timer_s_max:g} s"
    kept = ", ".join([str(persistence.kind), *(f"{at}: {kind}" for at, kind in persistence.points.items())])
    if persistence.write_interval_s_min:
        kept += f"; changed every {persistence.write_interval_s_min:g} s at most"
    steps = " > ".join(f"{step.point} = {_set(step)}" for step in control.command)
    return (
        ("Setpoint", f"{control.setpoint}, {control.setpoint_unit.replace('_', ' ')}"),
        ("Command", steps),
        ("Timer", timer),
        ("Kept in", kept),
    )


def _set(step: Step) -> str:
    values = [step.set, *(value for value in (step.absorbing, step.resting) if value is not None)]
    return " / ".join(f"{value:g}" if isinstance(value, float) else value for value in values)


def _measured(latency: Latency) -> str:
    values = {"read": latency.read_ms, "effect": latency.effect_ms, "settled": latency.settled_ms}
    told = ", ".join(f"{name} {value:g} ms" for name, value in values.items() if value is not None)
    return f"{told} ({latency.source})"


def _quirk(quirk: Quirk) -> str:
    firmware = f" Firmware {quirk.versions}." if quirk.versions else ""
    return f"{quirk.text}.{firmware} ({quirk.source}{', seen here' if quirk.verified else ''})"
