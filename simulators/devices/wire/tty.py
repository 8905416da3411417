"""Terminals as asyncio transports: a pseudo-terminal, or a serial port."""

import asyncio
import contextlib
import os
import termios
import tty
from pathlib import Path

from vpp_core.faults import ConfigurationFault, LocalFault

BAUDS = {rate: getattr(termios, f"B{rate}") for rate in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)}
READ_BYTES = 4096
BUFFER_MAX = 4096
"""Bytes that wait for a reader; more, and the protocol is told to pause."""


def make_raw(terminal: int, baud: int) -> None:
    """Bytes as they are, eight bits, no parity, one stop bit, no flow control.

    Raises:
        ConfigurationFault: no such rate.
    """
    if baud not in BAUDS:
        raise ConfigurationFault(f"{baud} baud is none of {', '.join(map(str, BAUDS))}.")
    tty.setraw(terminal)
    mode = termios.tcgetattr(terminal)
    mode[2] = mode[2] & ~(termios.CSTOPB | termios.PARENB | termios.CRTSCTS) | termios.CLOCAL | termios.CREAD
    mode[4] = mode[5] = BAUDS[baud]
    termios.tcsetattr(terminal, termios.TCSANOW, mode)


class PseudoTerminal:
    """A pair of terminals: we hold one end, the client opens the other like a serial port.

    Args:
        baud: what the client's end says; the bytes travel at once whatever it is.
        link: where to put a symbolic link to the client's end; one to a terminal, or to nothing, is replaced.

    Raises:
        LocalFault: the link cannot be made.
    """

    def __init__(self, baud: int, link: Path | None = None) -> None:
        self.terminal, self._client = os.openpty()
        # Held open here, the client's end survives that a client comes and goes.
        self.path = os.ttyname(self._client)
        self._link = link
        try:
            make_raw(self._client, baud)
            if link is not None:
                _replace_link(link, self.path)
        except BaseException:
            os.close(self.terminal)
            os.close(self._client)
            raise

    def close(self) -> None:
        """Close the client's end, and take the link away; our end belongs to its transport."""
        os.close(self._client)
        if self._link is not None and self._link.is_symlink() and self._link.readlink() == Path(self.path):
            self._link.unlink()


def open_port(path: Path, baud: int) -> int:
    """A serial port that exists.

    Raises:
        LocalFault: it cannot be opened, or is no terminal.
        ConfigurationFault: no such rate.
    """
    try:
        port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError as error:
        raise LocalFault(f"Cannot open the serial port {path} ({error.strerror}).") from error
    try:
        make_raw(port, baud)
    except termios.error as error:
        os.close(port)
        raise LocalFault(f"{path} is no serial port; give the path of a terminal.") from error
    except BaseException:
        os.close(port)
        raise
    return port


def _replace_link(link: Path, target: str) -> None:
    try:
        # A link of an earlier run leads to a terminal or to nothing; any other is somebody's own.
        if link.is_symlink() and (not link.exists() or link.readlink().parent == Path(target).parent):
            link.unlink()
        link.symlink_to(target)
    except OSError as error:
        raise LocalFault(
            f"Cannot make the link {link} to {target} ({error.strerror}); choose another path."
        ) from error


class TerminalTransport(asyncio.Transport):
    """Reads and writes one terminal, and closes it in the end.

    Args:
        terminal: the open file; it becomes non-blocking.
        protocol: is told of the transport at once.
    """

    def __init__(self, terminal: int, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._terminal = terminal
        self._protocol = protocol
        self._unwritten = bytearray()
        self._closing = self._throttled = False
        os.set_blocking(terminal, False)
        protocol.connection_made(self)
        self._loop.add_reader(terminal, self._readable)

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        if not self._closing:
            self._loop.remove_reader(self._terminal)

    def resume_reading(self) -> None:
        if not self._closing:
            self._loop.add_reader(self._terminal, self._readable)

    def get_write_buffer_size(self) -> int:
        return len(self._unwritten)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        if not self._unwritten:
            self._loop.add_writer(self._terminal, self._writable)
        self._unwritten += data
        self._writable()
        if len(self._unwritten) > BUFFER_MAX and not self._throttled:
            self._throttled = True
            self._protocol.pause_writing()

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        """Close the terminal; a line has no end that the other side would see."""
        self._end(None)

    def _readable(self) -> None:
        try:
            data = os.read(self._terminal, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._end(None)

    def _writable(self) -> None:
        if self._closing:
            return
        try:
            with contextlib.suppress(BlockingIOError):
                del self._unwritten[: os.write(self._terminal, self._unwritten)]
        except OSError as error:
            self._end(error)
            return
        if not self._unwritten:
            self._loop.remove_writer(self._terminal)
        if self._throttled and not self._unwritten:
            self._throttled = False
            self._protocol.resume_writing()

    def _end(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._loop.remove_reader(self._terminal)
        self._loop.remove_writer(self._terminal)
        os.close(self._terminal)
        self._loop.call_soon(self._protocol.connection_lost, error)
