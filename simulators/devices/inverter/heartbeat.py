"""Two counters that say 'I am still here' (model 715 ControllerHb and DERHb, model 802 CtrlHb and Hb)."""

COUNTER_MODULUS = 65_536


class Heartbeat:
    """Watches the controller's counter: once it has moved it must go on moving.

    Args:
        timeout_s: how long it may stand still; nothing: for ever.
    """

    def __init__(self, timeout_s: float | None) -> None:
        self._timeout_s = timeout_s
        self._count: int | None = None
        self.silent = False
        """Lost, and not heard of since."""
        self._lost_at_s = float("inf")

    def beat(self, count: int, now_s: float) -> None:
        """The controller has written its counter; writing the same count again is no beat."""
        if count == self._count:
            return
        self._count, self.silent = count, False
        self._lost_at_s = now_s + self._timeout_s if self._timeout_s is not None else float("inf")

    @property
    def lost_at_s(self) -> float:
        """When the controller counts as lost, in seconds of the device's clock; infinity if it never does."""
        return self._lost_at_s

    def lost(self, now_s: float) -> bool:
        """Whether the controller has just been lost; said once."""
        if now_s < self._lost_at_s:
            return False
        self.forget()
        self.silent = True
        return True

    def forget(self) -> None:
        """As if the controller had never beaten."""
        self._count, self._lost_at_s = None, float("inf")
        self.silent = False


def own_count(running_s: float) -> int:
    """The unit's own counter after so many seconds: one a second, from 0 again when it is full."""
    return int(running_s) % COUNTER_MODULUS
