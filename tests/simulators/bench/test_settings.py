"""The settings of one device: TOML and options through one check."""

from pathlib import Path
from typing import Any

import pytest

from simulators.bench.settings import DeviceKind, load
from vpp_core.faults import ConfigurationFault


def write(folder: Path, text: str) -> Path:
    path = folder / "device.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_option_goes_before_the_file_and_leaves_its_neighbours(tmp_path: Path) -> None:
    path = write(tmp_path, 'kind = "pv"\n[listen]\nport = 5020\nunit = 7\n')
    settings = load(path, {"listen": {"port": 5021}})
    assert (settings.kind, settings.listen.port, settings.listen.unit) == (DeviceKind.PV, 5021, 7)


def test_a_kind_brings_its_usual_plate_and_a_file_changes_single_figures_of_it(tmp_path: Path) -> None:
    path = write(tmp_path, 'kind = "hybrid"\n[inverter.nameplate]\nphases = 1\n')
    settings = load(path, {})
    assert settings.inverter is not None
    plate = settings.inverter.nameplate
    assert (plate.kind, plate.phases) == ("hybrid", 1)
    assert min(plate.pv_w_max, plate.energy_capacity_wh, plate.absorption_w_max) > 0.0


def test_a_50_hz_unit_has_the_functions_of_50_hz_and_what_was_said_on_top(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'kind = "hybrid"\n[inverter.nameplate]\nfrequency_nominal_hz = 50.0\n'
        "[inverter.functions.frequency_droop]\nenabled = true\n",
    )
    inverter = load(path, {}).inverter
    assert inverter is not None
    functions = inverter.functions
    assert functions.frequency_droop.enabled
    assert 49.0 < functions.enter_service.frequency_low_hz < 50.0 < functions.enter_service.frequency_high_hz
    assert all(element.at < 50.0 for element in functions.trips.under_frequency)


def test_paths_are_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = load(write(tmp_path, 'kind = "pv"\n[grid]\ntrace = "day.csv"\n[log]\nfile = "l.csv"\n'), {})
    assert settings.grid.trace == tmp_path / "day.csv"
    assert settings.log is not None
    assert settings.log.file == tmp_path / "l.csv"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        pytest.param("7xx", "7xx", id="a-set"),
        pytest.param("1,103, 120", (1, 103, 120), id="numbers-in-a-text"),
        pytest.param([1, 701], (1, 701), id="numbers-in-a-list"),
    ],
)
def test_models_are_named_as_a_set_or_by_number(said: object, meant: object) -> None:
    assert load(None, {"kind": "pv", "models": said}).models == meant


REFUSED = [
    pytest.param({"kind": "heat-pump"}, "kind", id="no-such-kind"),
    pytest.param({}, "the key 'kind' is missing", id="no-kind"),
    pytest.param({"kind": "pv", "volts": 1}, "unknown key 'volts'", id="an-unknown-key"),
    pytest.param({"kind": "pv", "base": 7}, "base", id="a-base-that-sunspec-does-not-have"),
    pytest.param({"kind": "pv", "models": [1, "x"]}, "not numbers of models", id="a-model-without-number"),
    pytest.param({"kind": "pv", "models": 701}, "takes numbers of models", id="a-model-outside-a-list"),
    pytest.param({"kind": "pv", "models": [1, 103.7]}, "not numbers of models", id="a-fraction-of-a-model"),
    pytest.param({"kind": "pv", "models": [True]}, "not numbers of models", id="a-truth-for-a-model"),
    pytest.param({"kind": "pv", "listen": {"host": ""}}, "listen.host", id="every-address-by-mistake"),
    pytest.param({"kind": "pv", "log": {"file": "a\0b"}}, "no file has such a name", id="a-name-with-a-nul"),
    pytest.param({"kind": "pv", "listen": {"port": 70_000}}, "listen.port", id="no-such-port"),
    pytest.param({"kind": "pv", "listen": {"tls_key_file": "k"}}, "come together", id="half-a-certificate"),
    pytest.param(
        {"kind": "pv", "listen": {"tls_ca_file": "k"}}, "needs tls_cert_file", id="only-an-authority"
    ),
    pytest.param({"kind": "pv", "listen": {"unit": 2, "meter_unit": 2}}, "the same", id="two-of-one-unit-id"),
    pytest.param({"kind": "pv", "sun": {"power_pu": 3.0}}, "sun.power_pu", id="too-much-sun"),
    pytest.param({"kind": "pv", "load_w": float("nan")}, "load_w", id="not-a-number"),
    pytest.param(
        {"kind": "pv", "inverter": {"nameplate": {"pv_w_max": 0.0}}},
        "does not suit the kind pv",
        id="no-modules",
    ),
    pytest.param(
        {"kind": "battery", "inverter": {"nameplate": {"apparent_va_max": 100.0}}},
        "less than the active power ratings",
        id="an-apparent-power-below-the-active-one",
    ),
    pytest.param(
        {"kind": "battery", "inverter": {"state_of_charge": 1.5}}, "state_of_charge", id="an-overfull-battery"
    ),
    pytest.param({"kind": "pv", "inverter": {"refresh_s": 5.0}}, "refresh_s", id="a-refresh-no-inverter-has"),
    pytest.param(
        {"kind": "pv", "inverter": {"functions": {"frequency_drop": {}}}},
        "unknown key 'inverter.functions.frequency_drop'",
        id="a-misspelled-function",
    ),
    pytest.param(
        {"kind": "meter", "inverter": {}}, "[inverter] does not suit", id="a-meter-with-an-inverter"
    ),
    pytest.param({"kind": "pv", "evse": {}}, "[evse] does not suit", id="an-inverter-with-a-plug"),
    pytest.param({"kind": "evse", "evse": {"phases": 2}}, "1 or 3 phases", id="a-station-wired-as-none-is"),
    pytest.param(
        {"kind": "evse", "visits": [{"vehicle": {"current_a_max": 3.0}}]},
        "takes 3 A only",
        id="a-vehicle-below-six-amperes",
    ),
]


@pytest.mark.parametrize(("values", "sentence"), REFUSED)
def test_what_cannot_be_is_refused_in_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationFault) as refused:
        load(None, values)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_tables_without_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match="too deep"):
        load(write(tmp_path, f'kind = "pv"\n[{".".join("a" * 5_000)}]\n'), {})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match=r"nowhere\.toml"):
        load(tmp_path / "nowhere.toml", {})
