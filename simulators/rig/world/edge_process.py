"""Gateways of a run as a process: one site or several, each by the very same agent on the rig's clock.

Configuration: ``sites``, the sites' TOML files, and ``seed``. Ready: ``{"sites": [site ids]}``.
"""

import asyncio
import random
import sys
from pathlib import Path

from edge_agent.app import run_site
from edge_agent.devices.modbus import ModbusLink
from edge_agent.settings import load_settings
from edge_agent.uplink.mqtt import MqttTransport
from simulators.rig.world.child import Setting, run_child


async def serve(setting: Setting) -> None:
    """Run the agents until the end; devices are released and the cloud is told.

    Raises:
        Fault: inside an exception group: a settings file or state folder cannot be used.
    """
    sites = [load_settings(Path(path)) for path in setting.config["sites"]]
    seed = setting.config["seed"]
    async with asyncio.TaskGroup() as agents:
        for site in sites:
            agents.create_task(
                run_site(
                    site,
                    clock=setting.clock,
                    transport=MqttTransport(site.broker, site.gateway),
                    open_link=ModbusLink,
                    chance=random.Random(f"gateway {seed} {site.site_id}"),  # noqa: S311  (a run must repeat)
                ),
                name=site.site_id,
            )
        setting.line.tell({"sites": [site.site_id for site in sites]})


if __name__ == "__main__":
    sys.exit(run_child(serve, "Gateways of a run of Gridchorus; started by vpp-demo."))
