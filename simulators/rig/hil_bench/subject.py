"""A gateway under test: what a procedure may know of it and do to it."""

from typing import Protocol


class Gateway(Protocol):
    """An agent, or a whole site.

    Attributes:
        deadband_hz: what it is configured to leave alone.
        droop_pu: change of frequency, per unit of nominal, for which it changes power by the rating.
        command_expires_s: what it arms as reversion time in its devices.
    """

    deadband_hz: float
    droop_pu: float
    command_expires_s: float

    async def cut(self) -> str:
        """Part the gateway from its devices; what was done, as a sentence."""
        ...

    async def mend(self) -> None:
        """Give it its devices back; harmless where they were not taken."""
        ...
