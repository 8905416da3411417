"""The settings that the rig gives to its gateways and its cloud, as values and as TOML files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulators.devices.physics import BATTERY, EVSE, METER, PV
from vpp_core.faults import LocalFault

REVERT_S = 3_600.0
"""Reversion time that gateways arm: at thousands of times real time, a shorter one would run out whenever
the machine hesitates for a few tenths of a second."""
FLUSH_S = 600.0
"""Simulated seconds between two writes of telemetry; a second would be twenty writes a real one."""
RESEND_S = 3.0 * FLUSH_S
"""Gateways send again what is not acknowledged; later than the cloud acknowledges, on virtual time too."""
GAP_S_MAX = 1_800.0
"""Simulated seconds between two samples that still count as measured: a machine that hesitates for a fifth
of a second lets a thousand of them pass."""
STALE_S = 1_800.0
"""For the same reason; a gateway that dies is known by its last will, at once."""
EVENT_SETTLE_S = 2.0
VEN_NAME = "gridchorus"
UTILITY = "simulated-utility"
KINDS = {METER: "meter", BATTERY: "battery", PV: "pv", EVSE: "evse"}
"""Kind in the gateway's settings of each device of a simulated site."""


def site_values(
    site_id: str, folder: Path, units: Mapping[str, int], port: int, broker_url: str
) -> dict[str, Any]:
    """One gateway's settings; paths are in ``folder``."""
    return {
        "site_id": site_id,
        "site_name": f"Home {site_id.removeprefix('site-')}",
        "gateway_id": f"gateway-{site_id.removeprefix('site-')}",
        "state_dir": str(folder / "state"),
        "enrollment_code_file": str(folder / "enrollment.code"),
        "broker": {"url": broker_url, "backoff_s_min": 0.2, "backoff_s_max": 5.0, "resend_s": RESEND_S},
        "control": {"revert_s": REVERT_S, "event_settle_s": EVENT_SETTLE_S, "rediscover_s": 0.5},
        "outbox": {"durability": "off"},
        "device": [
            {"name": name, "kind": KINDS[name], "host": "127.0.0.1", "port": port, "unit": unit}
            for name, unit in units.items()
        ],
    }


def cloud_values(
    folder: Path, *, broker_url: str, market_url: str, utility_url: str, vtn: Mapping[str, str] | None
) -> dict[str, Any]:
    """The cloud's settings; ``vtn`` has the utility's ``url`` and market ``context``, if it is heard."""
    values: dict[str, Any] = {
        "storage": {
            "database_file": str(folder / "gridchorus.sqlite"),
            "telemetry_file": str(folder / "telemetry.duckdb"),
        },
        "broker": {"url": broker_url},
        "api": {"port": 0, "token_file": str(folder / "operator.token")},
        "telemetry": {"flush_s": FLUSH_S, "gap_s_max": GAP_S_MAX},
        "dispatch": {"stale_s": STALE_S},
        "market": {"url": market_url, "token_file": str(folder / "market.token")},
        "utility": {"url": utility_url, "token_file": str(folder / "utility.token")},
    }
    if vtn is not None:
        values["openadr"] = {
            "ven_name": VEN_NAME,
            "vtn_url": vtn["url"],
            "source": UTILITY,
            "poll_s": 1.0,
            "programs": {vtn["context"]: "utility-peak"},
        }
    return values


def write_toml(path: Path, values: Mapping[str, Any]) -> Path:
    """Write settings as TOML: values first, then tables, then arrays of tables.

    Raises:
        LocalFault: the file cannot be written.
    """
    return write_text(path, "\n".join(_lines(values, ())) + "\n")


def write_text(path: Path, text: str, *, secret: bool = False) -> Path:
    """Write a file, its folders too; a secret is for its owner's eyes only.

    Raises:
        LocalFault: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600 if secret else 0o644)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LocalFault(f"{path} cannot be written: {error.strerror}.") from error
    return path


def _lines(values: Mapping[str, Any], above: tuple[str, ...]) -> list[str]:
    plain = {key: value for key, value in values.items() if not isinstance(value, dict | list)}
    lines = [f"{_key(key)} = {_literal(value)}" for key, value in plain.items()]
    for key, value in values.items():
        name = ".".join((*above, _key(key)))
        if isinstance(value, dict):
            lines += ["", f"[{name}]", *_lines(value, (*above, _key(key)))]
        elif isinstance(value, list):
            for row in value:
                lines += ["", f"[[{name}]]", *_lines(row, (*above, _key(key)))]
    return lines


def _key(key: str) -> str:
    return key if key.replace("_", "").replace("-", "").isalnum() else json.dumps(key)


def _literal(value: str | bool | float) -> str:  # noqa: FBT001  (a TOML value, not a switch)
    return json.dumps(value)
