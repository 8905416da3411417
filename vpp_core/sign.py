"""The sign of power: inside Gridchorus, injection into the grid is positive.

SunSpec model 701 and IEEE 1547 count the same way; meters of consumption and OCPP count the other
way round. An adapter names its convention and converts at the border, nowhere else.
"""

from enum import Enum


class SignConvention(Enum):
    """How a foreign value counts power or energy; the value is the factor to ours."""

    INJECTION_POSITIVE = 1.0
    CONSUMPTION_POSITIVE = -1.0

    def to_core(self, foreign: float) -> float:
        return self.value * foreign

    def from_core(self, core: float) -> float:
        return self.value * core
