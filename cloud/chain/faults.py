"""What the stages cannot do because the chain does not reach far enough yet."""

from vpp_core.faults import LocalFault


class NotReady(LocalFault):
    """An earlier step of the day is missing; the text says which one to do first."""

    code = "not_ready"
