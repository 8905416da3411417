"""From an owner's consent to a site that may be dispatched, and everybody who is turned away."""

import random
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud.chain.records import Book, Consent, EnrolledSite
from cloud.chain.store import Chain
from cloud.enrollment.codes import digest_of, matches, new_code
from cloud.enrollment.lifecycle import EnrollmentRefused, SiteState, Step, after
from cloud.enrollment.programs import load_programs
from cloud.enrollment.repository import EnrollmentCodeRow
from cloud.enrollment.service import Application, EnrollmentService
from cloud.storage.audit import AuditTrail
from cloud.storage.database import Database
from vpp_core.clock import ManualClock
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.faults import ConfigurationFault
from vpp_core.ids import DerId, GatewayId, OwnerId, ProgramId, SiteId
from vpp_core.messages import CommissioningCheck, Enrollment

MARKET = ProgramId("market-storage")
SITE, OTHER = SiteId("site-00"), SiteId("site-01")


class Desk:
    """The enrollment service with what is around it."""

    def __init__(self, database: Database, chain: Chain, clock: ManualClock) -> None:
        self.database, self.chain, self.clock = database, chain, clock
        self.audit = AuditTrail(database, clock)
        self.service = self.restart()

    def restart(self) -> EnrollmentService:
        self.service = EnrollmentService(
            self.database, self.chain, self.clock, self.audit, chance=random.Random(3)
        )
        return self.service

    def apply(self, site: SiteId = SITE, owner: str = "own-00", program: ProgramId = MARKET) -> str:
        application = Application(OwnerId(owner), "A. Owner", site, "A house", program, "2021-1")
        return self.service.apply(application).enrollment_code

    def refusals(self) -> list[str]:
        return [row.text for row in self.audit.rows() if row.code == "enrollment_refused"]


@pytest.fixture
def desk(database: Database, chain: Chain, clock: ManualClock) -> Desk:
    return Desk(database, chain, clock)


def der(site: SiteId, kind: DerKind) -> DerDescription:
    return DerDescription(
        der_id=DerId(f"{site}-{kind}"),
        kind=kind,
        name=kind.value,
        manufacturer="m",
        model="m",
        serial="1",
        firmware="1",
        profile="p",
    )


def presented(code: str, site: SiteId = SITE, gateway: str = "gw-00") -> Enrollment:
    return Enrollment(
        site_id=site,
        gateway_id=GatewayId(gateway),
        enrollment_code=code,
        at=datetime(2021, 8, 12, 12, 0, tzinfo=UTC),
        agent_version="1",
        ders=(der(site, DerKind.METER), der(site, DerKind.BATTERY)),
        owner_limits=OwnerLimits(),
        checks=(CommissioningCheck(name="battery obeys", passed=True, detail="1000 W"),),
    )


def test_consent_and_commissioning_make_a_site_with_its_proof(desk: Desk) -> None:
    code = desk.apply()
    desk.clock.advance(1_800.0)
    record = desk.service.on_enrollment(presented(code))
    assert record is not None
    (consent,) = desk.chain.of_kind(Consent)
    assert (record.predecessors, record.book) == ((consent.id,), Book.MARKET)
    assert record.applied_at == consent.applied_at
    assert desk.service.enrolled_sites(MARKET) == [record]
    assert desk.service.enrolled_sites(ProgramId("utility-peak")) == []


def test_the_directory_knows_who_agreed_and_which_devices_are_theirs(desk: Desk) -> None:
    roster = desk.service.roster
    assert not roster.knows(SITE)
    code = desk.apply()
    assert roster.knows(SITE)
    assert roster.site_of(DerId("site-00-battery")) is None
    desk.service.on_enrollment(presented(code))
    assert roster.site_of(DerId("site-00-battery")) == SITE
    desk.restart()
    assert desk.service.roster.knows(SITE)
    assert desk.service.roster.site_of(DerId("site-00-battery")) == SITE
    assert desk.service.roster.states() == {SITE: SiteState.ENROLLED}


def test_the_same_gateway_may_present_itself_after_every_restart(desk: Desk) -> None:
    code = desk.apply()
    first = desk.service.on_enrollment(presented(code))
    desk.restart()
    assert desk.service.on_enrollment(presented(code)) == first
    assert desk.chain.of_kind(EnrolledSite) == [first]
    assert desk.refusals() == []


