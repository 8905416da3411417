"""The ``tell`` command: speak to the control port of a running simulation."""

import argparse
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any

from simulators.devices.control_port import LINE_BYTES_MAX
from simulators.devices.faults.catalogue import CATALOGUE
from simulators.devices.faults.parameters import Parameter, parameters_of
from simulators.programs.arguments import number, whole
from vpp_core.faults import DeviceFault

TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 64 * LINE_BYTES_MAX
DURATION_S_MAX = 86_400.0
MW_MAX = 1e6

Commands = "argparse._SubParsersAction[argparse.ArgumentParser]"
Address = tuple[str, int]


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    tell = commands.add_parser(
        "tell",
        help="command a running simulation: grid, sun, load, disturbances, faults, status",
        description="Speak to the control port of a running simulation. Each command has its own --help.",
    )
    tell.add_argument("address", type=address, metavar="HOST:PORT", help="the control port")
    tell.add_argument("--json", action="store_true", help="print the answer as it came")
    orders = tell.add_subparsers(dest="order", required=True, metavar="COMMAND")
    _add_surroundings(orders)
    _add_faults(orders)
    for name, says in (
        ("status", "the truth inside the unit, and the faults that are raised"),
        ("counters", "what has been counted so far"),
    ):
        orders.add_parser(name, help=says)
    tell.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    answer = ask(options.address, order_of(options))
    if options.json:
        print(json.dumps(answer))
        return 0
    told = {key: value for key, value in answer.items() if key != "ok"}
    print("\n".join(_listed(told)) or "done")
    return 0


def address(text: str) -> Address:
    """``HOST:PORT``; an IPv6 host may stand in brackets."""
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:5021")
    return host.strip("[]"), whole(1, 65_535)(port)


def order_of(options: argparse.Namespace) -> dict[str, object]:
    """The command as it travels."""
    given = vars(options)
    order = {name: given[name] for name in _FIELDS[options.order] if given.get(name) is not None}
    if options.order == "fault":
        names = [each.name for each in parameters_of(CATALOGUE[options.name])]
        order["parameters"] = {name: given[name] for name in names if given[name] is not None}
    return {"command": options.order, **order}


_FIELDS: Mapping[str, tuple[str, ...]] = {
    "grid": ("frequency_hz", "voltage_pu", "ramp_s"),
    "sun": ("power_pu",),
    "load": ("power_w",),
    "soc": ("state_of_charge",),
    "disturb": ("lost_mw", "for_s"),
    "fault": ("name", "for_s"),
    "clear": ("name",),
    "reboot": ("off_s",),
    "status": (),
    "counters": (),
}


def ask(at: Address, order: Mapping[str, object]) -> dict[str, Any]:
    """One command, and its answer.

    Raises:
        DeviceFault: nobody listens there, the answer makes no sense, or the simulation refuses.
    """
    where = f"{at[0]}:{at[1]}"
    try:
        with (
            socket.create_connection(at, timeout=TIMEOUT_S) as connection,
            connection.makefile("rb") as lines,
        ):
            connection.sendall(json.dumps(order).encode() + b"\n")
            line = lines.readline(ANSWER_BYTES_MAX)
    except (OSError, ValueError) as error:  # the latter: what is no name of a machine, such as a..b
        raise DeviceFault(
            f"No simulation answers at {where} ({error}); is its control port there?"
        ) from error
    try:
        answer = json.loads(line)
        accepted = answer["ok"]
    except (ValueError, TypeError, KeyError) as error:
        raise DeviceFault(f"{where} is no control port: it answers {line[:60]!r}.") from error
    if accepted is not True:
        raise DeviceFault(str(answer.get("error", "The simulation refuses.")))
    return dict(answer)


def _add_surroundings(orders: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    grid = orders.add_parser("grid", help="change frequency and voltage")
    grid.add_argument("--frequency", dest="frequency_hz", type=number(0.0, 100.0), metavar="HZ")
    grid.add_argument("--voltage", dest="voltage_pu", type=number(0.0, 2.0), metavar="PU", help="of nominal")
    grid.add_argument(
        "--ramp",
        dest="ramp_s",
        type=number(0.0, DURATION_S_MAX),
        metavar="S",
        help="until the new values are reached; a step without",
    )
    for name, option, field, kind, unit, says in (
        (
            "sun",
            "--power",
            "power_pu",
            number(0.0, 2.0),
            "PU",
            "what the modules could give, of their rating",
        ),
        ("load", "--power", "power_w", number(-1e9, 1e9), "W", "what the house takes; negative: gives"),
        ("soc", "--to", "state_of_charge", number(0.0, 1.0), "SHARE", "state of charge, 0 to 1"),
    ):
        order = orders.add_parser(name, help=f"set {says}")
        order.add_argument(option, dest=field, type=kind, metavar=unit, required=True, help=says)

    disturb = orders.add_parser("disturb", help="lose generation in the area of a fleet")
    disturb.add_argument(
        "--lost",
        dest="lost_mw",
        type=number(-MW_MAX, MW_MAX),
        metavar="MW",
        required=True,
        help="what is lost; negative: load",
    )
    disturb.add_argument(
        "--for", dest="for_s", type=number(1e-3, 31 * DURATION_S_MAX), metavar="S", help="how long"
    )


def _add_faults(orders: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    fault = orders.add_parser("fault", help="raise a fault (`vpp-sim faults` lists them)")
    names = fault.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, kind in CATALOGUE.items():
        one = names.add_parser(name, help=kind.summary, description=kind.summary)
        for each in parameters_of(kind):
            one.add_argument(f"--{each.name.replace('_', '-')}", **_argument(each))
        one.add_argument(
            "--for", dest="for_s", type=number(0.0, 31 * DURATION_S_MAX), metavar="S", help="how long"
        )
    clear = orders.add_parser("clear", help="clear a fault, or all of them")
    clear.add_argument("name", nargs="?", choices=("all", *CATALOGUE), default="all", metavar="NAME")
    reboot = orders.add_parser("reboot", help="restart the device")
    reboot.add_argument(
        "--off", dest="off_s", type=number(0.0, DURATION_S_MAX), metavar="S", help="until it answers again"
    )


def _argument(parameter: Parameter) -> dict[str, Any]:
    unit = f" {parameter.unit}" if parameter.unit else ""
    says = f"{parameter.says} ({parameter.range}; default {parameter.default}{unit})".replace("%", "%%")
    metavar = (parameter.unit or parameter.name).upper()
    if isinstance(parameter.default, int):
        # argparse takes "-1" for a number as long as no option looks like one.
        return {"dest": parameter.name, "type": int, "metavar": metavar, "help": says}
    if isinstance(parameter.default, float):
        kept = number(parameter.low, parameter.high)
        return {"dest": parameter.name, "type": kept, "metavar": metavar, "help": says}
    choices = {"choices": parameter.choices} if parameter.choices else {"metavar": metavar}
    return {"dest": parameter.name, "help": says, **choices}


def _listed(told: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Names and values, one a line."""
    for name, value in told.items():
        if isinstance(value, dict):
            yield f"{indent}{name}"
            yield from _listed(value, f"{indent}  ")
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            for each in value:
                yield f"{indent}{name}"
                yield from _listed(each, f"{indent}  ")
        else:
            yield f"{indent}{name}: {_shown(value)}"


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_shown(each) for each in value) or "none"
    if isinstance(value, float):
        return f"{value:.10g}"
    return "none" if value is None else str(value)
