"""A gateway presents itself: with the right code and passed checks its site may be dispatched."""

from datetime import timedelta

import msgspec
from sqlalchemy.orm import Session

from cloud.chain.records import EnrolledSite
from cloud.chain.store import Chain
from cloud.enrollment.codes import matches
from cloud.enrollment.lifecycle import EnrollmentRefused, SiteState, Step, after, objection
from cloud.enrollment.programs import Program, Programs
from cloud.enrollment.repository import ContractRow, Fleet, GatewayRow, SiteRow
from cloud.enrollment.roster import Roster
from cloud.storage.database import Database
from vpp_core.ids import OwnerId, ProgramId, RecordId
from vpp_core.messages import Enrollment


class Commissioning:
    """Turns enrollment messages into EnrolledSite records."""

    def __init__(self, database: Database, chain: Chain, programs: Programs, roster: Roster) -> None:
        self._database = database
        self._chain = chain
        self._programs = programs
        self._roster = roster

    def enroll(self, message: Enrollment) -> EnrolledSite:
        """The site's record; a new one unless the same gateway presented the same devices again.

        Raises:
            EnrollmentRefused: no consent, a wrong, expired or used code, or devices that may not take part.
        """
        with self._database.session() as session:
            fleet = Fleet(session)
            site, contract = fleet.site(message.site_id), fleet.contract(message.site_id)
            if site is None or contract is None:
                raise EnrollmentRefused("the owner has not consented")
            program = self._programs.under(ProgramId(contract.program_id), contract.terms_version)
            if program is None:
                raise EnrollmentRefused(f"the terms {contract.terms_version} are not known here")
            self._check_code(fleet, message, program)
            if reason := objection(message, program, self._roster.site_of):
                raise EnrollmentRefused(reason)
            record = self._record(message, site, contract, program)
            known = self._roster.enrolled(message.site_id)
            if known is not None and _same_site(known, record):
                return known
            self._save(session, message, site, record)
            state = SiteState(site.state)
        self._roster.set_enrolled(record)
        self._roster.set_state(message.site_id, state)
        return record

    def _check_code(self, fleet: Fleet, message: Enrollment, program: Program) -> None:
        code = fleet.code(message.site_id)
        if code is None or not matches(message.enrollment_code, code.digest):
            raise EnrollmentRefused("the enrollment code is not the one that was issued")
        known = fleet.gateway_of(message.site_id)
        if known is not None:
            if known.id != message.gateway_id:
                raise EnrollmentRefused("the enrollment code was used by another gateway")
            return
        if self._chain.now() >= code.issued_at + timedelta(days=program.enrollment_code_days):
            raise EnrollmentRefused("the enrollment code has expired; apply again")
        if fleet.gateway(message.gateway_id) is not None:
            raise EnrollmentRefused("the gateway is enrolled at another site")

    def _record(
        self, message: Enrollment, site: SiteRow, contract: ContractRow, program: Program
    ) -> EnrolledSite:
        previous = self._roster.enrolled(message.site_id)
        opted_out = SiteState(site.state) is SiteState.OPTED_OUT or message.owner_limits.opted_out
        return EnrolledSite(
            id=self._chain.new_id(),
            at=self._chain.now(),
            predecessors=(previous.id if previous else RecordId(contract.consent_record_id),),
            owner_id=OwnerId(site.owner_id),
            site_id=message.site_id,
            site_name=site.name,
            program_id=program.id,
            book=program.book,
            gateway_id=message.gateway_id,
            ders=message.ders,
            owner_limits=msgspec.structs.replace(message.owner_limits, opted_out=opted_out),
            checks=message.checks,
            applied_at=contract.applied_at,
        )

    def _save(self, session: Session, message: Enrollment, site: SiteRow, record: EnrolledSite) -> None:
        fleet = Fleet(session)
        self._chain.append(record)
        known, code = fleet.gateway_of(message.site_id), fleet.code(message.site_id)
        if known is None:
            site.state = after(SiteState(site.state), Step.COMMISSION).value
        if code is not None and code.used_at is None:
            code.used_at = record.at
        fleet.save(
            GatewayRow(
                id=message.gateway_id,
                site_id=message.site_id,
                agent_version=message.agent_version,
                enrolled_at=known.enrolled_at if known else record.at,
                enrolled_record_id=record.id,
            )
        )


def _same_site(one: EnrolledSite, other: EnrolledSite) -> bool:
    """Whether nothing changed but when, and how commissioning measured it."""
    return (one.ders, one.owner_limits, one.gateway_id) == (other.ders, other.owner_limits, other.gateway_id)
