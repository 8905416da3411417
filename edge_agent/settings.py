"""The settings of one site's agent: a TOML file, overridden by ``VPP_EDGE_*`` environment variables.

A nested key is spelled with two underscores: ``VPP_EDGE_CONTROL__POLL_S=30``. Paths in the file are
relative to the file.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from msgspec import structs
from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from edge_agent.devices.link import PORT, RTU_UNIT_MAX, TLS_PORT, LinkSettings, Parity, Transport
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
    """One device of the site, and where it listens; devices of one endpoint share one connection."""

    name: TopicLevel
    kind: DerKind
    transport: Transport = Transport.TCP
    host: str | None = Field(default=None, min_length=1)
    port: Port | None = None
    """Nothing: 502, with TLS 802."""
    ca_file: Path | None = None
    """TLS: who signs the device's certificate; nothing: an authority that this machine trusts."""
    cert_file: Path | None = None
    key_file: Path | None = None
    """TLS: what the agent shows, where the device wants to see a certificate."""
    port_path: str | None = Field(default=None, min_length=1)
    """RTU: the serial port."""
    baud: Annotated[int, Field(ge=300, le=4_000_000)] | None = None
    parity: Parity | None = None
    """RTU; nothing: 19200 and even, as the specification says."""
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    timeout_s: Positive = 1.0
    """Real seconds that one request may take."""
    lean: bool = False
    """TCP: frame Modbus in the agent rather than in pymodbus; shorter round trips."""

    @property
    def link(self) -> LinkSettings:
        given: dict[str, Any] = {
            key: value for key in _LINK_KEYS if (value := getattr(self, key)) is not None
        }
        given.setdefault("port", TLS_PORT if self.transport is Transport.TLS else PORT)
        return LinkSettings(**given)

    @model_validator(mode="after")
    def _check_link(self) -> Self:
        serial = self.transport is Transport.RTU
        needed = "port_path" if serial else "host"
        if getattr(self, needed) is None:
            raise ValueError(f"transport '{self.transport}' needs {needed}")
        for transport, keys in _KEYS_OF.items():
            foreign = [key for key in keys if getattr(self, key)]
            if foreign and self.transport not in transport:
                raise ValueError(f"transport '{self.transport}' takes no {foreign[0]}")
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file come together")
        if serial and not 1 <= self.unit <= RTU_UNIT_MAX:
            raise ValueError(f"a unit on a serial line is from 1 to {RTU_UNIT_MAX}, not {self.unit}")
        return self


_KEYS_OF = {
    (Transport.TCP, Transport.TLS): ("host", "port"),
    (Transport.TCP,): ("lean",),
    (Transport.TLS,): ("ca_file", "cert_file", "key_file"),
    (Transport.RTU,): ("port_path", "baud", "parity"),
}
_LINK_KEYS = ("transport", "timeout_s", *(key for keys in _KEYS_OF.values() for key in keys))


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
    response_s: Annotated[float, Field(ge=0.0, le=10.0)] = 0.0
    """Open-loop response time: 90 % of a change after so long; 0 leaves the lag to the device."""


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
        self._check_shared()
        return self

    def _check_shared(self) -> None:
        """Devices that share a connection agree on everything but their patience."""
        first: dict[str, tuple[str, LinkSettings]] = {}
        for device in self.device:
            link = structs.replace(device.link, timeout_s=1.0)
            name, known = first.setdefault(link.endpoint, (device.name, link))
            for key in LinkSettings.__struct_fields__:
                if getattr(known, key) != getattr(link, key):
                    raise ValueError(
                        f"{name} and {device.name} share {link.endpoint}; give both the same {key}"
                    )


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
