"""Checks of a profile's own register map: its addresses, its references and its groups."""

from collections.abc import Iterator
from itertools import combinations, pairwise

from firmware_profiles.profile import Profile
from firmware_profiles.registers import Block, Register

_ADDRESSES = 0x1_0000


def register_findings(profile: Profile) -> Iterator[str]:
    """One sentence for each thing that is wrong, with its field."""
    for name, register in profile.registers.items():
        yield from _of_register(profile, f"registers.{name}", register)
    for (left, one), (right, other) in combinations(profile.registers.items(), 2):
        if one.address == other.address and one.space is other.space:
            yield f"registers: {left} and {right} have one address"
    for field, reference in _references(profile):
        if reference is not None and not _is_readable(profile, reference):
            yield f"{field}: there is no readable register {reference}"
    for number, group in enumerate(profile.access.atomic):
        yield from _of_group(profile, f"access.atomic[{number}]", group)


def _of_register(profile: Profile, field: str, register: Register) -> Iterator[str]:
    access = profile.access
    on_wire = register.address + access.address_offset
    if not 0 <= on_wire <= _ADDRESSES - register.registers:
        yield f"{field}.address: {on_wire} is no address on the wire"
    last = min(register.address + register.registers, _ADDRESSES) - 1
    span = Block(first=register.address, last=last, space=register.space)
    if any(span.overlaps(block) for block in access.forbidden):
        yield f"{field}: lies in a forbidden block"
    if register.readable and register.registers > access.block_registers_max:
        yield f"{field}: is longer than one read may be"
    if register.writable and register.registers > access.write_registers_max:
        yield f"{field}: is longer than one write may be"


def _references(profile: Profile) -> Iterator[tuple[str, str | None]]:
    for name, register in profile.registers.items():
        yield f"registers.{name}.exponent", register.exponent
        yield f"registers.{name}.read_back", register.read_back
    if (identity := profile.identity) is not None:
        yield "identity.model_at", identity.model_at
        yield "identity.version_at", identity.version_at
        yield "identity.serial_at", identity.serial_at
    for number, probe in enumerate(profile.match.probes):
        yield f"match.probes[{number}].register", probe.register


def _is_readable(profile: Profile, name: str) -> bool:
    return name in profile.registers and profile.registers[name].readable


def _of_group(profile: Profile, field: str, group: tuple[str, ...]) -> Iterator[str]:
    if unknown := [name for name in group if name not in profile.registers]:
        yield f"{field}: there is no register {unknown[0]}"
        return
    members = [profile.registers[name] for name in group]
    if any(before.address + before.registers != after.address for before, after in pairwise(members)):
        yield f"{field}: its registers do not follow one another"
    elif sum(member.registers for member in members) > profile.access.write_registers_max:
        yield f"{field}: is longer than one write may be"
