"""What registers that may wear out can bear."""

import math
from collections.abc import Callable, Iterable

from edge_agent.devices.recipe import OutOfRange, Write
from firmware_profiles.control import Persistence, PersistenceKind


class WriteBudget:
    """Keeps points that may wear out from being written too often, and from being written in vain.

    Args:
        persistence: what the profile knows of them.
        monotonic_s: the clock.
    """

    def __init__(self, persistence: Persistence, monotonic_s: Callable[[], float]) -> None:
        self._persistence = persistence
        self._monotonic_s = monotonic_s
        self._last_s = -math.inf

    @property
    def is_limited(self) -> bool:
        """Some points do not lie in RAM."""
        kinds = {self._persistence.kind, *self._persistence.points.values()}
        return kinds != {PersistenceKind.RAM}

    def needed(self, writes: Iterable[Write], holds: Callable[[Write], bool]) -> list[Write]:
        """The writes without those that would write to a wearing register what it holds already.

        Args:
            writes: of a recipe.
            holds: whether the device holds the value, as it was read last.
        """
        needed = [write for write in writes if self._is_ram(write) or not write.verify or not holds(write)]
        # What cannot be seen again, such as a commit, is for the sake of the others.
        in_vain = not any(write.verify and not self._is_ram(write) for write in needed)
        return [write for write in needed if self._is_ram(write)] if in_vain else needed

    def spend(self, writes: Iterable[Write]) -> None:
        """Take writes from the budget.

        Raises:
            OutOfRange: it is too early for one of them.
        """
        if all(self._is_ram(write) for write in writes):
            return
        now_s = self._monotonic_s()
        interval_s = self._persistence.write_interval_s_min
        if (left_s := self._last_s + interval_s - now_s) > 0.0:
            raise OutOfRange(
                f"the device may be written every {interval_s:g} s only; {left_s:.0f} s are left"
            )
        self._last_s = now_s

    def _is_ram(self, write: Write) -> bool:
        return self._persistence.of(write.point) is PersistenceKind.RAM
