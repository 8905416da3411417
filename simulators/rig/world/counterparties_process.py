"""Market and utility of a run as one process: their HTTP services and the utility's OpenADR VTN.

Configuration: ``sites``, ``seed``, ``day`` of the fleet, ``token_file`` that participants present. Ready:
``{"market": URL, "utility": URL, "vtn": {"url": URL, "context": market context}}``.
"""

import asyncio
import contextlib
import sys
from datetime import date
from pathlib import Path

from simulators.data.extracts import day_ahead_prices
from simulators.fleet import make_fleet
from simulators.market.app import create_app as create_market
from simulators.rig.scenario.meters import meters_of
from simulators.rig.scenario.sites import VEN_NAME
from simulators.rig.world.child import Setting, read_secret, run_child
from simulators.rig.world.http_server import LOOPBACK, served
from simulators.utility.app import create_app as create_utility
from simulators.utility.events import EventBook
from simulators.utility.vtn import MARKET_CONTEXT, Vtn


async def serve(setting: Setting) -> None:
    """Serve both counterparties until the end.

    Raises:
        ConfigurationFault: a data file is missing, or the token cannot be read.
    """
    config, clock, book = setting.config, setting.clock, EventBook()
    token = read_secret(Path(config["token_file"]))
    homes = make_fleet(config["sites"], config["seed"], date.fromisoformat(config["day"]))
    market = create_market(clock=clock, prices=day_ahead_prices(), token=token)
    utility = create_utility(clock=clock, meters=meters_of(homes), token=token, desk_token=token, book=book)
    async with contextlib.AsyncExitStack() as running:
        vtn = Vtn(book, clock, vens={VEN_NAME})
        running.push_async_callback(vtn.stop)
        vtn_url = await vtn.start()
        market_port = await running.enter_async_context(served(market))
        utility_port = await running.enter_async_context(served(utility))
        await setting.line.say(
            {
                "market": f"http://{LOOPBACK}:{market_port}",
                "utility": f"http://{LOOPBACK}:{utility_port}",
                "vtn": {"url": vtn_url, "context": MARKET_CONTEXT},
            }
        )
        await asyncio.Event().wait()


if __name__ == "__main__":
    sys.exit(run_child(serve, "Market and utility of a run of Gridchorus; started by vpp-demo."))
