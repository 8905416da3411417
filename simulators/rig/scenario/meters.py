"""What the utility's meters counted before the demo began, by the same physics as the live sites."""

from collections.abc import Sequence
from datetime import datetime

from simulators.devices.site import SiteConfig
from simulators.fleet import channel_history
from simulators.utility.app import MeterHistory, Meters
from vpp_core.units import kwh_from_watt_hours


def meters_of(homes: Sequence[SiteConfig]) -> Meters:
    """The utility's view of a fleet, by the sites' names; consumption and generation positive, in kWh."""
    by_name = {home.site_id: home for home in homes}

    def read(name: str, start: datetime, end: datetime) -> MeterHistory:
        channels = channel_history(by_name[name], start, end)
        return MeterHistory(
            net_kwh=[-kwh_from_watt_hours(energy_wh) for energy_wh in channels.net_wh],
            pv_kwh=[kwh_from_watt_hours(energy_wh) for energy_wh in channels.pv_wh],
            evse_kwh=[-kwh_from_watt_hours(energy_wh) for energy_wh in channels.evse_wh],
        )

    return Meters(tuple(by_name), read)
