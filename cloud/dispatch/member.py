"""One battery that takes part in an event: its limits, what is known of it, and what it can still give."""

from datetime import datetime

import msgspec

from cloud.chain.records import EnrolledSite
from vpp_core.der import DerDescription, DerKind
from vpp_core.ids import DerId, SiteId
from vpp_core.messages import Reading
from vpp_core.units import SECONDS_PER_HOUR


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """The fixed side of a battery: ratings, and the owner's limits as fractions of its capacity."""

    der_id: DerId
    site_id: SiteId
    injection_w_max: float
    absorption_w_max: float
    energy_capacity_wh: float
    reserve_fraction: float
    ceiling_fraction: float
    charge_efficiency: float
    discharge_efficiency: float

    def available_wh(self, stored_fraction: float) -> float:
        """Energy at the terminals that may be injected before the owner's reserve is reached (Wh)."""
        above = max(0.0, stored_fraction - self.reserve_fraction)
        return above * self.energy_capacity_wh * self.discharge_efficiency

    def charged_fraction(self, stored_fraction: float, duration_s: float) -> float:
        """State of charge after charging at full power for ``duration_s``, within the owner's ceiling."""
        gain_wh = self.absorption_w_max * self.charge_efficiency * duration_s / SECONDS_PER_HOUR
        charged = stored_fraction + gain_wh / self.energy_capacity_wh
        return max(stored_fraction, min(charged, self.ceiling_fraction))

    def preparation_w(self, stored_fraction: float, needed_wh: float, duration_s: float) -> float:
        """Charging power (W, magnitude) that makes ``needed_wh`` at the terminals available in time."""
        missing_wh = (needed_wh - self.available_wh(stored_fraction)) / self.discharge_efficiency
        if missing_wh <= 0.0 or duration_s <= 0.0:
            return 0.0
        charge_w = missing_wh / self.charge_efficiency * SECONDS_PER_HOUR / duration_s
        return min(charge_w, self.absorption_w_max)


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What the cloud knows of a member now."""

    online: bool
    """False only when the gateway's last will or its own farewell said so."""
    online_since: datetime | None = None
    """When the gateway last came back; none if it was never seen to leave."""
    available: bool = True
    """What the gateway says of the device: it answers, and obeys."""
    reading: Reading | None = None
    """The newest reading of the battery, whatever its quality."""
    good_at: datetime | None = None
    """When it was last measured well."""
    stored_fraction: float | None = None
    """The last known state of charge."""


def members_of(site: EnrolledSite) -> tuple[Member, ...]:
    """The batteries of a site; none when its owner has opted out."""
    if site.owner_limits.opted_out:
        return ()
    return tuple(_member(site, der) for der in site.ders if der.kind is DerKind.BATTERY)


def _member(site: EnrolledSite, der: DerDescription) -> Member:
    return Member(
        der_id=der.der_id,
        site_id=site.site_id,
        injection_w_max=der.injection_w_max,
        absorption_w_max=der.absorption_w_max,
        energy_capacity_wh=der.energy_capacity_wh,
        reserve_fraction=site.owner_limits.reserve_fraction,
        ceiling_fraction=site.owner_limits.ceiling_fraction,
        charge_efficiency=der.charge_efficiency,
        discharge_efficiency=der.discharge_efficiency,
    )
