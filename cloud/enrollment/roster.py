"""Who takes part, in memory: asked for every single reading, so it answers from a dictionary."""

from cloud.chain.records import EnrolledSite
from cloud.enrollment.lifecycle import SiteState
from vpp_core.ids import DerId, ProgramId, SiteId


class Roster:
    """States of all known sites and the newest record of the enrolled ones."""

    def __init__(self) -> None:
        self._states: dict[SiteId, SiteState] = {}
        self._enrolled: dict[SiteId, EnrolledSite] = {}
        self._sites: dict[DerId, SiteId] = {}

    def set_state(self, site_id: SiteId, state: SiteState) -> None:
        self._states[site_id] = state

    def set_enrolled(self, record: EnrolledSite) -> None:
        """Replace what is known of a site; devices that it no longer has are forgotten."""
        previous = self._enrolled.get(record.site_id)
        for der in previous.ders if previous else ():
            del self._sites[der.der_id]
        self._enrolled[record.site_id] = record
        self._sites.update({der.der_id: record.site_id for der in record.ders})

    def enrolled(self, site_id: SiteId) -> EnrolledSite | None:
        return self._enrolled.get(site_id)

    def enrolled_sites(self, program: ProgramId | None = None) -> list[EnrolledSite]:
        """By site id; sites that opted out are among them, and are marked so in their limits."""
        return [
            self._enrolled[site_id]
            for site_id in sorted(self._enrolled)
            if program is None or self._enrolled[site_id].program_id == program
        ]

    def states(self) -> dict[SiteId, SiteState]:
        """By site id."""
        return dict(sorted(self._states.items()))

    def knows(self, site_id: SiteId) -> bool:
        """Whether an owner has agreed to take part with this site."""
        return self._states.get(site_id, SiteState.LEAD) is not SiteState.LEAD

    def site_of(self, der_id: DerId) -> SiteId | None:
        """The site at which a device is enrolled."""
        return self._sites.get(der_id)
