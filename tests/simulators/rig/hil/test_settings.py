"""What the configuration of the rig takes, and how it refuses the rest."""

from pathlib import Path

import pytest

from simulators.rig.hil_bench.settings import (
    AgentTarget,
    BenchGridSettings,
    DeviceTarget,
    NoGrid,
    ScpiGrid,
    SeparateMeter,
    load_settings,
)
from simulators.rig.hil_run import choose
from vpp_core.faults import ConfigurationFault

DEVICE = '[target]\nkind = "device"\nhost = "192.0.2.1"\n'


def load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "rig.toml"
    path.write_text(text)
    settings = load_settings(path)
    choose(settings, list(settings.procedure) or ["reversion"])
    return settings


def test_a_device_alone_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(DEVICE)
    settings = load_settings(path)
    assert settings.target == DeviceTarget(host="192.0.2.1")
    assert settings.grid == NoGrid()


def test_grid_source_and_meter_are_configuration(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(
        DEVICE
        + '[grid]\nsource = "scpi"\nhost = "192.0.2.2"\nset_frequency = ["SOUR:FREQ {frequency_hz:.2f}"]\n'
        + '[measure]\nsource = "meter"\nhost = "192.0.2.3"\ninjection_sign = -1\n'
    )
    settings = load_settings(path)
    assert isinstance(settings.grid, ScpiGrid)
    assert isinstance(settings.measure, SeparateMeter)
    assert settings.measure.injection_sign == -1


def test_a_gateway_is_a_target_too(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text('[target]\nkind = "agent"\nport = 5021\n[grid]\nsource = "bench"\nport = 5022\n')
    settings = load_settings(path)
    assert settings.target == AgentTarget(kind="agent", port=5021)
    assert settings.grid == BenchGridSettings(source="bench", port=5022)


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(DEVICE)
    monkeypatch.setenv("VPP_HIL_TARGET__HOST", "192.0.2.9")
    target = load_settings(path).target
    assert isinstance(target, DeviceTarget)
    assert target.host == "192.0.2.9"


def test_a_procedure_takes_parameters(tmp_path: Path) -> None:
    path = tmp_path / "rig.toml"
    path.write_text(DEVICE + "[procedure.reversion]\ntimer_s = 30.0\n")
    (chosen,) = choose(load_settings(path), ["reversion"])
    assert chosen.parameters.model_dump()["timer_s"] == 30.0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("[target\n", "not valid TOML", id="no-toml"),
        pytest.param(DEVICE + "hots = 1\n", "unknown key 'target.device.hots'", id="unknown-key"),
        pytest.param(DEVICE + "unit = 300\n", "unit", id="no-such-unit"),
        pytest.param('[target]\nkind = "toaster"\n', "toaster", id="no-such-target"),
        pytest.param(DEVICE + '[grid]\nsource = "bench"\n', "'grid.bench.port' is missing", id="no-port"),
        pytest.param(
            DEVICE + '[grid]\nsource = "scpi"\nhost = "h"\nset_voltage = ["V {volts}"]\n',
            "the template 'V {volts}' is wrong",
            id="wrong-template",
        ),
        pytest.param(
            DEVICE + "[run]\nstate_of_charge_min = 0.95\n", "is not below", id="window-without-room"
        ),
        pytest.param(DEVICE + "[run]\npoll_s = 1e-9\n", "run.poll_s", id="a-flood-of-requests"),
        pytest.param(
            DEVICE + "[procedure.revertion]\n", "there is no such procedure", id="no-such-procedure"
        ),
        pytest.param(
            DEVICE + "[procedure.reversion]\ntimer = 3\n",
            "unknown key 'procedure.reversion.timer'; choose from timer_s",
            id="parameter-without-unit",
        ),
        pytest.param(
            DEVICE + "[procedure.reversion]\ntimer_s = 0.5\n",
            "procedure.reversion.timer_s",
            id="out-of-range",
        ),
        pytest.param(
            DEVICE + "[procedure.volt-var]\ncurve = [[1.0, 0.5], [0.9, 0.0]]\n",
            "do not ascend",
            id="curve-that-falls-back",
        ),
    ],
)
def test_a_wrong_configuration_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ConfigurationFault) as fault:
        load(tmp_path, text)
    assert reason in str(fault.value)


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationFault, match="name an existing file"):
        load_settings(tmp_path / "none.toml")
