"""Enrollment: applications become consents, presented gateways become sites that may be dispatched."""

import random
import secrets
from datetime import UTC
from typing import NamedTuple

import msgspec

from cloud.chain.records import Consent, EnrolledSite
from cloud.chain.store import Chain
from cloud.enrollment.codes import digest_of, new_code
from cloud.enrollment.commissioning import Commissioning
from cloud.enrollment.lifecycle import EnrollmentRefused, SiteState, Step, after
from cloud.enrollment.programs import Program, Programs, load_programs
from cloud.enrollment.repository import (
    ContractRow,
    EnrollmentCodeRow,
    Fleet,
    OwnerRow,
    SiteRow,
)
from cloud.enrollment.roster import Roster
from cloud.storage.audit import AuditTrail
from cloud.storage.database import Database
from vpp_core.clock import Clock
from vpp_core.ids import OwnerId, ProgramId, SiteId
from vpp_core.messages import Enrollment


class Application(NamedTuple):
    """What an owner asks for, with the consent that it takes."""

    owner_id: OwnerId
    owner_name: str
    site_id: SiteId
    site_name: str
    program_id: ProgramId
    terms_version: str
    """The terms that the owner has read and agrees to."""


class Accepted(NamedTuple):
    """An application that was taken; the code is shown this once and never again."""

    consent: Consent
    enrollment_code: str


class EnrollmentService:
    """Stage 1.

    Args:
        database: where the fleet is kept.
        chain: the chain of record, on the same database.
        clock: for the times of application and enrollment.
        audit: where refusals go.
        programs: what an owner can join; the package's own by default.
        chance: makes the enrollment codes; the system's by default.
    """

    def __init__(
        self,
        database: Database,
        chain: Chain,
        clock: Clock,
        audit: AuditTrail,
        *,
        programs: Programs | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._database = database
        self._chain = chain
        self._clock = clock
        self._audit = audit
        self._programs = programs or load_programs()
        self._chance = chance or secrets.SystemRandom()
        self.roster = Roster()
        """Who takes part; the directory of ingest."""
        self._commissioning = Commissioning(database, chain, self._programs, self.roster)
        for record in chain.of_kind(EnrolledSite):
            self.roster.set_enrolled(record)
        with database.session() as session:
            for row in Fleet(session).sites():
                self.roster.set_state(SiteId(row.id), SiteState(row.state))

    def programs(self) -> list[Program]:
        """What an owner can join today."""
        return self._programs.on(self._clock.now().astimezone(UTC).date())

    def apply(self, application: Application) -> Accepted:
        """Record an owner's consent and issue a one-time code for the site's gateway.

        Applying again before the gateway came replaces the consent and the code.

        Raises:
            EnrollmentRefused: the program or its terms are not open, the site is enrolled or belongs to
                another owner, or the program is full.
        """
        now = self._clock.now()
        program = self._open_program(application)
        code = new_code(self._chance)
        with self._database.session() as session:
            fleet = Fleet(session)
            site = fleet.site(application.site_id)
            if site is not None and site.owner_id != application.owner_id:
                raise EnrollmentRefused(f"{application.site_id} belongs to another owner")
            if site is None and fleet.contracts_count(program.id) >= program.sites_max:
                raise EnrollmentRefused(f"{program.id} is full")
            state = after(SiteState(site.state) if site else SiteState.LEAD, Step.CONSENT)
            previous = self._chain.latest(Consent, site_id=application.site_id)
            consent = self._chain.append(
                Consent(
                    id=self._chain.new_id(),
                    at=now,
                    predecessors=(previous.id,) if previous else (),
                    owner_id=application.owner_id,
                    site_id=application.site_id,
                    program_id=program.id,
                    terms_version=program.terms_version,
                    owner_share_pct=program.owner_share_pct,
                    applied_at=now,
                )
            )
            self._save(fleet, application, consent, state, digest_of(code))
        self.roster.set_state(application.site_id, state)
        return Accepted(consent, code)

    def on_enrollment(self, message: Enrollment) -> EnrolledSite | None:
        """A gateway presents itself. Gives the site's record, new or unchanged, if it is accepted.

        The same gateway may present itself as often as it likes; anybody else is refused and audited.
        """
        try:
            return self._commissioning.enroll(message)
        except EnrollmentRefused as refusal:
            self._audit.record(
                "enrollment_refused", message.site_id, f"gateway {message.gateway_id}: {refusal}"
            )
            return None

    def opt_out(self, site_id: SiteId) -> EnrolledSite:
        """The owner says no until further notice.

        Raises:
            EnrollmentRefused: the site is not enrolled, or has opted out already.
        """
        return self._opt(site_id, Step.OPT_OUT)

    def opt_in(self, site_id: SiteId) -> EnrolledSite:
        """The owner takes part again.

        Raises:
            EnrollmentRefused: the site had not opted out.
        """
        return self._opt(site_id, Step.OPT_IN)

    def enrolled_sites(self, program: ProgramId | None = None) -> list[EnrolledSite]:
        """The newest record of every enrolled site, by site id; those that opted out are marked so."""
        return self.roster.enrolled_sites(program)

    def _open_program(self, application: Application) -> Program:
        program = self._programs.get(application.program_id, self._clock.now().astimezone(UTC).date())
        if program is None:
            raise EnrollmentRefused(f"there is no program {application.program_id}")
        if program.terms_version != application.terms_version:
            raise EnrollmentRefused(
                f"the terms of {program.id} in force are {program.terms_version}, "
                f"not {application.terms_version}"
            )
        return program

    def _save(
        self, fleet: Fleet, application: Application, consent: Consent, state: SiteState, digest: str
    ) -> None:
        now = consent.at
        if fleet.owner(application.owner_id) is None:
            fleet.save(OwnerRow(id=application.owner_id, name=application.owner_name, registered_at=now))
        fleet.save(
            SiteRow(
                id=application.site_id,
                name=application.site_name,
                owner_id=application.owner_id,
                state=state.value,
            )
        )
        fleet.save(
            ContractRow(
                site_id=application.site_id,
                program_id=consent.program_id,
                terms_version=consent.terms_version,
                owner_share_pct=consent.owner_share_pct,
                applied_at=now,
                consent_record_id=consent.id,
                opted_out_at=None,
            )
        )
        fleet.save(EnrollmentCodeRow(site_id=application.site_id, digest=digest, issued_at=now, used_at=None))

    def _opt(self, site_id: SiteId, step: Step) -> EnrolledSite:
        now = self._clock.now()
        with self._database.session() as session:
            fleet = Fleet(session)
            site, contract = fleet.site(site_id), fleet.contract(site_id)
            if site is None or contract is None:
                raise EnrollmentRefused(f"{site_id} is not known here")
            state = after(SiteState(site.state), step)
            previous = self.roster.enrolled(site_id)
            if previous is None:
                raise EnrollmentRefused(f"{site_id} is not enrolled")
            opted_out = state is SiteState.OPTED_OUT
            record = self._chain.append(
                msgspec.structs.replace(
                    previous,
                    id=self._chain.new_id(),
                    at=now,
                    predecessors=(previous.id,),
                    owner_limits=msgspec.structs.replace(previous.owner_limits, opted_out=opted_out),
                )
            )
            site.state = state.value
            contract.opted_out_at = now if opted_out else None
        self.roster.set_enrolled(record)
        self.roster.set_state(site_id, state)
        return record
