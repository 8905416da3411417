"""The fleet as it is now: the newest reading of each device, and who is on line."""

from collections.abc import Iterable

from vpp_core.ids import DerId, SiteId
from vpp_core.messages import GatewayState, Reading


class LiveFleet:
    """Last values in memory, newer than any store's."""

    def __init__(self) -> None:
        self._readings: dict[DerId, Reading] = {}
        self._states: dict[SiteId, GatewayState] = {}

    def note_reading(self, reading: Reading) -> None:
        """Keep a reading unless a newer one is known."""
        known = self._readings.get(reading.der_id)
        if known is None or reading.at >= known.at:
            self._readings[reading.der_id] = reading

    def note_state(self, state: GatewayState) -> None:
        """Keep a state as it arrives: a last will carries the time of the birth that it ends."""
        self._states[state.site_id] = state

    def latest(self, devices: Iterable[DerId]) -> dict[DerId, Reading]:
        """The newest reading of each device that has sent one."""
        return {device: self._readings[device] for device in devices if device in self._readings}

    def state(self, site_id: SiteId) -> GatewayState | None:
        return self._states.get(site_id)

    def is_online(self, site_id: SiteId) -> bool:
        """Whether the gateway's last word was a birth; a gateway never heard of is off line."""
        state = self._states.get(site_id)
        return state is not None and state.online
