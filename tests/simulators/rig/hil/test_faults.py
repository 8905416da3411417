"""Each fault of the simulated devices is found by a procedure, for the reason that the table states."""

import pytest

from simulators.devices.faults.catalogue import CATALOGUE
from simulators.rig.procedures.fault_reasons import FAULT_REASONS, FaultReason
from simulators.rig.procedures.result import Verdict
from tests.simulators.rig.hil.rigged import Run

pytestmark = pytest.mark.hil


@pytest.mark.parametrize("row", [pytest.param(row, id=row.fault) for row in FAULT_REASONS])
def test_a_fault_fails_a_run_of_all_procedures_for_the_stated_reason(row: FaultReason) -> None:
    run = Run(disturb=lambda bench: bench.faults.raise_(row.fault, row.parameters))
    assert run.result.verdict is Verdict.FAIL
    found = run.reasons(row.procedure)
    assert any(row.step in reason and row.reason in reason for reason in found), found


def test_the_table_knows_every_fault() -> None:
    assert {row.fault for row in FAULT_REASONS} == set(CATALOGUE)
