"""The ports of a fleet: one a site, as many as the machine allows, and the list that tells who is where."""

import csv
import io
import resource
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from simulators.devices.physics import BATTERY, EVSE, METER, PV
from simulators.devices.site import UNITS, SimulatedSite
from simulators.devices.wire.tcp import ModbusServer
from vpp_core.faults import ConfigurationFault, StorageFault

FILES_OF_OUR_OWN = 64
"""The loop, the log, libraries: what a process keeps open besides its ports and clients."""
FILES_MAX = 1_048_576
"""What is asked for where the machine sets no limit."""
PORT_MAX = 65_535
DEVICES = (METER, BATTERY, PV, EVSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where one site is to be found."""

    site: str
    host: str
    port: int
    units: Mapping[str, int]
    """Unit id by device."""


class FleetPorts:
    """A Modbus/TCP server for each site.

    Args:
        host: address to listen on.
        base_port: port of the first site, the others follow; 0 takes free ones.
    """

    def __init__(self, host: str, base_port: int) -> None:
        self._host, self._base_port = host, base_port
        self._servers: list[ModbusServer] = []
        self.endpoints: list[Endpoint] = []

    @property
    def clients(self) -> int:
        """How many connections there are now."""
        return sum(server.connections for server in self._servers)

    async def open(self, site: SimulatedSite) -> Endpoint:
        """Listen for one more site.

        Raises:
            LocalFault: its port cannot be had.
        """
        port = self._base_port + len(self._servers) if self._base_port else 0
        server = ModbusServer(site.images, self._host, port)
        units = {name: unit for name, unit in UNITS.items() if unit in site.images}
        endpoint = Endpoint(site=site.config.site_id, host=self._host, port=await server.start(), units=units)
        self._servers.append(server)
        self.endpoints.append(endpoint)
        return endpoint

    async def close(self) -> None:
        """Close every port and every connection."""
        servers, self._servers = self._servers, []
        for server in servers:
            await server.stop()


def check_ports(base_port: int, sites: int) -> None:
    """Raises ConfigurationFault where the ports would go beyond the last one."""
    if base_port and base_port + sites - 1 > PORT_MAX:
        raise ConfigurationFault(
            f"{sites} ports from {base_port} on end beyond {PORT_MAX}; begin lower, or at 0 for free ones."
        )


def make_room(sites: int) -> int:
    """Raise the limit of open files as far as it goes, and return how many clients there is room for.

    Raises:
        ConfigurationFault: not even the ports of the sites have room.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_MAX if hard == resource.RLIM_INFINITY else hard
    if soft not in (wanted, resource.RLIM_INFINITY):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
        except (OSError, ValueError):
            """A container may forbid it; the soft limit then stays what it is."""
    files = FILES_MAX if soft == resource.RLIM_INFINITY else soft
    needed = sites + FILES_OF_OUR_OWN
    if files < needed:
        raise ConfigurationFault(
            f"{sites} sites need {needed} open files, and this process may have {files}; "
            f"start at most {max(0, files - FILES_OF_OUR_OWN)} sites, or raise the limit (ulimit -Hn)."
        )
    return files - needed


def write_list(file: Path, endpoints: Sequence[Endpoint]) -> None:
    """Write the endpoints as JSON (a list of objects) or CSV (a column a device), by the file's ending.

    Raises:
        ConfigurationFault: another ending.
        StorageFault: the file cannot be written.
    """
    text = _as_csv(endpoints) if list_kind(file) == ".csv" else _as_json(endpoints)
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageFault(f"The list {file} cannot be written ({error.strerror}).") from error


def list_kind(file: Path) -> str:
    """``.json`` or ``.csv``.

    Raises:
        ConfigurationFault: neither.
    """
    if file.suffix not in {".json", ".csv"}:
        raise ConfigurationFault(f"The list {file} must end in .json or .csv.")
    return file.suffix


def _as_json(endpoints: Sequence[Endpoint]) -> str:
    return msgspec.json.format(msgspec.json.encode(endpoints), indent=1).decode() + "\n"


def _as_csv(endpoints: Sequence[Endpoint]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["site", "host", "port", *(f"{device}_unit" for device in DEVICES)])
    for each in endpoints:
        writer.writerow(
            [each.site, each.host, each.port, *(each.units.get(device, "") for device in DEVICES)]
        )
    return text.getvalue()
