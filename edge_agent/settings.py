"""The settings of one site's agent: a TOML file, overridden by ``VPP_EDGE_*`` environment variables.

A nested key is spelled with two underscores: ``VPP_EDGE_CONTROL__POLL_S=30``. Paths in the file are
relative to the file.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from edge_agent.devices.link import LinkSettings
from vpp_core.configuration import BrokerSection, ProcessSettings, Section, configured
from vpp_core.der import DerKind, OwnerLimits
from vpp_core.faults import ConfigurationFault
from vpp_core.ids import DerId, GatewayId, SiteId

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Fraction01 = Annotated[float, Field(ge=0.0, le=1.0)]
Port = Annotated[int, Field(ge=1, le=65_535)]
TopicLevel = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class DeviceSettings(Section):
    """One device of the site, and where it listens (Modbus TCP)."""

    name: TopicLevel
    kind: DerKind
    host: str = Field(min_length=1)
    port: Port = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    timeout_s: Positive = 1.0
    """Real seconds that one request may take."""

    @property
    def link(self) -> LinkSettings:
        return LinkSettings(host=self.host, port=self.port, timeout_s=self.timeout_s)


class BrokerSettings(BrokerSection):
    username: str | None = None
    password_file: Path | None = None
    connect_timeout_s: Positive = 10.0
    """Real seconds from the first packet to the granted subscription."""
    keepalive_s: Annotated[int, Field(ge=1, le=3_600)] = 30
    session_expiry_s: Annotated[int, Field(ge=0, le=2**32 - 1)] = 7 * 86_400
    """How long the broker keeps commands for a gateway that is away."""
    backoff_s_min: Positive = 1.0
    backoff_s_max: Positive = 60.0
    resend_s: Positive = 300.0
    """Real seconds without an acknowledgement from the cloud before messages are sent again."""

    @model_validator(mode="after")
    def _check_pauses(self) -> Self:
        if self.backoff_s_max < self.backoff_s_min:
            raise ValueError("backoff_s_max lies below backoff_s_min")
        return self


class OwnerSettings(Section):
    """What the owner keeps; the names are those of :class:`vpp_core.der.OwnerLimits`."""

    reserve_fraction: Fraction01 = 0.2
    ceiling_fraction: Fraction01 = 1.0
    evse_charge_w_min: NonNegative = 1_440.0
    opted_out: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.limits()
        return self

    def limits(self) -> OwnerLimits:
        return OwnerLimits(**self.model_dump())


class DroopSection(Section):
    """IEEE 1547 frequency-droop that the agent performs for battery and PV."""

    enabled: bool = True
    nominal_hz: Positive = 60.0
    deadband_hz: Annotated[float, Field(ge=0.01, le=1.0)] = 0.036
    droop_pu: Annotated[float, Field(ge=0.02, le=0.07)] = 0.05
    """Change of frequency, per unit of nominal, that changes power by the device's rating."""


class ControlSettings(Section):
    """Periods in seconds of the agent's clock."""

    poll_s: Annotated[int, Field(ge=1, le=900)] = 60
    """Every device is read on multiples of this period, so that interval borders are sampled."""
    fast_s: Annotated[float, Field(ge=0.01, le=60.0)] = 0.05
    """Period of the frequency loop; ticks that cannot be kept are skipped."""
    revert_s: Annotated[float, Field(ge=15.0, le=3_600.0)] = 900.0
    """Reversion time that is armed in devices; written again at a third of it."""
    stale_s: Annotated[float, Field(gt=0.0)] = 900.0
    """Age beyond which a polled measurement no longer supports a setpoint."""
    recover_s: Positive = 1.0
    """How long a lost measurement must be good again before control relies on it."""
    setpoint_deadband_w: NonNegative = 10.0
    """A smaller change of a setpoint is not written."""
    state_s: Positive = 300.0
    """The gateway's state is published on change, and at least this often."""
    event_settle_s: Positive = 5.0
    """A frequency event ends so long after the return into the dead-band."""
    event_s_max: Positive = 300.0
    """A longer excursion is recorded in several events."""
    commissioning_timer_s: Annotated[float, Field(ge=1.0, le=3_600.0)] = 3.0
    """Reversion time of the test at the first start; longer on a clock that runs faster than real."""
    rediscover_s: Positive = 5.0
    """Pause between attempts to reach a device that does not answer."""
    droop: DroopSection = DroopSection()


class OutboxSettings(Section):
    durability: Literal["full", "off"] = "full"
    """``full`` survives a power cut; ``off`` only a killed process, and is for simulated runs."""
    messages_max: Annotated[int, Field(ge=100)] = 50_000
    """Beyond this many, the oldest telemetry is dropped; receipts and events never are."""
    window: Annotated[int, Field(ge=1, le=10_000)] = 200
    """Messages on their way that the cloud has not acknowledged yet."""


class SiteSettings(ProcessSettings):
    """All of it; :func:`load_settings` reads it."""

    model_config = SettingsConfigDict(env_prefix="VPP_EDGE_")

    site_id: TopicLevel
    site_name: str = ""
    gateway_id: TopicLevel
    state_dir: Path
    enrollment_code_file: Path | None = None
    broker: BrokerSettings = BrokerSettings()
    device: tuple[DeviceSettings, ...] = Field(min_length=1, max_length=64)
    owner_limits: OwnerSettings = OwnerSettings()
    control: ControlSettings = ControlSettings()
    outbox: OutboxSettings = OutboxSettings()

    @property
    def site(self) -> SiteId:
        return SiteId(self.site_id)

    @property
    def gateway(self) -> GatewayId:
        return GatewayId(self.gateway_id)

    def der_id(self, device: DeviceSettings) -> DerId:
        """A device's name within the whole fleet."""
        return DerId(f"{self.site_id}.{device.name}")

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [device.name for device in self.device]
        if len(set(names)) < len(names):
            raise ValueError("two devices have the same name")
        if sum(device.kind is DerKind.METER for device in self.device) != 1:
            raise ValueError("a site needs exactly one device of kind 'meter', the grid meter")
        return self


def load_settings(path: Path) -> SiteSettings:
    """The settings in a TOML file, with the environment on top.

    Raises:
        ConfigurationFault: no such file, not TOML, an unknown key or a value out of range; the text
            names the key and the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationFault(f"cannot read {path}: {error.strerror}; name an existing file") from error
    return configured(SiteSettings, content, path, os.environ)  # noqa: TID251 - the place to read it
