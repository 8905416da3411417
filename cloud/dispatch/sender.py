"""Commands on their way: recorded first, then published; what the broker would not take is tried again."""

import logging
from datetime import datetime

import msgspec

from cloud.chain.records import Command
from cloud.chain.store import Chain
from cloud.dispatch.ledger import CommandLedger
from cloud.telemetry.wire import CommandSink
from vpp_core.codec import encode
from vpp_core.faults import BrokerFault
from vpp_core.ids import CommandId, DerId, RecordId, SiteId
from vpp_core.messages import Dispatch, DispatchPriority, SiteConfig
from vpp_core.schedule import Schedule
from vpp_core.topics import topic_of

_log = logging.getLogger(__name__)

EXPIRY_S_MIN = 1


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """What one device is to do, before it becomes a revision of a command."""

    site_id: SiteId
    der_id: DerId
    expires_at: datetime
    priority: DispatchPriority
    schedule: Schedule
    reason: str
    predecessors: tuple[RecordId, ...] = ()


class CommandSender:
    """Writes Command records, keeps the ledger, and publishes with the time to live as message expiry."""

    def __init__(self, chain: Chain, sink: CommandSink, ledger: CommandLedger) -> None:
        self._chain = chain
        self._sink = sink
        self._ledger = ledger
        self._unsent: dict[str, tuple[bytes, bool, datetime]] = {}
        self._config_revision: dict[SiteId, int] = {}

    async def send(self, instruction: Instruction, command_id: CommandId | None = None) -> Command:
        """Order a device: a new command, or the next revision of ``command_id``.

        The same schedule, expiry and priority again send nothing.
        """
        known = self._ledger.get(command_id) if command_id is not None else None
        if known is not None and _same(known.command, instruction):
            return known.command
        return await self._issue(instruction, command_id, 0 if known is None else known.command.revision + 1)

    async def cancel(
        self,
        command: Command,
        reason: str,
        priority: DispatchPriority | None = None,
        predecessors: tuple[RecordId, ...] = (),
    ) -> Command:
        """An empty schedule in place of a command's steps."""
        return await self.send(
            Instruction(
                site_id=command.site_id,
                der_id=command.der_id,
                expires_at=command.expires_at,
                priority=command.priority if priority is None else priority,
                schedule=Schedule(),
                reason=reason,
                predecessors=predecessors or (command.id,),
            ),
            command.command_id,
        )

    async def configure(self, config: SiteConfig) -> SiteConfig:
        """Publish a site's settings, retained, under a revision above every earlier one.

        Revisions follow the clock, so that they also grow over a restart.
        """
        least = self._config_revision.get(config.site_id, 0) + 1
        config = msgspec.structs.replace(config, revision=max(least, int(config.issued_at.timestamp())))
        self._config_revision[config.site_id] = config.revision
        await self._publish(
            topic_of(config.site_id, "config"), encode(config), retain=True, until=config.expires_at
        )
        return config

    async def retry(self) -> None:
        """Publish again what the broker did not take; what has expired meanwhile is dropped."""
        unsent, self._unsent = self._unsent, {}
        for key, (payload, retain, until) in unsent.items():
            if until > self._chain.now():
                await self._publish(key.partition(" ")[0], payload, retain=retain, until=until, key=key)

    async def _issue(self, instruction: Instruction, command_id: CommandId | None, revision: int) -> Command:
        command = self._chain.append(
            Command(
                id=self._chain.new_id(),
                at=self._chain.now(),
                predecessors=instruction.predecessors,
                command_id=command_id or CommandId(self._chain.new_id()),
                revision=revision,
                site_id=instruction.site_id,
                der_id=instruction.der_id,
                expires_at=instruction.expires_at,
                priority=instruction.priority,
                schedule=instruction.schedule,
                reason=instruction.reason,
            )
        )
        self._ledger.on_sent(command)
        topic = topic_of(command.site_id, "command")
        await self._publish(
            topic, encode(_message(command)), until=command.expires_at, key=f"{topic} {command.command_id}"
        )
        return command

    async def _publish(
        self, topic: str, payload: bytes, *, until: datetime, retain: bool = False, key: str = ""
    ) -> None:
        left_s = int((until - self._chain.now()).total_seconds())
        try:
            await self._sink.publish(topic, payload, retain=retain, expiry_s=max(left_s, EXPIRY_S_MIN))
        except BrokerFault as fault:
            _log.warning("the broker did not take a message for %s, it is tried again: %s", topic, fault)
            self._unsent[key or topic] = (payload, retain, until)


def _message(command: Command) -> Dispatch:
    return Dispatch(
        command_id=command.command_id,
        revision=command.revision,
        site_id=command.site_id,
        der_id=command.der_id,
        issued_at=command.at,
        expires_at=command.expires_at,
        priority=command.priority,
        schedule=command.schedule,
        reason=command.reason,
    )


def _same(command: Command, instruction: Instruction) -> bool:
    return (command.schedule, command.expires_at, command.priority) == (
        instruction.schedule,
        instruction.expires_at,
        instruction.priority,
    )
