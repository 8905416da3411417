"""The link that suits the settings."""

from edge_agent.devices.lean import LeanLink
from edge_agent.devices.link import Link, LinkSettings
from edge_agent.devices.modbus import ModbusLink


def open_link(settings: LinkSettings) -> Link:
    """A link that connects when it is first asked.

    Raises:
        ConfigurationFault: a certificate cannot be used.
    """
    return LeanLink(settings) if settings.lean else ModbusLink(settings)
