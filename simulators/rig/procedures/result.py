"""What a procedure found, as values that travel through JSON."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Verdict(StrEnum):
    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    NOT_RUN = "not run"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One measured number against its limits, or one statement that holds or does not."""

    name: str
    measured: float | None = None
    """``None`` where the awaited effect never came."""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    holds: bool | None = None
    """Of a statement; ``None`` for a number."""
    clause: str = ""
    """Where the limit comes from."""
    why: str = ""
    """What a failure means, as the end of a sentence."""

    @property
    def passed(self) -> bool:
        if self.holds is not None:
            return self.holds
        if self.measured is None:
            return False
        above = self.low is None or self.measured >= self.low
        return above and (self.high is None or self.measured <= self.high)

    @property
    def reason(self) -> str:
        """A sentence on a failure; empty for what has passed."""
        if self.passed:
            return ""
        if self.holds is not None:
            said = f"{_capital(self.name)}: this does not hold"
        elif self.measured is None:
            said = f"{_capital(self.name)}: it never came ({self._limits()} was asked)"
        else:
            said = f"{_capital(self.name)} was {figure(self.measured)} {self.unit}".rstrip()
            said += f" and not {self._limits()}"
        return f"{said}; {self.why}." if self.why else f"{said}."

    def _limits(self) -> str:
        match self.low, self.high:
            case None, None:
                return "any value"
            case None, float(high):
                return f"at most {figure(high)} {self.unit}".rstrip()
            case float(low), None:
                return f"at least {figure(low)} {self.unit}".rstrip()
            case low, high:
                return f"{figure(low)} to {figure(high)} {self.unit}".rstrip()

    def __str__(self) -> str:
        verdict = Verdict.PASS if self.passed else Verdict.FAIL
        if self.holds is not None:
            return f"{verdict}  {self.name}"
        low = "" if self.low is None else f"{figure(self.low)} <= "
        high = "" if self.high is None else f" <= {figure(self.high)}"
        value = "never" if self.measured is None else figure(self.measured)
        return f"{verdict}  {self.name}: {low}{value}{high} {self.unit}".rstrip()


class Step(msgspec.Struct, kw_only=True):
    """One thing that was tried; seconds count from the begin of the procedure."""

    name: str
    begins_s: float
    ends_s: float = 0.0
    checks: list[Check] = []
    fault: str = ""
    """What stopped it."""

    @property
    def verdict(self) -> Verdict:
        failed = bool(self.fault) or not all(check.passed for check in self.checks)
        return Verdict.FAIL if failed else Verdict.PASS

    @property
    def reasons(self) -> list[str]:
        found = [check.reason for check in self.checks if not check.passed]
        return [*found, self.fault] if self.fault else found


class CurvePoint(msgspec.Struct, frozen=True, kw_only=True):
    """One settled point of a characteristic: what was demanded, allowed and measured at ``at``."""

    at: float
    demanded: float
    low: float
    high: float
    measured: float | None


class ProcedureResult(msgspec.Struct, kw_only=True):
    id: str
    title: str
    group: str
    clause: str
    purpose: str
    parameters: dict[str, Any]
    started_at: datetime
    quantity: str = "active power"
    unit: str = "W"
    stimulus: str = ""
    stimulus_unit: str = ""
    duration_s: float = 0.0
    steps: list[Step] = []
    curve: list[CurvePoint] = []
    curve_at: str = ""
    """What the points of the curve are drawn over."""
    notes: list[str] = []
    not_run: str = ""
    """Why it was not run; empty if it was."""

    @property
    def verdict(self) -> Verdict:
        if self.not_run:
            return Verdict.NOT_RUN
        passed = bool(self.steps) and all(step.verdict is Verdict.PASS for step in self.steps)
        return Verdict.PASS if passed else Verdict.FAIL


class RunResult(msgspec.Struct, kw_only=True):
    """A whole run, as ``results.json`` holds it."""

    format: str = "gridchorus-hil"
    format_version: int = 1
    started_at: datetime
    ended_at: datetime | None = None
    target: str
    grid: str
    instruments: str
    clock: str
    identity: dict[str, str] = {}
    models: list[int] = []
    ratings: dict[str, float] = {}
    environment: dict[str, str] = {}
    configuration: dict[str, Any] = {}
    procedures: list[ProcedureResult] = []
    traffic: dict[str, float] = {}
    notes: list[str] = []
    fault: str = ""
    """Why the run could not begin or had to end; empty otherwise."""
    interrupted: bool = False

    @property
    def verdict(self) -> Verdict:
        """PASS where something was run, all of it passed, and nothing stopped it."""
        ran = [procedure.verdict for procedure in self.procedures if not procedure.not_run]
        stopped = bool(self.fault) or self.interrupted
        passed = bool(ran) and all(verdict is Verdict.PASS for verdict in ran) and not stopped
        return Verdict.PASS if passed else Verdict.FAIL

    def count(self, verdict: Verdict) -> int:
        return sum(procedure.verdict is verdict for procedure in self.procedures)


def figure(value: float | None) -> str:
    """A number as one reads it: with five significant digits at the most, and whole from a thousand on."""
    if value is None:
        return "none"
    size = abs(value)
    if size >= 1_000.0:  # noqa: PLR2004 - from here on no digits behind the point
        return f"{value:,.0f}"
    text = f"{value:.5g}" if size >= 1e-3 or size == 0.0 else f"{value:.2e}"  # noqa: PLR2004
    return text.replace("-0.0000", "0")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
