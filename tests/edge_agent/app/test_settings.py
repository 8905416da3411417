"""One TOML file with the environment on top; everything unknown or out of range is one sentence."""

from pathlib import Path

import pytest

from edge_agent.devices.link import LinkSettings, Parity, Transport
from edge_agent.settings import load_settings
from vpp_core.der import DerKind
from vpp_core.faults import ConfigurationFault

NAME_BATTERY = '"battery"\nkind = "battery"'
GOOD = """
site_id = "site-01"
gateway_id = "gateway-01"
state_dir = "state"
enrollment_code_file = "code.txt"

[broker]
url = "mqtts://broker.example"
ca_file = "ca.pem"
cert_file = "/etc/vpp/cert.pem"
key_file = "key.pem"

[[device]]
name = "meter"
kind = "meter"
host = "192.0.2.10"

[[device]]
name = "battery"
kind = "battery"
host = "192.0.2.10"
port = 1502
unit = 2

[owner_limits]
reserve_fraction = 0.3

[control]
poll_s = 30
"""


def write(tmp_path: Path, text: str = GOOD) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(text)
    return path


def test_a_good_file_is_read_and_its_paths_are_relative_to_it(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path))
    assert settings.state_dir == tmp_path / "state"
    assert settings.enrollment_code_file == tmp_path / "code.txt"
    assert settings.broker.ca_file == tmp_path / "ca.pem"
    assert settings.broker.cert_file == Path("/etc/vpp/cert.pem")
    assert (settings.broker.host, settings.broker.port, settings.broker.tls) == ("broker.example", 8883, True)
    assert settings.broker.password_file is None
    battery = settings.device[1]
    assert (battery.kind, settings.der_id(battery)) == (DerKind.BATTERY, "site-01.battery")
    assert (battery.link.host, battery.link.port) == ("192.0.2.10", 1502)
    assert settings.owner_limits.limits().reserve_fraction == 0.3


HOSTED = 'host = "192.0.2.10"\nport = 1502'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            'transport = "rtu"\nport_path = "/dev/ttyUSB0"\nbaud = 9600\nparity = "none"',
            LinkSettings(transport=Transport.RTU, port_path="/dev/ttyUSB0", baud=9_600, parity=Parity.NONE),
            id="a-serial-line",
        ),
        pytest.param(
            'transport = "tls"\nhost = "device.example"\nca_file = "/etc/ca.pem"',
            LinkSettings(
                transport=Transport.TLS, host="device.example", port=802, ca_file=Path("/etc/ca.pem")
            ),
            id="tls-at-its-usual-port",
        ),
        pytest.param(
            'host = "192.0.2.11"\nlean = true', LinkSettings(host="192.0.2.11", lean=True), id="lean"
        ),
    ],
)
def test_a_device_says_how_it_is_reached(tmp_path: Path, lines: str, expected: LinkSettings) -> None:
    settings = load_settings(write(tmp_path, GOOD.replace(HOSTED, lines)))
    assert settings.device[1].link == expected


def test_files_of_a_device_are_relative_to_the_settings(tmp_path: Path) -> None:
    lines = 'transport = "tls"\nhost = "x"\ncert_file = "a.pem"\nkey_file = "tls/a.key"'
    link = load_settings(write(tmp_path, GOOD.replace(HOSTED, lines))).device[1].link
    assert (link.cert_file, link.key_file) == (tmp_path / "a.pem", tmp_path / "tls/a.key")


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        pytest.param("", "transport 'tcp' needs host", id="no-host"),
        pytest.param('transport = "rtu"', "transport 'rtu' needs port_path", id="no-serial-port"),
        pytest.param(
            'transport = "rtu"\nport_path = "x"\nport = 1', "transport 'rtu' takes no port", id="two-places"
        ),
        pytest.param('host = "x"\nbaud = 9600', "transport 'tcp' takes no baud", id="baud-of-tcp"),
        pytest.param(
            'transport = "tls"\nhost = "x"\nlean = true', "transport 'tls' takes no lean", id="lean-tls"
        ),
        pytest.param(
            'transport = "tls"\nhost = "x"\nkey_file = "k"', "come together", id="half-a-certificate"
        ),
        pytest.param('transport = "serial"\nhost = "x"', "'tcp', 'tls' or 'rtu'", id="another-transport"),
        pytest.param(
            'host = "192.0.2.10"\nlean = true',
            "meter and battery share 192.0.2.10:502; give both the same lean",
            id="one-endpoint-two-ways",
        ),
        pytest.param(
            'transport = "rtu"\nport_path = "x"\nunit = 248\n#', "from 1 to 247, not 248", id="rtu-unit"
        ),
    ],
)
def test_a_wrong_way_to_a_device_is_one_sentence(tmp_path: Path, lines: str, sentence: str) -> None:
    text = GOOD.replace(HOSTED + "\nunit = 2", lines)
    with pytest.raises(ConfigurationFault) as caught:
        load_settings(write(tmp_path, text))
    assert sentence in str(caught.value)


