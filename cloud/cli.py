"""vpp-cloud: run the cloud, check its settings, migrate its database, read the chain of record."""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from vpp_core.clock import SystemClock
from vpp_core.faults import EXIT_FAULT, ConfigurationFault, Fault, fault_in
from vpp_core.ids import IdFactory, RecordId, is_ulid

if TYPE_CHECKING:
    from cloud.chain.store import Chain

PIPED_COLUMNS = 200


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with one sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # Whoever reads, such as `head`, has seen enough; the interpreter would complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Fault, BaseExceptionGroup) as error:
        if (fault := fault_in(error)) is None:
            raise
        print(f"vpp-cloud: {fault}", file=sys.stderr)
        return EXIT_FAULT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vpp-cloud", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("serve", help="run the cloud until Ctrl-C or SIGTERM")
    _add_config(command, required=True)
    command.set_defaults(run=_serve)

    command = commands.add_parser("check-config", help="check the settings and print the effective ones")
    _add_config(command, required=True)
    command.set_defaults(run=_check_config)

    command = commands.add_parser("migrate", help="bring the database to this program's schema")
    _add_database(command)
    command.set_defaults(run=_migrate)

    command = commands.add_parser("trace", help="show a record, what it follows from and what it leads to")
    command.add_argument("id", metavar="ID", help="id of a record, 26 characters")
    command.add_argument("--json", action="store_true", help="all records with their bodies, as JSON")
    command.add_argument("--all", action="store_true", help="draw every neighbour instead of the first few")
    _add_database(command)
    command.set_defaults(run=_trace)

    command = commands.add_parser("records", help="list the records of a kind, or count all kinds")
    command.add_argument("kind", metavar="KIND", nargs="?", help="such as commitment; without it, counts")
    _add_database(command)
    command.set_defaults(run=_records)
    return parser


def _add_config(command: argparse.ArgumentParser, *, required: bool) -> None:
    command.add_argument(
        "--config", type=Path, required=required, metavar="FILE", help="the cloud's TOML file"
    )


def _add_database(command: argparse.ArgumentParser) -> None:
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--config", type=Path, metavar="FILE", help="the cloud's TOML file")
    where.add_argument("--database", type=Path, metavar="PATH", help="the database file itself")


def _serve(options: argparse.Namespace) -> None:
    from cloud.app import serve
    from cloud.settings import load_settings

    settings = load_settings(options.config)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")

    def ready(port: int) -> None:
        print(f"vpp-cloud listens on http://{settings.api.host}:{port}", flush=True)

    async def until_stopped() -> None:
        running = asyncio.current_task()
        if running is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
        await serve(settings, on_ready=ready)

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(until_stopped())


def _check_config(options: argparse.Namespace) -> None:
    from cloud.api.security import read_token
    from cloud.settings import load_settings

    settings = load_settings(options.config)
    for path in (settings.api.token_file, settings.market.token_file, settings.utility.token_file):
        read_token(path)
    print(settings.model_dump_json(indent=2))


def _migrate(options: argparse.Namespace) -> None:
    from cloud.storage.database import open_database

    path = _database(options)
    open_database(path).close()
    print(f"{path} is up to date")


def _trace(options: argparse.Namespace) -> None:
    from cloud.chain.store import UnknownRecord

    if not is_ulid(options.id):
        raise ConfigurationFault(
            f"no record has the id {options.id!a}; `vpp-cloud records` lists what there is"
        )
    with _chain(options) as chain:
        try:
            trace = chain.trace(RecordId(options.id))
        except UnknownRecord as unknown:
            raise ConfigurationFault(f"{unknown}; `vpp-cloud records` lists what there is") from unknown
    if options.json:
        print(json.dumps(trace.as_json(), indent=2))
    elif options.all:
        _console().print(trace.render(siblings_max=sys.maxsize))
    else:
        _console().print(trace.render())


def _records(options: argparse.Namespace) -> None:
    from cloud.chain.summary import STAGE_BY_KIND, summary, tag_of

    kinds = {tag_of(kind): kind for kind in STAGE_BY_KIND}
    if options.kind is not None and options.kind not in kinds:
        raise ConfigurationFault(f"{options.kind!r} is no kind of record; there are {', '.join(kinds)}")
    with _chain(options) as chain:
        if options.kind is None:
            counts = chain.counts()
            for kind in kinds:
                print(f"{counts.get(kind, 0):8} {kind}")
            return
        for record in chain.of_kind(kinds[options.kind]):
            print(f"{record.id}  {record.at:%Y-%m-%d %H:%M:%S}  {summary(record)}")


@contextlib.contextmanager
def _chain(options: argparse.Namespace) -> Iterator["Chain"]:
    from cloud.chain.store import Chain
    from cloud.storage.database import open_database

    database = open_database(_database(options), migrate=False)
    clock = SystemClock()
    try:
        yield Chain(database, IdFactory(clock.now), clock)
    finally:
        database.close()


def _database(options: argparse.Namespace) -> Path:
    from cloud.settings import load_settings

    path: Path | None = options.database
    return load_settings(options.config).storage.database_file if path is None else path


def _console() -> Console:
    """As wide as the terminal; a pipe gets long lines instead of wrapped ones."""
    return Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS, highlight=False)


if __name__ == "__main__":
    sys.exit(main())
