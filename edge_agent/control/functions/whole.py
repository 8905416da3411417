"""Whole numbers for what trips or starts a relay: 50.0 - 49.964 <= 0.036 is false in binary fractions."""

MICRO = 1_000_000.0


def per_million(voltage_pu: float) -> int:
    """Voltage in millionths of nominal.

    Finer than a measurement, so that a swing that ends just below a threshold is not rounded onto it.
    """
    return round(voltage_pu * MICRO)


def microhertz(frequency_hz: float) -> int:
    """Frequency for curves: finer than any meter, so that a response has no stairs."""
    return round(frequency_hz * MICRO)


def microseconds(duration_s: float) -> int:
    """A duration that sums up without an error."""
    return round(duration_s * MICRO)
