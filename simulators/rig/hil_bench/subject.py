"""A gateway under test: what a procedure may know of it and do to it."""

from typing import Protocol


class Gateway(Protocol):
    """An agent, or a whole site.

    Attributes:
        deadband_hz, droop_pu: what it is configured to do when the frequency leaves the dead-band.
        command_expires_s: what it arms as reversion time in its devices.
        response_s: how fast it has to answer.
    """

    deadband_hz: float
    droop_pu: float
    command_expires_s: float

    async def cut(self) -> str:
        """Part the gateway from its device; what was done, as a sentence."""
        ...

    async def mend(self) -> None:
        """Give the device back to the gateway."""
        ...

    async def commanded(self) -> bool | None:
        """Whether a command is still in force in the device; ``None`` where nobody can see it."""
        ...
