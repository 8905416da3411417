"""The event recorder: some seconds before, all of the excursion, and its return."""

from datetime import UTC, datetime, timedelta

from edge_agent.control.excursion import SAMPLES_MAX, Excursion, ExcursionRecorder, Sample

T0 = datetime(2021, 8, 12, 19, tzinfo=UTC)
STEP_S = 0.05


def recorder(duration_s_max: float = 300.0) -> ExcursionRecorder:
    return ExcursionRecorder(before_s=1.0, settle_s=0.5, duration_s_max=duration_s_max)


def play(
    device: ExcursionRecorder, outside_s: tuple[float, float], until_s: float
) -> list[tuple[float, Excursion]]:
    """Ticks from 0, outside the dead-band between two instants; each record with its instant."""
    found = []
    for tick in range(round(until_s / STEP_S)):
        at_s = tick * STEP_S
        outside = outside_s[0] <= at_s < outside_s[1]
        sample = Sample(at_s, 59.5 if outside else 60.0, 100.0 * outside, 90.0 * outside)
        record = device.add(sample, outside=outside, now=T0 + timedelta(seconds=at_s))
        if record is not None:
            found.append((at_s, record))
    return found


def test_calm_records_nothing() -> None:
    device = recorder()
    assert play(device, (99.0, 99.0), 5.0) == []
    assert not device.recording
    assert device.close() is None


def test_an_excursion_is_recorded_from_before_it_until_after_its_return() -> None:
    [(at_s, record)] = play(recorder(), (3.0, 5.0), 20.0)
    trace = record.trace
    assert record.triggered_at == T0 + timedelta(seconds=3)
    assert 5.4 <= at_s <= 5.6
    assert trace.offset_s[0] >= -1.0
    assert trace.offset_s[0] <= -0.9
    assert 0.0 in trace.offset_s
    gaps_s = [later - earlier for earlier, later in zip(trace.offset_s, trace.offset_s[1:], strict=False)]
    assert max(gaps_s) <= 2 * STEP_S
    inside = [
        frequency for offset, frequency in zip(trace.offset_s, trace.frequency_hz, strict=True) if offset < 0
    ]
    assert set(inside) == {60.0}
    assert max(trace.demanded_w) == 100.0
    assert max(trace.measured_w) == 90.0


def test_a_relapse_before_the_return_has_settled_belongs_to_the_same_record() -> None:
    device = recorder()
    assert play(device, (0.0, 0.3), 0.6) == []
    assert device.recording


def test_a_long_excursion_continues_in_the_next_record() -> None:
    records = play(recorder(duration_s_max=2.0), (1.0, 6.0), 20.0)
    assert len(records) == 3
    assert all(record.trace.offset_s[-1] <= 2.1 for _, record in records)


def test_a_record_stays_small_enough_for_one_message() -> None:
    [first, *_] = play(recorder(duration_s_max=1e6), (0.0, 1e6), SAMPLES_MAX * STEP_S + 1.0)
    assert len(first[1].trace.offset_s) == SAMPLES_MAX


def test_a_record_that_is_cut_off_is_kept() -> None:
    device = recorder()
    play(device, (0.0, 9.0), 2.0)
    cut = device.close()
    assert cut is not None
    assert len(cut.trace.offset_s) == 40
    assert not device.recording
