"""The private line between a rig and its child: JSON lines over a socket pair that the child inherits.

The child says ``ready`` once, with its ports; after that the rig asks and the child answers, one line
each. No port and no path is involved, so nobody else can join.
"""

import asyncio
import json
import socket
from collections.abc import Callable, Mapping
from typing import Any, Self

from vpp_core.faults import LocalFault

Facts = Mapping[str, Any]


class Line:
    """One end of the line."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._asking = asyncio.Lock()

    @classmethod
    async def over(cls, end: socket.socket) -> Self:
        reader, writer = await asyncio.open_connection(sock=end)
        return cls(reader, writer)

    @classmethod
    async def inherited(cls, descriptor: int) -> Self:
        """The child's end, whose file descriptor it was given.

        Raises:
            LocalFault: the descriptor is no socket: the program was not started by a rig.
        """
        try:
            end = socket.socket(fileno=descriptor)
        except OSError as error:
            raise LocalFault("This program is started by the rig (vpp-demo), not by hand.") from error
        return await cls.over(end)

    async def say(self, facts: Facts) -> None:
        self.tell(facts)
        await self._writer.drain()

    def tell(self, facts: Facts) -> None:
        """Say something short without waiting until the other end has room."""
        self._writer.write(json.dumps(facts).encode() + b"\n")

    async def hear(self) -> dict[str, Any] | None:
        """The next line, or nothing once the other end is gone."""
        try:
            raw = await self._reader.readline()
        except ConnectionError:
            return None
        if not raw.endswith(b"\n"):
            return None
        facts: dict[str, Any] = json.loads(raw)
        return facts

    async def ask(self, question: Facts) -> dict[str, Any]:
        """The other end's answer.

        Raises:
            LocalFault: the other end is gone, or refuses and says why.
        """
        async with self._asking:
            try:
                await self.say(question)
            except ConnectionError as error:
                raise LocalFault("A process of the rig is gone, so it cannot be asked.") from error
            answer = await self.hear()
        if answer is None:
            raise LocalFault("A process of the rig ended before it answered.")
        if "refused" in answer:
            raise LocalFault(str(answer["refused"]))
        return answer

    async def serve(self, answer: Callable[[dict[str, Any]], Facts]) -> None:
        """Answer questions until the other end is gone; a `ValueError` is told as a refusal."""
        while (question := await self.hear()) is not None:
            try:
                reply = answer(question)
            except (ValueError, KeyError) as error:
                reply = {"refused": f"{type(error).__name__}: {error}"}
            await self.say(reply)

    async def close(self) -> None:
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except ConnectionError:
            return
