"""The file of test cases: what it may hold, and what is said of a bad one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from vpp_core.faults import ConfigurationFault

Value = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]
Frequency = Annotated[float, msgspec.Meta(ge=0.0, le=1_000.0)]
PerUnit = Annotated[float, msgspec.Meta(ge=-10.0, le=10.0)]
Seconds = Annotated[float, msgspec.Meta(ge=0.0, le=1e6)]
Settings = dict[str, object]
"""Values by their names in the EPRI common file format; whoever reads them says which one is wrong."""
Der = Literal["pv", "bess"]
Signal = Literal["p_pu", "q_pu"]
Series = PerUnit | list[PerUnit]
"""A constant, or one value a sample."""
_Complaint = tuple[str, str]
"""A field, and what is wrong with it."""


class OpenLoopCheck(msgspec.Struct, frozen=True, tag_field="type", tag="open_loop_response"):
    signal: Signal
    t_step_s: Seconds
    t_90_max_s: Seconds
    from_pu: PerUnit
    to_pu: PerUnit


class MustTripCheck(msgspec.Struct, frozen=True, tag_field="type", tag="must_trip"):
    element: str
    t_start_s: Seconds
    clearing_time_s: Seconds


class MustNotTripCheck(msgspec.Struct, frozen=True, tag_field="type", tag="must_not_trip"):
    element: str
    t_start_s: Seconds
    clearing_time_s: Seconds


class EnterServiceCheck(msgspec.Struct, frozen=True, tag_field="type", tag="enter_service"):
    v_f_ok_from_s: Seconds
    delay_min_s: Seconds
    ramp_s: Seconds
    target_pu: PerUnit


Check = OpenLoopCheck | MustTripCheck | MustNotTripCheck | EnterServiceCheck


class StaticCase(msgspec.Struct, frozen=True, kw_only=True):
    """Settled power at points that are independent of one another."""

    id: str
    kind: str
    der: Der
    settings: Settings = {}
    p_pre_pu: PerUnit | None = None
    p_available_pu: PerUnit | None = None
    points_f_p: list[tuple[Frequency, PerUnit]] = []
    p_in_pu: PerUnit | None = None
    points_v_p_q: list[tuple[PerUnit, PerUnit, PerUnit]] = []


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    f_hz: Frequency | list[Frequency]
    v_pu: Series
    p_avl_pu: Series | None = None
    p_dem_pu: Series | None = None


class Outputs(msgspec.Struct, frozen=True, kw_only=True):
    p_pu: list[PerUnit]
    q_pu: list[PerUnit]
    status: list[tuple[int, str]] = []


class DynamicCase(msgspec.Struct, frozen=True, kw_only=True):
    """A series of samples; each output is computed from the sample of the same number."""

    id: str
    kind: str
    der: Der
    dt_s: Seconds
    n: int
    settings: Settings = {}
    setting_changes: list[tuple[int, Settings]] = []
    inputs: Inputs
    outputs: Outputs
    checks: list[Check] = []


class Vectors(msgspec.Struct, frozen=True, kw_only=True):
    """A whole file."""

    format: Literal["vpp-edge-oracle"]
    format_version: Literal[1]
    nominal_hz: Frequency
    rating_w: Value
    base_settings: Settings = {}
    static: list[StaticCase] = []
    dynamic: list[DynamicCase] = []


def load_vectors(path: Path) -> Vectors:
    """Read a file of cases.

    Raises:
        ConfigurationFault: no such file, not JSON, or a field that is missing, of the wrong type or
            does not fit the others; the text names it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationFault(f"cannot read {path}: {error.strerror}; name a file of cases") from error
    try:
        vectors = msgspec.json.decode(content, type=Vectors)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationFault(f"{path}: {error}; correct the field that is named, or the JSON") from error
    for field, complaint in _complaints(vectors):
        raise ConfigurationFault(f"{path}: `{field}` {complaint}")
    return vectors


def value_at(series: float | list[float], sample: int) -> float:
    return series[sample] if isinstance(series, list) else series


def _complaints(vectors: Vectors) -> Iterator[_Complaint]:
    for name, value in (("nominal_hz", vectors.nominal_hz), ("rating_w", vectors.rating_w)):
        if not value > 0.0:
            yield name, "must be above 0"
    if not vectors.static and not vectors.dynamic:
        yield "static", "and `dynamic` are empty: there is no case to replay"
    yield from _doubles(vectors)
    for number, static in enumerate(vectors.static):
        yield from ((f"static[{number}].{field}", text) for field, text in _of_static(static))
    for number, dynamic in enumerate(vectors.dynamic):
        yield from ((f"dynamic[{number}].{field}", text) for field, text in _of_dynamic(dynamic))


def _doubles(vectors: Vectors) -> Iterator[_Complaint]:
    seen: set[str] = set()
    fields = [(f"static[{number}].id", case.id) for number, case in enumerate(vectors.static)]
    fields += [(f"dynamic[{number}].id", case.id) for number, case in enumerate(vectors.dynamic)]
    for field, case_id in fields:
        if case_id in seen:
            yield field, f"is {case_id!r} a second time; give every case its own id"
        seen.add(case_id)


def _of_static(case: StaticCase) -> Iterator[_Complaint]:
    if bool(case.points_f_p) is bool(case.points_v_p_q):
        yield "points_f_p", "or `points_v_p_q` must hold the points, and only one of them"
    for field, of_frequency in (("p_pre_pu", True), ("p_available_pu", True), ("p_in_pu", False)):
        if of_frequency is bool(case.points_f_p) and getattr(case, field) is None:
            yield field, "is missing, and the points need it"


def _of_dynamic(case: DynamicCase) -> Iterator[_Complaint]:
    if not case.dt_s > 0.0:
        yield "dt_s", "must be above 0"
    if case.n < 1:
        yield "n", "must be at least 1"
    needed = "p_avl_pu" if case.der == "pv" else "p_dem_pu"
    if getattr(case.inputs, needed) is None:
        yield f"inputs.{needed}", f"is missing; a case of kind {case.der!r} needs it"
    yield from _wrong_lengths(case, needed)
    for number, (sample, _) in enumerate(case.setting_changes):
        if not 0 <= sample < case.n:
            yield f"setting_changes[{number}]", f"names sample {sample}, but `n` is {case.n}"
    for number, check in enumerate(case.checks):
        if isinstance(check, OpenLoopCheck) and not 0 <= judged_sample(check, case.dt_s) < case.n:
            yield f"checks[{number}].t_90_max_s", f"lies beyond the last of {case.n} samples"


def _wrong_lengths(case: DynamicCase, needed: str) -> Iterator[_Complaint]:
    for part, names in (("inputs", ("f_hz", "v_pu", needed)), ("outputs", ("p_pu", "q_pu"))):
        for name in names:
            series = getattr(getattr(case, part), name)
            if isinstance(series, list) and len(series) != case.n:
                yield f"{part}.{name}", f"has {len(series)} samples, but `n` is {case.n}"


def judged_sample(check: OpenLoopCheck, dt_s: float) -> int:
    """The sample by which 90 % must be reached: one after the response time."""
    return round((check.t_step_s + check.t_90_max_s) / dt_s) + 1
