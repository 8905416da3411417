"""What the utility reads: strict forms, energies as decimal strings, aware times."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from simulators.market.wire import Form, Name, Number, stamp, text

ROWS_MAX = 5_000
DURATION_S_MAX = 86_400

__all__ = [
    "CallForm",
    "GrantForm",
    "ModifyForm",
    "Name",
    "OptForm",
    "PerformanceForm",
    "PerformanceRow",
    "stamp",
    "text",
]


class GrantForm(Form):
    """An owner lets an aggregator read the meter's history."""

    site_id: Name
    consent_id: Name
    meter: Name | None = None
    """What the utility calls the meter; by default the site's id."""


class PerformanceRow(Form):
    site_id: Name
    start: AwareDatetime
    end: AwareDatetime
    metered_kwh: Number | None
    baseline_kwh: Number


class PerformanceForm(Form):
    event_id: Name
    rows: list[PerformanceRow] = Field(max_length=ROWS_MAX)


class ModifyForm(Form):
    start: AwareDatetime
    duration_s: Annotated[int, Field(gt=0, le=DURATION_S_MAX)]
    target_kw: Number


class CallForm(ModifyForm):
    event_id: Name
    ven: Name


class OptForm(Form):
    """The answer of a VEN that is reached without OpenADR."""

    modification: Annotated[int, Field(ge=0)]
    opt: Annotated[str, Field(pattern="^opt(In|Out)$")]
