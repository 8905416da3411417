"""What many procedures do: command, release, set a function up, wait until a unit is back."""

from collections.abc import Mapping

from simulators.rig.hil_bench.curves import WORDS, active, adopt
from simulators.rig.procedures.rig import Judge, Rig
from vpp_core.faults import DeviceFault

COMMANDS = ("WSetEna", "WMaxLimPctEna", "VarSetEna", "PFWInjEna", "PFWAbsEna")
FUNCTIONS = (705, 706, 711, 712)
BACK_S_MAX = 60.0
ADOPTED_CLAUSE = "IEEE 1547-2018 10.4: settings are taken over within 30 s"
ADOPT_S_MAX = 30.0
_WATTS_MODE = 1.0
_CONNECTED = 1.0
_SERVING = {2.0, 3.0, 4.0}
"""Starting, running, throttled (701 InvSt)."""
_RAMP_S = 3.0
"""Longer than the ramp of a unit that was told to return quickly: it must be over before settings return."""
_FREE_S = 2.0
_DISTINCT = 0.2
_ROUNDING = 6e-4
_NEAR = 2e-3
"""Registers round what is written to them."""


async def command_power(rig: Rig, power_w: float, timer_s: float = 0.0) -> None:
    """Active power setpoint, injection positive; a timer of 0 lasts for ever."""
    await rig.device.write(
        704,
        {
            "WSetMod": _WATTS_MODE,
            "WSet": power_w,
            "WSetRvrt": 0.0,
            "WSetEnaRvrt": 0.0,
            "WSetRvrtTms": timer_s,
            "WSetEna": 1.0,
        },
    )


async def command_limit(rig: Rig, percent: float, timer_s: float = 0.0) -> None:
    """Upper bound of injection in percent of WMax."""
    await rig.device.write(
        704,
        {
            "WMaxLimPct": percent,
            "WMaxLimPctRvrt": 100.0,
            "WMaxLimPctEnaRvrt": 0.0,
            "WMaxLimPctRvrtTms": timer_s,
            "WMaxLimPctEna": 1.0,
        },
    )


async def release(rig: Rig) -> None:
    """Every command of model 704 off."""
    offered = await rig.device.read(704, *COMMANDS)
    for name, value in offered.items():
        if value:
            await rig.device.write(704, {name: 0.0})


async def only(rig: Rig, number: int | None) -> None:
    """Switch all autonomous functions off but one, which is left as it is, and end all commands."""
    for other in FUNCTIONS:
        if other != number and other in rig.device.places and await rig.device.value(other, "Ena"):
            await rig.device.write(other, {"Ena": 0.0})
    if 704 in rig.device.places:  # noqa: PLR2004 - the model's number is its name
        await release(rig)


async def set_up(rig: Rig, number: int, values: Mapping[str, float]) -> None:
    """Have settings adopted, switch the function on, and see in the registers that it is so.

    Raises:
        DeviceFault: the device does not take them; the procedure cannot go on.
    """
    with rig.step(f"settings of model {number} are adopted") as step:
        took_s = await adopt(rig.device, number, values, rig.clock)
        await rig.device.write(number, {"Ena": 1.0})
        step.check("time until they were adopted", took_s, "s", high=ADOPT_S_MAX, clause=ADOPTED_CLAUSE)
        found = await active(rig.device, number)
        for name, wanted in values.items():
            if name in found:
                tolerance = max(_NEAR * abs(wanted), _ROUNDING)
                step.near(
                    f"active {WORDS[number].group}[1].{name}",
                    found[name],
                    wanted,
                    tolerance,
                    "",
                    why="the device acts on other settings than it was given",
                )


async def hold(rig: Rig, power_w: float, settle_s: float = 5.0) -> float:
    """Command a power, wait until it is there, and say what it is (W).

    Raises:
        DeviceFault: the device does not go there, so that nothing can be measured from there.
    """
    await command_power(rig, power_w)
    rig.expect(power_w, rig.ratings.power_tolerance_w)
    settled_s = await rig.settle(power_w, rig.ratings.power_tolerance_w, settle_s)
    measured_w = rig.samples[-1].reading.get("power_w")
    if settled_s is None or measured_w is None:
        raise DeviceFault(
            f"{rig.device.name} was told {power_w:.0f} W and gives {measured_w or 0.0:.0f} W after "
            f"{settle_s:g} s; the test needs that power to begin with."
        )
    return measured_w


async def distinct_power(rig: Rig, step_pu: float) -> float:
    """A setpoint (W) near a share of the rating that cannot be taken for what the unit gives by itself."""
    await release(rig)
    rig.expect(None)
    free_w = (await rig.watch(_FREE_S))[-1].measured or 0.0
    rating_w = rig.ratings.injection_w
    wishes_w = [float(round(share * rating_w)) for share in (step_pu, 0.5 * step_pu, 0.2, 0.8)]
    far_w = [wish_w for wish_w in wishes_w if abs(wish_w - free_w) >= _DISTINCT * rating_w]
    return far_w[0] if far_w else max(wishes_w, key=lambda wish_w: abs(wish_w - free_w))


def in_service(reading: Mapping[str, float | None]) -> bool:
    """Whether a unit is connected and serves (model 701)."""
    return reading.get("connected") == _CONNECTED and reading.get("state") in _SERVING


async def wait_until_back(
    rig: Rig, judge: Judge | None = None, back_s_max: float = BACK_S_MAX
) -> float | None:
    """How many seconds until the unit is in service; a judge notes a failure, otherwise it is a fault."""
    begins_s = rig.now_s
    seen = await rig.watch(back_s_max, until=lambda sample: in_service(sample.reading))
    back_s = seen[-1].at_s - begins_s if in_service(seen[-1].reading) else None
    if judge is not None:
        judge.check("time until the unit is in service again", back_s, "s", high=back_s_max)
    elif back_s is None:
        raise DeviceFault(
            f"{rig.device.name} is not in service after {back_s_max:g} s of a normal grid; reset its alarms."
        )
    await rig.watch(_RAMP_S)
    return back_s


async def return_quickly(rig: Rig) -> None:
    """Let the unit come back at once after a trip, so that a test does not last for hours."""
    if 703 in rig.device.places:  # noqa: PLR2004
        await rig.device.write(703, {"ES": 1.0, "ESDlyTms": 1.0, "ESRndTms": 0.0, "ESRmpTms": 1.0})
