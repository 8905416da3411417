"""The catalogue: every kind of the issue is there, says what it does, and takes only what it can."""

from typing import Any

import pytest

from simulators.devices.faults.catalogue import CATALOGUE, make
from simulators.devices.faults.kind import Layer
from simulators.devices.faults.parameters import parameters_of
from vpp_core.faults import ConfigurationFault

WANTED = {
    "delay",
    "loss",
    "half-open",
    "refused",
    "late-answer",
    "wrong-transaction",
    "corrupted",
    "stuck-register",
    "wrong-scale-factor",
    "shifted-map",
    "zero-hertz-when-idle",
    "clock-skew",
    "second-master",
    "no-reversion",
    "vendor-cloud",
    "slow-firmware",
    "reboot",
}
NAMES = tuple(CATALOGUE)


def test_every_wanted_fault_is_there() -> None:
    assert set(NAMES) - {"frozen"} == WANTED
    assert {kind.layer for kind in CATALOGUE.values()} == set(Layer)


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_says_what_it_does_and_what_ought_to_be_seen(name: str) -> None:
    kind = CATALOGUE[name]
    assert kind.name == name
    assert kind.summary.endswith(".")
    assert kind.sees.endswith(".")
    for parameter in parameters_of(kind):
        assert parameter.says
        assert parameter.unit or not parameter.name.endswith(("_s", "_pu"))


@pytest.mark.parametrize("name", NAMES)
def test_its_defaults_and_its_bounds_may_be_taken(name: str) -> None:
    bounded = [each for each in parameters_of(CATALOGUE[name]) if not isinstance(each.default, str)]
    kinds = {each.name: type(each.default) for each in bounded}
    make(name, {})
    for bounds in ("low", "high"):
        chosen = {each.name: kinds[each.name](getattr(each, bounds)) for each in bounded}
        made = make(name, chosen)
        assert {key: getattr(made, key) for key in chosen} == chosen


@pytest.mark.parametrize(
    ("name", "parameters", "sentence"),
    [
        pytest.param("dely", {}, "There is no fault 'dely'; known are delay, loss,", id="no-such-fault"),
        pytest.param(
            "delay",
            {"s": 1},
            "fault delay has no parameter 's'; it takes delay_s, jitter_s.",
            id="no-such-one",
        ),
        pytest.param(
            "refused", {"s": 1}, "fault refused has no parameter 's'; it takes none.", id="takes-none"
        ),
        pytest.param(
            "delay", {"delay_s": -1}, "fault delay: delay_s = -1 is not within 0 .. 3600 s.", id="below"
        ),
        pytest.param("loss", {"share": 1.1}, "fault loss: share = 1.1 is not within 0 .. 1.", id="above"),
        pytest.param(
            "delay",
            {"delay_s": float("nan")},
            "fault delay: delay_s = nan is not within 0 .. 3600 s.",
            id="nan",
        ),
        pytest.param("delay", {"delay_s": "1"}, "fault delay: delay_s = '1' is not a number.", id="a-text"),
        pytest.param(
            "delay", {"delay_s": True}, "fault delay: delay_s = True is not a number.", id="a-truth"
        ),
        pytest.param(
            "corrupted", {"bits": 1.5}, "fault corrupted: bits = 1.5 is not a whole number.", id="a-fraction"
        ),
        pytest.param(
            "loss", {"of": "both"}, "fault loss: of = 'both' is none of request | answer.", id="no-choice"
        ),
        pytest.param(
            "stuck-register", {"point": ""}, "fault stuck-register: point = '' is not a text.", id="empty"
        ),
        pytest.param(
            "stuck-register", {"point": 5.5}, "fault stuck-register: point = 5.5 is not a text.", id="no-text"
        ),
    ],
)
def test_what_cannot_be_taken_is_one_sentence(name: str, parameters: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationFault) as caught:
        make(name, parameters)
    assert str(caught.value).startswith(sentence)
