"""What the settings of every process share: sections, a broker's address, and one sentence for a mistake."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from vpp_core.faults import ConfigurationFault

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts to which plain text is allowed."""

_UNKNOWN_KEY = {"extra_forbidden", "unexpected_keyword_argument"}
"""What pydantic calls it, in a section and in a plain dataclass."""
_MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


class Section(BaseModel):
    """A table of a settings file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerSection(Section):
    """The broker; plain ``mqtt://`` is for this very machine, the field speaks ``mqtts://``."""

    url: str = "mqtt://127.0.0.1:1883"
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
    def _check_address(self) -> Self:
        parts = url_parts(self.url)
        if parts is None or parts.scheme not in _MQTT_PORTS or parts.path.strip("/"):
            raise ValueError("url must look like mqtts://host:8883, without a user name")
        if not self.tls and parts.hostname not in LOOPBACK:
            raise ValueError("plain mqtt:// is for this machine only; use mqtts:// and ca_file")
        if self.tls and self.ca_file is None:
            raise ValueError("mqtts:// needs ca_file, the authority that signed the broker's certificate")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file come together")
        return self


class ProcessSettings(BaseSettings):
    """All settings of a process: what its file says, with its ``env_prefix`` variables on top."""

    model_config = SettingsConfigDict(env_nested_delimiter="__", extra="forbid", frozen=True)

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


Settings = TypeVar("Settings", bound=ProcessSettings)


def configured(kind: type[Settings], content: bytes, path: Path, variables: Iterable[str]) -> Settings:
    """The settings in the content of a TOML file; their paths are taken from the file's folder.

    Args:
        kind: the settings of the process.
        content: of the file.
        path: of the file.
        variables: names of all environment variables.

    Raises:
        ConfigurationFault: not TOML, an unknown key or variable, or a value out of range; the text names
            the key, and the file or the environment.
    """
    return validated(kind, toml_values(content, path), path, variables)


def toml_values(content: bytes, path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ConfigurationFault: it is not TOML.
    """
    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise ConfigurationFault(f"{path} is not valid TOML: {error}") from error


def validated(
    kind: type[Settings], values: Mapping[str, Any], path: Path, variables: Iterable[str]
) -> Settings:
    """The settings in the values of a file, with what a command line put in their place.

    Args:
        kind: the settings of the process.
        values: tables by key.
        path: where the values come from: it is named in faults, and paths are taken from its folder.
        variables: names of all environment variables.

    Raises:
        ConfigurationFault: as :func:`configured`.
    """
    _refuse_unknown(kind, variables)
    try:
        settings = kind(**values)
    except ValidationError as error:
        raise ConfigurationFault(_sentence(error, path)) from error
    except SettingsError as error:
        raise ConfigurationFault(f"the environment: {error}; correct that variable, or unset it") from error
    absolute: Settings = _with_paths_from(settings, path.absolute().parent)
    return absolute


def url_parts(url: str) -> SplitResult | None:
    """The parts of an address that names a host, a port in range or none, and nobody's password."""
    try:
        parts = urlsplit(url)
        sound = parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return None
    return parts if sound else None


def _refuse_unknown(kind: type[ProcessSettings], variables: Iterable[str]) -> None:
    """A misspelled variable would otherwise be passed over in silence."""
    prefix = str(kind.model_config["env_prefix"])
    for name in sorted(variables):
        key = name.upper().removeprefix(prefix).partition("__")[0].lower()
        if name.upper().startswith(prefix) and key not in kind.model_fields:
            raise ConfigurationFault(
                f"the environment: {name} is no key; correct it, as in {prefix}BROKER__URL, or unset it"
            )


def _sentence(error: ValidationError, path: Path) -> str:
    # An unknown key often explains a missing one: it is told first.
    first = min(error.errors(), key=lambda item: item["type"] not in _UNKNOWN_KEY)
    key = ".".join(str(level) for level in first["loc"])
    match first["type"]:
        case "extra_forbidden" | "unexpected_keyword_argument":
            return f"{path}: unknown key '{key}'; remove it or correct its spelling"
        case "missing" | "missing_argument":
            return f"{path}: the key '{key}' is missing; add it"
        case _:
            text = first["msg"].removeprefix("Value error, ")
            return f"{path}: {key}: {text}" if key else f"{path}: {text}"


def _with_paths_from(section: Any, folder: Path) -> Any:  # noqa: ANN401 - settings, or any section of them
    update: dict[str, Any] = {}
    for name, value in section:
        if isinstance(value, Path):
            update[name] = folder / value
        elif isinstance(value, BaseModel):
            update[name] = _with_paths_from(value, folder)
        elif isinstance(value, tuple):
            update[name] = tuple(
                _with_paths_from(item, folder) if isinstance(item, BaseModel) else item for item in value
            )
    return section.model_copy(update=update)
