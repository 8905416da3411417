"""The form of a profile: typed, frozen, and checked field by field when it is read.

A point of a SunSpec model is named ``MODEL.POINT`` in SunSpec's own words, ``704.WSet``; a value of a
vendor's own map has the name that ``registers`` gives it, ``active_power``.
"""

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from firmware_profiles.conduct import Access, Endpoint, Latency
from firmware_profiles.control import (
    Control,
    Heartbeat,
    Persistence,
    PersistenceKind,
    Reversion,
    ReversionKind,
    SetpointUnit,
    Step,
)
from firmware_profiles.points import Part, Point, PointName, PollClass, SignName
from firmware_profiles.registers import Register, RegisterName
from firmware_profiles.versions import RANGE_PATTERN
from vpp_core.der import DerKind, Efficiency, NonNegative

__all__ = [
    "Access",
    "Control",
    "Endpoint",
    "Heartbeat",
    "Identity",
    "Latency",
    "Match",
    "Persistence",
    "PersistenceKind",
    "Point",
    "PointName",
    "PollClass",
    "Probe",
    "Profile",
    "Quirk",
    "Ratings",
    "Readings",
    "Register",
    "Reversion",
    "ReversionKind",
    "SetpointUnit",
    "SignName",
    "Step",
    "Tier",
    "profile_schema",
]

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
VersionRange = Annotated[str, msgspec.Meta(pattern=RANGE_PATTERN)]


class Tier(StrEnum):
    """What a profile has been tried on."""

    BRONZE = "bronze"
    """Nothing: it is written from documents."""
    SILVER = "silver"
    """A simulated device, in the tests of this project."""
    GOLD = "gold"
    """A real device on the bench."""
    PLATINUM = "platinum"
    """Real devices in the field."""


class Probe(Part, frozen=True, kw_only=True):
    """A register that tells this family from others: it holds one of these values, or one in this range."""

    register: RegisterName
    values: tuple[float | str, ...] = ()
    """A text matches as a prefix, whatever its case."""
    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        if bool(self.values) == (self.least is not None or self.most is not None):
            raise ValueError("a probe has values, or a range by least and most")


class Match(Part, frozen=True, kw_only=True):
    """When a profile fits: everything that is said here; in texts, case does not count."""

    models: tuple[int, ...] = ()
    """SunSpec models that the device must have."""
    models_any: tuple[int, ...] = ()
    """It must have at least one of these."""
    models_absent: tuple[int, ...] = ()
    """Models that it must not have: a battery's map is not taken for that of a PV inverter."""
    manufacturer: str = ""
    """Of this and the next two, the beginning."""
    model: str = ""
    version: str = ""
    firmware: VersionRange = ""
    """Conditions that the version must meet, ``>=1.39.5 <2``."""
    probes: tuple[Probe, ...] = ()
    """For a device without SunSpec models; a profile with neither is taken when it is named."""


class Identity(Part, frozen=True, kw_only=True):
    """Who a device without SunSpec models is: what the family has in common, and what registers tell."""

    manufacturer: str
    model: str
    model_at: RegisterName | None = None
    """Appended to ``model``."""
    version_at: RegisterName | None = None
    version_in_bytes: bool = False
    """The version is a number with one byte for each of its parts: 0x030A3C00 is 3.10.60.0."""
    serial_at: RegisterName | None = None


class Readings(Part, frozen=True, kw_only=True):
    """The canonical values of a poll; units by name, power injection positive."""

    power_w: Point
    reactive_var: Point | None = None
    voltage_v: Point | None = None
    frequency_hz: Point | None = None
    energy_injected_wh: Point | None = None
    energy_absorbed_wh: Point | None = None
    state_of_charge_pct: Point | None = None
    energy_capacity_wh: Point | None = None


class Ratings(Part, frozen=True, kw_only=True):
    """The nameplate; magnitudes."""

    injection_w_max: Point | None = None
    absorption_w_max: Point | None = None
    apparent_va_max: Point | None = None
    voltage_nominal_v: Point | None = None
    current_a_max: Point | None = None
    """Of a charging station, a phase."""
    phases: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None
    voltage_assumed_v: NonNegative | None = None
    """Line to neutral, where no register tells it: with ``phases``, power from current."""
    charge_efficiency: Efficiency = 1.0
    """Of the family, assumed until it is measured: the registers do not tell."""
    discharge_efficiency: Efficiency = 1.0


class Quirk(Part, frozen=True, kw_only=True):
    """Something that a reader of the data sheet would not expect."""

    text: str
    source: str
    versions: str = ""
    """Firmware that has it, as in ``match.firmware``; empty: all, or nobody knows."""
    verified: bool = False
    """Seen by this project, on a real or a simulated device."""


class Profile(Part, frozen=True, kw_only=True):
    """One family of devices."""

    name: Name
    kind: DerKind
    tier: Tier
    tested_with: str
    description: str
    sources: tuple[str, ...] = ()
    """Where its facts are from."""
    match: Match
    identity: Identity | None = None
    endpoint: Endpoint = Endpoint()
    access: Access = Access()
    registers: dict[RegisterName, Register] = msgspec.field(default_factory=dict)
    """Of a vendor's own map."""
    readings: Readings
    ratings: Ratings = Ratings()
    control: Control | None = None
    latency: tuple[Latency, ...] = ()
    quirks: tuple[Quirk, ...] = ()

    def __post_init__(self) -> None:
        if (self.control is None) != (self.kind is DerKind.METER):
            raise ValueError("every device but a meter has a control section, and a meter has none")
        if not (self.match.models or self.match.models_any or self.registers):
            raise ValueError("match.models and registers are both empty: nothing can be read")
        if self.match.probes and (self.match.models or self.match.models_any):
            raise ValueError("match.probes are for devices without SunSpec models")
        if (self.identity is None) != self.has_sunspec:
            raise ValueError("identity is for devices without SunSpec models, and they need it")

    @property
    def has_sunspec(self) -> bool:
        """Its devices have SunSpec models, and are found by them."""
        return bool(self.match.models or self.match.models_any)


def profile_schema() -> dict[str, Any]:
    """The form as JSON Schema (2020-12), for editors and for authors of profiles."""
    return msgspec.json.schema(Profile)
