"""The same procedures with an agent, and with a whole site, as the target."""

import pytest

from simulators.rig.hil_bench.settings import AgentTarget, HilSettings
from simulators.rig.hil_own_agent import run_own_agent
from simulators.rig.hil_run import Order, choose
from simulators.rig.hil_simulated import NOON
from simulators.rig.procedures.catalogue import PROCEDURES
from simulators.rig.procedures.procedure import Target
from simulators.rig.procedures.result import RunResult, Verdict
from tests.simulators.rig.hil.rigged import Kept

pytestmark = [pytest.mark.hil, pytest.mark.slow]


@pytest.mark.parametrize("kind", ["agent", "site"])
def test_our_agent_passes_every_procedure_for_gateways(kind: str) -> None:
    result = RunResult(started_at=NOON, target="", grid="", instruments="", clock="")
    settings = HilSettings(target=AgentTarget(kind="agent"))
    kept = Kept()
    run_own_agent(Order(settings, choose(settings, list(PROCEDURES)), result, None, kept), kind)
    assert result.verdict is Verdict.PASS
    ran = {found.id for found in result.procedures if not found.not_run}
    assert ran == {each.id for each in PROCEDURES.values() if Target(kind) in each.needs.targets}
    assert ran == {
        "frequency-droop-above-nominal",
        "frequency-droop-below-nominal",
        "fast-frequency-response",
        "loss-of-communication",
    }
    (cut,) = [found for found in result.procedures if found.id == "loss-of-communication"]
    ended = {check.name: check.measured for step in cut.steps for check in step.checks}
    assert 15.0 <= (ended["its command ended after"] or 0.0) <= 32.0
