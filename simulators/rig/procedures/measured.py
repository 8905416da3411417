"""Monitoring information: whether measurements agree with one another, with the source and with time."""

from collections.abc import Mapping
from itertools import pairwise

from simulators.rig.procedures.conduct import command_power
from simulators.rig.procedures.rig import Judge, Rig, first_reach, latest
from vpp_core.units import SECONDS_PER_HOUR

ACCURACY = "IEEE 1547-2018 table 3"
FREQUENCY_TOLERANCE_HZ = 0.01
VOLTAGE_TOLERANCE = 0.01
"""Of nominal."""
_CONSISTENT = 0.03
_CONSISTENT_AT_PU = 0.5
_SETTLE_S = 3.0
_ENERGY_TOLERANCE = 0.05
_ENERGY_RESOLUTION_WH = 2.0
_FOLLOW_STEPS_PU = (0.8, 0.5)
_BEGUN_SHARE = 0.1
_OTHER = ((0.2, 0.97), (-0.2, 1.03))
_BLIND_HZ = 1.0


async def check_idle(rig: Rig) -> None:
    """An idle unit measures its grid too."""
    with rig.step("monitoring of an idle unit") as step:
        await command_power(rig, 0.0)
        rig.expect(0.0, rig.ratings.power_tolerance_w)
        sample = (await rig.watch(_SETTLE_S))[-1]
        step.near(
            "frequency while no power flows",
            sample.reading.get("frequency_hz"),
            rig.ratings.frequency_hz,
            _BLIND_HZ,
            "Hz",
            clause=ACCURACY,
            why="an idle unit reads no grid; a controller must not take that for an excursion",
        )
        step.near(
            "power at a setpoint of nothing",
            sample.measured,
            0.0,
            rig.ratings.power_tolerance_w,
            "W",
            clause=ACCURACY,
        )


async def check_consistency(rig: Rig) -> None:
    """W, VA, var, PF, V and A of one moment belong together."""
    with rig.step("power, voltage, current and power factor agree") as step:
        target_w = _CONSISTENT_AT_PU * rig.ratings.injection_w
        await command_power(rig, target_w)
        rig.expect(target_w, rig.ratings.power_tolerance_w)
        reading = (await rig.watch(_SETTLE_S))[-1].reading
        tolerance_va = _CONSISTENT * rig.ratings.apparent_va
        power_w, reactive_var = reading.get("power_w"), reading.get("reactive_var")
        apparent_va, factor = reading.get("apparent_va"), reading.get("power_factor")
        if power_w is not None and reactive_var is not None and apparent_va is not None:
            step.near(
                "apparent power against sqrt(W^2 + var^2)",
                apparent_va,
                (power_w**2 + reactive_var**2) ** 0.5,
                tolerance_va,
                "VA",
                why="one of them is wrong, or has a wrong scale factor",
            )
        if power_w is not None and apparent_va is not None and factor is not None:
            step.near(
                "active power against VA x power factor",
                abs(power_w),
                apparent_va * abs(factor),
                tolerance_va,
                "W",
                why="one of them is wrong, or has a wrong scale factor",
            )
        voltage_v, current_a = reading.get("voltage_v"), reading.get("current_a")
        if apparent_va is not None and voltage_v is not None and current_a is not None:
            step.near(
                "apparent power against V x A",
                apparent_va,
                voltage_v * current_a,
                tolerance_va,
                "VA",
                why="one of them is wrong, or has a wrong scale factor",
            )


async def check_follows(rig: Rig, begin_s_max: float) -> None:
    """A measurement that stands still while power moves is none."""
    with rig.step("measurements follow the power") as step:
        for share in _FOLLOW_STEPS_PU:
            target_w = share * rig.ratings.injection_w
            before_w = (await rig.sample()).measured or 0.0
            await command_power(rig, target_w)
            rig.expect(target_w, rig.ratings.power_tolerance_w)
            begins_s = rig.now_s
            samples = await rig.watch(begin_s_max + _SETTLE_S)
            begun_s = first_reach(samples, before_w, target_w, _BEGUN_SHARE)
            step.check(
                f"first change towards {target_w:.0f} W after",
                None if begun_s is None else begun_s - begins_s,
                "s",
                high=begin_s_max,
                why="firmware or registers are too slow to be controlled, or the register stands still",
            )
            step.near(
                f"power at a setpoint of {target_w:.0f} W",
                latest(samples),
                target_w,
                rig.ratings.power_tolerance_w,
                "W",
                clause=ACCURACY,
                why="the register stands still, or shows something else than the power",
            )


async def check_energy(rig: Rig, duration_s: float) -> None:
    """The counter moves by the integral of power."""
    with rig.step(f"energy counter over {duration_s:g} s") as step:
        samples = await rig.watch(duration_s, poll_s=max(rig.poll_s, 0.5))
        counted = [sample.reading.get("injected_wh") for sample in (samples[0], samples[-1])]
        if counted[0] is None or counted[1] is None:
            rig.note("The device has no energy counter in its measuring model; it was not judged.")
            return
        integral_wh = 0.0
        for before, after in pairwise(samples):
            power_w = ((before.measured or 0.0) + (after.measured or 0.0)) / 2.0
            integral_wh += power_w * (after.at_s - before.at_s) / SECONDS_PER_HOUR
        step.near(
            "energy counted",
            counted[1] - counted[0],
            integral_wh,
            max(_ENERGY_RESOLUTION_WH, _ENERGY_TOLERANCE * integral_wh),
            "Wh",
            clause="energy is the integral of power",
            why="counter and power do not belong together",
        )


async def check_against_source(rig: Rig) -> None:
    """Frequency and voltage as the source sets them."""
    nominal_hz = rig.ratings.frequency_hz
    with rig.step("measurements agree with the grid source") as step:
        for change_hz, voltage_pu in ((0.0, 1.0), *_OTHER):
            await rig.set_grid(frequency_hz=nominal_hz + change_hz, voltage_pu=voltage_pu)
            samples = await rig.watch(_SETTLE_S)
            _judge_grid(step, rig, samples[-1].reading, nominal_hz + change_hz, voltage_pu)
        await rig.calm_grid()


def _judge_grid(
    step: Judge, rig: Rig, reading: Mapping[str, float | None], frequency_hz: float, voltage_pu: float
) -> None:
    step.near(
        f"frequency at {frequency_hz:.2f} Hz",
        reading.get("frequency_hz"),
        frequency_hz,
        FREQUENCY_TOLERANCE_HZ,
        "Hz",
        clause=f"{ACCURACY}: 10 mHz",
        why="the measurement does not follow the grid",
    )
    nominal_v = rig.ratings.voltage_v
    step.near(
        f"voltage at {voltage_pu:.2f} per unit",
        reading.get("voltage_v"),
        voltage_pu * nominal_v,
        VOLTAGE_TOLERANCE * nominal_v,
        "V",
        clause=f"{ACCURACY}: 1 % of nominal",
        why="the measurement does not follow the grid",
    )
