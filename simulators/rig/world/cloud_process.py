"""The cloud of a run as a process: the very same cloud, on the rig's clock and with ids by seed.

Configuration: ``settings``, the cloud's TOML file, and ``seed``. Ready: ``{"port": port of the API}``.
"""

import random
import sys
from pathlib import Path

from cloud.app import serve as serve_cloud
from cloud.settings import load_settings
from simulators.rig.world.child import Setting, run_child
from vpp_core.ids import IdFactory


async def serve(setting: Setting) -> None:
    """Run the cloud until the end.

    Raises:
        Fault: whatever the cloud cannot do without.
    """
    clock, seed = setting.clock, setting.config["seed"]
    await serve_cloud(
        load_settings(Path(setting.config["settings"])),
        clock=clock,
        ids=IdFactory(clock.now, random.Random(f"ids {seed}")),  # noqa: S311  (a run must repeat)
        chance=random.Random(f"cloud {seed}"),  # noqa: S311
        on_ready=lambda port: setting.line.tell({"port": port}),
    )


if __name__ == "__main__":
    sys.exit(run_child(serve, "The cloud of a run of Gridchorus; started by vpp-demo."))
