"""All simulated sites of a run as one process: their Modbus servers and the grid they share.

Ready: ``{"sites": {site id: {"port": ..., "units": {device: unit id}}}}``. Questions on the line:
``{"ask": "add_dip", "at": ISO time, "nadir_hz": ..., "fall_s": ..., "hold_s": ..., "recovery_s": ...}``
places a frequency dip, ``{"ask": "truth", "site": site id}`` tells what is physically so.
"""

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any

from simulators.devices.physics import EVSE
from simulators.devices.site import UNITS, SimulatedSite
from simulators.fleet import make_fleet, make_site
from simulators.grid.script import Dip, GridScript
from simulators.rig.world.child import Setting, run_child


async def serve(setting: Setting) -> None:
    """Start every site, announce the ports, and answer until the end.

    Raises:
        LocalFault: a port cannot be had, or a data file is missing.
    """
    config = setting.config
    grid = GridScript(config["seed"])
    begins_at = datetime.fromisoformat(config["begins_at"])
    homes = make_fleet(config["sites"], config["seed"], date.fromisoformat(config["day"]))
    sites = {home.site_id: make_site(home, setting.clock, grid, begins_at=begins_at) for home in homes}
    async with contextlib.AsyncExitStack() as running:
        announced = {}
        for site_id, site in sites.items():
            running.push_async_callback(site.stop)
            announced[site_id] = {"port": await site.start(), "units": units_of(site)}
        await setting.line.say({"sites": announced})
        await setting.line.serve(lambda question: answer(question, grid, sites))


def units_of(site: SimulatedSite) -> dict[str, int]:
    """Unit id of each device that the site has."""
    return {name: unit for name, unit in UNITS.items() if name != EVSE or site.config.evse is not None}


def answer(
    question: Mapping[str, Any], grid: GridScript, sites: Mapping[str, SimulatedSite]
) -> dict[str, Any]:
    """The answer to one question of the rig.

    Raises:
        ValueError, KeyError: not a question that is answered here.
    """
    match question:
        case {"ask": "add_dip", "at": at, **shape}:
            grid.add_dip(Dip(at=datetime.fromisoformat(at), **_shape_of(shape)))
            return {"dips": len(grid.dips)}
        case {"ask": "truth", "site": site_id}:
            site = sites[site_id]
            return {
                "meter_w": site.power_w(),
                "state_of_charge": site.state_of_charge(),
            }
        case _:
            raise ValueError(f"the devices do not answer {question.get('ask')!r}")


def _shape_of(values: Mapping[str, Any]) -> dict[str, float]:
    known = {field.name for field in fields(Dip)} - {"at"}
    if unknown := sorted(set(values) - known):
        raise ValueError(f"a dip has no {', '.join(unknown)}")
    return {name: float(value) for name, value in values.items()}


if __name__ == "__main__":
    sys.exit(run_child(serve, "The simulated sites of a run of Gridchorus; started by vpp-demo."))
