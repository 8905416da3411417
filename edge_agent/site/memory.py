"""What a site remembers between two runs of its agent, beside the outbox."""

from typing import TypeVar

import msgspec

from edge_agent.control.commands import Held
from edge_agent.uplink.database import Database
from vpp_core.der import DerDescription
from vpp_core.ids import DerId
from vpp_core.messages import CommissioningCheck, GatewayState, SiteConfig

COMMANDS = "commands"
CONFIG = "config"
OWNED = "owned"
SITE = "site"
STATUS = "status"

Document = TypeVar("Document")


class CommissionedSite(msgspec.Struct, frozen=True, kw_only=True):
    """What commissioning found; enrollment presents it."""

    ders: tuple[DerDescription, ...]
    checks: tuple[CommissioningCheck, ...] = ()


class Memory:
    """Typed documents in the site's file; one that cannot be read counts as none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def site(self) -> CommissionedSite | None:
        return self._load(SITE, CommissionedSite)

    def save_site(self, site: CommissionedSite) -> None:
        self._database.save(SITE, msgspec.json.encode(site))

    def config(self) -> SiteConfig | None:
        return self._load(CONFIG, SiteConfig)

    def save_config(self, config: SiteConfig) -> None:
        self._database.save(CONFIG, msgspec.json.encode(config))

    def commands(self) -> list[Held]:
        return self._load(COMMANDS, list[Held]) or []

    def owned(self) -> frozenset[DerId]:
        """Devices that may hold a setpoint of ours."""
        return frozenset(self._load(OWNED, list[DerId]) or [])

    def save_owned(self, owned: frozenset[DerId]) -> None:
        self._database.save(OWNED, msgspec.json.encode(sorted(owned)))

    def status(self) -> GatewayState | None:
        """The state at the last poll, for ``vpp-edge status``."""
        return self._load(STATUS, GatewayState)

    def _load(self, name: str, kind: type[Document]) -> Document | None:
        body = self._database.load(name)
        if body is None:
            return None
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, ValueError):
            return None
