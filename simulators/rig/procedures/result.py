"""What a procedure found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One measured number against its limits; an open limit is ``None``."""

    name: str
    measured: float | None
    """``None`` where the awaited effect never came."""
    unit: str
    low: float | None = None
    high: float | None = None

    @property
    def passed(self) -> bool:
        if self.measured is None:
            return False
        above = self.low is None or self.measured >= self.low
        return above and (self.high is None or self.measured <= self.high)

    def __str__(self) -> str:
        low = "" if self.low is None else f"{self.low:g} <= "
        high = "" if self.high is None else f" <= {self.high:g}"
        value = "never" if self.measured is None else f"{self.measured:.2f}"
        return f"{'PASS' if self.passed else 'FAIL'}  {self.name}: {low}{value}{high} {self.unit}"
