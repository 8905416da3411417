"""Faults by the clock: a TOML file says when each is raised, and for how long."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from simulators.devices.faults.catalogue import make
from vpp_core.faults import ConfigurationFault

FOR_S_MAX = 31 * 86_400.0


class Occurrence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault at its time."""

    at_s: float
    """Seconds after the script begins."""
    fault: str
    parameters: Mapping[str, float | int | str] = {}
    for_s: float | None = None
    """How long; nothing: until it is cleared, or ends by itself."""


class FaultScript(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Occurrences in any order.

    Raises:
        ConfigurationFault: one of them cannot be; says which and why.
    """

    occurrences: tuple[Occurrence, ...] = ()

    def __post_init__(self) -> None:
        for number, each in enumerate(self.occurrences, 1):
            try:
                make(each.fault, each.parameters)
                check_for_s(each.fault, each.for_s)
            except ConfigurationFault as error:
                raise ConfigurationFault(f"occurrence {number}: {error}") from error
            if not 0.0 <= each.at_s <= FOR_S_MAX:
                raise ConfigurationFault(
                    f"occurrence {number}: at_s = {each.at_s:g} is not within 0 .. {FOR_S_MAX:g} s."
                )

    @classmethod
    def parse(cls, toml: str) -> "FaultScript":
        """Read a script.

        Raises:
            ConfigurationFault: it is no TOML, or says something that is not understood.
        """
        try:
            return msgspec.toml.decode(toml, type=cls)
        except msgspec.MsgspecError as error:
            raise ConfigurationFault(f"The fault script cannot be read: {error}.") from error

    @classmethod
    def read(cls, path: Path) -> "FaultScript":
        """Read a script from a file.

        Raises:
            ConfigurationFault: the file cannot be read, or is no script.
        """
        try:
            return cls.parse(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationFault(f"The fault script {path} cannot be read: {error}.") from error
        except ConfigurationFault as error:
            raise ConfigurationFault(f"{path}: {error}") from error


def check_for_s(name: str, for_s: float | None) -> None:
    """Whether a fault may last so long.

    Raises:
        ConfigurationFault: it may not.
    """
    if for_s is not None and not 0.0 < for_s <= FOR_S_MAX:
        raise ConfigurationFault(
            f"fault {name}: for_s = {for_s:g} is not above 0 and at most {FOR_S_MAX:g} s."
        )
