"""Performance scores: how well a response followed what was asked of it.

Power is a change of injection (W, upward positive), frequency in Hz, time in seconds.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from vpp_core.ids import SiteId
from vpp_core.messages import EventTrace

SCORE_DECIMALS = 4
BLOCK_S = 300
"""PJM scores blocks of five minutes, and shifts the response by up to as much."""
PJM_STEP_S = 10
PJM_SCORE_MIN = 0.25
"""An hour below this earns nothing (PJM Manual 12, 4.5.6)."""
_TINY = 1e-9


class Droop(NamedTuple):
    """A contracted response: linear from the dead-band to full activation."""

    nominal_hz: float
    deadband_hz: float
    full_activation_hz: float
    """Deviation at which all reserve is active."""

    def required_w(self, frequency_hz: float, held_w: float) -> float:
        """Upward response that is owed at a frequency, of the reserve held."""
        beyond_hz = self.nominal_hz - frequency_hz - self.deadband_hz
        return held_w * min(max(beyond_hz / (self.full_activation_hz - self.deadband_hz), 0.0), 1.0)


class Answer(NamedTuple):
    """Energy that a response owed and gave over a trace (watt-seconds)."""

    required_ws: float
    delivered_ws: float

    def score(self) -> float:
        """Delivered over required, 0 to 1, to four decimals; 1 where nothing was asked."""
        if self.required_ws <= 0.0:
            return 1.0
        return round(min(max(self.delivered_ws / self.required_ws, 0.0), 1.0), SCORE_DECIMALS)


def answer(traces: Iterable[EventTrace], held_w: float, droop: Droop) -> Answer:
    """What one site owed and gave over the traces of an hour, from each trigger on (trapezoid rule).

    The requirement is computed from the measured frequency, not taken from the gateway's own demand.
    """
    required_ws = delivered_ws = 0.0
    for trace in traces:
        owed_w = [droop.required_w(frequency_hz, held_w) for frequency_hz in trace.frequency_hz]
        given_w = [max(power_w, 0.0) for power_w in trace.measured_w]
        required_ws += _integral(trace.offset_s, owed_w)
        delivered_ws += _integral(trace.offset_s, given_w)
    return Answer(required_ws, delivered_ws)


def fleet_score(held_w: Mapping[SiteId, float], scores: Mapping[SiteId, float]) -> float:
    """The sites' scores weighted by the reserve that each held; a site without a score answered nothing."""
    whole_w = math.fsum(held_w.values())
    if whole_w <= 0.0:
        return 0.0
    weighted_w = math.fsum(held * scores.get(site, 0.0) for site, held in held_w.items())
    return round(weighted_w / whole_w, SCORE_DECIMALS)


def dispatch_accuracy(delivered: Sequence[float], instructed: Sequence[float]) -> float | None:
    """``1 - sum|delivered - instructed| / sum|instructed|``, floor 0; nothing without instruction."""
    asked = math.fsum(abs(value) for value in instructed)
    if asked <= 0.0:
        return None
    wrong = math.fsum(abs(given - due) for given, due in zip(delivered, instructed, strict=True))
    return max(0.0, 1.0 - wrong / asked)


class PjmScore(NamedTuple):
    """Means over the five-minute blocks, each 0 to 1, and the mean of the three."""

    correlation: float
    delay_score: float
    precision: float
    composite: float


def pjm_regulation_score(signal: Sequence[float], response: Sequence[float]) -> PjmScore:
    """PJM's regulation score of samples at 10 s (Manual 12, 4.5.6, as public code quotes it).

    For each block the shift of the response (0 to 300 s) with the best sum of correlation and delay
    score counts; precision is without shift.

    Raises:
        ValueError: not one whole block, or a response shorter than the signal.
    """
    size = BLOCK_S // PJM_STEP_S
    blocks = len(signal) // size
    if not blocks or len(response) < len(signal):
        raise ValueError("a score needs a whole block of five minutes, and a response as long as the signal")
    parts = [_block(signal[i * size : (i + 1) * size], response, i * size) for i in range(blocks)]
    correlation, delay, precision = (math.fsum(column) / blocks for column in zip(*parts, strict=True))
    return PjmScore(correlation, delay, precision, (correlation + delay + precision) / 3.0)


class PjmCredit(NamedTuple):
    """Credits in the currency of the prices."""

    capability: float
    mileage: float


def pjm_regulation_credit(
    held_mw: float, score: float, capability_price: float, performance_price: float, mileage_ratio: float
) -> PjmCredit:
    """Capability and mileage credit of an hour (prices per MW); nothing below a score of 0.25."""
    if score < PJM_SCORE_MIN:
        return PjmCredit(0.0, 0.0)
    return PjmCredit(held_mw * score * capability_price, held_mw * score * mileage_ratio * performance_price)


def dynamic_containment(deviation_hz: float) -> float:
    """GB Dynamic Containment: response as a fraction of the contract; positive injects, at low frequency.

    Dead-band 0.015 Hz, 5 % at 0.2 Hz, all at 0.5 Hz (unverified against the service terms).
    """
    size_hz = abs(deviation_hz)
    if size_hz <= 0.015:  # noqa: PLR2004 - the corners of the curve, named above
        part = 0.0
    elif size_hz <= 0.2:  # noqa: PLR2004
        part = (size_hz - 0.015) / (0.2 - 0.015) * 0.05
    else:
        part = min(0.05 + (size_hz - 0.2) / 0.3 * 0.95, 1.0)
    return math.copysign(part, -deviation_hz)


def _integral(offset_s: Sequence[float], power_w: Sequence[float]) -> float:
    return math.fsum(
        (later_s - earlier_s) * (before_w + after_w) / 2.0
        for earlier_s, later_s, before_w, after_w in zip(
            offset_s, offset_s[1:], power_w, power_w[1:], strict=False
        )
        if earlier_s >= 0.0
    )


def _block(signal: Sequence[float], response: Sequence[float], start: int) -> tuple[float, float, float]:
    size = len(signal)
    best = (-math.inf, 0.0, 0.0)
    for shift in range(size + 1):
        shifted = response[start + shift : start + shift + size]
        if len(shifted) < size:
            break
        correlation = _correlation(signal, shifted)
        delay = abs((shift * PJM_STEP_S - BLOCK_S) / BLOCK_S)
        if correlation + delay > best[0]:
            best = (correlation + delay, max(correlation, 0.0), delay)
    level = math.fsum(abs(value) for value in signal) / size
    unshifted = response[start : start + size]
    error = math.fsum(abs(given - due) for given, due in zip(unshifted, signal, strict=True)) / size
    precision = max(0.0, 1.0 - error / level) if level > _TINY else 0.0
    return best[1], best[2] if best[1] > 0.0 else 0.0, precision


def _correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Pearson's correlation; 0 where one of the two stands still."""
    size = len(first)
    mean_first, mean_second = math.fsum(first) / size, math.fsum(second) / size
    from_first = [value - mean_first for value in first]
    from_second = [value - mean_second for value in second]
    spread_first = math.sqrt(math.fsum(value * value for value in from_first) / size)
    spread_second = math.sqrt(math.fsum(value * value for value in from_second) / size)
    if spread_first < _TINY or spread_second < _TINY:
        return 0.0
    product = math.fsum(a * b for a, b in zip(from_first, from_second, strict=True)) / size
    return product / (spread_first * spread_second)
