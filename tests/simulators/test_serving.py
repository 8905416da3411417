"""How a program serves."""

from datetime import UTC, datetime, timedelta

import pytest

from simulators.programs.serving import steady_clock
from vpp_core.clock import SystemClock


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=365)], ids=["back", "ahead"])
def test_a_simulation_does_not_follow_the_host_clock_when_it_is_set(
    monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    before = datetime.now(UTC)
    clock = steady_clock()
    monkeypatch.setattr(SystemClock, "now", lambda _: before + jump)
    assert timedelta(0) <= clock.now() - before < timedelta(minutes=5)
