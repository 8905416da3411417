"""Up: measurements; down: the cloud's acknowledgement that lets the gateway forget them."""

from datetime import datetime

import msgspec

from vpp_core.ids import DerId, SiteId
from vpp_core.measurement import Quality


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """One device at one instant. ``None`` is a gap; power is injection positive, counters only grow."""

    der_id: DerId
    at: datetime
    quality: Quality = Quality.GOOD
    power_w: float | None = None
    reactive_var: float | None = None
    voltage_v: float | None = None
    frequency_hz: float | None = None
    energy_injected_wh: float | None = None
    energy_absorbed_wh: float | None = None
    state_of_charge_pct: float | None = None
    setpoint_w: float | None = None
    """The setpoint in force at that instant, after arbitration."""


class Telemetry(msgspec.Struct, frozen=True, kw_only=True):
    """One poll of a site. ``seq`` numbers the durable messages of a gateway without gaps."""

    v: int = 1
    site_id: SiteId
    seq: int
    readings: tuple[Reading, ...]


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """The cloud has stored everything up to and including ``seq``; the gateway may delete it."""

    v: int = 1
    site_id: SiteId
    seq: int
