"""The settings of one simulated device: a TOML file, with options of the command line in their place.

Environment variables ``VPP_SIM_*`` override the file; a nested key is spelled with two underscores. Paths
in the file are relative to the file.
"""

import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_settings import SettingsConfigDict

from simulators.devices.charging.station import EvseUnitConfig
from simulators.devices.charging.vehicle import Vehicle, Visit
from simulators.devices.functions.settings import default_settings
from simulators.devices.inverter.config import InverterConfig
from vpp_core.configuration import ProcessSettings, Section, toml_values, validated
from vpp_core.faults import ConfigurationFault

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Text = Annotated[str, Field(min_length=1, max_length=32)]
Host = Annotated[str, Field(min_length=1)]
"""An empty one would mean every address of the machine."""


class DeviceKind(StrEnum):
    PV = "pv"
    BATTERY = "battery"
    HYBRID = "hybrid"
    EVSE = "evse"
    METER = "meter"


FIFTY_HZ = 50.0
INVERTERS = frozenset({DeviceKind.PV, DeviceKind.BATTERY, DeviceKind.HYBRID})


def _models(value: object) -> object:
    """Numbers in a list or a text, or a name."""
    if value is None or isinstance(value, tuple):
        return value
    if isinstance(value, str) and not value.replace(",", "").replace(" ", "").isdecimal():
        return value
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list):
        raise ValueError("takes numbers of models, or the name of a set")  # noqa: TRY004 - pydantic's way
    if not all(isinstance(part, str | int) and not isinstance(part, bool) for part in parts):
        raise ValueError(f"{value!r} are not numbers of models")
    try:
        return tuple(int(part) for part in parts)
    except ValueError:
        raise ValueError(f"{value!r} are not numbers of models") from None


def _openable(path: Path) -> Path:
    if "\0" in str(path):
        raise ValueError("no file has such a name")
    return path


File = Annotated[Path, AfterValidator(_openable)]


class IdentitySection(Section):
    """Model 1 of SunSpec: who made the device."""

    manufacturer: Text = "Gridchorus Simulators"
    model: Text = "Bench unit"
    version: Annotated[str, Field(min_length=1, max_length=16)] = "1.0.0"
    serial: Text = "BENCH-1"


class ListenSection(Section):
    """Where the device is reached: Modbus/TCP; TLS with a certificate; RTU beside it with a path."""

    host: Host = "127.0.0.1"
    port: Port = 0
    """0 takes a free one."""
    unit: Annotated[int, Field(ge=1, le=255)] | None = None
    """Nothing: what the map's maker uses, else 1."""
    meter_unit: Annotated[int, Field(ge=1, le=255)] | None = None
    """Show a SunSpec meter of the device's terminals under this unit id too."""
    connections_max: Annotated[int, Field(ge=1, le=1_024)] = 64
    idle_close_s: Positive | None = None
    silent_to_unknown_units: bool = False
    tls_cert_file: File | None = None
    tls_key_file: File | None = None
    tls_ca_file: File | None = None
    """Ask clients for a certificate that this authority signed."""
    rtu_link: File | None = None
    """Offer Modbus RTU on a pseudo-terminal, under this symbolic link."""
    baud: Annotated[int, Field(ge=300, le=4_000_000)] = 19_200

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("tls_cert_file and tls_key_file come together")
        if self.tls_ca_file is not None and self.tls_cert_file is None:
            raise ValueError("tls_ca_file needs tls_cert_file and tls_key_file")
        if self.meter_unit is not None and self.meter_unit == (self.unit or 1):
            raise ValueError("meter_unit and unit are the same")
        return self


class ControlSection(Section):
    """The port on which a rig sets grid, sun and faults; see ``vpp-sim tell``."""

    host: Host = "127.0.0.1"
    port: Port | None = None
    """Nothing: no such port; 0 takes a free one."""


class GridSection(Section):
    """The grid at the device's terminals."""

    trace: Literal["steps", "recorded"] | File | None = None
    """``steps`` (a built-in sequence), ``recorded`` (a real day), or a CSV or Parquet file.

    Nothing: nominal, until told else.
    """
    shape: Literal["straight", "hold"] | None = None
    """Between two samples; nothing: steps are held, others joined by straight lines."""
    repeat: bool | None = None
    """Begin again at the end, or hold the last sample; nothing: files hold, others repeat."""


class SunSection(Section):
    power_pu: Annotated[float, Field(ge=0.0, le=2.0)] = 0.8
    """Of ``pv_w_max``, until it is told else; a trace with ``available_pu`` goes before."""


class LogSection(Section):
    file: File
    period_s: Positive = 1.0


class FaultSection(Section):
    """A fault at its time; which there are, and what they take, says ``vpp-sim faults``."""

    fault: str
    at_s: NonNegative = 0.0
    """After the start."""
    for_s: Positive | None = None
    """Nothing: until it is cleared, or ends by itself."""
    parameters: dict[str, float | int | str] = Field(default_factory=dict)


