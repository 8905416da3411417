"""One device: discovered, polled, commanded and released, by its profile."""

import math
from functools import partial

import msgspec

from edge_agent.devices.budget import WriteBudget
from edge_agent.devices.command import CommandResult, Confirmed, NotConfirmed
from edge_agent.devices.functions import lanes_over, write_registers
from edge_agent.devices.identify import find_profile
from edge_agent.devices.link import Link, RegisterRefused
from edge_agent.devices.nameplate import Nameplate, first_number
from edge_agent.devices.plan import Unencodable, Value
from edge_agent.devices.plausibility import Bounds
from edge_agent.devices.points import Points, points_of
from edge_agent.devices.poll import MapShifted
from edge_agent.devices.reading import ControlReadback, DeviceReading
from edge_agent.devices.recipe import OutOfRange, Recipe, Write
from edge_agent.devices.scan import DeviceMap, scan
from edge_agent.devices.sense import Sense
from edge_agent.devices.writing import coded, difference, write_requests
from firmware_profiles import Profile, ProfileBook
from firmware_profiles.profile import Point, PollClass, Ratings, Readings, Reversion, ReversionKind
from vpp_core.clock import Clock
from vpp_core.der import DerDescription, DerKind
from vpp_core.faults import DeviceFault
from vpp_core.ids import DerId
from vpp_core.measurement import Measurement, Quality

__all__ = ["CommandResult", "Confirmed", "Device", "NotConfirmed", "discover"]

_MILLI = 1e-3


async def discover(
    link: Link,
    unit: int,
    profiles: ProfileBook,
    clock: Clock,
    *,
    kind: DerKind | None = None,
    profile: str | None = None,
) -> "Device":
    """Look at a unit, find its profile and read its nameplate.

    Args:
        link: the way to the unit; the device keeps using it.
        unit: Modbus unit id.
        profiles: those to choose from.
        clock: stamps readings and paces requests.
        kind: what the site's settings say that the device is; without it, a map that could be a battery
            or an EVSE is refused rather than guessed.
        profile: the name of the only profile to take; for a device that cannot be told from others.

    Raises:
        DeviceFault: the unit does not answer, or nothing knows its registers.
        ConfigurationFault: no profile, or more than one kind of profile, fits.
    """
    looking = lanes_over(link, clock, 0.0).poll
    found, device_map = await find_profile(looking, unit, profiles, kind, profile)
    device = Device(link, unit, found, device_map, clock)
    await device.refresh()
    return device


