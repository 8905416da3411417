"""Files of the format ``vpp-edge-oracle``: inputs and settings with the outputs of a named oracle."""

import json
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from vpp_core.faults import ConfigurationFault

FORMAT, FORMAT_VERSION = "vpp-edge-oracle", 1
DT_S_MAX = 60.0
NOMINALS_HZ = (50.0, 60.0)

Setting = float | str
Settings = dict[str, Setting]
Signal = Literal["p_pu", "q_pu"]


class OpenLoopCheck(msgspec.Struct, frozen=True, tag="open_loop_response", tag_field="type"):
    """At ``t_step_s + t_90_max_s`` at least 90 % of the way has been gone."""

    signal: Signal
    t_step_s: float
    t_90_max_s: float
    from_pu: float
    to_pu: float


class MustTrip(msgspec.Struct, frozen=True, tag="must_trip", tag_field="type"):
    element: str
    t_start_s: float
    clearing_time_s: float


class MustNotTrip(msgspec.Struct, frozen=True, tag="must_not_trip", tag_field="type"):
    element: str
    t_start_s: float
    clearing_time_s: float


class EnterServiceCheck(msgspec.Struct, frozen=True, tag="enter_service", tag_field="type"):
    v_f_ok_from_s: float
    delay_min_s: float
    ramp_s: float
    target_pu: float


Check = OpenLoopCheck | MustTrip | MustNotTrip | EnterServiceCheck


class StaticCase(msgspec.Struct, frozen=True, kw_only=True):
    """Settled values; each point stands alone. Either frequency points or voltage points are there."""

    id: str
    kind: str
    der: Literal["pv", "bess"]
    settings: Settings
    p_pre_pu: float | None = None
    p_available_pu: float | None = None
    points_f_p: list[tuple[float, float]] | None = None
    p_in_pu: float | None = None
    points_v_p_q: list[tuple[float, float, float]] | None = None


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """Each a constant, or one value a sample."""

    f_hz: float | list[float]
    v_pu: float | list[float]
    p_avl_pu: float | list[float] | None = None
    p_dem_pu: float | list[float] | None = None


class Outputs(msgspec.Struct, frozen=True, kw_only=True):
    p_pu: list[float]
    q_pu: list[float]
    status: list[tuple[int, str]]
    """Run-length: the first sample of each."""


class DynamicCase(msgspec.Struct, frozen=True, kw_only=True):
    """Samples in, samples out; ``outputs[i]`` follows from the measurement ``i``."""

    id: str
    kind: str
    der: Literal["pv", "bess"]
    dt_s: float
    n: int
    settings: Settings
    inputs: Inputs
    outputs: Outputs
    setting_changes: list[tuple[int, Settings]] = []
    checks: list[Check] = []
    model_only: list[Any] = []
    """Parts in which the oracle's way is its own choice."""
    notes: str = ""


class Vectors(msgspec.Struct, frozen=True, kw_only=True):
    format: str
    format_version: int
    oracle: str
    nominal_hz: float
    base_settings: Settings
    static: list[StaticCase]
    dynamic: list[DynamicCase]


