"""Time something beside its peer: round by round in turn, so that a busy machine disturbs both alike."""

import gc
from collections.abc import Awaitable, Callable, Sequence
from statistics import median, quantiles
from time import perf_counter
from typing import NamedTuple

Work = Callable[[], object]
AsyncWork = Callable[[], Awaitable[object]]


class Timing(NamedTuple):
    """Real seconds of one piece of work, sample by sample."""

    samples_s: tuple[float, ...]

    @property
    def p50_s(self) -> float:
        return median(self.samples_s)

    @property
    def p99_s(self) -> float:
        """The 99th percentile; the slowest sample where there are too few for one."""
        if len(self.samples_s) < 100:
            return max(self.samples_s)
        return quantiles(self.samples_s, n=100)[98]


class Comparison(NamedTuple):
    """Ours and the peer's, in the order of their rounds."""

    ours: Timing
    peer: Timing

    @property
    def ratio(self) -> float:
        """How many times the peer's time ours takes: the median over the rounds."""
        pairs = zip(self.ours.samples_s, self.peer.samples_s, strict=True)
        return median(ours_s / peer_s for ours_s, peer_s in pairs)


def compare(ours: Work, peer: Work, *, rounds: int, calls: int = 1, items: int = 1) -> Comparison:
    """Run both in every round, after one round that does not count.

    Args:
        ours: what is measured.
        peer: a named other way to do the same, or a floor that cannot be undercut.
        rounds: samples to take.
        calls: calls in one sample, for work that is short beside the timer.
        items: pieces in one call, where the time of one piece is wanted.
    """
    gc.collect()
    pairs = [(timed(ours, calls), timed(peer, calls)) for _ in range(rounds + 1)][1:]
    return paired([(a / calls / items, b / calls / items) for a, b in pairs])


async def compare_async(ours: AsyncWork, peer: AsyncWork, *, rounds: int) -> Comparison:
    """The same for what is awaited."""
    gc.collect()
    pairs = [(await timed_async(ours), await timed_async(peer)) for _ in range(rounds + 1)][1:]
    return paired(pairs)


def paired(pairs: Sequence[tuple[float, float]]) -> Comparison:
    """Samples of ours and the peer's (s), taken in pairs."""
    return Comparison(Timing(tuple(a for a, _ in pairs)), Timing(tuple(b for _, b in pairs)))


def timed(work: Work, calls: int = 1) -> float:
    """Seconds that all the calls took."""
    start_s = perf_counter()
    for _ in range(calls):
        work()
    return perf_counter() - start_s


async def timed_async(work: AsyncWork) -> float:
    start_s = perf_counter()
    await work()
    return perf_counter() - start_s
