"""Interoperability: nameplate, configuration, monitoring and management information over the wire."""

import struct
from typing import Annotated

from pydantic import Field

from simulators.devices.models import model
from simulators.rig.hil_bench.wire import EXCEPTION_BIT, READ, WRITE_MANY, ModbusClient, Refused
from simulators.rig.procedures.conduct import only, release
from simulators.rig.procedures.measured import (
    check_against_source,
    check_consistency,
    check_energy,
    check_follows,
    check_idle,
)
from simulators.rig.procedures.procedure import Needs, Parameters, Procedure
from simulators.rig.procedures.rig import Rig
from vpp_core.faults import DeviceFault

CLAUSE = "IEEE 1547-2018 10"
_IDENTITY = (("Mn", "manufacturer"), ("Md", "model"), ("SN", "serial number"))
_STILL = (1, 702)
"""Models whose registers stand still while nobody writes."""
_FACTORS_OF = (701, 702, 704, 713)
_OPEN_ENDED = {160: "module"}
"""Models with a group that repeats as often as their length says."""
_SF_MIN, _SF_MAX = -10, 10
_ILLEGAL_FUNCTION, _ILLEGAL_ADDRESS, _ILLEGAL_VALUE = 1, 2, 3
_COUNT_MAX = 125
_LAST_REGISTER = 65_535


class InteroperabilityParameters(Parameters):
    reads: Annotated[int, Field(ge=10, le=10_000)] = 60
    """How often the quiet part of the map is read to judge the line."""
    answer_s_max: Annotated[float, Field(gt=0.0)] = 0.5
    """95 of 100 answers come within this time; the standard's own limit is 30 s for information."""
    begin_s_max: Annotated[float, Field(gt=0.0)] = 2.0
    """From a command to the first change that the instruments show."""
    energy_s: Annotated[float, Field(ge=10.0)] = 60.0
    """How long power is integrated to be compared with the energy counter."""


async def run(rig: Rig, parameters: InteroperabilityParameters) -> None:
    """The line first, then the map, then what stands in it."""
    await _line(rig, parameters)
    await _connects(rig)
    await _bad_requests(rig)
    await _unmoved(rig, "the map before anything is written")
    await _map(rig)
    await _nameplate(rig)
    if rig.device.has((701, 704)):
        await only(rig, None)
        await check_idle(rig)
        await check_consistency(rig)
        await check_follows(rig, parameters.begin_s_max)
        await check_energy(rig, parameters.energy_s)
        if rig.source is not None:
            await check_against_source(rig)
        await release(rig)
    await _unmoved(rig, "the map after settings were written")


async def _line(rig: Rig, parameters: InteroperabilityParameters) -> None:
    """Read what stands still again and again: every answer in time, its own, and the same."""
    traffic, client = rig.device.client.traffic, rig.device.client
    lost, late, strange = traffic.unanswered, traffic.late, traffic.strange
    timed, first = len(traffic.answer_s), dict[int, bytes]()
    changed: list[int] = []
    with rig.step(f"{parameters.reads} reads of what stands still") as step:
        models = [number for number in _STILL if number in rig.device.places]
        for count in range(parameters.reads):
            number = models[count % len(models)]
            place = rig.device.places[number]
            registers = await client.read(place.start, min(place.length + 2, _COUNT_MAX))
            if first.setdefault(number, registers) != registers:
                changed.append(number)
        step.check(
            "requests without an answer",
            traffic.unanswered - lost,
            "",
            high=0,
            why="requests or answers are lost on the line or in the device",
        )
        step.check(
            "answers after the time-out",
            traffic.late - late,
            "",
            high=0,
            why="answers come so late that they could be taken for those of later requests",
        )
        step.check(
            "answers with another transaction id",
            traffic.strange - strange,
            "",
            high=0,
            clause="MODBUS Messaging on TCP/IP 4.2",
            why="an answer could be taken for that of another request",
        )
        step.check(
            "reads that differ from the first although nobody wrote",
            len(changed),
            "",
            high=0,
            why="bytes are corrupted on the way, for Modbus/TCP has no checksum of its own",
        )
        times_s = sorted(traffic.answer_s[timed:]) or [0.0]
        step.check(
            "answer time, 95th percentile",
            times_s[int(0.95 * (len(times_s) - 1))],
            "s",
            high=parameters.answer_s_max,
            clause=f"{CLAUSE}.11: information within 30 s; the rig's own limit is stricter",
            why="the device answers too slowly to be controlled",
        )


async def _connects(rig: Rig) -> None:
    """A second connection works beside the first."""
    client = rig.device.client
    with rig.step("a second connection") as step:
        other = client.twin()
        try:
            await other.open()
            answer = await other.read(rig.device.base_register, 2)
        finally:
            other.close()
        step.require("it is accepted and answers", answer == b"SunS", why="the second one shows another map")


