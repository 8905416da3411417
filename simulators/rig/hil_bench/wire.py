"""The rig's own Modbus client: it sees what a polite client hides.

Each request has a transaction id of its own. An answer that comes after its request was given up, an
answer that nobody asked for, a connection that is refused, one that is open and dumb: all of it is
counted and timed, for a procedure to judge. It shares no code with the gateway.
"""

import asyncio
import ssl
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault

READ, WRITE_ONE, WRITE_MANY = 3, 6, 16
EXCEPTION_BIT = 0x80
_HEADER = struct.Struct(">HHHB")
_LENGTH_MIN, _LENGTH_MAX = 2, 254
_CHUNK_BYTES = 4_096
_SILENT_MAX = 2
"""So many requests without an answer in a row, and the connection is made anew."""


class NoAnswer(DeviceFault):
    """Nothing came back in time, or there is no connection."""


class Garbled(DeviceFault):
    """What came back is no answer to the request."""


class Refused(DeviceFault):
    """A Modbus exception."""

    def __init__(self, text: str, exception: int) -> None:
        super().__init__(text)
        self.exception = exception


class Line(Protocol):
    """One open connection that carries bytes."""

    def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes:
        """Some bytes as soon as there are any; none when the other side has hung up."""
        ...

    def close(self) -> None: ...


Dial = Callable[[], Awaitable[Line]]
"""Opens a connection; raises OSError where there is none to be had."""


