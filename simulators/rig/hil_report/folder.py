"""The folder of a run: ``results.json``, ``junit.xml``, ``report.html``, ``samples/PROCEDURE.csv``."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import msgspec

from simulators.rig.hil_report.junit import to_junit
from simulators.rig.hil_report.page import render
from simulators.rig.procedures.result import RunResult
from simulators.rig.procedures.rig import Sample
from vpp_core.faults import LocalFault

RESULTS, JUNIT, REPORT, SAMPLES = "results.json", "junit.xml", "report.html", "samples"
_FIXED = ("at_s", "measured", "demanded", "low", "high", "stimulus")


class RunFolder:
    """Where a run is kept.

    Raises:
        LocalFault: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            (path / SAMPLES).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LocalFault(f"Cannot write {path} ({error.strerror}); choose another --out.") from error

    def keep_samples(self, procedure_id: str, samples: Sequence[Sample]) -> None:
        """Write every sample of a procedure, with all that was read."""
        names: dict[str, None] = {}
        for sample in samples:
            names |= dict.fromkeys(sample.reading)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*_FIXED, *names])
        for sample in samples:
            fixed = [getattr(sample, name) for name in _FIXED]
            row = [*fixed, *(sample.reading.get(name) for name in names)]
            writer.writerow(["" if value is None else f"{value:.10g}" for value in row])
        self._write(f"{SAMPLES}/{procedure_id}.csv", text.getvalue())

    def samples(self, procedure_id: str) -> list[Sample]:
        """What :meth:`keep_samples` wrote; nothing where there is no file.

        Raises:
            LocalFault: the file is not one of ours.
        """
        path = self.path / SAMPLES / f"{procedure_id}.csv"
        if not path.exists():
            return []
        try:
            with path.open(encoding="utf-8", newline="") as lines:
                return [_sample(row) for row in csv.DictReader(lines)]
        except (OSError, ValueError, KeyError) as error:
            raise LocalFault(f"Cannot read {path} ({error}); run the procedure again.") from error

    def write(self, result: RunResult) -> None:
        """Write results, JUnit XML and report.

        Raises:
            LocalFault: a file cannot be written.
        """
        encoded = msgspec.json.format(msgspec.json.encode(result), indent=2)
        self._write(RESULTS, encoded.decode() + "\n")
        self.render(result)

    def render(self, result: RunResult) -> None:
        """Write what is made from results and samples: JUnit XML and report."""
        self._write(JUNIT, to_junit(result))
        samples = {each.id: self.samples(each.id) for each in result.procedures if not each.not_run}
        self._write(REPORT, render(result, samples))

    def _write(self, name: str, text: str) -> None:
        path = self.path / name
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise LocalFault(f"Cannot write {path} ({error.strerror}); choose another --out.") from error


def read_results(path: Path) -> RunResult:
    """The results in a run's folder.

    Raises:
        LocalFault: there are none.
    """
    file = path / RESULTS
    try:
        return msgspec.json.decode(file.read_bytes(), type=RunResult)
    except OSError as error:
        raise LocalFault(f"Cannot read {file} ({error.strerror}); name the folder of a run.") from error
    except msgspec.MsgspecError as error:
        raise LocalFault(f"{file} holds no results of vpp-hil ({error}).") from error


def _sample(row: dict[str, str]) -> Sample:
    values = {name: float(text) if text else None for name, text in row.items()}
    at_s = values.pop("at_s")
    if at_s is None:
        raise ValueError("a sample without a time")
    measured, demanded, low, high, stimulus = (values.pop(name) for name in _FIXED[1:])
    return Sample(at_s, measured, demanded, low, high, stimulus, values)
