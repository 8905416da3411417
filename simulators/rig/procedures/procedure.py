"""What a procedure is: readable data beside the code that runs it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, ValidationError

from simulators.rig.procedures.rig import Rig
from vpp_core.configuration import Section
from vpp_core.faults import ConfigurationFault


class Target(StrEnum):
    DEVICE = "device"
    AGENT = "agent"
    SITE = "site"


class Parameters(Section):
    """Figures of a procedure that the configuration may replace; units in their names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What has to be there; what is missing makes a procedure *not run*, with the reason."""

    models: tuple[int, ...] = ()
    one_of: tuple[int, ...] = ()
    """At least one of these models."""
    grid: bool = False
    storage: bool = False
    restart: bool = False
    """Somebody or something that can restart the device."""
    targets: frozenset[Target] = frozenset({Target.DEVICE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Procedure:
    """A named test; ``run`` fills the rig's result and raises DeviceFault where it cannot go on.

    Attributes:
        group: the group of tests in IEEE 1547.1-2020, or the market rule that it belongs to.
        clause: what is demanded, and where that is written.
        typical_s: how long it takes on a device that answers at once, with its default parameters.
        stimulus: what is changed from outside, with its unit; drawn below the response.
    """

    id: str
    title: str
    group: str
    clause: str
    purpose: str
    needs: Needs
    parameters: type[Parameters]
    run: Callable[[Rig, Any], Awaitable[None]]
    typical_s: float
    quantity: str = "active power"
    unit: str = "W"
    stimulus: str = ""
    stimulus_unit: str = ""

    def configure(self, values: Mapping[str, Any]) -> Parameters:
        """The parameters with some of them replaced.

        Raises:
            ConfigurationFault: an unknown name, or a value out of range.
        """
        try:
            return self.parameters(**values)
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(["procedure", self.id, *(str(level) for level in first["loc"])])
            if first["type"] == "extra_forbidden":
                known = ", ".join(self.parameters.model_fields)
                raise ConfigurationFault(f"unknown key '{key}'; choose from {known}") from error
            raise ConfigurationFault(f"{key}: {first['msg'].removeprefix('Value error, ')}") from error
