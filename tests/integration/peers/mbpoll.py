"""Debian's mbpoll, a master in C on libmodbus, worked by its command line."""

import re
import shutil
import subprocess
from collections.abc import Mapping

from tests.integration.peers.environments import lacking

_LINE = re.compile(r"^\[(\d+)\]:\s+0x([0-9A-F]{4})$", re.MULTILINE)
_ANSWER_S = 60.0
"""Ends a master that hangs; no measure of anything."""
_END = 0xFFFF


class MbpollError(Exception):
    """What mbpoll says about a request that failed."""


class Mbpoll:
    """A master on one line; addresses are those of the protocol (the first register is 0).

    Args:
        where: host or device.
        unit: address of the slave.
        line: options of the line, such as ``-p 502`` or ``-m rtu -b 19200 -P none``.
    """

    def __init__(self, where: str, unit: int, *line: str) -> None:
        program = shutil.which("mbpoll")
        if program is None:
            lacking("mbpoll is not installed; install it as root: apt-get install mbpoll")
        self._command = [program, "-0", "-1", "-q", "-o", "5", "-a", str(unit), *line]
        self._where = where

    def read(self, address: int, count: int) -> list[int]:
        """Holding registers (function 3)."""
        said = self._run("-t", "4:hex", "-r", str(address), "-c", str(count), self._where)
        words = {int(found[1]): int(found[2], 16) for found in _LINE.finditer(said)}
        assert list(words) == list(range(address, address + count)), said
        return list(words.values())

    def write(self, address: int, *words: int) -> None:
        """Holding registers: one by function 6, several by function 16."""
        self._run("-t", "4", "-r", str(address), self._where, *map(str, words))

    def chain(self, base: int) -> Mapping[int, int]:
        """Addresses of the SunSpec models by number."""
        assert self.read(base, 2) == [0x5375, 0x6E53]
        found: dict[int, int] = {}
        address = base + 2
        while (header := self.read(address, 2))[0] != _END:
            found[header[0]] = address
            address += 2 + header[1]
        return found

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(  # noqa: S603 - a program of this machine
            [*self._command, *arguments], capture_output=True, text=True, timeout=_ANSWER_S, check=False
        )
        if done.returncode:
            raise MbpollError(done.stderr.strip())
        return done.stdout
