"""Owners, sites, contracts and gateways, as they stand now; what led here is in the chain."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from cloud.storage.base import Base
from vpp_core.ids import GatewayId, OwnerId, ProgramId, SiteId


class OwnerRow(Base):
    __tablename__ = "owner"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    registered_at: Mapped[datetime]


class SiteRow(Base):
    __tablename__ = "site"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner_id: Mapped[str] = mapped_column(ForeignKey("owner.id"), index=True)
    state: Mapped[str] = mapped_column(String(16))
    """A :class:`cloud.enrollment.lifecycle.SiteState`."""


class ContractRow(Base):
    """One site's consent to one program; the chain's consent record is the proof."""

    __tablename__ = "contract"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), primary_key=True)
    program_id: Mapped[str] = mapped_column(index=True)
    terms_version: Mapped[str]
    owner_share_pct: Mapped[int]
    applied_at: Mapped[datetime]
    consent_record_id: Mapped[str] = mapped_column(ForeignKey("chain_record.id"))
    opted_out_at: Mapped[datetime | None]


class EnrollmentCodeRow(Base):
    """A one-time code; only its digest is kept."""

    __tablename__ = "enrollment_code"

    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))
    issued_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class GatewayRow(Base):
    __tablename__ = "gateway"

    id: Mapped[str] = mapped_column(primary_key=True)
    site_id: Mapped[str] = mapped_column(ForeignKey("site.id"), unique=True)
    agent_version: Mapped[str]
    enrolled_at: Mapped[datetime]
    enrolled_record_id: Mapped[str] = mapped_column(ForeignKey("chain_record.id"))


class Fleet:
    """The tables above within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def owner(self, owner_id: OwnerId) -> OwnerRow | None:
        return self._session.get(OwnerRow, owner_id)

    def site(self, site_id: SiteId) -> SiteRow | None:
        return self._session.get(SiteRow, site_id)

    def sites(self) -> list[SiteRow]:
        """All sites, by id."""
        return list(self._session.scalars(select(SiteRow).order_by(SiteRow.id)))

    def contract(self, site_id: SiteId) -> ContractRow | None:
        return self._session.get(ContractRow, site_id)

    def contracts_count(self, program_id: ProgramId) -> int:
        query = select(func.count()).select_from(ContractRow).where(ContractRow.program_id == program_id)
        return self._session.scalar(query) or 0

    def code(self, site_id: SiteId) -> EnrollmentCodeRow | None:
        return self._session.get(EnrollmentCodeRow, site_id)

    def gateway(self, gateway_id: GatewayId) -> GatewayRow | None:
        return self._session.get(GatewayRow, gateway_id)

    def gateway_of(self, site_id: SiteId) -> GatewayRow | None:
        return self._session.scalar(select(GatewayRow).where(GatewayRow.site_id == site_id))

    def save(self, row: Base) -> None:
        """Insert or replace one row."""
        self._session.merge(row)
        self._session.flush()
