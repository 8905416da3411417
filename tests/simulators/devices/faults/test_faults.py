"""Raising, clearing and scripts: what is active when, and what cannot be."""

from pathlib import Path

import pytest

from simulators.devices.faults.script import FaultScript
from tests.simulators.devices.faults.faulty import Faulty
from tests.simulators.devices.maps.unit_bench import BEGINS_S
from tests.simulators.devices.wire.recording import read
from vpp_core.faults import ConfigurationFault

SCRIPT = """
[[occurrences]]
at_s = 60.0
fault = "delay"
parameters = { delay_s = 0.5 }
for_s = 30.0

[[occurrences]]
at_s = 10.0
fault = "stuck-register"
parameters = { point = "701.W" }

[[occurrences]]
at_s = 75.0
fault = "delay"
parameters = { delay_s = 2 }
for_s = 30.0
"""


@pytest.fixture
def device() -> Faulty:
    return Faulty()


def names(device: Faulty) -> list[str]:
    return [each.name for each in device.faults.active]


def test_a_raised_fault_is_told_with_its_parameters_and_times(device: Faulty) -> None:
    device.faults.raise_("delay", {"delay_s": 2}, for_s=5.0)
    device.faults.raise_("half-open")
    (delay, half_open) = device.faults.active
    assert delay == ("delay", {"delay_s": 2.0, "jitter_s": 0.0}, BEGINS_S + 10.0, BEGINS_S + 15.0)
    assert half_open == ("half-open", {}, BEGINS_S + 10.0, None)


def test_raising_again_replaces(device: Faulty) -> None:
    device.faults.raise_("delay", {"delay_s": 2})
    device.faults.raise_("delay", {"delay_s": 3})
    assert [each.parameters["delay_s"] for each in device.faults.active] == [3.0]


def test_a_refused_replacement_leaves_the_former_one(device: Faulty) -> None:
    device.faults.raise_("stuck-register", {"point": "701.W"})
    with pytest.raises(ConfigurationFault):
        device.faults.raise_("stuck-register", {"point": "701.Nonsense"})
    assert [each.parameters["point"] for each in device.faults.active] == ["701.W"]


def test_clearing_what_is_not_raised_is_refused(device: Faulty) -> None:
    device.faults.raise_("refused")
    with pytest.raises(ConfigurationFault, match="There is no fault 'delay' to clear; raised: refused"):
        device.faults.clear("delay")
    device.faults.clear_all()
    assert names(device) == []
    assert device.happened == ["refuses", "accepts"]


@pytest.mark.parametrize("for_s", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_a_duration_that_cannot_be_is_refused(device: Faulty, for_s: float) -> None:
    with pytest.raises(ConfigurationFault, match=r"for_s = .* is not above 0 and at most"):
        device.faults.raise_("delay", for_s=for_s)
    assert names(device) == []


def test_a_script_raises_and_clears_by_the_clock(device: Faulty) -> None:
    device.faults.play(FaultScript.parse(SCRIPT))
    seen = []
    for _ in range(24):
        seen.append((names(device), [each.parameters.get("delay_s") for each in device.faults.active][1:]))
        device.wait(5.0)
    stuck, both = ["stuck-register"], ["stuck-register", "delay"]
    assert seen == (
        2 * [([], [])] + 10 * [(stuck, [])] + 3 * [(both, [0.5])] + 6 * [(both, [2.0])] + 3 * [(stuck, [])]
    )


def test_a_script_that_nobody_watches_catches_up_in_its_order(device: Faulty) -> None:
    device.faults.play(FaultScript.parse(SCRIPT))
    device.clock.advance(80.0)
    device.ask(read(40_000, 2))
    stuck, delay = device.faults.active
    assert stuck.raised_at_s == BEGINS_S + 20.0
    assert (delay.raised_at_s, delay.parameters["delay_s"]) == (BEGINS_S + 85.0, 2.0)


def test_clearing_all_forgets_the_rest_of_a_script(device: Faulty) -> None:
    device.faults.play(FaultScript.parse(SCRIPT))
    device.faults.clear_all()
    device.wait(100.0)
    assert names(device) == []


def test_what_a_script_cannot_raise_on_this_device_is_told_and_the_rest_goes_on(device: Faulty) -> None:
    script = SCRIPT.replace('"701.W"', '"701.Nonsense"')
    device.faults.play(FaultScript.parse(script))
    device.wait(80.0)
    assert names(device) == ["delay"]
    assert device.faults.mishaps == ["fault stuck-register: no unit has a point or register '701.Nonsense'."]


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        pytest.param("what?", "The fault script cannot be read", id="no-toml"),
        pytest.param("[[occurrence]]\nat_s = 1", "unknown field `occurrence`", id="another-word"),
        pytest.param('[[occurrences]]\nfault = "delay"', "missing required field `at_s`", id="no-time"),
        pytest.param(
            '[[occurrences]]\nat_s = 1\nfault = "dely"',
            "occurrence 1: There is no fault 'dely'",
            id="no-fault",
        ),
        pytest.param(
            '[[occurrences]]\nat_s = -1\nfault = "delay"',
            "occurrence 1: at_s = -1 is not within",
            id="the-past",
        ),
        pytest.param(
            SCRIPT.replace("delay_s = 2", "delay_s = 9e9"),
            "occurrence 3: fault delay: delay_s",
            id="too-much",
        ),
        pytest.param(SCRIPT.replace("30.0", "0.0"), "occurrence 1: fault delay: for_s = 0", id="no-duration"),
    ],
)
def test_a_script_that_cannot_be_is_one_sentence(tmp_path: Path, toml: str, sentence: str) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(toml, encoding="utf-8")
    with pytest.raises(ConfigurationFault) as caught:
        FaultScript.read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert sentence in str(caught.value)


def test_a_script_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match=r"The fault script .*none\.toml cannot be read"):
        FaultScript.read(tmp_path / "none.toml")


def test_a_script_from_a_file_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text(SCRIPT, encoding="utf-8")
    assert FaultScript.read(path) == FaultScript.parse(SCRIPT)
