"""The site as its session sees it: what it says of itself, and where what comes down goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edge_agent.settings import SiteSettings
from edge_agent.site.actuator import Actuator
from edge_agent.site.fast import FastLoop
from edge_agent.site.journal import STORAGE, Journal
from edge_agent.site.memory import CommissionedSite, Memory
from edge_agent.site.slot import DeviceSlot
from vpp_core.faults import BrokerFault, ConfigurationFault, Fault, Severity, StorageFault
from vpp_core.ids import DerId
from vpp_core.messages import Dispatch, Enrollment, GatewayState, SiteConfig

AGENT_VERSION = "0.1.0"
UPLINK = "uplink"
ENROLLMENT = "enrollment"


@dataclass(kw_only=True)
class Presence:
    """Satisfies :class:`edge_agent.uplink.session.SiteSide`."""

    settings: SiteSettings
    site: CommissionedSite
    session: str
    """Changes with every start of the agent."""
    slots: Sequence[DeviceSlot]
    actuators: Mapping[DerId, Actuator]
    fast: FastLoop
    memory: Memory
    journal: Journal
    config: SiteConfig | None = None

    def available(self) -> dict[DerId, bool]:
        """Per device: it answers, and it obeys."""
        return {slot.der_id: slot.answers and self._obeys(slot.der_id) for slot in self.slots}

    def state(self, *, online: bool) -> GatewayState:
        return GatewayState(
            site_id=self.settings.site,
            gateway_id=self.settings.gateway,
            online=online,
            at=self.journal.clock.now(),
            session=self.session,
            control_state=self.fast.state,
            faults=self.journal.faults.all(),
            available=self.available(),
        )

    def enrollment(self) -> Enrollment | None:
        """The devices with the owner's code, until the cloud has answered with a configuration."""
        if self.config is not None:
            return None
        faults, now = self.journal.faults, self.journal.clock.now()
        if not (code := self._code()):
            path = self.settings.enrollment_code_file or "enrollment_code_file"
            text = f"there is no enrollment code in {path}; put the code from the owner's contract there"
            faults.raise_(ConfigurationFault.code, ENROLLMENT, text, now, Severity.ALARM)
            return None
        faults.clear(ConfigurationFault.code, ENROLLMENT, now)
        return Enrollment(
            site_id=self.settings.site,
            gateway_id=self.settings.gateway,
            enrollment_code=code,
            at=now,
            agent_version=AGENT_VERSION,
            ders=self.site.ders,
            owner_limits=self.settings.owner_limits.limits(),
            checks=self.site.checks,
        )

    def on_command(self, command: Dispatch) -> None:
        self.fast.desk.take(command)

    def on_config(self, config: SiteConfig) -> None:
        """A newer revision replaces an older one; the retained one comes again at every connect."""
        if self.config is not None and config.revision <= self.config.revision:
            return
        self.config = config
        self.fast.control.on_config(config)
        try:
            self.memory.save_config(config)
        except StorageFault as fault:
            self.journal.report(fault, STORAGE)

    def on_refused(self, reason: str) -> None:
        self.journal.faults.mention("refused", UPLINK, reason, self.journal.clock.now())

    def on_connection(self, fault: Fault | None) -> None:
        faults, now = self.journal.faults, self.journal.clock.now()
        if fault is None:
            faults.clear(BrokerFault.code, UPLINK, now)
        else:
            faults.raise_(BrokerFault.code, UPLINK, str(fault), now)

    def _obeys(self, der_id: DerId) -> bool:
        actuator = self.actuators.get(der_id)
        return actuator is None or actuator.obeys

    def _code(self) -> str:
        path = self.settings.enrollment_code_file
        try:
            return "" if path is None else path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return ""
