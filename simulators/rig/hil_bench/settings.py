"""What is on the rig: a TOML file, the same procedures for all of them.

``VPP_HIL_*`` variables override it, as in ``VPP_HIL_TARGET__HOST``. Paths are relative to the file.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vpp_core.configuration import ProcessSettings, Section, toml_values, validated
from vpp_core.faults import ConfigurationFault

POLL_S_MIN = 0.005
"""Faster than that no device refreshes; it would only be worn out by requests."""
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Unit = Annotated[int, Field(ge=0, le=247)]
Host = Annotated[str, Field(min_length=1)]
Templates = tuple[str, ...]


class TlsSettings(Section):
    """Modbus/TCP Security; without ``cert_file`` the rig shows no certificate of its own."""

    ca_file: Path
    cert_file: Path | None = None
    key_file: Path | None = None


class DeviceTarget(Section):
    """A device with a SunSpec map."""

    kind: Literal["device"] = "device"
    host: Host
    port: Port = 502
    unit: Unit = 1
    base_register: Annotated[int, Field(ge=0, le=65_000)] = 40_000
    answer_s_max: Positive = 3.0
    """How long one answer may take before the request counts as unanswered."""
    frequency_nominal_hz: Literal[50, 60] = 60
    voltage_nominal_v: Positive | None = None
    """Line to neutral; by default what the device says (702 VNom)."""
    restart: Literal["none", "manual"] = "none"
    """Who can restart it: somebody whom the rig asks, or nobody; a simulated bench does it itself."""
    tls: TlsSettings | None = None


class GatewayDroop(Section):
    """What the gateway under test is configured to do."""

    deadband_hz: Annotated[float, Field(ge=0.0, le=1.0)] = 0.036
    droop_pu: Annotated[float, Field(gt=0.0, le=1.0)] = 0.05


class AgentTarget(Section):
    """A gateway whose devices and grid the rig plays: point its devices to this host and these units."""

    kind: Literal["agent"]
    host: Host = "127.0.0.1"
    """Where the rig listens."""
    port: Port = 5_020
    frequency_nominal_hz: Literal[50, 60] = 60
    droop: GatewayDroop = GatewayDroop()
    command_expires_s: Positive = 900.0
    """What the gateway arms as reversion time."""
    ready_s_max: Positive = 120.0
    """How long the rig waits until the gateway has connected and commissioned."""


class SiteTarget(Section):
    """A whole site, gateway and devices, seen at its meter."""

    kind: Literal["site"]
    host: Host
    port: Port = 502
    unit: Unit = 1
    base_register: Annotated[int, Field(ge=0, le=65_000)] = 40_000
    answer_s_max: Positive = 3.0
    frequency_nominal_hz: Literal[50, 60] = 60
    rating_w: Positive
    """Sum of the ratings of the devices that respond."""
    droop: GatewayDroop = GatewayDroop()
    command_expires_s: Positive = 900.0
    injection_sign: Literal[-1, 1] | None = None
    """As of a separate meter."""


class NoGrid(Section):
    """Procedures that need a grid source are not run, and the report says so."""

    source: Literal["none"] = "none"


class BenchGridSettings(Section):
    """The control port of ``vpp-sim device``."""

    source: Literal["bench"]
    host: Host = "127.0.0.1"
    port: Port


class ManualGrid(Section):
    """Somebody turns the knobs: the rig says what to set, and waits for Enter."""

    source: Literal["manual"]


class ScpiGrid(Section):
    """A programmable AC source that takes lines of text over TCP.

    Templates may use ``{frequency_hz}``, ``{voltage_v}``, ``{voltage_pu}`` and ``{ramp_s}`` with formats.
    """

    source: Literal["scpi"]
    host: Host
    port: Port = 5_025
    on_open: Templates = ()
    set_frequency: Templates = ("FREQ {frequency_hz:.3f}",)
    set_voltage: Templates = ("VOLT {voltage_v:.2f}",)
    on_close: Templates = ()
    ask_error: str = "SYST:ERR?"
    """Asked after each change; empty where the source knows no such question."""
    no_error_prefixes: Templates = ("0", "+0")
    answer_s_max: Positive = 2.0
    ramp_step_s: Positive = 0.02
    """A ramp is played in steps of this length."""

    @model_validator(mode="after")
    def _check_templates(self) -> Self:
        values = {"frequency_hz": 60.0, "voltage_v": 240.0, "voltage_pu": 1.0, "ramp_s": 0.0}
        for template in (*self.set_frequency, *self.set_voltage):
            try:
                template.format(**values)
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(f"the template {template!r} is wrong: {error!r}") from error
        return self


class OwnInstruments(Section):
    """The device's own registers measure."""

    source: Literal["device"] = "device"
    refresh_s: NonNegative = 0.1
    """How old a reading may be: the device's own time between two measurements."""


class SeparateMeter(Section):
    """Another SunSpec unit measures: model 701, or a meter model (201-204)."""

    source: Literal["meter"]
    host: Host
    port: Port = 502
    unit: Unit = 1
    base_register: Annotated[int, Field(ge=0, le=65_000)] = 40_000
    injection_sign: Literal[-1, 1] | None = None
    """-1 where the meter counts injection as negative; nothing: -1 for meter models, 1 for 701."""
    refresh_s: NonNegative = 0.1


class RunSettings(Section):
    """How procedures are run; each of them has parameters of its own below ``[procedure.ID]``."""

    poll_s: Annotated[float, Field(ge=POLL_S_MIN, allow_inf_nan=False)] = 0.1
    """Time between two samples while something happens."""
    state_of_charge_min: Annotated[float, Field(ge=0.0, le=1.0)] = 0.15
    state_of_charge_max: Annotated[float, Field(ge=0.0, le=1.0)] = 0.9
    """A storage outside this window cannot follow; the rig refuses to start."""
    watch_s: NonNegative = 2.0
    """How long the rig watches for another master before it begins."""


class HilSettings(ProcessSettings, env_prefix="VPP_HIL_"):
    """All of it; :func:`load_settings` reads it."""

    target: Annotated[DeviceTarget | AgentTarget | SiteTarget, Field(discriminator="kind")]
    grid: Annotated[NoGrid | BenchGridSettings | ManualGrid | ScpiGrid, Field(discriminator="source")] = (
        NoGrid()
    )
    measure: Annotated[OwnInstruments | SeparateMeter, Field(discriminator="source")] = OwnInstruments()
    run: RunSettings = RunSettings()
    procedure: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Parameters by procedure; their names and units are checked against the procedure."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.run.state_of_charge_min >= self.run.state_of_charge_max:
            raise ValueError("run.state_of_charge_min is not below run.state_of_charge_max")
        return self


def load_settings(path: Path) -> HilSettings:
    """The settings in a TOML file, with the environment on top.

    Raises:
        ConfigurationFault: no such file, not TOML, an unknown key or a value out of range.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationFault(f"cannot read {path}: {error.strerror}; name an existing file") from error
    values = toml_values(content, path)
    return validated(HilSettings, values, path, os.environ)  # noqa: TID251 - the place to read it


def quick_settings(host: str, port: int, unit: int) -> HilSettings:
    """A device without a grid source, and everything else by default."""
    return HilSettings(target=DeviceTarget(host=host, port=port, unit=unit))
