"""Down, retained: the settings that the cloud may change at a site."""

from datetime import datetime
from typing import Annotated

import msgspec

from vpp_core.der import NonNegative
from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval

Positive = Annotated[float, msgspec.Meta(gt=0.0)]


class ReserveStep(msgspec.Struct, frozen=True, kw_only=True):
    """Upward reserve that one device has sold for an interval (W, magnitude)."""

    interval: Interval
    der_id: DerId
    reserve_w: NonNegative


class FrequencyResponse(msgspec.Struct, frozen=True, kw_only=True):
    """Contracted response: linear from the dead-band to full activation, on the reserve sold."""

    nominal_hz: Positive = 60.0
    deadband_hz: NonNegative = 0.036
    full_activation_hz: Positive = 0.5
    """Deviation from nominal at which all reserve is active."""
    steps: tuple[ReserveStep, ...] = ()

    def __post_init__(self) -> None:
        if self.full_activation_hz <= self.deadband_hz:
            raise ValueError("full_activation_hz must lie beyond deadband_hz")


class SiteConfig(msgspec.Struct, frozen=True, kw_only=True):
    """A newer revision replaces an older one; ``expires_at`` ends the contracted response."""

    v: int = 1
    site_id: SiteId
    revision: int
    issued_at: datetime
    expires_at: datetime
    frequency_response: FrequencyResponse