async def _bad_requests(rig: Rig) -> None:
    """Requests that no device may carry out, and the exception that each deserves."""
    client, base = rig.device.client, rig.device.base_register
    cases = (
        ("126 registers at once", struct.pack(">BHH", READ, base, _COUNT_MAX + 1), {_ILLEGAL_VALUE}),
        ("no register at all", struct.pack(">BHH", READ, base, 0), {_ILLEGAL_VALUE}),
        (
            "registers behind the end",
            struct.pack(">BHH", READ, _LAST_REGISTER - 1, 2),
            {_ILLEGAL_ADDRESS},
        ),
        ("function 65", bytes((65, 0, 0)), {_ILLEGAL_FUNCTION}),
        (
            "a write of the map's marker",
            struct.pack(">BHHBH", WRITE_MANY, base, 1, 2, 0),
            {_ILLEGAL_ADDRESS, _ILLEGAL_VALUE},
        ),
    )
    with rig.step("requests that have to be refused") as step:
        for name, pdu, allowed in cases:
            exception = await _exception(client, pdu, name)
            step.check(
                f"exception for {name}",
                exception,
                "",
                low=min(allowed),
                high=max(allowed),
                clause="MODBUS Application Protocol 1.1b3, 6 and 7",
                why="the device carries out what it must refuse, or gives another reason",
            )


async def _exception(client: ModbusClient, pdu: bytes, name: str) -> float | None:
    try:
        answer = await client.ask(pdu, f"a request for {name}")
    except Refused as refused:
        return float(refused.exception)
    return float(answer[1]) if answer[0] & EXCEPTION_BIT else None


async def _map(rig: Rig) -> None:
    """Marker, models, lengths, end."""
    device = rig.device
    with rig.step("the map: models, lengths, end marker") as step:
        expected = device.base_register + 2
        for number, place in device.places.items():
            step.check(
                f"register of model {number}",
                place.start,
                "",
                low=expected,
                high=expected,
                why="models do not follow one another",
            )
            expected = place.start + 2 + place.length
        step.check("register of the end marker", device.end, "", low=expected, high=expected)
        for number in device.places:
            if not await _known(rig, number):
                rig.note(f"Model {number} is not defined by SunSpec; its registers were not judged.")
                continue
            length = (await device.plan(number)).size - 2
            if number in _OPEN_ENDED:
                group = model(number, {_OPEN_ENDED[number]: 1}).size - 2 - length
                length += group * round((device.places[number].length - length) / group)
            step.check(
                f"length of model {number}",
                device.places[number].length,
                "",
                low=length,
                high=length,
                clause=f"SunSpec model {number}",
                why="registers are missing or too many",
            )
        step.require(
            "model 1 comes first", next(iter(device.places), None) == 1, clause="SunSpec: common model"
        )


async def _known(rig: Rig, number: int) -> bool:
    try:
        await rig.device.plan(number)
    except FileNotFoundError:
        return False
    return True


async def _unmoved(rig: Rig, name: str) -> None:
    """The map lies where it lay; else nothing more may be written."""
    with rig.step(name) as step:
        places, end = await rig.device.walk()
        if not step.require(
            "every model lies where the scan had found it",
            places == rig.device.places and end == rig.device.end,
            why="the map has moved, and who does not scan again reads and writes elsewhere",
        ):
            raise DeviceFault(f"{rig.device.name} has moved its map: nothing more can be tested.")


async def _nameplate(rig: Rig) -> None:
    """Identity and ratings, and scale factors that can be."""
    device = rig.device
    with rig.step("nameplate information") as step:
        if 1 in device.places:
            for point, name in _IDENTITY:
                text = await device.text(1, point)
                step.require(f"a {name}", bool(text.strip("\0 ")), clause="IEEE 1547-2018 table 28")
        step.check(
            "active power rating", rig.ratings.injection_w, "W", low=1.0, clause="IEEE 1547-2018 table 28"
        )
        step.check(
            "apparent power rating",
            rig.ratings.apparent_va,
            "VA",
            low=rig.ratings.injection_w,
            clause="IEEE 1547-2018 table 28",
            why="a unit cannot give more active than apparent power",
        )
        for number in _FACTORS_OF:
            if number in device.places:
                factors = await device.factors(number)
                wrong = [name for name, factor in factors.items() if not _SF_MIN <= factor <= _SF_MAX]
                step.require(
                    f"scale factors of model {number} lie within -10 and 10",
                    not wrong,
                    clause="SunSpec Device Information Model",
                    why=f"{', '.join(wrong)} cannot be",
                )


PROCEDURE = Procedure(
    id="interoperability",
    title="Interoperability",
    group="IEEE 1547.1-2020, interoperability: nameplate, configuration, monitoring, management",
    clause=f"{CLAUSE}; SunSpec Device Information Model; MODBUS Application Protocol 1.1b3.",
    purpose="The line is sound, the map is whole, and what stands in it is true and consistent.",
    needs=Needs(models=(1,), one_of=(701, 101, 102, 103, 111, 112, 113)),
    parameters=InteroperabilityParameters,
    run=run,
    typical_s=86.0,
    stimulus="frequency",
    stimulus_unit="Hz",
)
