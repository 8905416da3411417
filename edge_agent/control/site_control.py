"""The decision of one site: readings, frequency and commands in, one setpoint a device out.

Pure: the shell tells it what it measured and what it wrote, and asks for decisions. UTC decides which
schedule step is in force; everything that counts seconds uses monotonic time.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from edge_agent.control.arbiter import Claim, Decision, Rule, arbitrate, at
from edge_agent.control.commands import CommandTable, InForce
from edge_agent.control.contracted_response import activation, reserve_w
from edge_agent.control.envelope_rules import StoredEnergy, protection
from edge_agent.control.fail_safe import FailSafe, Trust
from edge_agent.control.functions.frequency_droop import NO_CHANGE, FrequencyDroop, follow_change
from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.envelope import UNBOUNDED_W, Envelope
from vpp_core.ids import DerId
from vpp_core.messages import SiteConfig
from vpp_core.units import MILLIHERTZ_PER_HERTZ, energy_wh, millihertz

PLAUSIBLE_SHARE = 0.1
"""A frequency further than this share from nominal is a broken measurement, not a grid."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What a poll found: only trusted values; a sample that is not ``good`` supports nothing."""

    good: bool
    power_w: float | None = None
    state_of_charge_pct: float | None = None


class ControlTiming(msgspec.Struct, frozen=True, kw_only=True):
    """Periods of the loops that feed the control, in seconds."""

    poll_s: float
    fast_s: float
    stale_s: float
    """A polled sample older than this supports nothing, even if no newer poll failed."""
    recover_s: float


class DeviceControl(msgspec.Struct, kw_only=True):
    """What the control knows of one device."""

    der: DerDescription
    trust: FailSafe
    sample: Sample = Sample(good=False)
    sample_s: float = 0.0
    horizon_s: float
    setpoint_w: float | None = None
    """What the device was told, or nothing."""
    injected_wh: float = 0.0
    """Estimated net injection since the sample."""
    counted_s: float = 0.0
    before_w: float | None = None
    """Power before the excursion (P_pre), latched while one lasts."""
    responding: bool = False
    """A frequency rule spoke in the last decision."""

    @property
    def power_w(self) -> float:
        """The best guess of the present injection: what it was told, else what was measured."""
        if self.setpoint_w is not None and self.der.kind is DerKind.BATTERY:
            return self.setpoint_w
        return self.sample.power_w or 0.0


