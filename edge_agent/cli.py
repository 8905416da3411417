"""``vpp-edge``: run a site's agent, check its settings, see how it is, or replay test cases."""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from edge_agent.settings import SiteSettings, load_settings
from vpp_core.clock import SystemClock
from vpp_core.faults import EXIT_FAULT, Fault, fault_in


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; 0, 1 if a replayed case failed, or 2 with one sentence on standard error."""
    parsed = _parser().parse_args(arguments)
    code = 0
    try:
        code = _replay(parsed) if parsed.command == "replay" else _about_site(parsed)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads, such as `head`, has seen enough; the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (Fault, BaseExceptionGroup) as error:
        if (fault := fault_in(error)) is None:
            raise
        print(f"vpp-edge: {fault}", file=sys.stderr)
        return EXIT_FAULT
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="vpp-edge",
        description="The agent of one site: reads its devices, controls them within the owner's limits, and "
        "keeps in touch with the cloud.",
        epilog="Every key of the file can be overridden by the environment, for example "
        "VPP_EDGE_CONTROL__POLL_S=30.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (
        ("run", "run until SIGTERM or Ctrl-C; devices are released at the end"),
        ("check-config", "check the settings and print them as they are in effect"),
        ("status", "show the agent's last state, its commands and what waits for the cloud"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "--config", type=Path, required=True, metavar="FILE", help="the site's settings (TOML)"
        )
    _add_replay(commands)
    return parser


def _add_replay(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "run test cases of grid-code functions through the control law, and compare"
    command = commands.add_parser(
        "replay", help=text, description=f"{text.capitalize()}; exit code 1 if a case fails."
    )
    command.add_argument("file", type=Path, metavar="FILE", help="the cases (JSON, format vpp-edge-oracle)")
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="RESULT.json",
        help="where the computed values are written, beside the expected ones",
    )
    command.add_argument("--case", metavar="ID", help="replay this case only")


def _about_site(parsed: argparse.Namespace) -> int:
    settings = load_settings(parsed.config)
    if parsed.command == "run":
        _run(settings)
    elif parsed.command == "status":
        _status(settings)
    else:
        print(settings.model_dump_json(indent=2))
    return 0


def _replay(parsed: argparse.Namespace) -> int:
    from edge_agent.replay.run import run_replay

    return run_replay(parsed.file, parsed.out, parsed.case)


def _run(settings: SiteSettings) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_until_signal(settings))


async def _until_signal(settings: SiteSettings) -> None:
    from edge_agent.app import run_site
    from edge_agent.devices.links import open_link
    from edge_agent.uplink.mqtt import MqttTransport

    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - inside asyncio.run
    loop = asyncio.get_running_loop()

    def end() -> None:
        # A second signal must not cut the release of the devices short: it is bounded anyway.
        if not task.cancelling():
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    transport = MqttTransport(settings.broker, settings.gateway)
    try:
        await run_site(settings, clock=SystemClock(), transport=transport, open_link=open_link)
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _status(settings: SiteSettings) -> None:
    from edge_agent.site.memory import Memory
    from edge_agent.uplink.database import open_read_only

    database = open_read_only(settings.state_dir)
    try:
        memory = Memory(database)
        state, config = memory.status(), memory.config()
        held = [item for item in memory.commands() if item.open]
        [(waiting,)] = database.execute("SELECT count(*) FROM message")
    finally:
        database.close()
    print(f"site             {settings.site_id} {settings.site_name}".rstrip())
    print(
        f"configuration    {'none from the cloud yet' if config is None else f'revision {config.revision}'}"
    )
    print(f"outbox           {waiting} messages wait for the cloud's acknowledgement")
    if state is None:
        print("state            no poll yet")
    else:
        print(f"state            {state.control_state} at {_shown(state.at)}")
        for der_id, available in sorted(state.available.items()):
            print(f"device           {der_id}: {'available' if available else 'NOT AVAILABLE'}")
        for fault in state.faults:
            stands = "stands" if fault.cleared_at is None else "over"
            print(f"fault            {fault.severity} {fault.source}: {fault.text} ({stands})")
    for item in held:
        command = item.command
        print(
            f"command          {command.command_id} revision {command.revision} for {command.der_id}: "
            f"{command.priority.name.lower()}, {item.phase}, until {_shown(command.expires_at)}"
        )


def _shown(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S UTC")


if __name__ == "__main__":
    sys.exit(main())
