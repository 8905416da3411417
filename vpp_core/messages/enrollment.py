"""Up: what commissioning found at a site."""

from datetime import datetime

import msgspec

from vpp_core.der import DerDescription, OwnerLimits
from vpp_core.ids import GatewayId, SiteId


class CommissioningCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One check of the commissioning test and what it measured."""

    name: str
    passed: bool
    detail: str


class Enrollment(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway presents its devices, with the one-time code from the owner's contract."""

    v: int = 1
    site_id: SiteId
    gateway_id: GatewayId
    enrollment_code: str
    """Issued once by the cloud for this site; worthless after its first use."""
    at: datetime
    agent_version: str
    ders: tuple[DerDescription, ...]
    owner_limits: OwnerLimits
    checks: tuple[CommissioningCheck, ...] = ()
