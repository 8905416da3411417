"""Two masters: a foreign command shows, and a setpoint that nobody else touches stays for over a minute."""

from typing import Annotated

from pydantic import Field

from simulators.rig.hil_bench.sunspec import SunSpecDevice
from simulators.rig.procedures.conduct import command_power, only, release
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Rig

CLAUSE = "SunSpec 704: WSet shows the setpoint in force"
_SEEN_S_MAX = 2.0
_FOREIGN_PU = 0.25
_ROUND_W = 1.0
_OWN_PU = 0.5


class TwoMastersParameters(Parameters):
    hold_s: Annotated[float, Field(ge=10.0)] = 75.0
    """Longer than the minute after which some makers' clouds take their devices back."""
    poll_s: Annotated[float, Field(gt=0.0)] = 0.5


async def run(rig: Rig, parameters: TwoMastersParameters) -> None:
    """Hold a setpoint alone; then let the rig itself be the second master."""
    await only(rig, None)
    await _held(rig, parameters)
    await _foreign(rig)
    await release(rig)


async def _held(rig: Rig, parameters: TwoMastersParameters) -> None:
    target_w = round(_OWN_PU * rig.ratings.injection_w)
    with rig.step(f"a setpoint is held for {parameters.hold_s:g} s") as step:
        await command_power(rig, target_w)
        rig.expect(target_w, rig.ratings.power_tolerance_w)
        begins_s = rig.now_s
        changed_s: float | None = None
        shown_w = float(target_w)
        while changed_s is None and rig.now_s - begins_s < parameters.hold_s:
            seen = await rig.device.read(704, "WSetEna", "WSet")
            await rig.sample({"WSetEna": seen["WSetEna"], "WSet": seen["WSet"]})
            shown_w = seen["WSet"] or 0.0
            if not seen["WSetEna"] or abs(shown_w - target_w) > _ROUND_W:
                changed_s = rig.now_s - begins_s
            await rig.clock.sleep(parameters.poll_s)
        somebody = f"somebody else set {shown_w:.0f} W after {changed_s or 0.0:.0f} s"
        step.require(
            "the setpoint stays as it was written",
            changed_s is None,
            clause=CLAUSE,
            why=f"{somebody}: another master or the maker's cloud commands this device",
        )
        step.near(
            "power at the end",
            rig.samples[-1].measured,
            target_w,
            rig.ratings.power_tolerance_w,
            "W",
            why="the device no longer follows",
        )


async def _foreign(rig: Rig) -> None:
    own_w, foreign_w = (float(round(share * rig.ratings.injection_w)) for share in (_OWN_PU, _FOREIGN_PU))
    client = rig.device.client.twin()
    other = SunSpecDevice(client, rig.device.base_register)
    with rig.step("another master's setpoint shows") as step:
        try:
            await other.scan()
            await command_power(rig, own_w)
            await other.write(704, {"WSet": foreign_w})
        finally:
            client.close()
        written_s = rig.now_s
        rig.expect(foreign_w, rig.ratings.power_tolerance_w)
        seen_s: float | None = None
        while seen_s is None and rig.now_s - written_s <= _SEEN_S_MAX:
            shown_w = await rig.device.value(704, "WSet")
            await rig.sample({"WSet": shown_w})
            if abs(shown_w - foreign_w) <= _ROUND_W:
                seen_s = rig.now_s - written_s
            else:
                await rig.clock.sleep(rig.poll_s)
        step.check(
            "foreign setpoint read back after",
            seen_s,
            "s",
            high=_SEEN_S_MAX,
            clause=CLAUSE,
            why="a gateway could not see that somebody else commands its device",
        )
        settled_s = await rig.settle(foreign_w, rig.ratings.power_tolerance_w, 5.0)
        step.check("power follows the last writer after", settled_s, "s", high=5.0)


PROCEDURE = Procedure(
    id="two-masters",
    title="Two masters",
    group="Gridchorus: foreign control",
    clause=f"{CLAUSE}.",
    purpose="A setpoint stays until somebody writes another one, and then a reader can see that.",
    needs=Needs(models=(701, 704)),
    parameters=TwoMastersParameters,
    run=run,
    typical_s=80.0,
)
