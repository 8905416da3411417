"""Parameters of faults: declared once beside the fault, checked wherever they come from."""

from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any

from vpp_core.faults import ConfigurationFault

Value = float | int | str
_KEY = "parameter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter of a fault."""

    name: str
    default: Value
    says: str
    unit: str = ""
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()

    @property
    def range(self) -> str:
        if self.choices:
            return " | ".join(self.choices)
        return "text" if isinstance(self.default, str) else f"{self.low:g} .. {self.high:g}"

    def checked(self, value: object, owner: str) -> Value:
        """The value, if it may be taken.

        Raises:
            ConfigurationFault: it has another type, or is out of range; names the fault and the parameter.
        """
        if isinstance(self.default, str):
            return self._text(value, owner)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        wanted = "a whole number" if isinstance(self.default, int) else "a number"
        if not is_number or (isinstance(self.default, int) and not isinstance(value, int)):
            raise ConfigurationFault(f"fault {owner}: {self.name} = {value!r} is not {wanted}.")
        assert isinstance(value, int | float)  # noqa: S101
        if not self.low <= value <= self.high:
            raise ConfigurationFault(
                f"fault {owner}: {self.name} = {value:g} is not within {self.range} {self.unit}".rstrip()
                + "."
            )
        return value if isinstance(self.default, int) else float(value)

    def _text(self, value: object, owner: str) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)  # an address is a text that whoever writes it takes for a number
        if not isinstance(value, str) or not value:
            raise ConfigurationFault(f"fault {owner}: {self.name} = {value!r} is not a text.")
        if self.choices and value not in self.choices:
            raise ConfigurationFault(f"fault {owner}: {self.name} = {value!r} is none of {self.range}.")
        return value


def number(default: float, low: float, high: float, unit: str, says: str) -> Any:  # noqa: ANN401
    """A field for a number; a whole one if its default is an ``int``."""
    kept = {"unit": unit, "low": low, "high": high, "says": says}
    return field(default=default, metadata={_KEY: kept})


def share(default: float, says: str) -> Any:  # noqa: ANN401
    """A field for how often something happens: 0 never, 1 always."""
    return number(default, 0.0, 1.0, "", says)


def text(default: str, says: str, choices: Sequence[str] = ()) -> Any:  # noqa: ANN401
    """A field for a word, one of the choices if there are some."""
    return field(default=default, metadata={_KEY: {"says": says, "choices": tuple(choices)}})


def parameters_of(kind: type) -> tuple[Parameter, ...]:
    """What a fault takes, in the order of its declaration."""
    return tuple(_parameter(each) for each in fields(kind) if _KEY in each.metadata)


def checked(kind: type, owner: str, given: Mapping[str, object]) -> dict[str, Value]:
    """The parameters as they may be taken; those that are missing have their defaults.

    Raises:
        ConfigurationFault: one is unknown, of another type, or out of range.
    """
    known = {each.name: each for each in parameters_of(kind)}
    for name in given:
        if name not in known:
            takes = ", ".join(known) or "none"
            raise ConfigurationFault(f"fault {owner} has no parameter {name!r}; it takes {takes}.")
    return {name: each.checked(given.get(name, each.default), owner) for name, each in known.items()}


def _parameter(declared: Field[Any]) -> Parameter:
    default: Any = declared.default
    return Parameter(name=declared.name, default=default, **declared.metadata[_KEY])
