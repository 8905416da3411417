"""The states of a site, and which step may follow which; pure.

```
lead -> consented -> enrolled <-> opted_out
```
"""

from enum import StrEnum


class SiteState(StrEnum):
    LEAD = "lead"
    """Known by name; nothing is agreed."""
    CONSENTED = "consented"
    """The owner agreed to a program's terms; a gateway may present the enrollment code."""
    ENROLLED = "enrolled"
    """Commissioned: the site may be dispatched."""
    OPTED_OUT = "opted_out"
    """The owner said no for now: enrolled, and never dispatched."""


class Step(StrEnum):
    CONSENT = "consent"
    COMMISSION = "commission"
    OPT_OUT = "opt_out"
    OPT_IN = "opt_in"


class StepRefused(ValueError):
    """The step is not open in this state; the text says which state it is."""


_NEXT = {
    (SiteState.LEAD, Step.CONSENT): SiteState.CONSENTED,
    (SiteState.CONSENTED, Step.COMMISSION): SiteState.ENROLLED,
    (SiteState.ENROLLED, Step.OPT_OUT): SiteState.OPTED_OUT,
    (SiteState.OPTED_OUT, Step.OPT_IN): SiteState.ENROLLED,
}


def after(state: SiteState, step: Step) -> SiteState:
    """The state that a step leads to.

    Raises:
        StepRefused: the step is not open in this state.
    """
    try:
        return _NEXT[state, step]
    except KeyError:
        raise StepRefused(f"a site that is {state} cannot {step}") from None
