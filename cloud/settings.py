"""The settings of the cloud: a TOML file, overridden by ``VPP_CLOUD_*`` environment variables.

A nested key is spelled with two underscores: ``VPP_CLOUD_API__PORT=8080``. Paths in the file are relative
to the file.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from vpp_core.faults import ConfigurationFault

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


def _parts(url: str) -> SplitResult | None:
    """The parts of an address that names a host, a port in range or none, and nobody's password."""
    try:
        parts = urlsplit(url)
        sound = parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return None
    return parts if sound else None


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StorageSettings(_Section):
    database_file: Path
    """The chain of record, the fleet and the money (SQLite)."""
    telemetry_file: Path
    """The measurements (DuckDB)."""


class BrokerSettings(_Section):
    """The broker; plain ``mqtt://`` is for this very machine, the field speaks ``mqtts://``."""

    url: str = "mqtt://127.0.0.1:1883"
    client_id: Word = "gridchorus-cloud"
    share: str = Field("ingest", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")
    """Group of ingest workers that share the uplink; empty hears it plainly."""
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or _MQTT_PORTS[parts.scheme]

    @property
    def tls(self) -> bool:
        return urlsplit(self.url).scheme == "mqtts"

    @model_validator(mode="after")
    def _check(self) -> Self:
        parts = _parts(self.url)
        if parts is None or parts.scheme not in _MQTT_PORTS or parts.path.strip("/"):
            raise ValueError("url must look like mqtts://host:8883, without a user name")
        if not self.tls and parts.hostname not in _LOOPBACK:
            raise ValueError("plain mqtt:// is for this machine only; use mqtts:// and ca_file")
        if self.tls and self.ca_file is None:
            raise ValueError("mqtts:// needs ca_file, the authority that signed the broker's certificate")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file come together")
        return self


class ApiSettings(_Section):
    """Where the API listens. There is no default token."""

    host: str = "127.0.0.1"
    port: Port = 8080
    """0 takes any free port."""
    token_file: Path


class CounterpartySettings(_Section):
    """A counterparty over HTTP, and the token that it issued to us."""

    url: str
    token_file: Path

    @model_validator(mode="after")
    def _check(self) -> Self:
        _require_http(self.url)
        return self


class MarketSettings(CounterpartySettings):
    participant: Word = "gridchorus"
    """The account under which we trade."""


class OpenAdrSettings(_Section):
    """A utility's VTN that our VEN polls."""

    ven_name: Word
    vtn_url: str
    source: Word
    """What the utility is called in our records."""
    programs: dict[str, Word] = Field(min_length=1)
    """Our program for each of the utility's market contexts."""
    poll_s: Annotated[float, Field(ge=1.0, allow_inf_nan=False)] = 10.0
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    vtn_fingerprint: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        _require_http(self.vtn_url)
        return self


class TelemetrySettings(_Section):
    flush_s: Positive = 1.0
    """Readings are written, and acknowledged, this often at least."""
    flush_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 5_000
    """A fuller buffer is written at once."""
    gap_s_max: Positive = 900.0
    """Longest distance of two samples across which a counter still counts as measured."""


class CloudSettings(BaseSettings):
    """All of it; :func:`load_settings` reads it."""

    model_config = SettingsConfigDict(
        env_prefix="VPP_CLOUD_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    zone: str = "America/Chicago"
    """The market's time zone."""
    storage: StorageSettings
    broker: BrokerSettings = BrokerSettings()
    api: ApiSettings
    market: MarketSettings
    utility: CounterpartySettings
    telemetry: TelemetrySettings = TelemetrySettings()
    openadr: OpenAdrSettings | None = None
    """Without it, no utility events arrive."""

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{zone!r} is not a time zone of the IANA list") from error
        return zone

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def load_settings(path: Path) -> CloudSettings:
    """The settings in a TOML file, with the environment on top.

    Raises:
        ConfigurationFault: no such file, not TOML, an unknown key or a value out of range; the text
            names the key and the file.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationFault(f"cannot read {path}: {error.strerror}; name an existing file") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationFault(f"{path} is not valid TOML: {error}") from error
    _refuse_unknown_variables()
    try:
        settings = CloudSettings(**values)
    except ValidationError as error:
        raise ConfigurationFault(_sentence(error, path)) from error
    except SettingsError as error:
        raise ConfigurationFault(f"the environment: {error}; correct that variable, or unset it") from error
    absolute: CloudSettings = _with_absolute_paths(settings, path.absolute().parent)
    return absolute


def _require_http(url: str) -> None:
    parts = _parts(url)
    if parts is None or parts.scheme not in {"http", "https"}:
        raise ValueError("url must look like https://host, without a user name")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("plain http:// is for this machine only; use https://")


def _refuse_unknown_variables() -> None:
    """A misspelled variable would otherwise be passed over in silence."""
    prefix = str(CloudSettings.model_config["env_prefix"])
    for name in sorted(os.environ):  # noqa: TID251 - this is where the environment is read
        key = name.upper().removeprefix(prefix).partition("__")[0].lower()
        if name.upper().startswith(prefix) and key not in CloudSettings.model_fields:
            raise ConfigurationFault(
                f"the environment: {name} is no key; correct it, as in VPP_CLOUD_API__PORT, or unset it"
            )


def _sentence(error: ValidationError, path: Path) -> str:
    first = error.errors()[0]
    key = ".".join(str(level) for level in first["loc"])
    match first["type"]:
        case "extra_forbidden":
            return f"{path}: unknown key '{key}'; remove it or correct its spelling"
        case "missing":
            return f"{path}: the key '{key}' is missing; add it"
        case _:
            text = first["msg"].removeprefix("Value error, ")
            return f"{path}: {key}: {text}" if key else f"{path}: {text}"


def _with_absolute_paths(section: Any, base: Path) -> Any:  # noqa: ANN401 - any model of this module
    """The same settings with every path taken from ``base``."""
    update = {}
    for name, value in section:
        if isinstance(value, Path):
            update[name] = base / value
        elif isinstance(value, BaseModel):
            update[name] = _with_absolute_paths(value, base)
    return section.model_copy(update=update)
