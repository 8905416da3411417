"""What a bench device consists of, by its kind: the unit, and the registers in which it is seen."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import NamedTuple, Protocol

from simulators.bench.settings import INVERTERS, BenchSettings, DeviceKind
from simulators.bench.surroundings import Surroundings
from simulators.devices.charging.station import EvseUnit, EvseUnitConfig
from simulators.devices.image import RegisterImage, Values
from simulators.devices.inverter.inverter import Inverter
from simulators.devices.inverter.nameplate import Nameplate
from simulators.devices.maps import SETS, inverter_models, models_of
from simulators.devices.maps.unit import Identity
from simulators.devices.meters.energy import Power
from simulators.devices.meters.sunspec import MODELS, meter_models
from simulators.devices.meters.unit import MeterUnit, MeterUnitConfig, Wiring, shared
from simulators.devices.vendor.eastron import eastron_image
from simulators.devices.vendor.keba import KebaStation
from simulators.devices.wire.fate import Responder
from vpp_core.faults import ConfigurationFault

SUNSPEC, KEBA, SDM630 = "sunspec", "keba", "sdm630"
_MAPS = {
    DeviceKind.PV: (SUNSPEC,),
    DeviceKind.BATTERY: (SUNSPEC,),
    DeviceKind.HYBRID: (SUNSPEC,),
    DeviceKind.EVSE: (KEBA,),
    DeviceKind.METER: (SUNSPEC, SDM630),
}
"""By kind, the usual one first."""
_KEBA_UNIT = 255
_METER_STEP_S = 0.1


class Unit(Protocol):
    """Something with a state that moves with time."""

    def advance(self, now_s: float) -> float: ...


class Built(NamedTuple):
    """A device before it is connected to anything."""

    unit: Unit
    """The one that faults act on."""
    units: tuple[Unit, ...]
    """All of them, in the order in which they are advanced."""
    images: dict[int, Responder]
    """By unit id."""
    shows: str
    """What the registers are, for a person."""
    power: Callable[[], Power]
    """At the terminals as far as the unit has been advanced; injection positive."""
    counters: Callable[[], dict[str, float]]
    """The unit's energies by name, as magnitudes."""


def build(
    settings: BenchSettings, around: Surroundings, begins_s: float, advance: Callable[[], float]
) -> Built:
    """The unit of the settings with its registers.

    Args:
        settings: what to build.
        around: grid, sun and load.
        begins_s: Unix seconds.
        advance: brings the whole device up to the present and returns it.

    Raises:
        ConfigurationFault: models or figures that do not go together.
    """
    maps = _MAPS[settings.kind]
    chosen = settings.map or maps[0]
    if chosen not in maps:
        raise ConfigurationFault(
            f"map = {chosen!r}: a device of kind {settings.kind} has {' or '.join(maps)}."
        )
    if chosen != SUNSPEC and settings.models is not None:
        raise ConfigurationFault(f"models: the map {chosen} has registers of its own; leave models out.")
    if settings.listen.meter_unit is not None and settings.kind not in INVERTERS:
        raise ConfigurationFault(
            f"listen.meter_unit: a device of kind {settings.kind} has no meter beside it; leave it out."
        )
    try:
        if settings.kind in INVERTERS:
            return _inverter(settings, around, begins_s, advance)
        if settings.kind is DeviceKind.EVSE:
            return _evse(settings, around, begins_s, advance)
        return _meter(settings, around, begins_s, advance, chosen)
    except (ValueError, OverflowError) as error:  # the latter: a figure that no register holds
        raise ConfigurationFault(f"This device cannot be: {error}") from error


def _inverter(
    settings: BenchSettings, around: Surroundings, begins_s: float, advance: Callable[[], float]
) -> Built:
    assert settings.inverter is not None  # noqa: S101 - the settings give one to these kinds
    inverter = Inverter(settings.inverter, around, around, begins_s)
    plate = settings.inverter.nameplate
    numbers = _numbers(settings, plate)
    models = inverter_models(inverter, numbers, Identity(**settings.identity.model_dump()))

    def device_now() -> float:
        advance()
        return inverter.now_s

    unit_id = settings.listen.unit or 1
    images: dict[int, Responder] = {unit_id: RegisterImage(models, device_now, settings.base)}
    units: tuple[Unit, ...] = (inverter,)

    def power() -> Power:
        return Power(inverter.power_w, inverter.reactive_var)

    def counters() -> dict[str, float]:
        return asdict(inverter.truth().counters)

    if settings.listen.meter_unit is not None:

        def net(at_s: float) -> Power:
            inverter.advance(at_s)
            return power().plus(Power(-around.load_w(at_s)))

        wiring = Wiring.WYE if plate.phases > 1 else Wiring.SINGLE
        meter = _meter_unit(wiring, plate.voltage_nominal_v, net, around, begins_s)
        units = (meter, inverter)
        of_meter = (1, MODELS[meter.config.wiring][0])
        images[settings.listen.meter_unit] = _sunspec_meter(settings, meter, of_meter, advance)
    return Built(inverter, units, images, _listed(numbers), power, counters)


