"""The broker's rules in ``deploy/``: no certificate, no connection; a gateway keeps to its own subtree."""

from pathlib import Path

import pytest

from vpp_core.topics import DOWNLINK, ROOT, UPLINK

DEPLOY = Path(__file__).parents[2] / "deploy"
CLOUD = "user gridchorus-cloud"
CANARY = "topic readwrite gridchorus/canary/gridchorus-cloud"


@pytest.fixture
def rules() -> list[str]:
    return _lines("mosquitto.acl")


def _lines(name: str) -> list[str]:
    lines = (DEPLOY / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_a_gateway_writes_its_own_uplink_and_reads_its_own_downlink_only(rules: list[str]) -> None:
    assert rules[: rules.index(CLOUD)] == [
        *(f"pattern write {ROOT}/%u/{kind}" for kind in UPLINK),
        *(f"pattern read {ROOT}/%u/{kind}" for kind in DOWNLINK),
    ]


def test_the_cloud_hears_every_uplink_and_speaks_every_downlink(rules: list[str]) -> None:
    assert rules[rules.index(CLOUD) + 1 :] == [
        *(f"topic read {ROOT}/+/{kind}" for kind in UPLINK),
        *(f"topic write {ROOT}/+/{kind}" for kind in DOWNLINK),
        CANARY,
    ]


def test_nobody_connects_without_a_certificate_and_its_name_is_the_user() -> None:
    assert {
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
    } <= set(_lines("mosquitto.conf"))
