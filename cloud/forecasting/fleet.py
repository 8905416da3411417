"""Who takes part: the newest enrolment of every site, and its batteries as storage with limits."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from cloud.chain.records import Book, EnrolledSite
from cloud.chain.store import Chain
from vpp_core.der import DerDescription, DerKind
from vpp_core.ids import DerId, SiteId
from vpp_core.measurement import Quality
from vpp_core.messages import Reading
from vpp_core.units import PERCENT, SECONDS_PER_HOUR

STORED_PRIOR_FRACTION = 0.5
"""State of charge that is assumed where none was measured lately."""
READING_AGE_S_MAX = 3_600.0


class Readings(Protocol):
    """The newest reading of each device; satisfied by every telemetry store."""

    def latest(self, devices: Iterable[DerId]) -> Mapping[DerId, Reading]: ...


class StorageUnit(msgspec.Struct, frozen=True, kw_only=True):
    """One battery as the planner sees it: powers at the terminals are magnitudes, energies are stored Wh."""

    der_id: DerId
    site_id: SiteId
    injection_w_max: float
    absorption_w_max: float
    energy_wh_min: float
    """What the owner keeps."""
    energy_wh_max: float
    """Where the owner wants charging to end."""
    energy_start_wh: float
    charge_efficiency: float
    discharge_efficiency: float

    def lasting_w(self, duration_s: float) -> float:
        """The injection that the stored energy carries for ``duration_s`` above the owner's part."""
        spare_wh = max(0.0, self.energy_start_wh - self.energy_wh_min) * self.discharge_efficiency
        return min(self.injection_w_max, spare_wh * SECONDS_PER_HOUR / duration_s)


def enrolled_sites(chain: Chain) -> list[EnrolledSite]:
    """The newest enrolment of every site, by site."""
    newest = {site.site_id: site for site in chain.of_kind(EnrolledSite)}
    return [newest[site_id] for site_id in sorted(newest)]


def taking_part(sites: Iterable[EnrolledSite], book: Book) -> list[EnrolledSite]:
    """The sites of one book whose owners have not opted out; a site is never in two books."""
    return [site for site in sites if site.book is book and not site.owner_limits.opted_out]


def ders_of(site: EnrolledSite, kind: DerKind) -> list[DerDescription]:
    return [der for der in site.ders if der.kind is kind]


def storage_units(sites: Sequence[EnrolledSite], readings: Readings, now: datetime) -> list[StorageUnit]:
    """The batteries of the sites, each from its measured state of charge or else from the prior."""
    batteries = [(site, der) for site in sites for der in ders_of(site, DerKind.BATTERY)]
    latest = readings.latest([der.der_id for _, der in batteries])
    return [storage_unit(site, der, stored_fraction(latest.get(der.der_id), now)) for site, der in batteries]


def stored_fraction(reading: Reading | None, now: datetime) -> float:
    """The state of charge that a reading shows, or the prior where it is absent, old or doubtful."""
    if reading is None or reading.state_of_charge_pct is None or reading.quality is not Quality.GOOD:
        return STORED_PRIOR_FRACTION
    if (now - reading.at).total_seconds() > READING_AGE_S_MAX:
        return STORED_PRIOR_FRACTION
    return min(max(reading.state_of_charge_pct / PERCENT, 0.0), 1.0)


def storage_unit(site: EnrolledSite, der: DerDescription, fraction: float) -> StorageUnit:
    limits, capacity_wh = site.owner_limits, der.energy_capacity_wh
    return StorageUnit(
        der_id=der.der_id,
        site_id=site.site_id,
        injection_w_max=der.injection_w_max,
        absorption_w_max=der.absorption_w_max,
        energy_wh_min=limits.reserve_fraction * capacity_wh,
        energy_wh_max=limits.ceiling_fraction * capacity_wh,
        energy_start_wh=fraction * capacity_wh,
        charge_efficiency=der.charge_efficiency,
        discharge_efficiency=der.discharge_efficiency,
    )
