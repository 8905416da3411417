"""The ``thermostat`` command: a house with an air conditioner that takes part in a utility's events."""

import argparse
import asyncio
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

from simulators.programs.arguments import instant, number, whole
from simulators.programs.serving import serve, stop_signals
from simulators.recorder import Recorder, Row
from simulators.thermostat.house import House, ImpossibleHouse, Weather
from simulators.thermostat.hvac import HvacConfig, Mode
from simulators.thermostat.signals import DispatchMeaning, Program
from simulators.thermostat.unit import Thermostat, ThermostatConfig
from vpp_core.clock import Clock, Pace, PacedClock, SystemClock, monotonic_host_s
from vpp_core.faults import ConfigurationFault

SPEED_MAX = 10_000.0
LOG_S_MAX = 3_600.0
POLL_S_MAX = 3_600.0


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "thermostat",
        help="run a thermostat that is an OpenADR 2.0b VEN, until Ctrl-C",
        description="Run a simulated house with an air conditioner or a heat pump until Ctrl-C. Its "
        "thermostat registers with an OpenADR 2.0b VTN, follows SIMPLE, LOAD_CONTROL and LOAD_DISPATCH "
        "events, answers optIn or optOut, and reports its power as TELEMETRY_USAGE where the VTN asks for "
        "it.",
    )
    _add_wire(parser)
    _add_house(parser)
    parser.set_defaults(run=run)


def _add_wire(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--vtn", required=True, metavar="URL", help="http://HOST:PORT/OpenADR2/Simple/2.0b or alike"
    )
    parser.add_argument("--ven", required=True, metavar="NAME", help="the name to register with")
    parser.add_argument(
        "--poll", type=number(1.0, POLL_S_MAX), default=10.0, metavar="S", help="between polls (default 10)"
    )
    parser.add_argument(
        "--dispatch",
        choices=[meaning.value for meaning in DispatchMeaning],
        default=DispatchMeaning.REDUCTION.value,
        help="what the setpoint of a LOAD_DISPATCH is: power given up, as this project's utility means it, "
        "or the load that remains (default %(default)s)",
    )
    parser.add_argument("--opt-out", action="store_true", help="the occupant takes no part in events")
    parser.add_argument("--seed", type=int, default=0, help="of random shifts of starts (default 0)")
    parser.add_argument("--start", type=instant, help="simulated time to begin at (default: now)")
    parser.add_argument(
        "--speed", type=number(0.0, SPEED_MAX), default=1.0, help="simulated seconds a second (default 1)"
    )
    parser.add_argument("--log", type=Path, metavar="FILE.csv", help="write a row every --log-every seconds")
    parser.add_argument("--log-every", type=number(1.0, LOG_S_MAX), default=60.0, metavar="S")


def _add_house(parser: argparse.ArgumentParser) -> None:
    machine, weather = HvacConfig(), Weather()
    parser.add_argument("--mode", choices=[mode.value for mode in Mode], default=machine.mode.value)
    parser.add_argument("--setpoint", type=number(5.0, 40.0), default=machine.setpoint_c, metavar="C")
    parser.add_argument("--inside", type=number(-20.0, 60.0), metavar="C", help="at the beginning")
    parser.add_argument(
        "--outdoor", type=number(-40.0, 60.0), default=weather.mean_c, metavar="C", help="mean of the day"
    )
    parser.add_argument("--swing", type=number(0.0, 30.0), default=weather.swing_c, metavar="K")
    parser.add_argument("--sun", type=number(0.0, 50_000.0), default=weather.sun_w_max, metavar="W")
    parser.add_argument("--rated", type=number(100.0, 100_000.0), default=machine.rated_w, metavar="W")
    parser.add_argument(
        "--min-minutes", type=whole(0, 60), default=5, metavar="MIN", help="on and off at least (default 5)"
    )


def run(options: argparse.Namespace) -> int:
    if not str(options.vtn).startswith(("http://", "https://")):
        raise ConfigurationFault(
            f"--vtn {options.vtn} is not an address that begins with http:// or https://."
        )
    serve(_run(options))
    return 0


async def _run(options: argparse.Namespace) -> None:
    from simulators.thermostat.ven import ThermostatVen, VenSettings

    clock = _clock(options)
    thermostat = Thermostat(_config(options), clock.now().timestamp())
    hvac = thermostat.hvac

    def mean_w(start_s: float, end_s: float) -> float:
        hvac.advance(clock.now().timestamp())
        return hvac.mean_w(start_s, end_s)

    settings = VenSettings(
        ven_name=options.ven,
        vtn_url=options.vtn,
        poll_s=options.poll,
        program=Program(dispatch=DispatchMeaning(options.dispatch)),
    )
    ven = ThermostatVen(settings, thermostat.agenda, mean_w, clock)
    stopped = stop_signals()
    with Recorder(options.log) if options.log else nullcontext() as log:
        async with asyncio.TaskGroup() as tasks:
            services = [
                tasks.create_task(ven.run(), name="ven"),
                tasks.create_task(_tick(thermostat, clock, options.log_every, log), name="house"),
            ]
            print(f"the thermostat {options.ven} polls {options.vtn}; Ctrl-C ends it", flush=True)
            await stopped.wait()
            for service in services:
                service.cancel()


def _clock(options: argparse.Namespace) -> Clock:
    if options.start is None and options.speed == 1.0:
        return SystemClock()
    start: datetime = options.start or SystemClock().now()
    pace = Pace(start.timestamp(), monotonic_host_s(), options.speed)
    return PacedClock(lambda: pace)


def _config(options: argparse.Namespace) -> ThermostatConfig:
    seconds = 60.0 * options.min_minutes
    try:
        return ThermostatConfig(
            hvac=HvacConfig(
                mode=Mode(options.mode),
                setpoint_c=options.setpoint,
                inside_c=options.inside,
                rated_w=options.rated,
                on_s_min=seconds,
                off_s_min=seconds,
            ),
            house=House(),
            weather=Weather(mean_c=options.outdoor, swing_c=options.swing, sun_w_max=options.sun),
            seed=options.seed,
            willing=not options.opt_out,
        )
    except ImpossibleHouse as error:
        raise ConfigurationFault(str(error)) from error


async def _tick(thermostat: Thermostat, clock: Clock, every_s: float, log: Recorder | None) -> None:
    """Move the house on, and write what it is like."""
    while True:
        thermostat.hvac.advance(clock.now().timestamp())
        if log is not None:
            log.write(_row(thermostat))
        await clock.sleep(every_s)


def _row(thermostat: Thermostat) -> Row:
    shown = thermostat.hvac.readings()
    event_id = shown.order.event_id
    return {
        "time": datetime.fromtimestamp(shown.at_s, UTC).isoformat(timespec="seconds"),
        "inside_c": f"{shown.inside_c:.3f}",
        "outside_c": f"{shown.outside_c:.3f}",
        "setpoint_c": f"{shown.setpoint_c:.2f}",
        "running": int(shown.running),
        "consumed_w": f"{-shown.power_w:.1f}",
        "consumed_wh": f"{shown.consumed_wh:.3f}",
        "event": event_id,
        "opt": thermostat.agenda.opt(event_id) or "",
    }
