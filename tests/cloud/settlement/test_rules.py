"""Rules are versioned data: read strictly, and in force on their own days only."""

from datetime import date

import pytest

from cloud.settlement.rules import BaselineRule, Rule, load_rules
from vpp_core.faults import ConfigurationFault
from vpp_core.ids import ProductId

DAY = date(2021, 8, 12)
EVENT = """
[[event]]
product = "p"
version = {version}
effective_from = {start}
{until}
baseline = "b"
paid_share_max = "1"
source = "test"
"""


def test_every_shipped_rule_names_its_source() -> None:
    book = load_rules()
    assert {rule.name for rule in book.baseline} >= {"caiso-10-of-10", "pjm-economic-cbl"}
    rules: list[Rule] = [*book.baseline, *book.event]
    assert all(rule.source for rule in rules)


def test_the_event_product_is_settled_by_a_baseline_that_exists() -> None:
    book = load_rules()
    event = book.event_rule(ProductId("utility-peak-event"), DAY)
    assert isinstance(book.baseline_rule(event.baseline, DAY), BaselineRule)
    assert event.label == "utility-peak-event v1"


def test_the_newest_version_in_force_is_taken() -> None:
    text = EVENT.format(version=1, start="2020-01-01", until="effective_until = 2021-08-13") + EVENT.format(
        version=2, start="2021-08-12", until=""
    )
    book = load_rules(text)
    found = {day: book.event_rule(ProductId("p"), date(2021, 8, day)).version for day in (11, 12, 13)}
    assert found == {11: 1, 12: 2, 13: 2}


@pytest.mark.parametrize(
    ("product", "day"),
    [("unknown", DAY), ("p", date(2019, 1, 1)), ("p", date(2022, 1, 1))],
    ids=["unknown product", "before its first day", "from its last day on"],
)
def test_without_a_rule_in_force_there_is_a_clear_fault(product: str, day: date) -> None:
    text = EVENT.format(version=1, start="2020-01-01", until="effective_until = 2022-01-01")
    with pytest.raises(ConfigurationFault, match="is in force on"):
        load_rules(text).event_rule(ProductId(product), day)


@pytest.mark.parametrize(
    "text",
    ["[[event", EVENT.format(version=1, start="2020-01-01", until="surprise = 1"), "[[event]]\nversion = 1"],
    ids=["no TOML", "unknown key", "missing key"],
)
def test_rules_are_read_strictly(text: str) -> None:
    with pytest.raises(ConfigurationFault, match=r"mend rules\.toml"):
        load_rules(text)
