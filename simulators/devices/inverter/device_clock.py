"""The unit's own clock, which may run fast or slow."""


class DeviceClock:
    """Unix seconds as the device counts them; right until its rate changes for the first time."""

    def __init__(self, begins_s: float) -> None:
        self._true_s = self._shown_s = begins_s
        self._rate = 1.0

    def at(self, now_s: float) -> float:
        """What the clock shows at a true instant, not before the latest change of its rate."""
        if self._rate == 1.0 and self._true_s == self._shown_s:
            return now_s
        return self._shown_s + (now_s - self._true_s) * self._rate

    def true_s(self, shown_s: float) -> float:
        """When, in truth, the clock will show this."""
        if self._rate == 1.0 and self._true_s == self._shown_s:
            return shown_s
        return self._true_s + (shown_s - self._shown_s) / self._rate if self._rate > 0.0 else float("inf")

    def run(self, rate: float, now_s: float) -> None:
        """Count ``rate`` seconds for each true one from ``now_s`` on."""
        if rate == self._rate:
            return
        self._shown_s, self._true_s = self.at(now_s), now_s
        self._rate = rate
