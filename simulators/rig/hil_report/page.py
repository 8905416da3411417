"""The report of a run on the rig: one HTML file that needs nothing else and no script."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from simulators.rig.hil_report.plots import plot_curve, plot_time
from simulators.rig.procedures.result import Check, ProcedureResult, RunResult, Verdict, figure
from simulators.rig.procedures.rig import Sample

_TEMPLATE = "hil_report.html.j2"
_FEW_SAMPLES = 3
_MARKS = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.NOT_RUN: "skip"}


@dataclass(frozen=True, slots=True)
class Section:
    """One procedure with its drawings."""

    result: ProcedureResult
    drawings: tuple[Markup, ...]
    samples: int


def render(result: RunResult, samples: Mapping[str, Sequence[Sample]]) -> str:
    """The page of a run.

    Args:
        result: what was found.
        samples: what was measured, by procedure.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["mark"] = _MARKS.__getitem__
    environment.filters["figure"] = figure
    environment.filters["limits"] = limits
    environment.filters["seconds"] = seconds
    sections = [_section(each, samples.get(each.id, ())) for each in result.procedures if not each.not_run]
    return environment.get_template(_TEMPLATE).render(
        run=result,
        sections=sections,
        passed=result.count(Verdict.PASS),
        failed=result.count(Verdict.FAIL),
        left_out=result.count(Verdict.NOT_RUN),
        checks=sum(len(step.checks) for each in result.procedures for step in each.steps),
        tested_s=sum(each.duration_s for each in result.procedures),
        configuration=json.dumps(result.configuration, indent=2, ensure_ascii=False),
        first_reasons={each.id: _first_reason(each) for each in result.procedures},
    )


def limits(check: Check) -> str:
    """What was allowed, in words."""
    match check.low, check.high:
        case None, None:
            return ""
        case None, float(high):
            return f"≤ {figure(high)} {check.unit}".rstrip()
        case float(low), None:
            return f"≥ {figure(low)} {check.unit}".rstrip()
        case low, high:
            return f"{figure(low)} … {figure(high)} {check.unit}".rstrip()


def seconds(duration_s: float) -> str:
    """A duration as one reads it."""
    if duration_s < 120.0:  # noqa: PLR2004 - two minutes are still counted in seconds
        return f"{duration_s:.1f} s"
    minutes, rest_s = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest_s:02d} s"


def _section(result: ProcedureResult, samples: Sequence[Sample]) -> Section:
    drawings = []
    if sum(sample.measured is not None for sample in samples) >= _FEW_SAMPLES:
        drawings.append(plot_time(result, samples))
    if result.curve:
        drawings.append(plot_curve(result))
    # matplotlib escapes the text it draws
    return Section(result, tuple(Markup(each) for each in drawings), len(samples))  # noqa: S704


def _first_reason(result: ProcedureResult) -> str:
    if result.not_run:
        return result.not_run
    return next((reason for step in result.steps for reason in step.reasons), "")
