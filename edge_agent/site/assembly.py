"""The parts of a site's control, made from its settings and from what commissioning found."""

from collections.abc import Callable, Sequence

from edge_agent.control.commands import CommandTable
from edge_agent.control.envelope_rules import ratings
from edge_agent.control.excursion import ExcursionRecorder
from edge_agent.control.functions.frequency_droop import FrequencyDroop
from edge_agent.control.setpoint_write import WritePolicy
from edge_agent.control.site_control import ControlTiming, SiteControl
from edge_agent.settings import ControlSettings, SiteSettings
from edge_agent.site.actuator import Actuator
from edge_agent.site.command_desk import CommandDesk
from edge_agent.site.fast import FastLoop
from edge_agent.site.journal import Journal
from edge_agent.site.memory import CommissionedSite, Memory
from edge_agent.site.slot import DeviceSlot
from edge_agent.uplink.session import SessionSettings
from vpp_core.der import DerKind
from vpp_core.ids import DerId

EVENT_BEFORE_S = 10.0
"""How much of the time before a frequency event is recorded."""


def make_table(settings: SiteSettings, site: CommissionedSite, memory: Memory) -> CommandTable:
    """The commands that a former run remembered, for the devices of this one."""
    limits = settings.owner_limits.limits()
    ranges = {der.der_id: ratings(der, limits) for der in site.ders if der.kind is not DerKind.METER}
    closed = "the owner has opted out" if limits.opted_out else ""
    return CommandTable(ranges, memory.commands(), closed=closed)


def make_control(settings: SiteSettings, site: CommissionedSite, table: CommandTable) -> SiteControl:
    control = settings.control
    return SiteControl(
        [der for der in site.ders if der.kind is not DerKind.METER],
        settings.owner_limits.limits(),
        droop=FrequencyDroop.symmetric(
            nominal_hz=control.droop.nominal_hz,
            deadband_hz=control.droop.deadband_hz,
            droop_pu=control.droop.droop_pu,
            response_s=control.droop.response_s,
        ),
        droop_enabled=control.droop.enabled,
        timing=ControlTiming(
            poll_s=control.poll_s,
            fast_s=control.fast_s,
            stale_s=control.stale_s,
            recover_s=control.recover_s,
        ),
        table=table,
    )


def make_actuators(
    control: ControlSettings, slots: Sequence[DeviceSlot], memory: Memory, remember: Callable[[], None]
) -> dict[DerId, Actuator]:
    """One for each device that takes commands, by id, in the order of the settings."""
    policy = WritePolicy(deadband_w=control.setpoint_deadband_w, revert_s=control.revert_s)
    owned = memory.owned()
    return {
        slot.der_id: Actuator(slot, policy, owned=slot.der_id in owned, remember=remember)
        for slot in slots
        if slot.settings.kind is not DerKind.METER
    }


def make_fast_loop(
    settings: ControlSettings,
    slots: Sequence[DeviceSlot],
    actuators: dict[DerId, Actuator],
    control: SiteControl,
    journal: Journal,
    table: CommandTable,
) -> FastLoop:
    return FastLoop(
        meter=next(slot for slot in slots if slot.settings.kind is DerKind.METER),
        actuators=actuators,
        control=control,
        desk=CommandDesk(table, journal),
        recorder=ExcursionRecorder(
            before_s=EVENT_BEFORE_S,
            settle_s=settings.event_settle_s,
            duration_s_max=settings.event_s_max,
        ),
        faults=journal.faults,
        clock=journal.clock,
        patience_s=settings.fast_s,
    )


def session_settings(settings: SiteSettings) -> SessionSettings:
    broker = settings.broker
    return SessionSettings(
        site_id=settings.site,
        connect_timeout_s=broker.connect_timeout_s,
        backoff_s_min=broker.backoff_s_min,
        backoff_s_max=broker.backoff_s_max,
        resend_s=broker.resend_s,
        window=settings.outbox.window,
    )