class SiteControl:
    """The control state of a site.

    Args:
        ders: every device that takes commands.
        limits: the owner's hard limits.
        droop: the grid code's droop; its dead-band also says what an excursion is.
        droop_enabled: whether the agent performs it, or the devices do by themselves.
        timing: the periods of the loops.
        table: the commands, shared with whoever receives them.
    """

    def __init__(
        self,
        ders: Iterable[DerDescription],
        limits: OwnerLimits,
        *,
        droop: FrequencyDroop,
        droop_enabled: bool,
        timing: ControlTiming,
        table: CommandTable,
    ) -> None:
        self._limits = limits
        self._droop = droop
        self._droop_enabled = droop_enabled
        self._timing = timing
        self._table = table
        self._config: SiteConfig | None = None
        self._frequency_hz: float | None = None
        self._frequency_s = 0.0
        self._droop_change = NO_CHANGE
        """Per unit of any device's rating, with the open-loop response."""
        # Half a period each, so that the second failure in a row ends a hold, however the loop jitters.
        self._frequency_trust = FailSafe(hold_s=timing.fast_s / 2.0, recover_s=timing.recover_s)
        self._wanted: dict[DerId, InForce | None] = {}
        self._wanted_until: datetime | None = None
        self._wanted_version = -1
        self._devices: dict[DerId, DeviceControl] = {}
        for der in ders:
            trust = FailSafe(hold_s=timing.poll_s / 2.0, recover_s=0.0)
            self._devices[der.der_id] = DeviceControl(der=der, trust=trust, horizon_s=timing.poll_s)

    # --- what happened -------------------------------------------------------------------------

    def on_config(self, config: SiteConfig) -> None:
        self._config = config

    def on_sample(self, der_id: DerId, sample: Sample, now_s: float) -> None:
        """A poll of a device, successful or not."""
        device = self._devices[der_id]
        known = device.der.kind is not DerKind.BATTERY or sample.state_of_charge_pct is not None
        usable = sample.good and known
        device.trust = device.trust.observe(usable=usable, now_s=now_s)
        if usable:
            seen_before = device.sample.good
            gap_s = now_s - device.sample_s if seen_before else 0.0
            device.horizon_s = max(self._timing.poll_s, min(gap_s, self._timing.stale_s))
            device.sample, device.sample_s = sample, now_s
            device.injected_wh, device.counted_s = 0.0, now_s

    def on_frequency(self, frequency_hz: float | None, now_s: float) -> None:
        """A tick of the fast loop; ``None`` if nothing trustworthy was read."""
        nominal_hz = self._droop.nominal_hz
        usable = frequency_hz is not None and abs(frequency_hz - nominal_hz) <= PLAUSIBLE_SHARE * nominal_hz
        self._frequency_trust = self._frequency_trust.observe(usable=usable, now_s=now_s)
        if usable and frequency_hz is not None:
            # No meter means more than mHz; binary fractions must not move the edge of a dead-band.
            self._respond(millihertz(frequency_hz) / MILLIHERTZ_PER_HERTZ, now_s)
        if self._frequency_trust.trust is Trust.LOST:
            self._frequency_hz, self._droop_change = None, NO_CHANGE

    def on_setpoint(self, der_id: DerId, setpoint_w: float | None) -> None:
        """A device confirmed a setpoint, or was released."""
        self._devices[der_id].setpoint_w = setpoint_w

    # --- what is known -------------------------------------------------------------------------

    @property
    def frequency_trust(self) -> Trust:
        return self._frequency_trust.trust

    def trust(self, der_id: DerId) -> Trust:
        return self._devices[der_id].trust.trust

    def outside_deadband(self) -> bool:
        """Whether a trusted frequency lies outside the narrower dead-band of grid code and contract."""
        frequency_hz = self._frequency_hz
        if frequency_hz is None:
            return False
        if self._droop.excursion_uhz(frequency_hz) != 0:
            return True
        return self._config is not None and activation(frequency_hz, self._config.frequency_response) > 0.0

    def responders(self) -> dict[DerId, float]:
        """The devices that answer frequency now, and each one's power before the excursion (W)."""
        return {
            der_id: device.before_w
            for der_id, device in self._devices.items()
            if device.responding and device.before_w is not None
        }

    def wanted(self, der_id: DerId, now: datetime) -> InForce | None:
        """What commands want of a device now; cheap between two changes of the table."""
        stale = self._wanted_until is not None and now >= self._wanted_until
        if stale or self._wanted_version != self._table.version:
            self._wanted = {name: self._table.in_force(name, now) for name in self._devices}
            self._wanted_until = self._table.next_change(now)
            self._wanted_version = self._table.version
        return self._wanted[der_id]

    # --- what to do ----------------------------------------------------------------------------

    def decide(self, now: datetime, now_s: float) -> dict[DerId, Decision | None]:
        """One decision a device; ``None`` where control holds: nothing is written, nothing withdrawn."""
        self._latch()
        return {der_id: self._decide(device, now, now_s) for der_id, device in self._devices.items()}

    def _decide(self, device: DeviceControl, now: datetime, now_s: float) -> Decision | None:
        self._count(device, now_s)
        stale = now_s - device.sample_s > self._timing.stale_s
        if stale or device.trust.trust is Trust.LOST:
            return Decision(setpoint_w=None, rule=Rule.PROTECTION, allowed=Envelope(0.0, 0.0))
        if device.trust.trust is Trust.HOLD:
            return None
        allowed = protection(device.der, self._limits, _stored(device))
        return arbitrate(allowed, self._claims(device, now), _own_w(device))

    def _claims(self, device: DeviceControl, now: datetime) -> list[Claim]:
        frequency_hz, before_w = self._frequency_hz, device.before_w
        wanted = None if self._limits.opted_out else self.wanted(device.der.der_id, now)
        claims = [] if wanted is None else [at(Rule(wanted.priority), wanted.setpoint_w)]
        device.responding = False
        if frequency_hz is None or before_w is None:
            return claims
        base_w = before_w if wanted is None else wanted.setpoint_w
        answers = self._grid_code(device, before_w)
        if (response_w := self._response_w(device.der.der_id, frequency_hz, now)) > 0.0:
            answers.append(at(Rule.FREQUENCY_RESPONSE, base_w + response_w))
        device.responding = bool(answers)
        return [*claims, *answers]

    def _respond(self, frequency_hz: float, now_s: float) -> None:
        """Take a frequency in, and let the droop follow it."""
        dt_s = 0.0 if self._frequency_hz is None else now_s - self._frequency_s
        self._frequency_hz, self._frequency_s = frequency_hz, now_s
        if self._droop_enabled:
            self._droop_change = follow_change(self._droop, self._droop_change, frequency_hz, dt_s)

    def _grid_code(self, device: DeviceControl, before_w: float) -> list[Claim]:
        """Droop as a floor under frequency and a ceiling over it.

        PV has no headroom that it could promise, so it only answers over-frequency.
        """
        change_w = self._droop_change.output * device.der.injection_w_max
        if change_w == 0.0:
            return []
        if change_w < 0.0:
            return [Claim(Rule.GRID_CODE, Envelope(-UNBOUNDED_W, before_w + change_w))]
        if device.der.kind is DerKind.PV:
            return []
        return [Claim(Rule.GRID_CODE, Envelope(before_w + change_w, UNBOUNDED_W))]

    def _response_w(self, der_id: DerId, frequency_hz: float, now: datetime) -> float:
        config = self._config
        if config is None or now >= config.expires_at or self._limits.opted_out:
            return 0.0
        share = activation(frequency_hz, config.frequency_response)
        return share * reserve_w(config.frequency_response, der_id, now) if share else 0.0

    def _latch(self) -> None:
        """Keep the power before an excursion while it lasts, and until the response has returned."""
        outside = self.outside_deadband() or self._droop_change != NO_CHANGE
        for device in self._devices.values():
            if not outside:
                device.before_w = None
            elif device.before_w is None and device.der.kind in (DerKind.BATTERY, DerKind.PV):
                device.before_w = device.power_w

    def _count(self, device: DeviceControl, now_s: float) -> None:
        """Book the energy since the last tick, so that the owner's limits hold between two polls."""
        device.injected_wh += energy_wh(device.power_w, now_s - device.counted_s)
        device.counted_s = now_s


def _own_w(device: DeviceControl) -> float:
    """Where a device would be by itself (see :func:`arbitrate`)."""
    match device.der.kind:
        case DerKind.PV:
            return UNBOUNDED_W
        case DerKind.EVSE:
            return -UNBOUNDED_W
        case _:
            return device.power_w if device.before_w is None else device.before_w


def _stored(device: DeviceControl) -> StoredEnergy | None:
    if device.sample.state_of_charge_pct is None:
        return None
    return StoredEnergy(
        state_of_charge_pct=device.sample.state_of_charge_pct,
        injected_wh=device.injected_wh,
        horizon_s=device.horizon_s,
    )
