"""Which profile fits a unit: by its SunSpec models, or by what its own registers tell."""

from edge_agent.devices.link import Link, RegisterRefused
from edge_agent.devices.plan import Value
from edge_agent.devices.register_poll import RegisterPoll
from edge_agent.devices.scan import DeviceMap, NotSunSpec, scan
from firmware_profiles import Profile, ProfileBook
from firmware_profiles.profile import Probe
from vpp_core.der import DerKind
from vpp_core.faults import ConfigurationFault

_VERSION_BYTES = 4


async def find_profile(
    link: Link, unit: int, profiles: ProfileBook, kind: DerKind | None, name: str | None
) -> tuple[Profile, DeviceMap]:
    """The profile of a unit, and where its registers are.

    Args:
        link: the way to the unit.
        unit: Modbus unit id.
        profiles: those to choose from.
        kind: only profiles of this kind; nothing: any.
        name: of the profile that the site's settings name; nothing: find it.

    Raises:
        DeviceFault: the unit does not answer, or nothing knows its registers.
        ConfigurationFault: no profile or more than one kind of profile fits, or not the one that is named.
    """
    if name is not None:
        return await _named(link, unit, profiles[name])
    try:
        device_map = await scan(link, unit)
    except NotSunSpec:
        if (found := await _probed(link, unit, profiles, kind)) is None:
            raise
        return found
    profile = _matching(profiles, device_map, kind)
    if profile is None:
        raise ConfigurationFault(
            f"{link} unit {unit} is {_told(device_map)}; no profile for {kind or 'any kind'} fits, "
            f"check the unit and the kind"
        )
    return profile, device_map


async def _named(link: Link, unit: int, profile: Profile) -> tuple[Profile, DeviceMap]:
    if not profile.has_sunspec:
        device_map = await _told_by_registers(link, unit, profile)
        if device_map is None:
            raise ConfigurationFault(
                f"{link} unit {unit} does not show what a device of profile {profile.name} shows; check the "
                f"unit and the profile"
            )
        return profile, device_map
    device_map = await scan(link, unit, profile.access.base_addresses)
    if _matching(ProfileBook((profile,)), device_map, None) is None:
        raise ConfigurationFault(
            f"{link} unit {unit} is {_told(device_map)}; profile {profile.name} does not fit it"
        )
    return profile, device_map


async def _probed(
    link: Link, unit: int, profiles: ProfileBook, kind: DerKind | None
) -> tuple[Profile, DeviceMap] | None:
    """The first profile whose probes succeed; those that take most to be convinced go first."""
    candidates = [profile for profile in profiles.of_kind(kind) if profile.match.probes]
    for profile in sorted(candidates, key=lambda p: -len(p.match.probes)):
        device_map = await _told_by_registers(link, unit, profile)
        if device_map is not None:
            return profile, device_map
    return None


async def _told_by_registers(link: Link, unit: int, profile: Profile) -> DeviceMap | None:
    """Who the device is; nothing if its probes say that it is another one."""
    identity = profile.identity
    assert identity is not None  # noqa: S101 - every profile without models has one
    told = [identity.model_at, identity.version_at, identity.serial_at]
    probes = [probe.register for probe in profile.match.probes]
    poll = RegisterPoll(profile.registers, [name for name in (*probes, *told) if name], profile.access)
    try:
        await poll.read(link, unit)
    except RegisterRefused:
        return None
    if not all(_agrees(probe, poll.value(probe.register)) for probe in profile.match.probes):
        return None
    model_at, version_at, serial_at = (poll.value(name) if name else None for name in told)
    version = _bytes(version_at) if identity.version_in_bytes else _text(version_at)
    return DeviceMap(
        base_address=profile.access.address_offset,
        models=(),
        manufacturer=identity.manufacturer,
        model=f"{identity.model} {_text(model_at)}".strip(),
        version=version,
        serial=_text(serial_at),
    )


def _matching(profiles: ProfileBook, device_map: DeviceMap, kind: DerKind | None) -> Profile | None:
    return profiles.match(
        device_map.manufacturer, device_map.model, device_map.version, device_map.model_ids, kind
    )


def _agrees(probe: Probe, value: Value) -> bool:
    if isinstance(value, str):
        texts = [wanted for wanted in probe.values if isinstance(wanted, str)]
        return any(value.casefold().startswith(wanted.casefold()) for wanted in texts)
    if value is None:
        return False
    if probe.values:
        return value in probe.values
    return (probe.least is None or value >= probe.least) and (probe.most is None or value <= probe.most)


def _told(device_map: DeviceMap) -> str:
    models = ", ".join(str(location.model_id) for location in device_map.models)
    return f"{device_map.manufacturer} {device_map.model} with the models {models}"


def _text(value: Value) -> str:
    return f"{value:.0f}" if isinstance(value, float) else value or ""


def _bytes(value: Value) -> str:
    if not isinstance(value, float):
        return value or ""
    return ".".join(str(part) for part in int(value).to_bytes(_VERSION_BYTES))
