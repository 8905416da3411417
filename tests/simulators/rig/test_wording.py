import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.rig.report.wording import say, say_cents


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (12_345.0, "W", "12.3 kW"),
        (0.0612, "MW", "61.2 kW"),
        (999.0, "W", "999 W"),
        (1.5, "MW", "1.50 MW"),
        (-820.0, "Wh", "-820 Wh"),
        (2.5e9, "W", "2,500 MW"),
        (0.0, "kW", "0 W"),
        (0.25, "s", "250 ms"),
        (0.0004, "s", "0.400 ms"),
        (3.2, "s", "3.20 s"),
        (184.0, "s", "3.07 min"),
        (0.5, "d", "12 h"),
        (0.0, "d", "0 s"),
        (93.75, "%", "93.8 %"),
        (-0.01, "%", "0.0 %"),
        (1_234.5, "USD", "1,234.50 USD"),
        (-0.001, "USD", "0.00 USD"),
        (0.9871, "0..1", "0.987"),
        (0.71, "ratio", "0.710"),
        (-0.0004, "ratio", "0.000"),
        (3.0, "", "3"),
        (42.0, "offers", "42 offers"),
        (None, "W", "n/a"),
        (float("nan"), "%", "n/a"),
    ],
)
def test_a_figure_is_said_as_people_say_it(value: float | None, unit: str, words: str) -> None:
    assert say(value, unit) == words


@given(st.integers(min_value=-(10**12), max_value=10**12))
def test_cents_are_said_exactly(cents: int) -> None:
    words = say_cents(cents, "USD").removesuffix(" USD").replace(",", "").replace(".", "")
    assert int(words) == cents
