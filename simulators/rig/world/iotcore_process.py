"""The embedded broker as a process of its own: ``python -m simulators.rig.world.iotcore_process CONFIG``.

iotcore cannot be stopped from inside; its rig ends the process.
"""

import logging
import sys

from iotcore import IotCoreBroker


def main(config_path: str) -> None:
    """Serve until killed; logs what goes wrong, but not every packet (rumqttd calls those errors)."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    IotCoreBroker(config_path=config_path).run_forever()


if __name__ == "__main__":
    main(sys.argv[1])
