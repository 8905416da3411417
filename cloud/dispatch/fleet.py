"""What dispatch knows of the fleet: enrolled sites, who is on line, and the newest readings."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from cloud.chain.records import EnrolledSite
from cloud.chain.store import Chain
from cloud.dispatch.member import Member, Observation, members_of
from vpp_core.der import DerDescription, DerKind
from vpp_core.ids import DerId, ProgramId, SiteId
from vpp_core.measurement import Quality
from vpp_core.messages import GatewayState, Reading
from vpp_core.units import PERCENT


class LatestReadings(Protocol):
    """The part of the telemetry store that dispatch reads."""

    def latest(self, devices: Iterable[DerId]) -> Mapping[DerId, Reading]:
        """The newest reading of each device that has one."""
        ...


class SiteDer(NamedTuple):
    """A device and the site that it belongs to."""

    site: EnrolledSite
    der: DerDescription


class FleetView:
    """Reads the chain and the telemetry; remembers only who is on line."""

    def __init__(self, chain: Chain, readings: LatestReadings) -> None:
        self._chain = chain
        self._readings = readings
        self._offline: set[SiteId] = set()
        self._online_since: dict[SiteId, datetime] = {}
        self._available: dict[DerId, bool] = {}
        self._good_at: dict[DerId, datetime] = {}
        self._stored: dict[DerId, float] = {}

    def on_state(self, state: GatewayState, now: datetime) -> bool:
        """Note a gateway's state; True if it, or one of its devices, left or came back."""
        was_offline = state.site_id in self._offline
        available = {d: ok for d, ok in state.available.items() if self._available.get(d, True) is not ok}
        self._available.update(state.available)
        if state.online == (not was_offline):
            return bool(available)
        if state.online:
            self._offline.discard(state.site_id)
            self._online_since[state.site_id] = now
        else:
            self._offline.add(state.site_id)
        return True

    def sites(self, program_id: ProgramId | None = None) -> list[EnrolledSite]:
        """The newest enrolment of every site, by site id."""
        newest = {record.site_id: record for record in self._chain.of_kind(EnrolledSite)}
        return [
            newest[site_id]
            for site_id in sorted(newest)
            if program_id is None or newest[site_id].program_id == program_id
        ]

    def members(self, program_id: ProgramId) -> list[Member]:
        """The batteries of a program, by device id."""
        members = [member for site in self.sites(program_id) for member in members_of(site)]
        return sorted(members, key=lambda member: member.der_id)

    def ders(self, kind: DerKind, program_id: ProgramId | None = None) -> dict[DerId, SiteDer]:
        """Devices of a kind whose owners have not opted out, with their sites."""
        return {
            der.der_id: SiteDer(site, der)
            for site in self.sites(program_id)
            if not site.owner_limits.opted_out
            for der in sorted(site.ders, key=lambda der: der.der_id)
            if der.kind is kind
        }

    def observe(self, members: Iterable[Member]) -> dict[DerId, Observation]:
        batteries = list(members)
        readings = self._readings.latest([member.der_id for member in batteries])
        return {member.der_id: self._observe(member, readings.get(member.der_id)) for member in batteries}

    def _observe(self, member: Member, reading: Reading | None) -> Observation:
        der_id = member.der_id
        if reading is not None and reading.quality is Quality.GOOD:
            self._good_at[der_id] = reading.at
            if reading.state_of_charge_pct is not None:
                self._stored[der_id] = reading.state_of_charge_pct / PERCENT
        return Observation(
            online=member.site_id not in self._offline,
            online_since=self._online_since.get(member.site_id),
            available=self._available.get(der_id, True),
            reading=reading,
            good_at=self._good_at.get(der_id),
            stored_fraction=self._stored.get(der_id),
        )