class TcpLine:
    """Modbus/TCP, with or without TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def receive(self) -> bytes:
        return await self._reader.read(_CHUNK_BYTES)

    def close(self) -> None:
        self._writer.close()


def tcp(host: str, port: int, context: ssl.SSLContext | None = None) -> Dial:
    async def dial() -> Line:
        return TcpLine(*await asyncio.open_connection(host, port, ssl=context))

    return dial


@dataclass(slots=True)
class Traffic:
    """What has happened on the wire since the client was made."""

    requests: int = 0
    unanswered: int = 0
    late: int = 0
    """Answers to requests that had been given up."""
    strange: int = 0
    """Answers to nothing that was asked: a wrong transaction id, unit or function, broken bytes."""
    hang_ups: int = 0
    refused_connections: int = 0
    answer_s: list[float] = field(default_factory=list)
    """How long each answer took."""
    notes: list[str] = field(default_factory=list)
    """What was seen, one sentence each."""


class ModbusClient:
    """Asks one unit; one request at a time.

    Args:
        dial: opens a connection.
        unit: Modbus unit id.
        clock: counts answer times; the loop's own time ends the waiting.
        name: of the device, for faults.
        answer_s_max: how long an answer may take.
        attempts: how often a request is made until it is given up altogether.
    """

    def __init__(
        self, dial: Dial, unit: int, clock: Clock, name: str, *, answer_s_max: float = 3.0, attempts: int = 3
    ) -> None:
        self._host = name
        self.name = f"{name} unit {unit}"
        self.traffic = Traffic()
        self.answer_s_max = answer_s_max
        self._dial, self._unit, self._clock = dial, unit, clock
        self._attempts = attempts
        self._line: Line | None = None
        self._received = bytearray()
        self._transaction = 0
        self._given_up: set[int] = set()
        self._silent = 0

    def twin(self) -> "ModbusClient":
        """Another client of the same device, with a connection and a count of its own."""
        return ModbusClient(
            self._dial,
            self._unit,
            self._clock,
            self._host,
            answer_s_max=self.answer_s_max,
            attempts=self._attempts,
        )

    async def read(self, address: int, count: int, function: int = READ) -> bytes:
        """Registers as big-endian bytes.

        Raises:
            DeviceFault: no answer, a refusal, or another answer than was asked for.
        """
        doing = f"reading register {address}"
        answer = await self.ask(struct.pack(">BHH", function, address, count), doing)
        if len(answer) != 2 + 2 * count or answer[1] != 2 * count:
            raise Garbled(f"{self.name} answers with {len(answer) - 2} bytes for {count} registers.")
        return answer[2:]

    async def write(self, address: int, registers: bytes, doing: str = "") -> None:
        """Write registers by function 16.

        Raises:
            DeviceFault: no answer, a refusal, or another acknowledgement than was asked for.
        """
        count = len(registers) // 2
        head = struct.pack(">BHHB", WRITE_MANY, address, count, len(registers))
        doing = doing or f"writing register {address}"
        answer = await self.ask(head + registers, doing)
        if answer != head[:5]:
            raise Garbled(f"{self.name} acknowledges another write while {doing}.")

    async def ask(self, pdu: bytes, doing: str, attempts: int | None = None) -> bytes:
        """The answer to any request.

        Raises:
            NoAnswer: nothing came, after all attempts.
            Refused: a Modbus exception.
        """
        last = NoAnswer(f"{self.name} does not answer {doing}.")
        for _ in range(attempts or self._attempts):
            try:
                answer = await self._exchange(pdu, doing)
            except NoAnswer as fault:
                last = fault
                continue
            if answer[0] == pdu[0]:
                return answer
            code = answer[1] if len(answer) > 1 else 0
            raise Refused(f"{self.name} refuses {doing} (Modbus exception {code}).", code)
        raise last

    async def open(self) -> None:
        """Connect, if there is no connection.

        Raises:
            NoAnswer: there is none to be had.
        """
        if self._line is not None:
            return
        self._received.clear()
        try:
            async with asyncio.timeout(self.answer_s_max):
                self._line = await self._dial()
        except (OSError, TimeoutError, UnicodeError) as error:  # the last: what is no name, such as a..b
            self.traffic.refused_connections += 1
            self._note(f"the connection is refused ({type(error).__name__})")
            raise NoAnswer(f"No connection to {self.name}; check address and port.") from error

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None

    async def _exchange(self, pdu: bytes, doing: str) -> bytes:
        await self.open()
        self._transaction = self._transaction % 0xFFFF + 1
        assert self._line is not None  # noqa: S101
        started_s = self._clock.monotonic_s()
        self.traffic.requests += 1
        try:
            async with asyncio.timeout(self.answer_s_max):
                self._line.send(_HEADER.pack(self._transaction, 0, len(pdu) + 1, self._unit) + pdu)
                answer = await self._answer(self._transaction, pdu[0])
        except TimeoutError as error:
            raise self._silence(doing) from error
        except (OSError, EOFError) as error:
            self.traffic.unanswered += 1
            self.traffic.hang_ups += 1
            self._note("the device hung up")
            self.close()
            raise NoAnswer(f"{self.name} hangs up while {doing}.") from error
        self._silent = 0
        self.traffic.answer_s.append(self._clock.monotonic_s() - started_s)
        return answer

    def _silence(self, doing: str) -> NoAnswer:
        self.traffic.unanswered += 1
        self._given_up.add(self._transaction)
        self._silent += 1
        self._note(f"no answer within {self.answer_s_max:g} s while {doing}")
        if self._silent >= _SILENT_MAX:
            self.close()
        return NoAnswer(
            f"{self.name} does not answer {doing} within {self.answer_s_max:g} s; "
            "the connection is open and dumb."
        )

    async def _answer(self, transaction: int, function: int) -> bytes:
        """The answer to a request; everything else that arrives is counted and dropped."""
        while True:
            frame = await self._frame()
            got, protocol, _, unit = _HEADER.unpack_from(frame)
            answer = frame[_HEADER.size :]
            ours = answer[:1] in {bytes((function,)), bytes((function | EXCEPTION_BIT,))}
            if got == transaction and protocol == 0 and unit == self._unit and ours:
                return answer
            if got in self._given_up:
                self._given_up.discard(got)
                self.traffic.late += 1
                self._note(f"an answer to request {got} came after it had been given up")
                continue
            self.traffic.strange += 1
            self._note(f"an answer with transaction id {got} came where {transaction} was awaited")

    async def _frame(self) -> bytes:
        while True:
            if len(self._received) >= _HEADER.size:
                length = _HEADER.unpack_from(self._received)[2]
                if not _LENGTH_MIN <= length <= _LENGTH_MAX:
                    raise EOFError("no frame of Modbus/TCP")
                end = _HEADER.size - 1 + length
                if len(self._received) >= end:
                    frame = bytes(self._received[:end])
                    del self._received[:end]
                    return frame
            assert self._line is not None  # noqa: S101
            chunk = await self._line.receive()
            if not chunk:
                raise EOFError("hung up")
            self._received += chunk

    def _note(self, text: str) -> None:
        self.traffic.notes.append(text)