def test_what_changed_at_the_site_is_a_new_record_on_top_of_the_old_one(desk: Desk) -> None:
    code = desk.apply()
    first = desk.service.on_enrollment(presented(code))
    limits = OwnerLimits(reserve_fraction=0.5)
    second = desk.service.on_enrollment(msgspec.structs.replace(presented(code), owner_limits=limits))
    assert first is not None
    assert second is not None
    assert second.predecessors == (first.id,)
    assert desk.service.enrolled_sites() == [second]


def test_a_device_that_left_is_forgotten(desk: Desk) -> None:
    code = desk.apply()
    extra = der(SITE, DerKind.EVSE)
    message = presented(code)
    desk.service.on_enrollment(msgspec.structs.replace(message, ders=(*message.ders, extra)))
    assert desk.service.roster.site_of(extra.der_id) == SITE
    desk.service.on_enrollment(message)
    assert desk.service.roster.site_of(extra.der_id) is None


FAILED = (CommissioningCheck(name="battery reverts", passed=False, detail="no"),)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"enrollment_code": "WRONG"}, "not the one that was issued", id="a wrong code"),
        pytest.param({"site_id": SiteId("site-99")}, "has not consented", id="a site without consent"),
        pytest.param({"checks": FAILED}, "did not pass: battery reverts", id="a failed check"),
        pytest.param({"checks": ()}, "no commissioning check", id="no check at all"),
        pytest.param({"ders": (der(SITE, DerKind.METER),)}, "needs a battery", id="no battery"),
        pytest.param({"ders": ()}, "needs a meter and a battery", id="no device"),
        pytest.param({"ders": (der(SITE, DerKind.METER),) * 2}, "same id", id="a device twice"),
    ],
)
def test_whoever_is_refused_leaves_an_audit_row_and_no_record(
    desk: Desk, change: dict[str, object], reason: str
) -> None:
    message = msgspec.structs.replace(presented(desk.apply()), **change)
    assert desk.service.on_enrollment(message) is None
    assert desk.chain.of_kind(EnrolledSite) == []
    (text,) = desk.refusals()
    assert reason in text


def test_a_code_serves_one_gateway_only(desk: Desk) -> None:
    code = desk.apply()
    desk.service.on_enrollment(presented(code))
    assert desk.service.on_enrollment(presented(code, gateway="gw-thief")) is None
    assert "used by another gateway" in desk.refusals()[0]


def test_a_gateway_serves_one_site_only(desk: Desk) -> None:
    desk.service.on_enrollment(presented(desk.apply()))
    assert desk.service.on_enrollment(presented(desk.apply(OTHER), OTHER)) is None
    assert "enrolled at another site" in desk.refusals()[0]


def test_a_device_belongs_to_one_site_only(desk: Desk) -> None:
    desk.service.on_enrollment(presented(desk.apply()))
    stolen = msgspec.structs.replace(presented(desk.apply(OTHER), OTHER, "gw-01"), ders=presented("").ders)
    assert desk.service.on_enrollment(stolen) is None
    assert "site-00-battery, site-00-meter is enrolled at another site" in desk.refusals()[0]


def test_a_code_expires(desk: Desk) -> None:
    code = desk.apply()
    desk.clock.advance(timedelta(days=30).total_seconds())
    assert desk.service.on_enrollment(presented(code)) is None
    assert "has expired; apply again" in desk.refusals()[0]


def test_applying_again_replaces_the_consent_and_the_code(desk: Desk) -> None:
    first = desk.apply()
    second = desk.apply()
    assert desk.service.on_enrollment(presented(first)) is None
    assert desk.service.on_enrollment(presented(second)) is not None
    old, new = desk.chain.of_kind(Consent)
    assert new.predecessors == (old.id,)


