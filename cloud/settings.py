"""The settings of the cloud: a TOML file, overridden by ``VPP_CLOUD_*`` environment variables.

A nested key is spelled with two underscores: ``VPP_CLOUD_API__PORT=8080``. Paths in the file are relative
to the file.
"""

import os
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from vpp_core.configuration import LOOPBACK, BrokerSection, ProcessSettings, Section, configured, url_parts
from vpp_core.faults import ConfigurationFault

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Word = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class StorageSettings(Section):
    database_file: Path
    """The chain of record, the fleet and the money (SQLite)."""
    telemetry_file: Path
    """The measurements (DuckDB)."""


class BrokerSettings(BrokerSection):
    client_id: Word = "gridchorus-cloud"
    share: str = Field("ingest", max_length=64, pattern=r"^[A-Za-z0-9_.-]*$")
    """Group of ingest workers that share the uplink; empty hears it plainly."""


class ApiSettings(Section):
    """Where the API listens. There is no default token."""

    host: str = "127.0.0.1"
    port: Port = 8080
    """0 takes any free port."""
    token_file: Path


class CounterpartySettings(Section):
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


class OpenAdrSettings(Section):
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


class TelemetrySettings(Section):
    flush_s: Positive = 1.0
    """Readings are written, and acknowledged, this often at least."""
    flush_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 5_000
    """A fuller buffer is written at once."""
    gap_s_max: Positive = 900.0
    """Longest distance of two samples across which a counter still counts as measured."""


class DispatchSettings(Section):
    """When a device counts as not responding in a running event."""

    stale_s: Positive = 600.0
    """Without a good reading for this long a device is not seen any more, and its share is split again."""
    settle_s: Positive = 120.0
    """A device has this long from an order until its measurement is judged."""


class CloudSettings(ProcessSettings):
    """All of it; :func:`load_settings` reads it."""

    model_config = SettingsConfigDict(env_prefix="VPP_CLOUD_")

    zone: str = "America/Chicago"
    """The market's time zone."""
    storage: StorageSettings
    broker: BrokerSettings = BrokerSettings()
    api: ApiSettings
    market: MarketSettings
    utility: CounterpartySettings
    telemetry: TelemetrySettings = TelemetrySettings()
    dispatch: DispatchSettings = DispatchSettings()
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


def load_settings(path: Path) -> CloudSettings:
    """The settings in a TOML file, with the environment on top.

    Raises:
        ConfigurationFault: no such file, not TOML, an unknown key or a value out of range; the text
            names the key and the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationFault(f"cannot read {path}: {error.strerror}; name an existing file") from error
    return configured(CloudSettings, content, path, os.environ)  # noqa: TID251 - the place to read it


def _require_http(url: str) -> None:
    parts = url_parts(url)
    if parts is None or parts.scheme not in {"http", "https"}:
        raise ValueError("url must look like https://host, without a user name")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("plain http:// is for this machine only; use https://")
