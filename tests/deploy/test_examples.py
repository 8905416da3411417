"""The example settings under deploy/ are settings: every key is known, every value in range."""

from pathlib import Path

from cloud.settings import load_settings as load_cloud
from edge_agent.settings import load_settings as load_site

DEPLOY = Path(__file__).parents[2] / "deploy"


def test_the_example_of_a_cloud_loads() -> None:
    settings = load_cloud(DEPLOY / "cloud.toml")
    assert settings.broker.tls
    assert settings.api.token_file == DEPLOY / "secrets" / "api.token"


def test_the_example_of_a_site_loads() -> None:
    settings = load_site(DEPLOY / "site.toml")
    assert settings.broker.tls
    assert [device.kind.value for device in settings.device] == ["meter", "battery", "pv"]
    assert settings.outbox.durability == "full"


def test_the_units_start_what_there_is() -> None:
    for unit, program in (("vpp-edge@.service", "vpp-edge run"), ("vpp-cloud.service", "vpp-cloud serve")):
        assert f"/bin/{program} --config" in (DEPLOY / unit).read_text("utf-8")
