"""The programs that an owner can join: versioned data with effective dates, from ``programs.toml``."""

import tomllib
from collections.abc import Sequence
from datetime import date
from importlib.resources import files
from typing import Annotated

import msgspec

from cloud.chain.records import Book
from vpp_core.der import DerKind
from vpp_core.faults import ConfigurationFault
from vpp_core.ids import ProgramId


class Program(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of one program's terms."""

    id: ProgramId
    title: str
    book: Book
    terms_version: str
    effective_from: date
    """First day (UTC) on which an owner can consent to these terms."""
    owner_share_pct: Annotated[int, msgspec.Meta(ge=0, le=100)]
    requires: tuple[DerKind, ...]
    """Kinds of device without which a site cannot take part."""
    sites_max: int
    enrollment_code_days: int


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    programs: tuple[Program, ...]


class Programs:
    """All versions of all programs."""

    def __init__(self, versions: Sequence[Program]) -> None:
        self._versions = tuple(versions)

    def on(self, day: date) -> list[Program]:
        """The programs open on a day, each with its newest terms, by id."""
        newest: dict[ProgramId, Program] = {}
        for version in sorted(self._versions, key=lambda each: each.effective_from):
            if version.effective_from <= day:
                newest[version.id] = version
        return [newest[program_id] for program_id in sorted(newest)]

    def get(self, program_id: ProgramId, day: date) -> Program | None:
        """The terms of a program in force on a day, or nothing."""
        return next((program for program in self.on(day) if program.id == program_id), None)

    def under(self, program_id: ProgramId, terms_version: str) -> Program | None:
        """The program as an owner agreed to it, or nothing."""
        return next(
            (each for each in self._versions if (each.id, each.terms_version) == (program_id, terms_version)),
            None,
        )


def load_programs(text: str | None = None) -> Programs:
    """The programs that come with the package, or those in ``text`` (TOML).

    Raises:
        ConfigurationFault: not TOML, a key unknown or missing, or a value of the wrong kind.
    """
    if text is None:
        text = files("cloud.enrollment").joinpath("programs.toml").read_text(encoding="utf-8")
    try:
        return Programs(msgspec.convert(tomllib.loads(text), _Document).programs)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigurationFault(f"the programs cannot be used: {error}; mend programs.toml") from error
