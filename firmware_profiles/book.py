"""The profiles that are shipped, or those of a directory; and the choice among them."""

import tomllib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from firmware_profiles.profile import Profile
from firmware_profiles.versions import in_range
from vpp_core.der import DerKind
from vpp_core.faults import ConfigurationFault


class ProfileBook:
    """Profiles by name, in order of their names.

    Raises:
        ConfigurationFault: two profiles have one name.
    """

    def __init__(self, profiles: tuple[Profile, ...]) -> None:
        self._profiles = {profile.name: profile for profile in sorted(profiles, key=lambda p: p.name)}
        if len(self._profiles) != len(profiles):
            raise ConfigurationFault("two profiles have the same name; rename one of them")

    def __iter__(self) -> Iterator[Profile]:
        return iter(self._profiles.values())

    def __getitem__(self, name: str) -> Profile:
        """The profile of that name.

        Raises:
            ConfigurationFault: there is none.
        """
        try:
            return self._profiles[name]
        except KeyError:
            known = ", ".join(self._profiles)
            raise ConfigurationFault(f"there is no profile {name!r}; there are {known}") from None

    def of_kind(self, kind: DerKind | None) -> list[Profile]:
        """Those for one kind of device; without a kind, all."""
        return [profile for profile in self if kind in {None, profile.kind}]

    def match(
        self,
        manufacturer: str,
        model: str,
        version: str,
        model_ids: frozenset[int],
        kind: DerKind | None = None,
    ) -> Profile | None:
        """The most specific profile that fits a device with SunSpec models.

        The longest identity goes first, then a range of firmware, then most models, then the first name.

        Raises:
            ConfigurationFault: without ``kind``, equally specific profiles of different kinds fit.
        """
        identity = (manufacturer, model, version)
        fitting = [p for p in self.of_kind(kind) if p.has_sunspec and _fits(p, identity, model_ids)]
        best = max((_specificity(p) for p in fitting), default=None)
        finalists = [p for p in fitting if _specificity(p) == best]
        if len({p.kind for p in finalists}) > 1:
            kinds = " or ".join(p.kind for p in finalists)
            raise ConfigurationFault(
                f"{manufacturer} {model} could be {kinds} by its register map; say its kind"
            )
        return finalists[0] if finalists else None


def load_profiles(directory: Path | None = None) -> ProfileBook:
    """All profiles of a directory; by default those that are shipped.

    Raises:
        ConfigurationFault: a file is not a profile; the text names the file and the field.
    """
    source: Traversable = directory or files("firmware_profiles") / "profiles"
    try:
        entries = sorted(source.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise ConfigurationFault(f"cannot read profiles from {source}: {error.strerror}") from error
    return ProfileBook(tuple(load_profile(entry) for entry in entries if entry.name.endswith(".toml")))


def load_profile(file: Traversable) -> Profile:
    """One profile.

    Raises:
        ConfigurationFault: unreadable, not TOML, an unknown, missing or wrong field.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        return msgspec.convert(content, Profile)
    except OSError as error:
        raise ConfigurationFault(f"cannot read the profile {file}: {error.strerror}") from error
    except msgspec.ValidationError as error:
        raise ConfigurationFault(f"{file} is not a profile: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationFault(f"{file} is not TOML: {error}") from error


def _fits(profile: Profile, identity: tuple[str, str, str], model_ids: frozenset[int]) -> bool:
    match = profile.match
    prefixes = (match.manufacturer, match.model, match.version)
    return (
        model_ids.issuperset(match.models)
        and (not match.models_any or not model_ids.isdisjoint(match.models_any))
        and model_ids.isdisjoint(match.models_absent)
        and all(
            value.casefold().startswith(prefix.casefold())
            for value, prefix in zip(identity, prefixes, strict=True)
        )
        and in_range(identity[2], match.firmware)
    )


def _specificity(profile: Profile) -> tuple[int, bool, int]:
    match = profile.match
    identity = len(match.manufacturer) + len(match.model) + len(match.version)
    return identity, bool(match.firmware), len(match.models) + bool(match.models_any)
