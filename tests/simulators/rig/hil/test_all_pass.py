"""``vpp-hil run --all`` against the honest 7xx hybrid passes, and leaves it as it was."""

import pytest

from simulators.devices.functions.settings import FunctionSettings
from simulators.devices.inverter.inverter import Inverter
from simulators.rig.procedures.catalogue import PROCEDURES
from simulators.rig.procedures.result import Verdict
from tests.simulators.rig.hil.rigged import Run

pytestmark = [pytest.mark.hil, pytest.mark.slow]


@pytest.fixture(scope="module")
def run() -> Run:
    return Run()


@pytest.mark.parametrize("name", list(PROCEDURES))
def test_the_honest_hybrid_passes(run: Run, name: str) -> None:
    assert run.reasons(name) == []
    assert run.procedure(name).verdict is Verdict.PASS


def test_the_run_passes_with_nothing_left_out(run: Run) -> None:
    assert run.result.verdict is Verdict.PASS
    assert run.result.count(Verdict.NOT_RUN) == 0
    assert sum(len(step.checks) for each in run.result.procedures for step in each.steps) > 200


def test_the_device_is_left_as_it_was_found(run: Run) -> None:
    unit = run.bench.unit
    assert isinstance(unit, Inverter)
    assert unit.settings == FunctionSettings()
    assert not any(command.enabled for command in unit.commands if command is not unit.commands.connected)
    assert unit.commands.connected.value == 1.0


def test_every_procedure_kept_samples_that_go_forward_in_time(run: Run) -> None:
    for name in PROCEDURES:
        times = [sample.at_s for sample in run.samples(name)]
        assert len(times) > 10, name
        assert times == sorted(times), name
