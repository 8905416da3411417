"""The form of a profile: typed, frozen, and checked field by field when it is read.

A point is named ``MODEL.POINT`` in SunSpec's own words, ``704.WSet``.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from vpp_core.der import DerKind, Efficiency, NonNegative
from vpp_core.sign import SignConvention

PointName = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+\.[A-Za-z][A-Za-z0-9_.]*$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9-]*$")]
BlockRegisters = Annotated[int, msgspec.Meta(ge=8, le=125)]

UNKNOWN_PERSISTENCE_S_MIN = 60.0
"""Shortest pause between two writes where nobody knows whether a register wears out flash memory."""


class Tier(StrEnum):
    """What a profile has been tried on."""

    BRONZE = "bronze"
    """Simulated devices only."""
    SILVER = "silver"
    """A real device on the bench."""
    GOLD = "gold"
    """Real devices in the field."""


class SignName(StrEnum):
    """How the device counts power."""

    INJECTION_POSITIVE = "injection_positive"
    CONSUMPTION_POSITIVE = "consumption_positive"

    @property
    def convention(self) -> SignConvention:
        return SignConvention[self.name]


class ReversionKind(StrEnum):
    """What the device's own reversion timer is worth."""

    WORKS = "works"
    COSMETIC = "cosmetic"
    """It counts down, and nothing happens."""
    ABSENT = "absent"


class PersistenceKind(StrEnum):
    """Where the device keeps a setpoint."""

    RAM = "ram"
    FLASH = "flash"
    UNKNOWN = "unknown"


class SetpointUnit(StrEnum):
    """What the setpoint register counts."""

    WATTS = "watts"
    """Absolute power, in the sign of ``control.sign``."""
    INJECTION_PCT = "injection_pct"
    """A limit on injection, in percent of the injection rating."""
    ABSORPTION_PCT = "absorption_pct"
    """A limit on absorption, in percent of the absorption rating."""


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Match(_Part, frozen=True, kw_only=True):
    """When a profile fits: all the prefixes and all the models; case does not count."""

    models: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)]
    """Models that the device must have."""
    models_absent: tuple[int, ...] = ()
    """Models that it must not have: a battery's map is not taken for that of a PV inverter."""
    manufacturer: str = ""
    model: str = ""
    version: str = ""


class Access(_Part, frozen=True, kw_only=True):
    """How gently a device wants to be asked."""

    base_addresses: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)] = (40_000, 0, 50_000)
    """Where the map may begin, likeliest first."""
    block_registers_max: BlockRegisters = 125
    gap_ms_min: NonNegative = 0.0
    """Rest between the end of one request and the start of the next."""
    response_ms_max: NonNegative = 1_000.0
    """Slowest answer that is still normal; commissioning compares the device with it."""


class Point(_Part, frozen=True, kw_only=True):
    """Where one canonical value is found."""

    at: Annotated[tuple[PointName, ...], msgspec.Meta(min_length=1)]
    """The first of these that the device implements."""
    sign: SignName = SignName.INJECTION_POSITIVE
    required: bool = False
    """Without it, a reading is not good."""


class Readings(_Part, frozen=True, kw_only=True):
    """The canonical values of a poll; units by name, power injection positive."""

    power_w: Point
    reactive_var: Point | None = None
    voltage_v: Point | None = None
    frequency_hz: Point | None = None
    energy_injected_wh: Point | None = None
    energy_absorbed_wh: Point | None = None
    state_of_charge_pct: Point | None = None
    energy_capacity_wh: Point | None = None


class Ratings(_Part, frozen=True, kw_only=True):
    """The nameplate; magnitudes."""

    injection_w_max: Point | None = None
    absorption_w_max: Point | None = None
    apparent_va_max: Point | None = None
    voltage_nominal_v: Point | None = None
    charge_efficiency: Efficiency = 1.0
    """Of the family, assumed until it is measured: the registers do not tell."""
    discharge_efficiency: Efficiency = 1.0


class Step(_Part, frozen=True, kw_only=True):
    """One write of a recipe."""

    point: PointName
    set: float | Literal["setpoint", "revert_s"]
    once: bool = False
    """Only when the control was not enabled before: settings that then stay."""


class Reversion(_Part, frozen=True, kw_only=True):
    kind: ReversionKind
    timer_s_min: NonNegative = 1.0
    timer_s_max: NonNegative = 3_600.0

    def __post_init__(self) -> None:
        if self.timer_s_min > self.timer_s_max:
            raise ValueError("timer_s_min lies above timer_s_max")


class Persistence(_Part, frozen=True, kw_only=True):
    """Where setpoints are kept, and how often they may be written."""

    kind: PersistenceKind
    write_interval_s_min: NonNegative = 0.0

    def __post_init__(self) -> None:
        if self.kind is not PersistenceKind.RAM and self.write_interval_s_min < UNKNOWN_PERSISTENCE_S_MIN:
            raise ValueError(
                f"write_interval_s_min must be at least {UNKNOWN_PERSISTENCE_S_MIN:g} "
                f"where persistence is {self.kind}"
            )


class Control(_Part, frozen=True, kw_only=True):
    """How a device is commanded and released."""

    setpoint: PointName
    setpoint_unit: SetpointUnit
    enable: PointName
    timer: PointName | None = None
    remaining: PointName | None = None
    sign: SignName = SignName.INJECTION_POSITIVE
    command: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]
    """In the order of writing; enable last, so that no stale value flashes."""
    release: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1)]
    settle_ms: NonNegative = 0.0
    """Wait between the last write and the read-back."""
    reversion: Reversion
    persistence: Persistence

    def __post_init__(self) -> None:
        if not any(step.set == "setpoint" and step.point == self.setpoint for step in self.command):
            raise ValueError(f"no step of command writes the setpoint {self.setpoint}")
        if (self.timer is None) != (self.reversion.kind is ReversionKind.ABSENT):
            raise ValueError("timer and reversion.kind disagree about whether there is a timer")


class Quirk(_Part, frozen=True, kw_only=True):
    """Something that a reader of the data sheet would not expect."""

    text: str
    source: str
    versions: str = ""


class Profile(_Part, frozen=True, kw_only=True):
    """One family of devices."""

    name: Name
    kind: DerKind
    tier: Tier
    tested_with: str
    description: str
    match: Match
    access: Access = Access()
    readings: Readings
    ratings: Ratings = Ratings()
    control: Control | None = None
    quirks: tuple[Quirk, ...] = ()

    def __post_init__(self) -> None:
        if (self.control is None) != (self.kind is DerKind.METER):
            raise ValueError("every device but a meter has a control section, and a meter has none")


def profile_schema() -> dict[str, Any]:
    """The form as JSON Schema (2020-12), for editors and for authors of profiles."""
    return msgspec.json.schema(Profile)
