"""What the installer sees: tables on the terminal, and a report as JSON."""

from collections.abc import Iterable

import msgspec
from rich.markup import escape
from rich.table import Column, Table

from edge_agent.devices.scan import DeviceMap
from edge_agent.devices.sunspec_models import definition_of
from firmware_profiles import Profile
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
    table = Table(Column("Profile", no_wrap=True), "Kind", "Tier", "Models", "Tested with")
    for profile in profiles:
        models = " ".join(str(model) for model in profile.match.models)
        table.add_row(profile.name, profile.kind, profile.tier, models, profile.tested_with)
    return table
