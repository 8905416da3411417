"""What surrounds a device on the bench: grid, sun and load, from a trace until somebody tells them else."""

from simulators.grid.bench import BenchGrid, Course, checked
from simulators.grid.trace import Signal, TraceGrid

SUN_PU_MAX = 2.0
LOAD_W_MAX = 1e9


class Told:
    """One quantity: a signal of the trace, until a value is set; then that value.

    Args:
        value: where there is no signal.
        signal: of a trace; nothing where it has none.
    """

    def __init__(self, value: float, signal: Signal | None) -> None:
        self._signal = signal
        self._course = Course(value)

    def at(self, at_s: float) -> float:
        return self._signal.at(at_s) if self._signal else self._course.at(at_s)

    def move(self, at_s: float, value: float, ramp_s: float) -> None:
        """Go from the value at ``at_s`` (Unix seconds) to another one in ``ramp_s``; a trace ends here."""
        if self._signal is not None:
            self._course, self._signal = Course(self._signal.at(at_s)), None
        self._course.move(at_s, value, ramp_s)


class Surroundings:
    """Grid, sun and load as functions of Unix seconds.

    A device is advanced to the present before anything is told here: it looks back no further.

    Args:
        bench: the grid that can be told.
        trace: goes before it, until it is.
        sun_pu: of the modules' rating, where the trace has no ``available_pu``.
        load_w: consumption beside the device, where the trace has no ``load_w``.
    """

    def __init__(
        self, bench: BenchGrid, trace: TraceGrid | None = None, *, sun_pu: float = 0.8, load_w: float = 0.0
    ) -> None:
        self._bench, self._trace = bench, trace
        self._sun = Told(sun_pu, trace.signal("available_pu") if trace else None)
        self._load = Told(load_w, trace.signal("load_w") if trace else None)

    def frequency_hz(self, at_s: float) -> float:
        return (self._trace or self._bench).frequency_hz(at_s)

    def voltage_pu(self, at_s: float) -> float:
        return (self._trace or self._bench).voltage_pu(at_s)

    def power_pu(self, at_s: float) -> float:
        """What the sun gives, per unit of the modules' rating."""
        return self._sun.at(at_s)

    def load_w(self, at_s: float) -> float:
        """Consumption beside the device, positive."""
        return self._load.at(at_s)

    def set_grid(
        self,
        at_s: float,
        *,
        frequency_hz: float | None = None,
        voltage_pu: float | None = None,
        ramp_s: float = 0.0,
    ) -> None:
        """Go to a frequency, a voltage, or both in ``ramp_s``; a trace of the grid ends here.

        Raises:
            ConfigurationFault: a value that no grid has; nothing has changed then.
        """
        probe = BenchGrid(self._bench.nominal_hz)
        probe.apply(at_s, frequency_hz=frequency_hz, voltage_pu=voltage_pu, ramp_s=ramp_s)
        if self._trace is not None:
            self._bench.apply(
                at_s, frequency_hz=self._trace.frequency_hz(at_s), voltage_pu=self._trace.voltage_pu(at_s)
            )
            self._trace = None
        self._bench.apply(at_s, frequency_hz=frequency_hz, voltage_pu=voltage_pu, ramp_s=ramp_s)

    def set_sun(self, at_s: float, power_pu: float, ramp_s: float = 0.0) -> None:
        """Raises ConfigurationFault for what no sun gives."""
        self._sun.move(at_s, checked("power_pu", power_pu, 0.0, SUN_PU_MAX), ramp_s)

    def set_load(self, at_s: float, load_w: float, ramp_s: float = 0.0) -> None:
        """Raises ConfigurationFault for what no load draws."""
        self._load.move(at_s, checked("power_w", load_w, -LOAD_W_MAX, LOAD_W_MAX), ramp_s)
