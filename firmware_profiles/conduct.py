"""The form of how a device is reached and how gently it wants to be asked."""

from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from firmware_profiles.registers import Block, RegisterName
from vpp_core.der import NonNegative

BlockRegisters = Annotated[int, msgspec.Meta(ge=2, le=125)]
WriteRegisters = Annotated[int, msgspec.Meta(ge=1, le=123)]
Unit = Annotated[int, msgspec.Meta(ge=0, le=255)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Framing(StrEnum):
    """How requests are framed, and over what."""

    TCP = "tcp"
    TLS = "tls"
    RTU = "rtu"
    """Serial line."""
    RTU_OVER_TCP = "rtu-over-tcp"


class Endpoint(_Part, frozen=True, kw_only=True):
    """Where the family is found, for whoever writes a site's settings."""

    framing: Annotated[tuple[Framing, ...], msgspec.Meta(min_length=1)] = (Framing.TCP,)
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 502
    units: tuple[Unit, ...] = ()
    """Unit ids that it comes with, likeliest first; none: the owner sets them."""
    connections_max: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """More TCP connections than this are refused, or break the others; nothing: not known."""
    idle_close_s: Positive | None = None
    """The device closes a connection that was silent for so long; nothing: not known."""


class Access(_Part, frozen=True, kw_only=True):
    """How gently a device wants to be asked."""

    base_addresses: Annotated[tuple[int, ...], msgspec.Meta(min_length=1)] = (40_000, 0, 50_000)
    """Where the SunSpec map may begin, likeliest first."""
    address_offset: Annotated[int, msgspec.Meta(ge=-0xFFFF, le=0xFFFF)] = 0
    """Added to every address of ``registers`` on the wire: -1 where the vendor counts from 1."""
    block_registers_max: BlockRegisters = 125
    write_registers_max: WriteRegisters = 123
    hole_registers_max: Annotated[int, msgspec.Meta(ge=0, le=125)] = 0
    """Registers between two values of ``registers`` that one read may span."""
    forbidden: tuple[Block, ...] = ()
    """Never read, not even as a part of a larger block."""
    write_function: Literal[6, 16] = 16
    """For a value of one register; longer ones are always written by function 16."""
    atomic: tuple[tuple[RegisterName, ...], ...] = ()
    """Groups of registers that are written by one request, when a recipe writes them one after another."""
    gap_ms_min: NonNegative = 0.0
    """Rest between the end of one request and the start of the next."""
    write_gap_ms_min: NonNegative = 0.0
    """Rest between two writes."""
    response_ms_max: NonNegative = 1_000.0
    """Slowest answer that is still normal; commissioning compares the device with it."""
    timeout_ms: Positive | None = None
    """An answer that has not come by then will not come; nothing: as the site says."""
    refresh_ms: Positive | None = None
    """How often the device renews its own readings; reading faster brings nothing. Nothing: not known."""
    slow_s: Positive = 60.0
    """How often points of the class ``slow`` are read."""


class Latency(_Part, frozen=True, kw_only=True):
    """What was measured on a device, and where; nothing that was not."""

    source: str
    read_ms: Positive | None = None
    """A small read, request to answer, in the median."""
    effect_ms: Positive | None = None
    """A written setpoint to the beginning of its effect."""
    settled_ms: Positive | None = None
    """A written setpoint to 90 % of its effect."""
