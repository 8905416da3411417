"""A run as JUnit XML: a suite a procedure, a case a step."""

import xml.etree.ElementTree as ET
from datetime import UTC

from simulators.rig.procedures.result import ProcedureResult, RunResult, Step, Verdict

_SKIPPED = "skipped"
_ILLEGAL = {code: None for code in range(32) if code not in {9, 10, 13}} | {0xFFFE: None, 0xFFFF: None}
"""What XML 1.0 does not allow in text."""


def to_junit(result: RunResult) -> str:
    root = ET.Element("testsuites", name="vpp-hil")
    totals = dict.fromkeys(("tests", "failures", "errors", _SKIPPED), 0)
    for procedure in result.procedures:
        suite = _suite(procedure)
        root.append(suite)
        for name in totals:
            totals[name] += int(suite.get(name, "0"))
    if result.fault or result.interrupted:
        suite = ET.SubElement(root, "testsuite", name="run", tests="1", failures="0", errors="1", skipped="0")
        case = ET.SubElement(suite, "testcase", name="the run", classname="hil.run", time="0")
        text = _clean(result.fault or "the run was interrupted")
        ET.SubElement(case, "error", message=text, type="fault").text = text
        totals["tests"] += 1
        totals["errors"] += 1
    for name, count in totals.items():
        root.set(name, str(count))
    root.set("time", f"{sum(each.duration_s for each in result.procedures):.3f}")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(procedure: ProcedureResult) -> ET.Element:
    failures = sum(step.verdict is Verdict.FAIL for step in procedure.steps)
    suite = ET.Element(
        "testsuite",
        name=procedure.id,
        tests=str(len(procedure.steps) or 1),
        failures=str(failures),
        errors="0",
        skipped="1" if procedure.not_run else "0",
        time=f"{procedure.duration_s:.3f}",
        timestamp=procedure.started_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
    )
    properties = ET.SubElement(suite, "properties")
    for name, value in (("group", procedure.group), ("clause", procedure.clause)):
        ET.SubElement(properties, "property", name=name, value=_clean(value))
    if procedure.not_run:
        case = ET.SubElement(suite, "testcase", name="not run", classname=f"hil.{procedure.id}", time="0")
        ET.SubElement(case, _SKIPPED, message=_clean(procedure.not_run))
    for number, step in enumerate(procedure.steps, start=1):
        suite.append(_case(procedure, number, step))
    return suite


def _case(procedure: ProcedureResult, number: int, step: Step) -> ET.Element:
    case = ET.Element(
        "testcase",
        name=_clean(f"{number:02d} {step.name}"),
        classname=f"hil.{procedure.id}",
        time=f"{max(0.0, step.ends_s - step.begins_s):.3f}",
    )
    if step.verdict is Verdict.FAIL:
        reasons = [_clean(reason) for reason in step.reasons]
        ET.SubElement(case, "failure", message=reasons[0], type="FAIL").text = "\n".join(reasons)
    ET.SubElement(case, "system-out").text = _clean("\n".join(map(str, step.checks)))
    return case


def _clean(text: str) -> str:
    return text.translate(_ILLEGAL)
