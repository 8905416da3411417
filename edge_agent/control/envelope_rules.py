"""Protection and the owner's limits as an envelope: the first and widest rule of the arbiter."""

from typing import assert_never

import msgspec

from vpp_core.der import DerDescription, DerKind, OwnerLimits
from vpp_core.envelope import Envelope
from vpp_core.units import PERCENT, SECONDS_PER_HOUR


class StoredEnergy(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a storage device, and how long the next setpoint may act on it unseen."""

    state_of_charge_pct: float
    injected_wh: float = 0.0
    """Estimated net injection since the state of charge was measured; negative for charging."""
    horizon_s: float
    """The owner's limits hold even if this setpoint stays in force for so long."""


def ratings(der: DerDescription, limits: OwnerLimits) -> Envelope:
    """What a device may ever be told, whatever its state.

    An EVSE's range ends at the least charge that the owner allows: no program may cut below it.
    """
    match der.kind:
        case DerKind.BATTERY:
            return Envelope(-der.absorption_w_max, der.injection_w_max)
        case DerKind.PV:
            return Envelope(0.0, der.injection_w_max)
        case DerKind.EVSE:
            floor_w = min(limits.evse_charge_w_min, der.absorption_w_max)
            return Envelope(-der.absorption_w_max, -floor_w)
        case DerKind.METER:
            return Envelope(0.0, 0.0)
        case never:
            assert_never(never)


def protection(der: DerDescription, limits: OwnerLimits, stored: StoredEnergy | None) -> Envelope:
    """What a device may be told now.

    A battery stays between the owner's reserve and ceiling: its power is limited to what the energy
    above the reserve (or the room below the ceiling) carries for the horizon. Without a trusted state
    of charge a battery may do nothing.
    """
    whole = ratings(der, limits)
    if der.kind is not DerKind.BATTERY:
        return whole
    if stored is None or der.energy_capacity_wh <= 0.0:
        return Envelope(0.0, 0.0)
    return whole.narrow(_window(der, limits, stored))


def _window(der: DerDescription, limits: OwnerLimits, stored: StoredEnergy) -> Envelope:
    out_of_cell = 1.0 / der.discharge_efficiency if stored.injected_wh > 0.0 else der.charge_efficiency
    cell_wh = stored.state_of_charge_pct / PERCENT * der.energy_capacity_wh - stored.injected_wh * out_of_cell
    above_reserve_wh = max(0.0, cell_wh - limits.reserve_fraction * der.energy_capacity_wh)
    below_ceiling_wh = max(0.0, limits.ceiling_fraction * der.energy_capacity_wh - cell_wh)
    per_hour = SECONDS_PER_HOUR / stored.horizon_s
    return Envelope(
        -below_ceiling_wh / der.charge_efficiency * per_hour,
        above_reserve_wh * der.discharge_efficiency * per_hour,
    )
