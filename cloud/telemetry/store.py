"""What the cloud needs of a telemetry store: columns in, energy out.

Power is injection positive (W); the counters only grow (Wh). Settlement reads only through ``energy``.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt

from vpp_core.ids import DerId, SiteId
from vpp_core.interval import Interval
from vpp_core.measurement import Quality
from vpp_core.messages import Reading

GAP_S_MAX = 900.0
"""Longest distance of two samples across which a counter is still taken for measured."""

VALUES = (
    "power_w",
    "reactive_var",
    "voltage_v",
    "frequency_hz",
    "energy_injected_wh",
    "energy_absorbed_wh",
    "state_of_charge_pct",
    "setpoint_w",
)
"""The numeric columns, in the order of :class:`vpp_core.messages.Reading`; NaN is a gap."""

Columns = Mapping[str, npt.NDArray[Any]]
"""``site_id``, ``der_id``, ``quality`` (text), ``measured_at`` (datetime64[us], UTC) and ``VALUES``."""


class EnergyStep(msgspec.Struct, frozen=True, kw_only=True):
    """Energy that one device's counters show for one step (Wh, magnitudes); nothing where unknown."""

    interval: Interval
    injected_wh: float | None
    absorbed_wh: float | None
    quality: Quality
    """GOOD, ESTIMATED (interpolated across a gap: never paid) or MISSING (no pair of samples spans it)."""

    @property
    def net_wh(self) -> float | None:
        """Injection less absorption, so injection positive."""
        if self.injected_wh is None or self.absorbed_wh is None:
            return None
        return self.injected_wh - self.absorbed_wh


class TelemetryStore(Protocol):
    """History of every device. All methods are short and synchronous, and raise StorageFault."""

    def write_batch(self, columns: Columns) -> int:
        """Store readings; a device's instant that is there already stays as it is.

        Returns the number of readings that were new.
        """
        ...

    def latest(self, devices: Iterable[DerId]) -> dict[DerId, Reading]:
        """The newest reading of each device that has one."""
        ...

    def series(self, device: DerId, interval: Interval) -> list[Reading]:
        """The readings of one device in order of time."""
        ...

    def energy(
        self, devices: Iterable[DerId], interval: Interval, step_s: float
    ) -> dict[DerId, list[EnergyStep]]:
        """Energy by step from the counters of GOOD readings, interpolated linearly at the borders.

        Every device has an entry, and every entry has one step for each ``interval.split(step_s)``.
        """
        ...

    def close(self) -> None: ...


def columns_of(readings: Sequence[tuple[SiteId, Reading]]) -> Columns:
    """Readings as columns for :meth:`TelemetryStore.write_batch`."""
    stamps = [reading.at.astimezone(UTC).replace(tzinfo=None) for _, reading in readings]
    columns: dict[str, npt.NDArray[Any]] = {
        "site_id": np.array([site_id for site_id, _ in readings], dtype=object),
        "der_id": np.array([reading.der_id for _, reading in readings], dtype=object),
        "measured_at": np.array(stamps, dtype="datetime64[us]"),
        "quality": np.array([reading.quality.value for _, reading in readings], dtype=object),
    }
    for name in VALUES:
        columns[name] = np.array([getattr(reading, name) for _, reading in readings], dtype=np.float64)
    return columns


def naive_utc(instant: datetime) -> datetime:
    """The instant as stores without zones keep it."""
    return instant.astimezone(UTC).replace(tzinfo=None)
