"""One FastAPI application on a free loopback port, inside the loop that is already running."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from fastapi import FastAPI

LOOPBACK = "127.0.0.1"
_SHUTDOWN_S = 1


@contextlib.asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[int]:
    """Serve the application as long as the block runs; gives its port."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=_SHUTDOWN_S,
    )
    server = _Server(config)
    with _listener() as listener:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[listener]), name=f"serve {app.title}")
            try:
                port: int = listener.getsockname()[1]
                yield port
            finally:
                server.should_exit = True


def _listener() -> socket.socket:
    """A free port; the protocol is named, since asyncio turns Nagle's delay off only where it sees TCP."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((LOOPBACK, 0))
    listener.listen()
    listener.settimeout(0.0)
    return listener


class _Server(uvicorn.Server):
    """Leaves signals to the process that it runs in."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
