"""What it costs the fleet to deliver, beside the energy itself."""

import msgspec

from vpp_core.money import Price


class FleetCosts(msgspec.Struct, frozen=True, kw_only=True):
    """Costs by the MWh; assumptions of the operator, not measured."""

    wear: Price = Price(20_000_000)
    """Ageing of a battery by a MWh discharged: replacement cost over lifetime throughput."""
    reserve_holding: Price = Price(1_000_000)
    """Holding a MW of reserve for an hour: rare and short activations, and their wear."""
