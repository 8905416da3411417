"""What the fleet's benchmark runs beside the fleet, each in a process of its own.

``echo COUNT BYTES`` listens on COUNT ports, prints them as a JSON list, and answers every request with BYTES
bytes: a floor, nothing decoded. ``poll FILE`` connects to both sets of ports that the JSON of FILE names and
then obeys its input: ``ours SECONDS`` or ``peer SECONDS`` polls one of them and prints what came back.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

REGISTERS = 100
REQUEST = bytes.fromhex("0001 0000 0006 02 03 9c86 0064")
"""100 registers of model 701 of a battery."""
ANSWER_BYTES = 9 + 2 * REGISTERS
GOLDEN = (5**0.5 - 1) / 2
"""Spreads the clients of one period evenly over it."""


class Echo(asyncio.Protocol):
    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for _ in range(len(data) // len(REQUEST)):
            self._transport.write(self._answer)


class Poller(asyncio.Protocol):
    """One client that asks every ``period_s`` and never has two requests under way."""

    def __init__(self, period_s: float, phase: float) -> None:
        self._period_s, self._phase = period_s, phase
        self._transport: Any = None
        self._missing = 0
        self._asked_s = 0.0
        self._answered = asyncio.Event()
        self.took_s: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing == 0:
            self.took_s.append(perf_counter() - self._asked_s)
            self._answered.set()

    async def poll(self, start_s: float, duration_s: float) -> None:
        """Ask at each multiple of the period; what comes late is asked late, and counted."""
        self.took_s = []
        due_s = start_s + self._phase * self._period_s
        while due_s < start_s + duration_s:
            await asyncio.sleep(max(0.0, due_s - perf_counter()))
            if perf_counter() >= start_s + duration_s:
                return
            self._answered.clear()
            self._missing, self._asked_s = ANSWER_BYTES, perf_counter()
            self._transport.write(REQUEST)
            await self._answered.wait()
            due_s += self._period_s


def say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def echo(count: int, answer_bytes: int) -> None:
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(lambda: Echo(bytes(answer_bytes)), "127.0.0.1", 0) for _ in range(count)
    ]
    say([server.sockets[0].getsockname()[1] for server in servers])
    await asyncio.Event().wait()


async def poll(task: dict[str, Any]) -> None:
    """The task: ``{"ours": [port, ...], "peer": [...], "periods_s": [...]}``."""
    sets = {name: await _connect(task[name], task["periods_s"]) for name in ("ours", "peer")}
    say("connected")
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        name, duration_s = line.split()
        say(await _round(sets[name], float(duration_s)))


async def _connect(ports: Sequence[int], periods_s: Sequence[float]) -> list[Poller]:
    loop = asyncio.get_running_loop()
    pollers = []
    for number, (port, period_s) in enumerate(zip(ports, periods_s, strict=True)):
        poller = Poller(period_s, GOLDEN * number % 1.0)
        await loop.create_connection(partial(_itself, poller), "127.0.0.1", port)
        pollers.append(poller)
    return pollers


def _itself(poller: Poller) -> Poller:
    return poller


async def _round(pollers: Sequence[Poller], duration_s: float) -> dict[str, Any]:
    start_s = perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for poller in pollers:
            tasks.create_task(poller.poll(start_s, duration_s))
    return {
        "took_s": [took_s for poller in pollers for took_s in poller.took_s],
        "least": min(len(poller.took_s) for poller in pollers),
    }


if __name__ == "__main__":
    role, *arguments = sys.argv[1:]
    if role == "echo":
        asyncio.run(echo(int(arguments[0]), int(arguments[1])))
    else:
        asyncio.run(poll(json.loads(Path(arguments[0]).read_text(encoding="utf-8"))))
