"""What becomes of a command that is written to a device."""

import msgspec


class Confirmed(msgspec.Struct, frozen=True):
    """Written and read back."""

    setpoint_w: float
    """As the device holds it, after its register's resolution; W, injection positive."""
    revert_s: float | None
    """The reversion timer that the device counts down; ``None`` where the profile knows no working timer:
    then only our own writing takes the setpoint back."""


class NotConfirmed(msgspec.Struct, frozen=True):
    """Not written, refused, or not read back; the device may be left as it was or half-way."""

    reason: str


CommandResult = Confirmed | NotConfirmed
