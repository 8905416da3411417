"""The ``device`` command: one device on real registers, with faults on command."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from simulators.bench.device import BenchDevice, Reached
from simulators.bench.settings import DeviceKind, load
from simulators.bench.units import KEBA, SDM630, SUNSPEC
from simulators.devices.image import BASES
from simulators.programs.arguments import port, whole
from simulators.programs.serving import serve, steady_clock, stop_signals
from vpp_core.faults import ConfigurationFault


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    device = commands.add_parser(
        "device",
        help="run one inverter, charging station or meter until Ctrl-C",
        description="Run one device as a Modbus/TCP server until Ctrl-C. A TOML file (--config) may say "
        "everything; options go before it. --control opens a port on which 'vpp-sim tell' sets the grid, "
        "the sun and faults.",
    )
    device.add_argument("--config", type=Path, metavar="FILE", help="TOML file with all settings")
    device.add_argument("--kind", choices=[kind.value for kind in DeviceKind])
    device.add_argument(
        "--models", metavar="LIST", help="SunSpec models such as 1,103,120,123, or 7xx, legacy, float, both"
    )
    device.add_argument("--map", choices=[SUNSPEC, KEBA, SDM630], help="whose registers it shows")
    device.add_argument("--host", help="address to listen on (default 127.0.0.1)")
    device.add_argument("--port", type=port, help="port to listen on; 0, the default, takes a free one")
    device.add_argument("--unit", type=whole(1, 255), help="unit id (default 1; 255 for keba)")
    device.add_argument("--meter-unit", type=whole(1, 255), help="show a meter of its terminals there")
    device.add_argument("--rtu", type=Path, metavar="LINK", help="offer Modbus RTU on a pseudo-terminal, too")
    device.add_argument("--manufacturer", metavar="NAME", help="of SunSpec model 1")
    device.add_argument("--base", type=int, choices=BASES, help="register of the SunSpec marker")
    device.add_argument("--trace", metavar="steps|recorded|FILE", help="grid over time (CSV or Parquet)")
    device.add_argument("--log", type=Path, metavar="FILE.csv", help="write the device's truth every second")
    device.add_argument("--control", type=port, metavar="PORT", help="listen for vpp-sim tell; 0 is free")
    device.add_argument("--seed", type=int, help="of every chance (default 0)")
    device.add_argument(
        "--fault",
        action="append",
        metavar="NAME[:KEY=VALUE,...]",
        help="a fault from the start on; repeatable",
    )
    device.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.config is None and options.kind is None:
        raise ConfigurationFault("Which device? Give --kind, or --config with a file that says it.")
    settings = load(options.config, _overrides(options))
    serve(_run(BenchDevice(settings, steady_clock())))
    return 0


async def _run(device: BenchDevice) -> None:
    stopped = stop_signals()
    async with device.listening() as reached, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(device.run(), name="device")
        print(_announcement(device, reached), flush=True)
        for mishap in device.faults.mishaps:
            print(f"not raised: {mishap}", flush=True)
        await stopped.wait()
        running.cancel()


def _announcement(device: BenchDevice, reached: Reached) -> str:
    settings = device.settings
    units = ", ".join(str(unit) for unit in device.images)
    lines = [
        f"{settings.kind} listens on {settings.listen.host}:{reached.port}, unit {units}; {device.shows}",
    ]
    if reached.rtu_path is not None:
        lines.append(f"Modbus RTU on {reached.rtu_path} at {settings.listen.baud} baud, 8 data bits")
    if reached.control_port is not None:
        where = f"{settings.control.host}:{reached.control_port}"
        lines.append(f"commands on {where}, such as: vpp-sim tell {where} status")
    return "\n".join([*lines, "Ctrl-C ends it"])


def _overrides(options: argparse.Namespace) -> dict[str, Any]:
    """What was said on the command line, as the tables of the file."""
    said: dict[str, dict[str, Any]] = {
        "": {"kind": options.kind, "models": options.models, "map": options.map, "base": options.base},
        "listen": {
            "host": options.host,
            "port": options.port,
            "unit": options.unit,
            "meter_unit": options.meter_unit,
            "rtu_link": options.rtu.absolute() if options.rtu else None,
        },
        "identity": {"manufacturer": options.manufacturer},
        "grid": {"trace": _trace(options.trace)},
        "control": {"port": options.control},
        "log": {"file": options.log.absolute() if options.log else None},
    }
    said[""] |= {"seed": options.seed, "faults": [_fault(text) for text in options.fault or ()] or None}
    tables: dict[str, Any] = {}
    for table, values in said.items():
        given = {key: value for key, value in values.items() if value is not None}
        if given:
            tables |= given if not table else {table: given}
    return tables


def _trace(text: str | None) -> str | Path | None:
    return text if text in {None, "steps", "recorded"} else Path(str(text)).absolute()


def _fault(text: str) -> dict[str, Any]:
    """``NAME`` or ``NAME:KEY=VALUE,...``."""
    name, _, rest = text.partition(":")
    parameters: dict[str, float | int | str] = {}
    for pair in rest.split(",") if rest else ():
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigurationFault(f"--fault {text}: {pair!r} is not KEY=VALUE.")
        parameters[key.strip()] = _value(value.strip())
    return {"fault": name, "parameters": parameters}


def _value(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
