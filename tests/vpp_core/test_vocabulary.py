"""Schedules, measurements and device descriptions keep their rules."""

from datetime import UTC, datetime, timedelta

import pytest

from vpp_core.der import OwnerLimits
from vpp_core.faults import BrokerFault, ConfigurationFault, Fault, LocalFault, RemoteFault, fault_in
from vpp_core.interval import Interval
from vpp_core.measurement import Measurement, Quality
from vpp_core.messages import EventTrace, FrequencyResponse
from vpp_core.schedule import Schedule, ScheduleStep

NOON = datetime(2021, 8, 12, 12, tzinfo=UTC)


def step(minute: int, setpoint_w: float) -> ScheduleStep:
    return ScheduleStep(Interval.of(NOON + timedelta(minutes=minute), 900), setpoint_w)


def test_a_schedule_says_nothing_outside_its_steps() -> None:
    schedule = Schedule((step(0, 1.0), step(30, 2.0)))
    assert schedule.step_at(NOON) == step(0, 1.0)
    assert schedule.step_at(NOON + timedelta(minutes=15)) is None
    assert schedule.step_at(NOON + timedelta(minutes=45)) is None
    assert schedule.end == NOON + timedelta(minutes=45)
    assert Schedule().end is None


def test_overlapping_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        Schedule((step(0, 1.0), step(10, 2.0)))


def test_a_gap_carries_no_value_and_a_value_is_no_gap() -> None:
    with pytest.raises(ValueError, match="missing"):
        Measurement(None, NOON)
    with pytest.raises(ValueError, match="missing"):
        Measurement(1.0, NOON, Quality.MISSING)


def test_an_owners_reserve_lies_below_the_ceiling() -> None:
    with pytest.raises(ValueError, match="reserve_fraction"):
        OwnerLimits(reserve_fraction=0.9, ceiling_fraction=0.5)


def test_a_response_is_complete_only_beyond_its_dead_band() -> None:
    with pytest.raises(ValueError, match="full_activation_hz"):
        FrequencyResponse(deadband_hz=0.5, full_activation_hz=0.5)


def test_the_columns_of_a_trace_are_equally_long() -> None:
    with pytest.raises(ValueError, match="differ"):
        EventTrace(offset_s=(0.0,), frequency_hz=(), demanded_w=(), measured_w=())


def test_faults_are_sorted_by_culprit() -> None:
    assert issubclass(ConfigurationFault, LocalFault)
    assert issubclass(BrokerFault, RemoteFault)
    codes = [Fault.code, LocalFault.code, RemoteFault.code, ConfigurationFault.code, BrokerFault.code]
    assert len(codes) == len(set(codes))


def test_the_first_fault_comes_out_of_nested_groups() -> None:
    first, second = BrokerFault("first"), ConfigurationFault("second")
    group = ExceptionGroup("tasks", [ExceptionGroup("inner", [first]), second])
    assert fault_in(group) is first
    assert fault_in(second) is second


def test_a_programmers_error_is_never_told_as_a_fault() -> None:
    assert fault_in(ValueError("ours")) is None
    assert fault_in(ExceptionGroup("tasks", [BrokerFault("first"), ValueError("ours")])) is None
