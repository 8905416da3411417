"""Settings: complete or refused with one sentence that names the key."""

from pathlib import Path

import pytest

from cloud.settings import load_settings
from vpp_core.faults import ConfigurationFault

EXAMPLE = Path(__file__).parents[3] / "deploy" / "cloud.toml"
MINIMAL = """
[storage]
database_file = "vpp.db"
telemetry_file = "/var/lib/t.duckdb"
[api]
token_file = "api.token"
[market]
url = "http://127.0.0.1:8001"
token_file = "m.token"
[utility]
url = "https://utility.example"
token_file = "u.token"
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "cloud.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_in_deploy_is_valid() -> None:
    settings = load_settings(EXAMPLE)
    assert settings.broker.tls
    assert (settings.broker.host, settings.broker.port) == ("broker.example", 8883)
    assert settings.openadr is not None
    assert settings.openadr.programs == {"https://vtn.example/peak": "utility-peak"}


def test_paths_are_taken_from_the_file_and_defaults_are_safe(tmp_path: Path) -> None:
    settings = load_settings(_write(tmp_path, MINIMAL))
    assert settings.storage.database_file == tmp_path / "vpp.db"
    assert settings.storage.telemetry_file == Path("/var/lib/t.duckdb")
    assert settings.api.host == "127.0.0.1"
    assert not settings.broker.tls
    assert settings.openadr is None


def test_the_environment_is_on_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VPP_CLOUD_API__PORT", "9999")
    assert load_settings(_write(tmp_path, MINIMAL)).api.port == 9999


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(MINIMAL + "colour = 'red'", "unknown key 'utility.colour'", id="an unknown key"),
        pytest.param("colour = 'red'\n" + MINIMAL, "unknown key 'colour'", id="at the top, too"),
        pytest.param(
            MINIMAL.replace('token_file = "api.token"', ""), "'api.token_file' is missing", id="no token"
        ),
        pytest.param("zone = 'Mars/Base'\n" + MINIMAL, "not a time zone", id="an unknown zone"),
        pytest.param(MINIMAL + "[telemetry]\nflush_s = 0", "telemetry.flush_s", id="a period of zero"),
        pytest.param(
            MINIMAL + "[telemetry]\nflush_s = 'soon'", "telemetry.flush_s", id="a word for a number"
        ),
        pytest.param(
            MINIMAL + "[broker]\nurl = 'mqtt://broker.example'",
            "plain mqtt:// is for this machine",
            id="plain MQTT",
        ),
        pytest.param(
            MINIMAL + "[broker]\nurl = 'mqtts://broker.example'", "needs ca_file", id="TLS without a root"
        ),
        pytest.param(
            MINIMAL + "[broker]\nurl = 'mqtts://b'\nca_file = 'a'\ncert_file = 'c'",
            "come together",
            id="half a pair",
        ),
        pytest.param(
            MINIMAL + "[broker]\nurl = 'broker:1883'", "must look like mqtts://", id="no broker URL"
        ),
        pytest.param(
            MINIMAL.replace("https://utility", "http://utility"),
            "plain http:// is for this machine",
            id="plain HTTP",
        ),
        pytest.param(
            MINIMAL.replace("https://utility.example", "utility"), "must look like https://", id="no URL"
        ),
        pytest.param(
            MINIMAL + "[openadr]\nven_name='v'\nvtn_url='ftp://x'\nsource='u'\nprograms={a='b'}",
            "must look like https://",
            id="a VTN on FTP",
        ),
        pytest.param("= 1", "is not valid TOML", id="no TOML"),
        pytest.param(f"zone = {'9' * 5_000}", "is not valid TOML", id="a number without end"),
        pytest.param(f"zone = {'[' * 5_000}", "is not valid TOML", id="a nest without end"),
        pytest.param(
            MINIMAL + "[broker]\nurl = 'mqtt://localhost:99999'", "must look like mqtts://", id="no such port"
        ),
        pytest.param(
            MINIMAL.replace(":8001", ":http"), "must look like https://", id="a port that is a word"
        ),
    ],
)
def test_bad_settings_are_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(ConfigurationFault) as refusal:
        load_settings(path)
    assert sentence in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match=r"cannot read .*; name an existing file"):
        load_settings(tmp_path / "cloud.toml")


def test_a_password_in_an_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = MINIMAL.replace("https://utility", "https://us:open-sesame@utility")
    with pytest.raises(ConfigurationFault, match="without a user name") as refusal:
        load_settings(_write(tmp_path, text))
    assert "open-sesame" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        pytest.param("VPP_CLOUD_APIS__PORT", "1", "VPP_CLOUD_APIS__PORT is no key", id="misspelt"),
        pytest.param("VPP_CLOUD_API", "garbage", "correct that variable", id="a section that is no JSON"),
    ],
)
def test_a_wrong_variable_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationFault, match=sentence):
        load_settings(_write(tmp_path, MINIMAL))
