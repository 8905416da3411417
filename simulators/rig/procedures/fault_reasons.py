"""Which procedure finds which fault of a simulated device, and the reason that it states.

Faults and their parameters are those of ``vpp-sim faults``. Tests raise each one against the built-in device
as soon as the rig has found it, and hold the reason against this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReason:
    """One fault, where it shows, and a part of the sentence that says so."""

    fault: str
    procedure: str
    step: str
    """Part of the step's name."""
    reason: str
    parameters: Mapping[str, float | int | str] = field(default_factory=dict)
    """Of the fault, where they differ from its defaults."""


_LINE = "reads of what stands still"

FAULT_REASONS = (
    FaultReason(
        fault="delay",
        procedure="interoperability",
        step=_LINE,
        reason="the device answers too slowly to be controlled",
    ),
    FaultReason(
        fault="loss",
        parameters={"share": 0.1},
        procedure="interoperability",
        step=_LINE,
        reason="requests or answers are lost on the line or in the device",
    ),
    FaultReason(
        fault="half-open",
        procedure="interoperability",
        step=_LINE,
        reason="the connection is open and dumb",
    ),
    FaultReason(
        fault="refused",
        procedure="interoperability",
        step="a second connection",
        reason="No connection to",
    ),
    FaultReason(
        fault="late-answer",
        parameters={"late_s": 4.0},
        procedure="interoperability",
        step=_LINE,
        reason="answers come so late that they could be taken for those of later requests",
    ),
    FaultReason(
        fault="wrong-transaction",
        parameters={"share": 0.1},
        procedure="interoperability",
        step=_LINE,
        reason="an answer could be taken for that of another request",
    ),
    FaultReason(
        fault="corrupted",
        parameters={"share": 0.1},
        procedure="interoperability",
        step=_LINE,
        reason="bytes are corrupted on the way",
    ),
    FaultReason(
        fault="stuck-register",
        procedure="interoperability",
        step="measurements follow the power",
        reason="the register stands still",
    ),
    FaultReason(
        fault="wrong-scale-factor",
        procedure="interoperability",
        step="power, voltage, current and power factor agree",
        reason="has a wrong scale factor",
    ),
    FaultReason(
        fault="shifted-map",
        procedure="interoperability",
        step="the map before anything is written",
        reason="the map has moved",
    ),
    FaultReason(
        fault="zero-hertz-when-idle",
        procedure="interoperability",
        step="monitoring of an idle unit",
        reason="an idle unit reads no grid",
    ),
    FaultReason(
        fault="frozen",
        procedure="interoperability",
        step="measurements follow the power",
        reason="the register stands still",
    ),
    FaultReason(
        fault="slow-firmware",
        procedure="interoperability",
        step="measurements follow the power",
        reason="firmware or registers are too slow to be controlled",
    ),
    FaultReason(
        fault="clock-skew",
        procedure="reversion",
        step="setpoint (704 WSet)",
        reason="the device's clock does not run as ours",
    ),
    FaultReason(
        fault="no-reversion",
        procedure="reversion",
        step="setpoint (704 WSet)",
        reason="the command outlives its timer",
    ),
    FaultReason(
        fault="second-master",
        procedure="two-masters",
        step="a setpoint is held",
        reason="another master or the maker's cloud commands this device",
    ),
    FaultReason(
        fault="vendor-cloud",
        procedure="two-masters",
        step="a setpoint is held",
        reason="another master or the maker's cloud commands this device",
    ),
    FaultReason(
        fault="reboot",
        procedure="interoperability",
        step=_LINE,
        reason="as after a restart",
    ),
)
