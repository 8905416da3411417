"""A small file of cases, made by hand, and changes of it."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

Change = Callable[[dict[str, Any]], None]

DROOP = {"PF_MODE_ENABLE": "ENABLED", "PF_OLRT": 0.0}


def whole_file() -> dict[str, Any]:
    """One static case of each sort and three dynamic ones, all as they should be."""
    content = {
        "format": "vpp-edge-oracle",
        "format_version": 1,
        "nominal_hz": 60.0,
        "rating_w": 10_000.0,
        "base_settings": {"NP_P_MAX": 10_000.0, "NP_VA_MAX": 10_000.0, "NP_Q_MAX_INJ": 4_400},
        "static": [
            {
                "id": "droop",
                "kind": "freq_droop_static",
                "der": "bess",
                "settings": DROOP,
                "p_pre_pu": 0.0,
                "p_available_pu": 1.0,
                "points_f_p": [[60.0, 0.0], [59.4, 0.188], [60.6, -0.188]],
            },
            {
                "id": "volt-var",
                "kind": "volt_var_static",
                "der": "pv",
                "settings": {"QV_MODE_ENABLE": "ENABLED"},
                "p_in_pu": 0.5,
                "points_v_p_q": [[1.0, 0.5, 0.0], [1.05, 0.5, -0.22]],
            },
        ],
        "dynamic": [
            dynamic(
                "step",
                "bess",
                [0.2] * 2 + [0.012] * 8,
                inputs={"f_hz": [60.0] * 2 + [60.6] * 8},
                settings=DROOP,
            ),
            dynamic(
                "trip", "pv", [0.8] * 3 + [0.0] * 7, inputs={"v_pu": [1.0] * 2 + [1.25] * 8}, status="Trip"
            ),
            dynamic("enter", "pv", [0.0] * 3 + [0.5] + [1.0] * 6, settings=ENTER, status="Entering"),
        ],
    }
    return deepcopy(content)


ENTER = {"STATUS_INIT": "OFF", "ES_DELAY": 0.4, "ES_RAMP_RATE": 0.2}


def dynamic(
    case_id: str,
    der: str,
    p_pu: list[float],
    *,
    inputs: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
    status: str = "",
) -> dict[str, Any]:
    demand = {"p_dem_pu": 0.2} if der == "bess" else {"p_avl_pu": p_pu[0] or 1.0}
    runs = {
        "": [[0, "Continuous Operation"]],
        "Trip": [[0, "Continuous Operation"], [2, "Cease to Energize"], [3, "Trip"]],
        "Entering": [[0, "Trip"], [3, "Entering Service"], [5, "Continuous Operation"]],
    }
    checks = {
        "": [
            {
                "type": "open_loop_response",
                "signal": "p_pu",
                "t_step_s": 0.2,
                "t_90_max_s": 0.1,
                "from_pu": 0.2,
                "to_pu": 0.012,
            }
        ],
        "Trip": [{"type": "must_trip", "element": "ov2", "t_start_s": 0.2, "clearing_time_s": 0.16}],
        "Entering": [
            {
                "type": "enter_service",
                "v_f_ok_from_s": 0.0,
                "delay_min_s": 0.4,
                "ramp_s": 0.2,
                "target_pu": 1.0,
            }
        ],
    }
    return {
        "id": case_id,
        "kind": f"{case_id}_kind",
        "der": der,
        "dt_s": 0.1,
        "n": len(p_pu),
        "settings": settings or {},
        "setting_changes": [],
        "inputs": {"f_hz": 60.0, "v_pu": 1.0, **demand, **(inputs or {})},
        "outputs": {"p_pu": p_pu, "q_pu": [0.0] * len(p_pu), "status": runs[status]},
        "checks": checks[status],
    }


def write(folder: Path, change: Change | None = None) -> Path:
    """The file, after a change of it."""
    content = whole_file()
    if change is not None:
        change(content)
    path = folder / "cases.json"
    path.write_text(json.dumps(content))
    return path
