"""Ride-through and trip, for voltage and for frequency: not before, and not after."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from simulators.rig.procedures.conduct import (
    command_power,
    in_service,
    only,
    return_quickly,
    wait_until_back,
)
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Judge, Rig, Sample
from vpp_core.configuration import Section

_VOLTAGE, _FREQUENCY = "IEEE 1547-2018 6.4", "IEEE 1547-2018 6.5"
_NEAR_S = 1.5
"""So near to an end of the waiting the rig looks often."""
_SLOW_POLL_S = 1.0
_LATE_S = 2.0
"""So long after the clearing time a trip is still awaited, to say how late it came."""
_RESET = 1.0
_DWELL_S = 2.0
"""A normal grid between two excursions, for the timers of the unit."""
_SEPARATE_S_MAX = 60.0
"""A longer ride-through is not tried by itself: that the trip comes no earlier shows it as well."""
_STILL_OUT_S = 2.0
_RECOVER_S_MAX = 0.4
"""IEEE 1547-2018, table 16: a unit that ceased for a moment gives 80 % again within 0.4 s."""
_RECOVER_SHARE = 0.8


class Element(Section):
    """One protective element as the device is set: it must not trip before, and must have tripped after."""

    applied: Annotated[float, Field(gt=0.0)]
    """What the source is set to: per unit of nominal voltage, or Hz from nominal as a magnitude."""
    side: Literal["over", "under"]
    ride_through_s: Annotated[float, Field(ge=0.0)]
    clearing_s: Annotated[float, Field(gt=0.0)]

    @model_validator(mode="after")
    def _check(self) -> "Element":
        if self.ride_through_s >= self.clearing_s:
            raise ValueError("ride_through_s is not below clearing_s")
        return self


class TripParameters(Parameters):
    power_pu: Annotated[float, Field(gt=0.05, le=1.0)] = 0.5
    tripped_states: tuple[int, ...] = (0, 6)
    """Values of 701 InvSt that a trip shows: off, fault."""


class VoltageTripParameters(TripParameters):
    """Defaults: category III, IEEE 1547-2018 tables 13 and 16."""

    elements: tuple[Element, ...] = (
        Element(side="over", applied=1.22, ride_through_s=0.0, clearing_s=0.16),
        Element(side="over", applied=1.15, ride_through_s=12.0, clearing_s=13.0),
        Element(side="under", applied=0.80, ride_through_s=20.0, clearing_s=21.0),
        Element(side="under", applied=0.40, ride_through_s=1.0, clearing_s=2.0),
    )


class FrequencyTripParameters(TripParameters):
    """Defaults: IEEE 1547-2018 tables 18 and 19; ``applied`` is in Hz away from nominal."""

    elements: tuple[Element, ...] = (
        Element(side="over", applied=2.2, ride_through_s=0.0, clearing_s=0.16),
        Element(side="over", applied=1.4, ride_through_s=299.0, clearing_s=300.0),
        Element(side="under", applied=1.7, ride_through_s=299.0, clearing_s=300.0),
        Element(side="under", applied=3.7, ride_through_s=0.0, clearing_s=0.16),
    )


async def run_voltage(rig: Rig, parameters: VoltageTripParameters) -> None:
    """Every element of voltage."""
    rig.result.stimulus_unit = "per unit"
    await _prepare(rig, parameters)
    for element in parameters.elements:
        await _element(rig, parameters, element, f"{element.applied:g} per unit", _VOLTAGE)


async def run_frequency(rig: Rig, parameters: FrequencyTripParameters) -> None:
    """Every element of frequency."""
    await _prepare(rig, parameters)
    for element in parameters.elements:
        await _element(rig, parameters, element, f"{_frequency_hz(rig, element):.2f} Hz", _FREQUENCY)


async def _prepare(rig: Rig, parameters: TripParameters) -> None:
    await rig.calm_grid()
    rig.stimulus = rig.ratings.frequency_hz if rig.result.stimulus_unit == "Hz" else 1.0
    await only(rig, None)
    await return_quickly(rig)
    await command_power(rig, parameters.power_pu * rig.ratings.injection_w)
    await wait_until_back(rig)
    await rig.watch(2.0)


def _frequency_hz(rig: Rig, element: Element) -> float:
    return rig.ratings.frequency_hz + (element.applied if element.side == "over" else -element.applied)


async def _apply(rig: Rig, element: Element) -> float:
    if rig.result.stimulus_unit == "Hz":
        return await rig.set_grid(frequency_hz=_frequency_hz(rig, element))
    return await rig.set_grid(voltage_pu=element.applied)


async def _calm(rig: Rig) -> float:
    if rig.result.stimulus_unit == "Hz":
        return await rig.set_grid(frequency_hz=rig.ratings.frequency_hz)
    return await rig.set_grid(voltage_pu=1.0)


async def _element(rig: Rig, parameters: TripParameters, element: Element, what: str, clause: str) -> None:
    rig.within(None, None)
    if 0.0 < element.ride_through_s <= _SEPARATE_S_MAX:
        with rig.step(f"ride-through of {what} for {element.ride_through_s:g} s") as step:
            await _ride(rig, step, parameters, element, clause)
    with rig.step(f"trip at {what} within {element.clearing_s:g} s") as step:
        await _trip(rig, step, parameters, element, clause)
    with rig.step(f"back in service after {what}") as step:
        await wait_until_back(rig, step)
        step.near(
            "power in service",
            rig.samples[-1].measured,
            parameters.power_pu * rig.ratings.injection_w,
            rig.ratings.power_tolerance_w,
            "W",
            why="the unit does not come back to its setpoint",
        )
        await reset_alarms(rig)


async def _ride(rig: Rig, step: Judge, parameters: TripParameters, element: Element, clause: str) -> None:
    """The excursion ends a moment before it may trip; a unit that rode through is there at once."""
    duration_s = max(0.0, element.ride_through_s - rig.blur_s)
    await _apply(rig, element)
    tripped = await _watch_for_trip(rig, parameters, duration_s)
    calmed_s = await _calm(rig)
    step.require(
        f"no trip within {duration_s:.1f} s",
        tripped is None,
        clause=f"{clause}: ride-through",
        why="the unit tripped during the time in which it must stay",
    )
    wanted_w = _RECOVER_SHARE * parameters.power_pu * rig.ratings.injection_w
    allowed_s = _RECOVER_S_MAX + rig.blur_s
    seen = await rig.watch(
        2.0, until=lambda sample: sample.measured is not None and sample.measured >= wanted_w, poll_s=0.05
    )
    last = seen[-1]
    back = last.measured is not None and last.measured >= wanted_w
    step.check(
        "80 % of the former power after",
        last.at_s - calmed_s if back else None,
        "s",
        high=allowed_s,
        clause="IEEE 1547-2018 table 16: restore output within 0.4 s",
        why="the unit did not stay connected",
    )
    await rig.watch(_DWELL_S)


async def _trip(rig: Rig, step: Judge, parameters: TripParameters, element: Element, clause: str) -> None:
    changed_s = await _apply(rig, element)
    allowed_s = element.clearing_s + rig.blur_s
    tripped = await _watch_for_trip(rig, parameters, allowed_s, _LATE_S)
    step.check(
        "tripped after",
        None if tripped is None else tripped.at_s - changed_s,
        "s",
        low=element.ride_through_s or None,
        high=allowed_s,
        clause=f"{clause}: clearing time {element.clearing_s:g} s",
        why="the unit has to be off within the clearing time, and not before the ride-through time",
    )
    samples = await rig.watch(_STILL_OUT_S, poll_s=0.2)
    step.require(
        f"it stays off for {_STILL_OUT_S:g} s more",
        not any(in_service(sample.reading) for sample in samples[1:]),
        why="the unit energizes a grid that is not normal",
    )
    await _calm(rig)


async def _watch_for_trip(
    rig: Rig, parameters: TripParameters, duration_s: float, late_s: float = 0.0
) -> Sample | None:
    """The first sample that shows a trip, even a late one; looks often only at both ends of a long time."""
    often_s = rig.poll_s / 2
    spans = [(duration_s + late_s, often_s)]
    if duration_s > 4 * _NEAR_S:
        between_s = duration_s - 2 * _NEAR_S
        spans = [(_NEAR_S, often_s), (between_s, _SLOW_POLL_S), (_NEAR_S + late_s, often_s)]
    for span_s, poll_s in spans:
        seen = await rig.watch(span_s, until=lambda sample: _tripped(sample, parameters), poll_s=poll_s)
        if _tripped(seen[-1], parameters):
            return seen[-1]
    return None


def _tripped(sample: Sample, parameters: TripParameters) -> bool:
    return sample.reading.get("state") in parameters.tripped_states


async def reset_alarms(rig: Rig) -> None:
    """Model 715 AlarmReset, where there is one."""
    if 715 in rig.device.places:  # noqa: PLR2004 - the model's number is its name
        await rig.device.write(715, {"AlarmReset": _RESET})


VOLTAGE = Procedure(
    id="voltage-ride-through-and-trip",
    title="Voltage ride-through and trip",
    group="IEEE 1547.1-2020, voltage ride-through and trip",
    clause=f"{_VOLTAGE}: no trip in the ride-through time, trip within the clearing time.",
    purpose="At abnormal voltage the unit stays as long as it must and is off as soon as it must.",
    needs=Needs(models=(701, 703, 704), grid=True),
    parameters=VoltageTripParameters,
    run=run_voltage,
    typical_s=104.0,
    stimulus="voltage",
    stimulus_unit="per unit",
)
FREQUENCY = Procedure(
    id="frequency-ride-through-and-trip",
    title="Frequency ride-through and trip",
    group="IEEE 1547.1-2020, frequency ride-through and trip",
    clause=f"{_FREQUENCY}: no trip in the ride-through time, trip within the clearing time.",
    purpose="At abnormal frequency the unit stays as long as it must and is off as soon as it must.",
    needs=Needs(models=(701, 703, 704), grid=True),
    parameters=FrequencyTripParameters,
    run=run_frequency,
    typical_s=630.0,
    stimulus="frequency",
    stimulus_unit="Hz",
)