class VisitSection(Section):
    """A vehicle that comes to the charging station."""

    after_s: NonNegative = 0.0
    """After the start."""
    stay_s: Positive = 86_400.0
    wanted_wh: Positive = 20_000.0
    state_of_charge: Annotated[float, Field(ge=0.0, le=1.0)] = 0.3
    vehicle: Vehicle = Vehicle()

    def visit(self, begins_s: float) -> Visit:
        arrival_s = begins_s + self.after_s
        return Visit(
            arrival_s=arrival_s,
            departure_s=arrival_s + self.stay_s,
            wanted_wh=self.wanted_wh,
            state_of_charge=self.state_of_charge,
            vehicle=self.vehicle,
        )


class BenchSettings(ProcessSettings):
    """One device."""

    model_config = SettingsConfigDict(
        env_prefix="VPP_SIM_", env_nested_delimiter="__", extra="forbid", frozen=True, allow_inf_nan=False
    )

    kind: DeviceKind
    map: str | None = None
    """``sunspec``, or a maker's own: ``keba`` for an EVSE, or one of a meter's; nothing: the usual one."""
    models: Annotated[str | tuple[int, ...] | None, BeforeValidator(_models)] = None
    """SunSpec models in order, or the name of a set: ``7xx``, ``legacy``, ``float``, ``both``.

    Nothing: ``7xx`` for an inverter, what suits its wiring for a meter.
    """
    base: Literal[40_000, 0, 50_000] = 40_000
    seed: int = 0
    identity: IdentitySection = IdentitySection()
    listen: ListenSection = ListenSection()
    control: ControlSection = ControlSection()
    grid: GridSection = GridSection()
    sun: SunSection = SunSection()
    load_w: Annotated[float, Field(ge=-1e9, le=1e9, allow_inf_nan=False)] = 0.0
    """What a meter sees beside the device; consumption is positive."""
    inverter: InverterConfig | None = None
    """Of the kinds pv, battery and hybrid; keys that are missing have the kind's usual values."""
    evse: EvseUnitConfig | None = None
    visits: tuple[VisitSection, ...] = (VisitSection(),)
    """Vehicles that come to an EVSE."""
    faults: tuple[FaultSection, ...] = ()
    log: LogSection | None = None

    @model_validator(mode="before")
    @classmethod
    def _check(cls, values: Any) -> Any:  # noqa: ANN401 - whatever was given
        kind = values.get("kind") if isinstance(values, dict) else None
        strange = {"inverter", "evse", "visits"} - _TABLES.get(str(kind), {"inverter", "evse", "visits"})
        for table in sorted(strange & set(values)):
            raise ValueError(f"[{table}] does not suit kind = {str(kind)!r}")
        return values


_TABLES = {**{str(kind): {"inverter"} for kind in INVERTERS}, "evse": {"evse", "visits"}, "meter": set()}
"""By kind, the tables that say what is inside."""
_PLATES: Mapping[DeviceKind, dict[str, Any]] = {
    DeviceKind.PV: {"pv_w_max": 12_000.0},
    DeviceKind.BATTERY: {"absorption_w_max": 10_000.0, "energy_capacity_wh": 20_000.0},
    DeviceKind.HYBRID: {
        "absorption_w_max": 10_000.0,
        "energy_capacity_wh": 20_000.0,
        "pv_w_max": 12_000.0,
    },
}
"""What a kind has beside the defaults of every nameplate."""


def load(path: Path | None, overrides: Mapping[str, Any]) -> BenchSettings:
    """The settings of a file with a command line's options in their place.

    Args:
        path: TOML; without it, options and defaults alone.
        overrides: tables by key, as in the file.

    Raises:
        ConfigurationFault: no such file, not TOML, an unknown key, or a value that cannot be.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigurationFault(f"Cannot read {path} ({error.strerror}); check the path.") from error
        values = toml_values(content, path)
    try:
        values = _with_plate(_merged(values, overrides))
    except RecursionError as error:
        raise ConfigurationFault(f"{path}: its tables lie in tables too deep to be settings.") from error
    return validated(BenchSettings, values, path or Path("options"), os.environ)  # noqa: TID251


def _with_plate(values: dict[str, Any]) -> dict[str, Any]:
    """The kind's usual nameplate and its frequency's usual functions under whatever was said of them."""
    kind, inverter = str(values.get("kind")), values.get("inverter", {})
    if kind not in INVERTERS or not isinstance(inverter, Mapping):
        return values
    usual: dict[str, Any] = {"nameplate": {"kind": kind, **_PLATES[DeviceKind(kind)]}}
    plate = inverter.get("nameplate", {})
    if isinstance(plate, Mapping) and plate.get("frequency_nominal_hz") == FIFTY_HZ:
        usual["functions"] = asdict(default_settings(FIFTY_HZ))
    return _merged({"inverter": usual}, values)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = deepcopy(dict(below))
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else deepcopy(value)
    return merged
