"""Leaves a device as it was found: settings are read before and written back after."""

from collections.abc import Mapping

from simulators.rig.hil_bench.curves import WORDS, adopt, of_index
from simulators.rig.hil_bench.sunspec import STEADY_READS_MAX, SunSpecDevice
from vpp_core.clock import Clock
from vpp_core.faults import DeviceFault

KEPT = (703, 704, 705, 706, 711, 712, 123, 124, 802)
_NOT_SETTINGS: Mapping[int, frozenset[str]] = {
    802: frozenset({"CtrlHb", "AlmRst", "SetOp", "SetInvState"}),
    124: frozenset({"ChaState"}),
}
_LAST = ("Ena", "StorCtl_Mod", "Conn")
"""Names that end so switch something on or off: they are written when the rest is in place."""

Values = dict[str, float]


class Keeper:
    """The settings of one device at the time of :meth:`read`."""

    def __init__(self, device: SunSpecDevice, clock: Clock) -> None:
        self._device, self._clock = device, clock
        self.found: dict[int, Values] = {}

    async def read(self) -> None:
        """Take note of all settings.

        Raises:
            DeviceFault: no answer.
        """
        for number in KEPT:
            if number in self._device.places:
                self.found[number] = await self._steady_settings(number)

    async def restore(self) -> list[str]:
        """Write back what differs in models that were written to; the failures, a sentence each."""
        failures = []
        for number in sorted(self._device.written & self.found.keys()):
            try:
                await self._restore(number)
            except DeviceFault as fault:
                failures.append(f"Model {number} could not be restored ({fault}); set it by hand.")
            else:
                self._device.written.discard(number)
        return failures

    async def changes(self) -> list[str]:
        """What differs from what was found, a phrase each; timers that count are no settings."""
        found = []
        for number, before in self.found.items():
            now = await self._steady_settings(number)
            found += [
                f"{number}.{name} changed from {value:g} to {now.get(name, float('nan')):g}"
                for name, value in before.items()
                if now.get(name) != value
            ]
        return found

    async def _steady_settings(self, number: int) -> Values:
        """Read until two readings are alike: a corrupted byte must not be taken for a setting."""
        before = await self._settings(number)
        for _ in range(STEADY_READS_MAX):
            again = await self._settings(number)
            if again == before:
                break
            before = again
        return before

    async def _settings(self, number: int) -> Values:
        plan = await self._device.plan(number)
        values = await self._device.read_model(number)
        group = WORDS[number].group if number in WORDS else None
        return {
            name: value
            for name, value in values.items()
            if value is not None
            and plan.points[name].writable
            and name not in _NOT_SETTINGS.get(number, ())
            and not (group and name == WORDS[number].request)
        }

    async def _restore(self, number: int) -> None:
        before = self.found[number]
        if number in WORDS:
            await self._restore_active(number)
        now = await self._settings(number)
        differing = {name: value for name, value in before.items() if now.get(name) != value}
        if number in WORDS:
            differing = {
                name: v for name, v in differing.items() if not name.startswith(f"{_group(number)}[1]")
            }
        late = {name: value for name, value in differing.items() if name.endswith(_LAST)}
        await self._device.write(number, {n: v for n, v in differing.items() if n not in late})
        if late:
            await self._device.write(number, late)

    async def _restore_active(self, number: int) -> None:
        """A curve in force is not writable itself: the old one is adopted again."""
        before = of_index(self.found[number], _group(number), 1)
        now = of_index(await self._settings(number), _group(number), 1)
        if before and now != before:
            await adopt(self._device, number, before, self._clock)


def _group(number: int) -> str:
    return WORDS[number].group