def read_vectors(path: Path) -> Vectors:
    """Read a file, and everything in it.

    Raises:
        ConfigurationFault: the file cannot be read, or is not of the format; names the field.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise ConfigurationFault(f"Cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationFault(f"{path} is not JSON: {error}") from error
    if problem := next(_problems(document), None):
        raise ConfigurationFault(f"{path}: {problem}")
    vectors = msgspec.convert(document, Vectors)
    if problem := next(_contradictions(vectors), None):
        raise ConfigurationFault(f"{path}: {problem}")
    return vectors


def _problems(document: object) -> Iterator[str]:
    """What keeps a document from being read as vectors, the plainest first."""
    if not isinstance(document, dict):
        yield f"the file must hold an object with format = {FORMAT!r}"
        return
    for name, expected in (("format", FORMAT), ("format_version", FORMAT_VERSION)):
        if document.get(name) != expected:
            yield f"{name} is {document.get(name)!r}, and must be {expected!r}"
    for where in _not_finite(document, ""):
        yield f"{where} is not a finite number"
    try:
        msgspec.convert(document, Vectors)
    except msgspec.ValidationError as error:
        yield str(error).replace("`", "").replace("$.", "")


def _not_finite(value: object, where: str) -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield where
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _not_finite(inner, f"{where}.{name}" if where else name)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _not_finite(inner, f"{where}[{number}]")


def _contradictions(vectors: Vectors) -> Iterator[str]:
    if vectors.nominal_hz not in NOMINALS_HZ:
        yield f"nominal_hz is {vectors.nominal_hz:g}, and must be 50 or 60"
    ids = Counter([*(case.id for case in vectors.static), *(case.id for case in vectors.dynamic)])
    for name, times in ids.items():
        if times > 1:
            yield f"the id {name!r} stands {times} times"
    for number, case in enumerate(vectors.static):
        for problem in _static_contradictions(case):
            yield f"static[{number}] ({case.id}): {problem}"
    for number, dynamic in enumerate(vectors.dynamic):
        for problem in _dynamic_contradictions(dynamic):
            yield f"dynamic[{number}] ({dynamic.id}): {problem}"


def _static_contradictions(case: StaticCase) -> Iterator[str]:
    if (case.points_f_p is None) == (case.points_v_p_q is None):
        yield "either points_f_p or points_v_p_q must be there"
    elif not (case.points_f_p or case.points_v_p_q):
        yield "there is no point"
    elif case.points_f_p is not None and (case.p_pre_pu is None or case.p_available_pu is None):
        yield "points_f_p needs p_pre_pu and p_available_pu"
    elif case.points_v_p_q is not None and case.p_in_pu is None:
        yield "points_v_p_q needs p_in_pu"


def _dynamic_contradictions(case: DynamicCase) -> Iterator[str]:
    if not 0.0 < case.dt_s <= DT_S_MAX:
        yield f"dt_s is {case.dt_s:g}, and must be above 0 and at most {DT_S_MAX:g}"
        return
    if case.n < 1:
        yield f"n is {case.n}, and must be at least 1"
    yield from _wrong_lengths(case)
    power, other = ("p_avl_pu", "p_dem_pu") if case.der == "pv" else ("p_dem_pu", "p_avl_pu")
    if getattr(case.inputs, power) is None:
        yield f"inputs.{power} is missing, which a {case.der} needs"
    if getattr(case.inputs, other) is not None:
        yield f"inputs.{other} is not for a {case.der}"
    firsts = [first for first, _ in case.outputs.status]
    if firsts[:1] != [0] or firsts != sorted(set(firsts)) or firsts[-1] >= case.n:
        yield "outputs.status does not ascend from sample 0 within n"
    for number, (first, _) in enumerate(case.setting_changes):
        if not 0 <= first < case.n:
            yield f"setting_changes[{number}] is at sample {first}, outside 0 .. {case.n - 1}"
    for number, check in enumerate(case.checks):
        if isinstance(check, OpenLoopCheck) and not _within(check, case):
            judged_s = check.t_step_s + check.t_90_max_s
            yield f"checks[{number}] is judged at {judged_s:g} s, outside the samples"


def _wrong_lengths(case: DynamicCase) -> Iterator[str]:
    for group in ("inputs", "outputs"):
        part = getattr(case, group)
        for name in part.__struct_fields__:
            values = getattr(part, name)
            if isinstance(values, list) and name != "status" and len(values) != case.n:
                yield f"{group}.{name} has {len(values)} values, and n is {case.n}"


def _within(check: OpenLoopCheck, case: DynamicCase) -> bool:
    judged_s = check.t_step_s + check.t_90_max_s
    return 0.0 <= judged_s <= case.n * case.dt_s and check_sample(check, case.dt_s) < case.n


def check_sample(check: OpenLoopCheck, dt_s: float) -> int:
    """The sample at which an open-loop response is judged: one after its time."""
    return round((check.t_step_s + check.t_90_max_s) / dt_s) + 1
