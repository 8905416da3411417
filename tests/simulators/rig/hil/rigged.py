"""Runs on simulated time, for the tests of the rig."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulators.bench.device import BenchDevice
from simulators.rig.hil_run import Order, choose
from simulators.rig.hil_simulated import DEVICE, NOON, Disturb, run_on_bench, simulated_settings
from simulators.rig.procedures.catalogue import PROCEDURES
from simulators.rig.procedures.result import ProcedureResult, RunResult
from simulators.rig.procedures.rig import Sample


class Kept:
    """An observer that keeps everything."""

    def __init__(self) -> None:
        self.samples: dict[str, Sequence[object]] = {}
        self.steps: list[str] = []

    def on_procedure(self, procedure: object, number: int, total: int) -> None: ...

    def on_step(self, name: str) -> None:
        self.steps.append(name)

    def on_result(self, result: ProcedureResult, samples: Sequence[object]) -> None:
        self.samples[result.id] = samples


class Run:
    """One run against the built-in device, and what is left of it."""

    def __init__(
        self,
        *names: str,
        disturb: Disturb | None = None,
        device: Mapping[str, Any] = DEVICE,
        procedure: Mapping[str, Mapping[str, Any]] | None = None,
        refresh_s: float | None = None,
    ) -> None:
        settings = simulated_settings()
        if refresh_s is not None:
            measure = settings.measure.model_copy(update={"refresh_s": refresh_s})
            settings = settings.model_copy(update={"measure": measure})
        if procedure:
            settings = settings.model_copy(update={"procedure": procedure})
        self.kept = Kept()
        self.result = RunResult(started_at=NOON, target="", grid="", instruments="", clock="")
        order = Order(settings, choose(settings, names or list(PROCEDURES)), self.result, None, self.kept)
        self.bench: BenchDevice = run_on_bench(order, disturb, device)

    def procedure(self, name: str) -> ProcedureResult:
        return next(found for found in self.result.procedures if found.id == name)

    def reasons(self, name: str) -> list[str]:
        return [f"{step.name}: {reason}" for step in self.procedure(name).steps for reason in step.reasons]

    def checks(self, name: str) -> dict[str, float | None]:
        return {
            f"{step.name}: {check.name}": check.measured
            for step in self.procedure(name).steps
            for check in step.checks
        }

    def samples(self, name: str) -> list[Sample]:
        return [sample for sample in self.kept.samples[name] if isinstance(sample, Sample)]
