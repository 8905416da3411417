"""The states of a site, which step may follow which, and what commissioning must have shown; pure.

```
lead -> consented -> enrolled <-> opted_out
```
"""

from collections.abc import Callable
from enum import StrEnum

from cloud.enrollment.programs import Program
from vpp_core.ids import DerId, SiteId
from vpp_core.messages import Enrollment


class SiteState(StrEnum):
    LEAD = "lead"
    """Known by name; nothing is agreed."""
    CONSENTED = "consented"
    """The owner agreed to a program's terms; a gateway may present the enrollment code."""
    ENROLLED = "enrolled"
    """Commissioned: the site may be dispatched."""
    OPTED_OUT = "opted_out"
    """Enrolled, but the owner said no for now: never dispatched."""


class Step(StrEnum):
    CONSENT = "consent"
    COMMISSION = "commission"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"


class EnrollmentRefused(ValueError):
    """What was asked for is not open; the text says why."""


_NEXT = {
    (SiteState.LEAD, Step.CONSENT): SiteState.CONSENTED,
    (SiteState.CONSENTED, Step.CONSENT): SiteState.CONSENTED,
    (SiteState.CONSENTED, Step.COMMISSION): SiteState.ENROLLED,
    (SiteState.ENROLLED, Step.OPT_OUT): SiteState.OPTED_OUT,
    (SiteState.OPTED_OUT, Step.OPT_IN): SiteState.ENROLLED,
}


def after(state: SiteState, step: Step) -> SiteState:
    """The state that a step leads to.

    Raises:
        EnrollmentRefused: the step is not open in this state.
    """
    try:
        return _NEXT[state, step]
    except KeyError:
        raise EnrollmentRefused(f"a site that is {state} cannot {step.replace('_', ' ')}") from None


def objection(message: Enrollment, program: Program, site_of: Callable[[DerId], SiteId | None]) -> str | None:
    """Why the devices that a gateway presents cannot take part, or nothing if they can.

    Args:
        message: what the gateway presents.
        program: the terms that the owner agreed to.
        site_of: the site that a device is already enrolled at.
    """
    if not message.checks:
        return "no commissioning check was run"
    if failed := [check.name for check in message.checks if not check.passed]:
        return f"commissioning did not pass: {', '.join(failed)}"
    names = [der.der_id for der in message.ders]
    if len(set(names)) != len(names):
        return "two devices have the same id"
    if foreign := sorted(name for name in names if site_of(name) not in {None, message.site_id}):
        return f"{', '.join(foreign)} is enrolled at another site"
    kinds = {der.kind for der in message.ders}
    if lacking := [kind.value for kind in program.requires if kind not in kinds]:
        return f"{program.id} needs a {' and a '.join(lacking)}"
    return None
