"""The faults of a site that stand now, and the last ones that are over."""

from collections import deque
from datetime import datetime

import msgspec

from vpp_core.faults import Fault, FaultEvent, Severity

CLEARED_MAX = 10
STANDING_MAX = 40


class FaultBook:
    """Faults by code and source; a fault that is raised again keeps its first time."""

    def __init__(self) -> None:
        self._standing: dict[tuple[str, str], FaultEvent] = {}
        self._cleared: deque[FaultEvent] = deque(maxlen=CLEARED_MAX)
        self.version = 0
        """Grows with every change."""

    def raise_(
        self, code: str, source: str, text: str, now: datetime, severity: Severity = Severity.WARNING
    ) -> None:
        key = (code, source)
        known = self._standing.get(key)
        if known is None and len(self._standing) >= STANDING_MAX:
            return
        if known is None or (known.text, known.severity) != (text, severity):
            self._standing[key] = FaultEvent(
                code=code,
                severity=severity,
                source=source,
                text=text,
                raised_at=now if known is None else known.raised_at,
            )
            self.version += 1

    def report(self, fault: Fault, source: str, now: datetime) -> None:
        """A fault that was caught."""
        self.raise_(fault.code, source, str(fault), now)

    def mention(self, code: str, source: str, text: str, now: datetime) -> None:
        """Something that happened and is over at once."""
        self._cleared.append(
            FaultEvent(
                code=code,
                severity=Severity.WARNING,
                source=source,
                text=text,
                raised_at=now,
                cleared_at=now,
            )
        )
        self.version += 1

    def clear(self, code: str, source: str, now: datetime) -> None:
        if (known := self._standing.pop((code, source), None)) is not None:
            self._cleared.append(msgspec.structs.replace(known, cleared_at=now))
            self.version += 1

    def all(self) -> tuple[FaultEvent, ...]:
        """The faults that were over first, then those that stand, by code and source."""
        return (*self._cleared, *(fault for _, fault in sorted(self._standing.items())))