class Device:
    """One unit behind a link. One task at a time polls and commands; fast reads may go on beside it."""

    def __init__(self, link: Link, unit: int, profile: Profile, device_map: DeviceMap, clock: Clock) -> None:
        self.profile = profile
        self.unit = unit
        self.map = device_map
        self.nameplate = Nameplate()
        self.energy_capacity_wh = 0.0
        self._endpoint = link
        self._lanes = lanes_over(link, clock, profile.access.gap_ms_min * _MILLI)
        self._clock = clock
        self._sense = Sense(profile.readings, Bounds())
        self._recipe = Recipe(profile.control, self.nameplate) if profile.control else None
        self._budget = (
            WriteBudget(profile.control.persistence, clock.monotonic_s) if profile.control else None
        )
        self._enabled = False
        self._trusted = False
        """The control points were read since the last fault: scale factors and places are known."""
        self._paused = False
        """Our last command was that nothing may flow, in a way that no register shows."""
        self._shifted = False
        self._slow_due_s = -math.inf
        self._lay_out()

    @property
    def kind(self) -> DerKind:
        return self.profile.kind

    @property
    def map_is_known(self) -> bool:
        """Nothing has to be scanned before the next request."""
        return not self._shifted

    @property
    def reversion(self) -> Reversion:
        """What the device's own timer is worth, and its range.

        Raises:
            ValueError: the device takes no commands (a meter).
        """
        return self._commanded()[0].control.reversion

    def __str__(self) -> str:
        return f"{self._endpoint} unit {self.unit}"

    def description(self, der_id: DerId, name: str) -> DerDescription:
        """Identity, ratings and profile, as enrolled."""
        ratings = self.profile.ratings
        return DerDescription(
            der_id=der_id,
            kind=self.kind,
            name=name,
            manufacturer=self.map.manufacturer,
            model=self.map.model,
            serial=self.map.serial,
            firmware=self.map.version,
            profile=self.profile.name,
            injection_w_max=self.nameplate.injection_w_max,
            absorption_w_max=self.nameplate.absorption_w_max,
            energy_capacity_wh=self.energy_capacity_wh if self.kind is DerKind.BATTERY else 0.0,
            charge_efficiency=ratings.charge_efficiency,
            discharge_efficiency=ratings.discharge_efficiency,
        )

    async def refresh(self) -> None:
        """Read nameplate and all values, after a scan; bounds and limits follow the nameplate.

        Raises:
            DeviceFault: no answer, or the map has shifted once more.
        """
        await self._static.read(self._lanes.poll, self.unit)
        self.nameplate = Nameplate.read(self.profile.ratings, self._static.value)
        rated_w, nominal_v = self.nameplate.power_w_max, self.nameplate.voltage_nominal_v
        self._sense = Sense(self.profile.readings, Bounds.of_ratings(rated_w, nominal_v))
        if self.profile.control is not None:
            self._recipe = Recipe(self.profile.control, self.nameplate)
            await self._fetch(self._control, self._lanes.poll)
        reading = await self.read()
        self.energy_capacity_wh = reading.energy_capacity_wh or 0.0

    async def read(self) -> DeviceReading:
        """One poll: every value of the profile, plausible or a gap; in as few requests as the device allows.

        Raises:
            DeviceFault: no answer, or the register map is not the one that was scanned; the next call
                scans again.
        """
        await self._ensure_map()
        await self._fetch(self._poll, self._lanes.poll)
        await self._fetch_slow()
        control = None
        if self._recipe is not None:
            control = self._control_of(self._poll)
            self._enabled = self._enabled and control.enabled
        return self._sense.reading(self._value, self._clock.now(), control)

    async def read_frequency(self) -> Measurement:
        """Frequency in Hz by one small request; SUSPECT or MISSING if control must not act on it.

        Raises:
            DeviceFault: as ``read``.
        """
        return await self._read_fast("frequency_hz", self.profile.readings.frequency_hz)

    async def read_power(self) -> Measurement:
        """Active power in W, injection positive, by one small request.

        Raises:
            DeviceFault: as ``read``.
        """
        return await self._read_fast("power_w", self.profile.readings.power_w)

    async def read_control(self) -> ControlReadback:
        """The control points as they stand, before anything is written: an orphan shows here.

        Raises:
            DeviceFault: as ``read``.
            ValueError: the device takes no commands (a meter).
        """
        self._commanded()
        await self._ensure_map()
        await self._fetch(self._control, self._lanes.verify)
        return self._control_of(self._control)

    async def command(self, setpoint_w: float, revert_s: float) -> CommandResult:
        """Write a setpoint with its reversion timer by the profile's recipe, and read it back.

        Args:
            setpoint_w: W, injection positive: absolute for a battery, the allowed injection for PV, the
                allowed charge (zero or negative) for an EVSE.
            revert_s: the device falls back to its own mode this long after the last command.

        Raises:
            DeviceFault: no answer; the device may hold the new setpoint or the old one.
            ValueError: not a finite setpoint, or the device takes no commands (a meter).
        """
        recipe, budget = self._commanded()
        if not math.isfinite(setpoint_w):
            raise ValueError(f"a setpoint is a finite number of watts, not {setpoint_w}")
        try:
            value, timer_s = recipe.register_value(setpoint_w), recipe.timer_s(revert_s)
            await self._look_first()
            writes = recipe.command_writes(value, timer_s, enabled=self._enabled)
            writes = budget.needed(writes, partial(self._holds, in_force=self._enabled))
            budget.spend(writes)
        except OutOfRange as refusal:
            return NotConfirmed(str(refusal))
        self._enabled = self._paused = False
        if (reason := await self._write_and_verify(writes)) is not None:
            return NotConfirmed(reason)
        self._enabled, self._paused = True, recipe.pauses(value)
        if self._paused:
            return Confirmed(0.0, None)
        held = self._control_of(self._control)
        works = recipe.control.reversion.kind is ReversionKind.WORKS
        return Confirmed(
            setpoint_w if held.setpoint_w is None else held.setpoint_w, timer_s if works else None
        )

    async def release(self) -> CommandResult:
        """Give the device back to its own mode (enable off) and see it read back.

        ``Confirmed.setpoint_w`` is what the disabled register still holds. The write budget does not
        hold a release back.

        Raises:
            DeviceFault: no answer.
            ValueError: the device takes no commands (a meter).
        """
        recipe, budget = self._commanded()
        self._enabled = False
        await self._look_first()
        writes = budget.needed(recipe.release_writes(), partial(self._holds, in_force=False))
        if (reason := await self._write_and_verify(writes)) is not None:
            return NotConfirmed(reason)
        self._paused = False
        return Confirmed(self._control_of(self._control).setpoint_w or 0.0, None)

    async def _look_first(self) -> None:
        """Know the control points before writing: scale factors, and what wearing registers hold."""
        await self._ensure_map()
        _, budget = self._commanded()
        if budget.is_limited or not self._trusted:
            await self._fetch(self._control, self._lanes.verify)
            self._enabled = self._enabled and self._control_of(self._control).enabled

    def _holds(self, write: Write, *, in_force: bool) -> bool:
        """Whether a register holds a value; what another one shows counts while our command is in force."""
        if not (in_force or self._control.is_readable(write.point)):
            return False
        try:
            return difference(coded([write], self._control), self._control) is None
        except Unencodable:
            return False

    async def _write_and_verify(self, writes: list[Write]) -> str | None:
        """Write in order, let settle, read back; the reason if the device does not hold what was written."""
        recipe, _ = self._commanded()
        access = self.profile.access
        try:
            written = coded(writes, self._control)
            for request in write_requests(written, self._control, access):
                await write_registers(
                    self._lanes.control, self.unit, request.address, request.registers, access.write_function
                )
                await self._rest(request.wait_ms)
        except (Unencodable, RegisterRefused) as refusal:
            return str(refusal)
        except DeviceFault:
            self._trusted = False
            raise
        await self._rest(recipe.control.settle_ms)
        await self._fetch(self._control, self._lanes.verify)
        reason = difference(written, self._control)
        return None if reason is None else f"{self} reads back {reason}"

    async def _rest(self, pause_ms: float) -> None:
        if pause_ms > 0.0:
            await self._clock.sleep(pause_ms * _MILLI)

    async def _read_fast(self, quantity: str, point: Point | None) -> Measurement:
        await self._ensure_map()
        name = self._implemented(point)
        if point is None or name is None:
            return Measurement.missing(self._clock.now())
        try:
            if point.sum:
                await self._poll.read(self._lanes.meter, self.unit)
            else:
                await self._poll.read_point(self._lanes.meter, self.unit, name)
        except DeviceFault as fault:
            self._note(fault)
            raise
        places = point if point.sum else msgspec.structs.replace(point, at=(name,))
        value = first_number(places, self._poll.value)
        now = self._clock.now()
        if value is None:
            return Measurement.missing(now)
        return Measurement(value, now, self._quality(quantity, value))

    def _quality(self, quantity: str, value: float) -> Quality:
        return Quality.SUSPECT if self._sense.bounds.doubt(quantity, value) else Quality.GOOD

    def _implemented(self, point: Point | None) -> str | None:
        """The first place of a point that the device has, if possible one that gave a number last time."""
        places = [name for name in point.at if name in self._poll] if point else []
        return next((name for name in places if self._poll.value(name) is not None), next(iter(places), None))

    def _value(self, point: str) -> Value:
        return self._poll.value(point) if point in self._poll else self._slow.value(point)

    def _control_of(self, points: Points) -> ControlReadback:
        recipe, _ = self._commanded()
        control = recipe.readback(points.value)
        self._paused = self._paused and control.enabled
        return msgspec.structs.replace(control, setpoint_w=0.0) if self._paused else control

    def _commanded(self) -> tuple[Recipe, WriteBudget]:
        if self._recipe is None or self._budget is None:
            raise ValueError(f"{self} is a {self.kind} and takes no commands")
        return self._recipe, self._budget

    async def _fetch(self, poll: Points, link: Link) -> None:
        try:
            await poll.read(link, self.unit)
        except DeviceFault as fault:
            self._note(fault)
            raise
        self._trusted = self._trusted or poll is self._control

    async def _fetch_slow(self) -> None:
        if (now_s := self._clock.monotonic_s()) >= self._slow_due_s:
            await self._fetch(self._slow, self._lanes.poll)
            self._slow_due_s = now_s + self.profile.access.slow_s

    def _note(self, fault: DeviceFault) -> None:
        """After a fault, look before the next write; after a shift, scan before anything else."""
        self._trusted = False
        self._enabled = False
        self._shifted = self._shifted or isinstance(fault, MapShifted)

    async def _ensure_map(self) -> None:
        """Scan again where the map has shifted; the device behind it must still be the same one."""
        if not self._shifted:
            return
        found = await scan(self._lanes.poll, self.unit, self.profile.access.base_addresses)
        same = (found.manufacturer, found.model, found.serial) == (
            self.map.manufacturer,
            self.map.model,
            self.map.serial,
        )
        if not same or not found.model_ids.issuperset(self.profile.match.models):
            raise DeviceFault(
                f"{self} is now {found.manufacturer} {found.model} {found.serial}, another device than "
                f"{self.map.manufacturer} {self.map.model} {self.map.serial}; commission it anew"
            )
        self.map = found
        self._lay_out()
        await self.refresh()

    def _lay_out(self) -> None:
        """Plan the requests for the present map."""
        plan = partial(points_of, self.profile, self.map)
        readings, control = self.profile.readings, _control_points(self.profile)
        self._static = plan(_points(self.profile.ratings))
        self._poll = plan(_points(readings, PollClass.FAST) + control)
        self._slow = plan(_points(readings, PollClass.SLOW))
        self._control = plan(control)
        self._slow_due_s = -math.inf
        self._shifted = False
        if missing := [point for point in control if point not in self._control]:
            raise DeviceFault(
                f"{self} has no {', '.join(missing)}, which its profile {self.profile.name} writes"
            )


def _points(part: Readings | Ratings, poll: PollClass | None = None) -> tuple[str, ...]:
    points = (getattr(part, field) for field in type(part).__struct_fields__)
    return tuple(
        name
        for point in points
        if isinstance(point, Point) and poll in {None, point.poll}
        for name in point.at
    )


def _control_points(profile: Profile) -> tuple[str, ...]:
    if (control := profile.control) is None:
        return ()
    named = (control.setpoint, control.enable, control.timer, control.remaining)
    steps = (step.point for step in control.steps)
    return tuple(sorted({name for name in (*named, *steps) if name is not None}))