def _evse(
    settings: BenchSettings, around: Surroundings, begins_s: float, advance: Callable[[], float]
) -> Built:
    visits = tuple(visit.visit(begins_s) for visit in settings.visits)
    station = EvseUnit(settings.evse or EvseUnitConfig(), around, visits, begins_s)

    def power() -> Power:
        now = station.readings()
        return Power(now.power_w, now.reactive_var)

    def counters() -> dict[str, float]:
        now = station.readings()
        return {"session_wh": now.session_wh, "total_wh": now.total_wh}

    images: dict[int, Responder] = {settings.listen.unit or _KEBA_UNIT: KebaStation(station, advance)}
    return Built(station, (station,), images, "KEBA KeContact P30 registers", power, counters)


def _meter(
    settings: BenchSettings,
    around: Surroundings,
    begins_s: float,
    advance: Callable[[], float],
    chosen: str,
) -> Built:
    def load(at_s: float) -> Power:
        return Power(-around.load_w(at_s))

    wiring = _wiring(settings.models)
    meter = _meter_unit(wiring, 120.0 if wiring is Wiring.SPLIT else 230.0, load, around, begins_s)
    unit_id = settings.listen.unit or 1

    def power() -> Power:
        return meter.readings().total

    def counters() -> dict[str, float]:
        return asdict(meter.readings().energy)

    if chosen == SDM630:
        images: dict[int, Responder] = {unit_id: eastron_image(meter, advance)}
        return Built(meter, (meter,), images, "Eastron SDM630 registers", power, counters)
    if isinstance(settings.models, str):
        raise ConfigurationFault(
            f"models = {settings.models!r} is a set of an inverter; a meter takes numbers."
        )
    numbers = settings.models or (1, MODELS[Wiring.WYE][0])
    images = {unit_id: _sunspec_meter(settings, meter, numbers, advance)}
    return Built(meter, (meter,), images, _listed(numbers), power, counters)


def _wiring(models: Sequence[int] | str | None) -> Wiring:
    """What a meter that shows these models is connected to."""
    fitting = (wiring for wiring, pair in MODELS.items() if set(pair) & set(models or ()))
    return next(fitting, Wiring.WYE)


def _meter_unit(
    wiring: Wiring,
    voltage_nominal_v: float,
    source: Callable[[float], Power],
    around: Surroundings,
    begins_s: float,
) -> MeterUnit:
    config = MeterUnitConfig(wiring=wiring, voltage_nominal_v=voltage_nominal_v, step_s=_METER_STEP_S)
    return MeterUnit(config, shared(source, (1.0 / config.phases,) * config.phases), around, begins_s)


def _sunspec_meter(
    settings: BenchSettings, meter: MeterUnit, numbers: Sequence[int], advance: Callable[[], float]
) -> RegisterImage:
    identity = settings.identity
    common: Values = {
        "Mn": identity.manufacturer,
        "Md": identity.model,
        "Vr": identity.version,
        "SN": identity.serial,
    }
    return RegisterImage(meter_models(meter, numbers, common), advance, settings.base)


def _numbers(settings: BenchSettings, plate: Nameplate) -> tuple[int, ...]:
    """The models that the settings name, one by one or as a set."""
    chosen = "7xx" if settings.models is None else settings.models
    if not isinstance(chosen, str):
        return chosen
    if chosen not in SETS:
        raise ConfigurationFault(
            f"models = {chosen!r} is no set of models; take {', '.join(SETS)}, or numbers."
        )
    return models_of(chosen, plate)


def _listed(numbers: Sequence[int]) -> str:
    return f"SunSpec models {', '.join(str(number) for number in numbers)}"
