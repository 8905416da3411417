"""All procedures, in the order in which a run takes them."""

from collections.abc import Mapping

from simulators.rig.procedures import (
    active_power_setpoint,
    enter_service,
    fast_frequency_response,
    frequency_droop,
    interoperability,
    limit_active_power,
    loss_of_communication,
    prioritization,
    restart,
    reversion,
    trips,
    two_masters,
    volt_var,
    volt_watt,
)
from simulators.rig.procedures.procedure import Procedure

_ALL = (
    interoperability.PROCEDURE,
    active_power_setpoint.PROCEDURE,
    limit_active_power.PROCEDURE,
    frequency_droop.ABOVE,
    frequency_droop.BELOW,
    fast_frequency_response.PROCEDURE,
    volt_var.PROCEDURE,
    volt_watt.PROCEDURE,
    prioritization.PROCEDURE,
    enter_service.PROCEDURE,
    trips.VOLTAGE,
    trips.FREQUENCY,
    reversion.PROCEDURE,
    loss_of_communication.PROCEDURE,
    two_masters.PROCEDURE,
    restart.PROCEDURE,
)
PROCEDURES: Mapping[str, Procedure] = {procedure.id: procedure for procedure in _ALL}
