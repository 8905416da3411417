"""Numbers as people read them: the prefix is chosen so that one to three digits stand before the point."""

import math

_PREFIXES = ((1e6, "M"), (1e3, "k"), (1.0, ""))
_QUANTITIES = ("W", "Wh", "W-h", "var")
_SCALED = {prefix + unit: (factor, unit) for factor, prefix in _PREFIXES for unit in _QUANTITIES}
_DURATIONS = {"d": 86_400.0, "h": 3_600.0, "min": 60.0, "s": 1.0, "ms": 1e-3}
_FIXED = {"%": 1, "USD": 2, "EUR": 2}
_WITHOUT_WORD = {"", "1", "ratio", "0..1"}
_MISSING = "n/a"
_DIGITS = 3
_WHOLE_FROM = 1_000.0


def say(value: float | None, unit: str) -> str:
    """A value with its unit: ``12.3 kW``, ``85.0 %``, ``240 ms``, ``1,234.50 USD``, ``0.987``."""
    if value is None or not math.isfinite(value):
        return _MISSING
    if unit in _SCALED:
        factor, base = _SCALED[unit]
        return _say_scaled(value * factor, base)
    if unit in _DURATIONS:
        return _say_duration(value * _DURATIONS[unit])
    if unit in _FIXED:
        return f"{_no_minus_zero(f'{value:,.{_FIXED[unit]}f}')} {unit}"
    word = "" if unit in _WITHOUT_WORD else f" {unit}"
    return _number(value) + word


def say_cents(cents: int, currency: str = "") -> str:
    """Whole cents, to the cent: ``-1,234.05 USD``."""
    sign = "-" if cents < 0 else ""
    units, rest = divmod(abs(cents), 100)
    return f"{sign}{units:,}.{rest:02d} {currency}".rstrip()


def _say_scaled(value: float, unit: str) -> str:
    factor, prefix = next((pair for pair in _PREFIXES if abs(value) >= pair[0]), _PREFIXES[-1])
    return f"{_number(value / factor)} {prefix}{unit}"


def _say_duration(value_s: float) -> str:
    if value_s == 0.0:
        return "0 s"
    name, size_s = next((pair for pair in _DURATIONS.items() if abs(value_s) >= pair[1]), ("ms", 1e-3))
    return f"{_number(value_s / size_s)} {name}"


def _number(value: float) -> str:
    """Three significant digits below a thousand, whole numbers above."""
    if abs(value) >= _WHOLE_FROM or value == round(value):
        return _no_minus_zero(f"{value:,.0f}")
    whole = len(str(int(abs(value)))) if abs(value) >= 1.0 else 0
    return _no_minus_zero(f"{value:.{max(_DIGITS - whole, 0)}f}")


def _no_minus_zero(text: str) -> str:
    return text.removeprefix("-") if not text.strip("-0.") else text