@pytest.mark.parametrize(
    ("application", "reason"),
    [
        pytest.param(("own-00", "nothing", "2021-1"), "there is no program", id="an unknown program"),
        pytest.param(("own-00", MARKET, "2019-1"), "in force are 2021-1", id="terms that are not in force"),
        pytest.param(("own-99", MARKET, "2021-1"), "belongs to another owner", id="another owner's site"),
    ],
)
def test_an_application_that_is_not_open_is_refused(
    desk: Desk, application: tuple[str, str, str], reason: str
) -> None:
    owner, program, terms = application
    desk.apply()
    with pytest.raises(EnrollmentRefused, match=reason):
        desk.service.apply(Application(OwnerId(owner), "x", SITE, "x", ProgramId(program), terms))
    assert len(desk.chain.of_kind(Consent)) == 1


def test_an_enrolled_site_cannot_apply_again(desk: Desk) -> None:
    desk.service.on_enrollment(presented(desk.apply()))
    with pytest.raises(EnrollmentRefused, match="that is enrolled cannot consent"):
        desk.apply()


def test_a_full_program_takes_nobody_more(database: Database, chain: Chain, clock: ManualClock) -> None:
    text = """[[programs]]
id = "market-storage"
title = "t"
book = "market"
terms_version = "2021-1"
effective_from = 2021-01-01
owner_share_pct = 80
requires = []
sites_max = 1
enrollment_code_days = 1
"""
    service = EnrollmentService(
        database, chain, clock, AuditTrail(database, clock), programs=load_programs(text)
    )
    service.apply(Application(OwnerId("own-00"), "x", SITE, "x", MARKET, "2021-1"))
    with pytest.raises(EnrollmentRefused, match="is full"):
        service.apply(Application(OwnerId("own-00"), "x", OTHER, "x", MARKET, "2021-1"))
    with database.session() as session:
        code = session.get_one(EnrollmentCodeRow, SITE)
        assert len(code.digest) == 64


def test_an_owner_opts_out_and_in_again_and_the_chain_says_so(desk: Desk) -> None:
    code = desk.apply()
    first = desk.service.on_enrollment(presented(code))
    out = desk.service.opt_out(SITE)
    assert out.owner_limits.opted_out
    assert first is not None
    assert out.predecessors == (first.id,)
    assert desk.service.on_enrollment(presented(code)) == out, "a restart of the gateway does not opt in"
    back = desk.service.opt_in(SITE)
    assert not back.owner_limits.opted_out
    assert desk.service.enrolled_sites() == [back]


def test_opting_out_takes_an_enrolled_site(desk: Desk) -> None:
    with pytest.raises(EnrollmentRefused, match="not known here"):
        desk.service.opt_out(SITE)
    desk.apply()
    with pytest.raises(EnrollmentRefused, match="consented cannot opt out"):
        desk.service.opt_out(SITE)


@pytest.mark.parametrize("state", list(SiteState))
@pytest.mark.parametrize("step", list(Step))
def test_every_step_leads_somewhere_or_is_refused(state: SiteState, step: Step) -> None:
    allowed = {
        (SiteState.LEAD, Step.CONSENT),
        (SiteState.CONSENTED, Step.CONSENT),
        (SiteState.CONSENTED, Step.COMMISSION),
        (SiteState.ENROLLED, Step.OPT_OUT),
        (SiteState.OPTED_OUT, Step.OPT_IN),
    }
    if (state, step) in allowed:
        assert after(state, step) is not SiteState.LEAD
    else:
        with pytest.raises(EnrollmentRefused):
            after(state, step)


@given(st.integers(), st.integers())
def test_codes_are_told_apart_and_read_leniently(one: int, other: int) -> None:
    first, second = new_code(random.Random(one)), new_code(random.Random(other))
    assert matches(f" {first.lower()}\n", digest_of(first))
    assert matches(second, digest_of(first)) == (first == second)


def test_programs_change_on_their_effective_date() -> None:
    programs = load_programs()
    assert programs.on(date(2020, 12, 31)) == []
    assert [program.id for program in programs.on(date(2021, 1, 1))] == ["market-storage", "utility-peak"]
    assert programs.under(MARKET, "2019-1") is None


@pytest.mark.parametrize(
    "text", ["[[programs]]\nid = 1", "not toml", "[[programs]]\nid = 'x'\ncolour = 'red'"]
)
def test_programs_that_cannot_be_read_are_one_sentence(text: str) -> None:
    with pytest.raises(ConfigurationFault, match=r"mend programs\.toml"):
        load_programs(text)
