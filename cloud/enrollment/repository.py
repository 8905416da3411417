"""Owners, sites, contracts and gateways, as they stand now; what led here is in the chain."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from cloud.storage.base import Base


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
