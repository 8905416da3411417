"""Messages that must reach the cloud: numbered without gaps, kept until the cloud has stored them.

The broker's own acknowledgement is not enough, since it precedes the cloud's flush: a row goes only when
an :class:`~vpp_core.messages.Acknowledgement` names its number or a later one.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from edge_agent.uplink.database import Database
from vpp_core.codec import encode
from vpp_core.messages import EventRecord, Receipt, Telemetry

Durable = Telemetry | Receipt | EventRecord
_KINDS: dict[type[Durable], str] = {Telemetry: "telemetry", Receipt: "receipt", EventRecord: "event"}
_LAST_SEQ = "last_seq"


class Row(NamedTuple):
    """One message as it will travel."""

    seq: int
    kind: str
    payload: bytes


class Outbox:
    """The durable queue of one gateway.

    Args:
        database: the site's file.
        messages_max: beyond it the oldest telemetry is dropped; receipts and events never are.
        now: when this run began; a queue that replaces a broken one starts counting from it, so that
            the cloud does not mistake new numbers for old ones.
    """

    def __init__(self, database: Database, *, messages_max: int, now: datetime) -> None:
        self._database = database
        self._messages_max = messages_max
        self.on_append: Callable[[], None] = _nobody
        """Called after messages were put in; the session listens."""
        last = database.load(_LAST_SEQ)
        if last is not None:
            self._last_seq = int(last)
        else:
            self._last_seq = 0 if database.replaced is None else int(now.timestamp())
        self._count = int(str(database.execute("SELECT count(*) FROM message")[0][0]))

    @property
    def last_seq(self) -> int:
        """The number of the newest message ever put in; 0 before the first."""
        return self._last_seq

    def __len__(self) -> int:
        """How many messages wait for the cloud's acknowledgement."""
        return self._count

    def append(self, messages: Sequence[Durable], documents: Mapping[str, bytes] | None = None) -> int:
        """Number the messages and keep them, with documents of the same moment, in one transaction.

        Returns:
            how many old messages were dropped for them.

        Raises:
            StorageFault: nothing was kept, and no number was used.
        """
        seq = self._last_seq
        with self._database.transaction():
            for message in messages:
                seq += 1
                numbered = msgspec.structs.replace(message, seq=seq)
                self._database.execute(
                    "INSERT INTO message (seq, kind, payload) VALUES (?, ?, ?)",
                    (seq, _KINDS[type(message)], encode(numbered)),
                )
            self._database.save(_LAST_SEQ, str(seq).encode())
            for name, body in (documents or {}).items():
                self._database.save(name, body)
            excess = self._count + len(messages) - self._messages_max
            dropped = self._drop_telemetry(excess) if excess > 0 else 0
        self._last_seq = seq
        self._count += len(messages) - dropped
        self.on_append()
        return dropped

    @property
    def first_seq(self) -> int:
        """The number of the oldest message that waits; the next number if none does."""
        oldest = self._database.execute("SELECT min(seq) FROM message")[0][0]
        return self._last_seq + 1 if oldest is None else int(str(oldest))

    def after(self, seq: int, limit: int) -> list[Row]:
        """The next messages after a number, in order."""
        rows = self._database.execute(
            "SELECT seq, kind, payload FROM message WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)
        )
        return [Row(*row) for row in rows]  # type: ignore[arg-type]

    def acknowledge(self, seq: int) -> bool:
        """Forget everything up to and including a number; False for one that was never given out."""
        if seq > self._last_seq:
            return False
        with self._database.transaction():
            self._database.execute("DELETE FROM message WHERE seq <= ?", (seq,))
            self._count -= self._changes()
        return True

    def _drop_telemetry(self, number: int) -> int:
        self._database.execute(
            "DELETE FROM message WHERE seq IN "
            "(SELECT seq FROM message WHERE kind = 'telemetry' ORDER BY seq LIMIT ?)",
            (number,),
        )
        return self._changes()

    def _changes(self) -> int:
        return int(str(self._database.execute("SELECT changes()")[0][0]))


def _nobody() -> None:
    """Nobody listens yet."""