def test_the_environment_outranks_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VPP_EDGE_CONTROL__POLL_S", "15")
    monkeypatch.setenv("VPP_EDGE_SITE_NAME", "Elm Street 1")
    settings = load_settings(write(tmp_path))
    assert (settings.control.poll_s, settings.site_name) == (15, "Elm Street 1")
    assert settings.control.fast_s == 0.05
    assert settings.control.droop.response_s == 0.0, "direct, unless it is asked for"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        pytest.param("poll_s", "poll_min", "unknown key 'control.poll_min'", id="an-unknown-key"),
        pytest.param("state_dir", "state_folder", "unknown key 'state_folder'", id="a-misspelt-key"),
        pytest.param('gateway_id = "gateway-01"', "", "'gateway_id' is missing", id="a-missing-key"),
        pytest.param("poll_s = 30", "poll_s = 0", "control.poll_s", id="a-period-out-of-range"),
        pytest.param("poll_s = 30", 'poll_s = "often"', "control.poll_s", id="a-period-that-is-no-number"),
        pytest.param("0.3", "1.3", "owner_limits.reserve_fraction", id="a-percentage"),
        pytest.param(
            "poll_s = 30", "droop = { response_s = 11 }", "control.droop.response_s", id="too-slow-a-droop"
        ),
        pytest.param("0.3", "0.3\nceiling_fraction = 0.2", "lies above", id="a-reserve-above-the-ceiling"),
        pytest.param(
            '"battery"\nkind = "battery"', '"meter"\nkind = "battery"', "same name", id="two-of-a-name"
        ),
        pytest.param('kind = "meter"', 'kind = "pv"', "exactly one device of kind", id="no-grid-meter"),
        pytest.param('kind = "battery"', 'kind = "toaster"', "device.1.kind", id="a-kind-that-is-none"),
        pytest.param('"site-01"', '"site/+"', "site_id", id="a-site-id-that-would-leave-its-topic"),
        pytest.param("mqtts://broker", "http://broker", "mqtts://host:8883", id="another-protocol"),
        pytest.param("mqtts://broker", "mqtt://broker", "this machine only", id="plain-mqtt-outside"),
        pytest.param('ca_file = "ca.pem"', "", "needs ca_file", id="tls-without-an-authority"),
        pytest.param('key_file = "key.pem"', "", "come together", id="a-certificate-without-its-key"),
        pytest.param("[broker]", "[broker]\nbackoff_s_max = 0.5", "lies below", id="pauses-that-shrink"),
        pytest.param("[broker]", "[broker", "not valid TOML", id="no-toml"),
        pytest.param("poll_s = 30", f"poll_s = {'9' * 5_000}", "not valid TOML", id="a-number-without-end"),
        pytest.param("poll_s = 30", f"poll_s = {'[' * 5_000}", "not valid TOML", id="a-nest-without-end"),
        pytest.param("example", "example:99999", "mqtts://host:8883", id="a-port-beyond-the-last"),
        pytest.param("example", "example:0", "mqtts://host:8883", id="port-zero"),
        pytest.param("example", "example:http", "mqtts://host:8883", id="a-port-that-is-a-word"),
        pytest.param("mqtts://broker", "mqtts://[broker", "mqtts://host:8883", id="half-an-ipv6-address"),
    ],
)
def test_a_bad_file_is_one_sentence_that_names_it(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigurationFault) as caught:
        load_settings(path)
    text = str(caught.value)
    assert sentence in text
    assert "site.toml" in text
    assert "\n" not in text


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match="name an existing file"):
        load_settings(tmp_path / "nowhere.toml")


def test_a_password_in_the_brokers_address_is_refused_and_not_repeated(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("mqtts://broker", "mqtts://gateway:open-sesame@broker"))
    with pytest.raises(ConfigurationFault, match="without a user name") as caught:
        load_settings(path)
    assert "open-sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        pytest.param("VPP_EDGE_CONTROLS__POLL_S", "15", "VPP_EDGE_CONTROLS__POLL_S is no key", id="misspelt"),
        pytest.param("VPP_EDGE_CONTROL_POLL_S", "15", "VPP_EDGE_CONTROL_POLL_S is no key", id="underscore"),
        pytest.param("VPP_EDGE_BROKER", "garbage", "correct that variable", id="a-section-that-is-no-json"),
    ],
)
def test_a_wrong_variable_of_the_environment_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationFault, match=sentence):
        load_settings(write(tmp_path))
