"""Active power limit (IEEE 1547-2018, 4.6.2) and the rate at which wanted power may move."""

import msgspec


class ActivePower(msgspec.Struct, frozen=True, kw_only=True):
    """Settings, per unit of the rating; nothing is no limit."""

    limit_pu: float | None = None
    """The most that may be injected."""
    ramp_pu_per_s: float | None = None
    """For schedules and commands; responses to voltage and frequency have their own times."""


def wanted(settings: ActivePower, was_pu: float | None, wanted_pu: float, dt_s: float) -> float:
    """The wanted injection within the limit, moved no faster than the ramp from where it was."""
    if settings.limit_pu is not None:
        wanted_pu = min(wanted_pu, settings.limit_pu)
    if settings.ramp_pu_per_s is None or was_pu is None:
        return wanted_pu
    return toward(was_pu, wanted_pu, settings.ramp_pu_per_s * dt_s)


def toward(was: float, wanted: float, most: float) -> float:
    """One step to a wanted value, of at most so much."""
    return min(max(wanted, was - most), was + most)
