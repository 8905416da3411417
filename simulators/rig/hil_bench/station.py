"""Everything on the rig for one run, opened by the configuration."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from simulators.rig.hil_bench.grid_source import (
    BenchGridSource,
    ControlDeskLine,
    GridSource,
    ManualSource,
    ScpiSource,
)
from simulators.rig.hil_bench.instruments import Instruments, SunSpecInstruments
from simulators.rig.hil_bench.ratings import Ratings, read_ratings
from simulators.rig.hil_bench.settings import (
    BenchGridSettings,
    DeviceTarget,
    HilSettings,
    ManualGrid,
    NoGrid,
    ScpiGrid,
    SeparateMeter,
    SiteTarget,
    TlsSettings,
)
from simulators.rig.hil_bench.subject import Gateway
from simulators.rig.hil_bench.sunspec import SunSpecDevice
from simulators.rig.hil_bench.wire import Dial, ModbusClient, tcp
from vpp_core.clock import Clock
from vpp_core.faults import ConfigurationFault

Restart = Callable[[], Awaitable[str]]
"""Restarts the device under test, and says how that was done."""


@dataclass(kw_only=True)
class Station:
    """What is under test, what disturbs it, and what measures.

    Attributes:
        unit: a device under test; nothing for a gateway.
        gateway: a gateway under test; nothing for a device.
        source: nothing where there is no grid source.
    """

    kind: str
    name: str
    clock: Clock
    instruments: Instruments
    ratings: Ratings
    unit: SunSpecDevice | None = None
    gateway: Gateway | None = None
    source: GridSource | None = None
    restart: Restart | None = None
    identity: dict[str, str] = field(default_factory=dict)
    clock_name: str = "real time"

    @property
    def grid_name(self) -> str:
        return self.source.name if self.source is not None else "none"


@contextlib.asynccontextmanager
async def open_device(
    settings: HilSettings,
    clock: Clock,
    *,
    dial: Dial | None = None,
    source: GridSource | None = None,
    name: str = "",
    clock_name: str = "real time",
) -> AsyncIterator[Station]:
    """A station with a device under test.

    Args:
        settings: of the rig; the target is a device.
        clock: the rig's time.
        dial: the way to the device; by default over TCP as configured.
        source: the grid; by default as configured.
        name: of the device in faults and in the report.
        clock_name: for the report.

    Raises:
        DeviceFault: no connection, or no SunSpec map.
    """
    target = settings.target
    assert isinstance(target, DeviceTarget)  # noqa: S101
    name = name or f"{target.host}:{target.port}"
    client = ModbusClient(
        dial or tcp(target.host, target.port, _context(target.tls)),
        target.unit,
        clock,
        name,
        answer_s_max=target.answer_s_max,
    )
    unit = SunSpecDevice(client, target.base_register)
    async with contextlib.AsyncExitStack() as open_things:
        open_things.callback(client.close)
        await unit.scan()
        meter = await _meter(settings, clock, open_things)
        instruments = meter or SunSpecInstruments(unit, settings.measure.refresh_s)
        ratings = await read_ratings(unit, instruments, target)
        source = source or make_source(settings, clock, ratings, open_things)
        yield Station(
            kind=target.kind,
            name=client.name,
            clock=clock,
            instruments=instruments,
            ratings=ratings,
            unit=unit,
            source=source,
            restart=make_restart(target, source),
            identity=await read_identity(unit),
            clock_name=clock_name,
        )


def make_source(
    settings: HilSettings, clock: Clock, ratings: Ratings, open_things: contextlib.AsyncExitStack
) -> GridSource | None:
    """The grid source of a configuration; nothing where there is none. Closed with ``open_things``."""
    source: GridSource
    match settings.grid:
        case NoGrid():
            return None
        case BenchGridSettings():
            desk = ControlDeskLine(settings.grid)
            open_things.callback(desk.close)
            source = BenchGridSource(desk.tell, desk.name)
        case ScpiGrid():
            source = ScpiSource(settings.grid, clock, (ratings.frequency_hz, ratings.voltage_v))
        case ManualGrid():
            source = ManualSource()
    open_things.push_async_callback(source.close)
    return source


def make_restart(target: DeviceTarget, source: GridSource | None) -> Restart | None:
    """How the device is restarted, by the configuration; nothing where nobody can."""

    async def by_hand() -> str:
        await asyncio.to_thread(input, "Switch the device off and on again, then press Enter: ")
        return "The device was switched off and on by hand."

    if isinstance(source, BenchGridSource):
        return source.restart
    return by_hand if target.restart == "manual" else None


async def read_identity(unit: SunSpecDevice) -> dict[str, str]:
    """Manufacturer, model, version and serial number."""
    if 1 not in unit.places:
        return {}
    words = {"manufacturer": "Mn", "model": "Md", "version": "Vr", "serial": "SN"}
    return {word: await unit.text(1, point) for word, point in words.items()}


async def open_meter(
    target: SiteTarget | SeparateMeter, clock: Clock, dial: Dial | None = None
) -> SunSpecDevice:
    """A unit that only measures.

    Raises:
        DeviceFault: no connection, or no SunSpec map.
    """
    client = ModbusClient(
        dial or tcp(target.host, target.port), target.unit, clock, f"meter {target.host}:{target.port}"
    )
    unit = SunSpecDevice(client, target.base_register)
    await unit.scan()
    return unit


async def _meter(
    settings: HilSettings, clock: Clock, open_things: contextlib.AsyncExitStack
) -> Instruments | None:
    measure = settings.measure
    if not isinstance(measure, SeparateMeter):
        return None
    unit = await open_meter(measure, clock)
    open_things.callback(unit.client.close)
    return SunSpecInstruments(unit, measure.refresh_s, sign=measure.injection_sign, name=unit.name)


def _context(tls: TlsSettings | None) -> ssl.SSLContext | None:
    if tls is None:
        return None
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.cert_file is not None:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except OSError as error:
        raise ConfigurationFault(f"target.tls: {error}; name readable PEM files") from error
    return context
