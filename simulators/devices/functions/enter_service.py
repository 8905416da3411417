"""Enter service (clause 4.10): permission, a window of voltage and frequency, a delay, and a slow return."""

import math
from random import Random

from simulators.devices.functions.edges import EDGE, EDGE_S
from simulators.devices.functions.settings import EnterService


class Service:
    """Whether the unit is in service, waits to enter it, or is on its way up."""

    __slots__ = ("_delay_s", "_random", "_settings", "_waited_s", "entering", "out", "ramped_s")

    def __init__(self, settings: EnterService, random: Random, *, in_service: bool) -> None:
        self._random = random
        self.out = not in_service
        self.entering = False
        self.ramped_s = 0.0
        """How long the return has lasted."""
        self._waited_s = 0.0
        self._settings = settings
        self._delay_s = self._draw_delay_s()

    def adopt(self, settings: EnterService) -> None:
        """Replace the settings; what has been waited stays, and so does the share of a random delay."""
        before = self._settings
        extra_s = self._delay_s - before.delay_s
        share = extra_s / before.random_delay_s if before.random_delay_s > 0.0 else self._random.random()
        self._settings = settings
        self._delay_s = settings.delay_s + share * settings.random_delay_s

    def leave(self) -> None:
        """Cease at once, and wait the whole delay from the next good sample on."""
        self.out = True
        self.entering = False
        self._waited_s = 0.0
        self._delay_s = self._draw_delay_s()

    def enters(
        self,
        dt_s: float,
        frequency_hz: float,
        voltage_low_pu: float,
        voltage_high_pu: float,
        *,
        permitted: bool,
    ) -> bool:
        """One step out of service: whether it ends with this sample.

        An excursion starts the delay anew, and the first good sample counts whole.
        """
        settings = self._settings
        well = (
            permitted
            and settings.permitted
            and voltage_low_pu >= settings.voltage_low_pu - EDGE
            and voltage_high_pu <= settings.voltage_high_pu + EDGE
            and settings.frequency_low_hz - EDGE <= frequency_hz <= settings.frequency_high_hz + EDGE
        )
        if not well:
            self._waited_s = 0.0
            return False
        self._waited_s += dt_s
        if self._waited_s < self._delay_s - EDGE_S:
            return False
        self.out = False
        self.entering = True
        self.ramped_s = 0.0
        return True

    def ramp(self, dt_s: float) -> float:
        """One step of the return: the most power, in either direction, that it allows."""
        if self.ramped_s >= self._settings.ramp_s - EDGE_S:
            self.entering = False
            return math.inf
        self.ramped_s += dt_s
        return self.ramped_s / self._settings.ramp_s

    @property
    def permitted(self) -> bool:
        return self._settings.permitted

    @property
    def remaining_s(self) -> float:
        return max(0.0, self._delay_s - self._waited_s) if self.out else 0.0

    def _draw_delay_s(self) -> float:
        settings = self._settings
        if settings.random_delay_s == 0.0:
            return settings.delay_s
        return settings.delay_s + self._random.random() * settings.random_delay_s
