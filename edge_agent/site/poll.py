"""The slow loop: every device read on the borders of the poll period, one telemetry message a round."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from edge_agent.control.site_control import Sample, SiteControl
from edge_agent.devices.reading import DeviceReading
from edge_agent.site.actuator import Actuator
from edge_agent.site.faults import FaultBook
from edge_agent.site.slot import DeviceSlot
from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault
from vpp_core.ids import DerId
from vpp_core.measurement import Quality
from vpp_core.messages import Reading

FOREIGN = "foreign_control"
READING = "reading"


class Poll:
    """One round over all devices.

    Args:
        slots: every device, in the order of the settings.
        actuators: those that take commands, by id.
    """

    def __init__(
        self,
        slots: Sequence[DeviceSlot],
        actuators: Mapping[DerId, Actuator],
        control: SiteControl,
        *,
        faults: FaultBook,
        clock: Clock,
    ) -> None:
        self._slots = slots
        self._actuators = actuators
        self._control = control
        self._faults = faults
        self._clock = clock

    async def round(self) -> tuple[Reading, ...]:
        """One reading a device; a device that does not answer is a gap."""
        return tuple([await self.read(slot) for slot in self._slots])

    async def read(self, slot: DeviceSlot) -> Reading:
        """Read one device and tell the control what it is worth."""
        actuator = self._actuators.get(slot.der_id)
        try:
            reading = await slot.read()
        except DeviceFault as fault:
            now = self._clock.now()
            self._faults.raise_(DeviceFault.code, slot.settings.name, str(fault), now)
            self._sample(slot, Sample(good=False))
            return Reading(der_id=slot.der_id, at=now, quality=Quality.MISSING)
        self._faults.clear(DeviceFault.code, slot.settings.name, reading.at)
        self._judge(slot, reading)
        if actuator is not None:
            self._look(actuator, reading)
        self._sample(
            slot,
            Sample(
                good=reading.quality is Quality.GOOD,
                power_w=reading.power_w,
                state_of_charge_pct=reading.state_of_charge_pct,
            ),
        )
        return _telemetry(slot.der_id, reading, None if actuator is None else actuator.setpoint_w)

    def _judge(self, slot: DeviceSlot, reading: DeviceReading) -> None:
        if reading.doubts:
            self._faults.raise_(READING, slot.settings.name, reading.doubts[0], reading.at)
        else:
            self._faults.clear(READING, slot.settings.name, reading.at)

    def _look(self, actuator: Actuator, reading: DeviceReading) -> None:
        source = actuator.slot.settings.name
        if not actuator.look(reading.control, self._clock.monotonic_s()):
            report_foreign(self._faults, source, reading.at)
        elif not actuator.yielding:
            self._faults.clear(FOREIGN, source, reading.at)

    def _sample(self, slot: DeviceSlot, sample: Sample) -> None:
        if slot.der_id in self._actuators:
            self._control.on_sample(slot.der_id, sample, self._clock.monotonic_s())


def report_foreign(faults: FaultBook, source: str, now: datetime) -> None:
    """Somebody else commands a device: say so, and leave it to them for a while."""
    text = "somebody else commands this device; end that control, or take the device out of the program"
    faults.raise_(FOREIGN, source, text, now)


def _telemetry(der_id: DerId, reading: DeviceReading, setpoint_w: float | None) -> Reading:
    return Reading(
        der_id=der_id,
        at=reading.at,
        quality=reading.quality,
        power_w=reading.power_w,
        reactive_var=reading.reactive_var,
        voltage_v=reading.voltage_v,
        frequency_hz=reading.frequency_hz,
        energy_injected_wh=reading.energy_injected_wh,
        energy_absorbed_wh=reading.energy_absorbed_wh,
        state_of_charge_pct=reading.state_of_charge_pct,
        setpoint_w=setpoint_w,
    )
