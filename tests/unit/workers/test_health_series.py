"""From samples to lines: envelopes lose no extreme and invent nothing, gaps stay gaps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.samples import FIGURES, GAP_S, RECORD, Records
from workers.health.series import EVENTS, alone, course, downs, forecast, line, nearest

BEGIN = 1_748_952_000.0  # 2025-06-03 12:00 UTC


def records(
    times: list[float], values: list[float], name: str = "ping_ms", process: list[float] | None = None
) -> Records:
    found = np.zeros(len(times), dtype=RECORD)
    for figure in FIGURES:
        found[figure] = np.nan
    found["at"], found[name] = times, values
    found["process"] = 1.0 if process is None else process
    return found


def steady(count: int, step: float = 20.0) -> list[float]:
    return [BEGIN + step * number for number in range(count)]


def test_an_unbroken_line_is_one_piece() -> None:
    found = line(records(steady(6), [1, 5, 2, 8, 3, 4]), "ping_ms", BEGIN, BEGIN + 120, 360)
    assert found.times.tolist() == steady(6)
    assert found.values.tolist() == [1, 5, 2, 8, 3, 4]
    assert (found.last, found.low, found.high) == (4, 1, 8)


def test_a_time_without_samples_is_a_gap() -> None:
    times = [*steady(3), BEGIN + 40 + GAP_S + 1]
    found = line(records(times, [1, 2, 3, 4]), "ping_ms", BEGIN, BEGIN + 3600, 360)
    assert np.isnan(found.times).tolist() == [False, False, False, True, False]
    assert alone(found)[0].tolist() == [times[-1]]


def test_a_sample_without_a_value_parts_the_line() -> None:
    found = line(records(steady(4), [1, 2, np.nan, 4]), "ping_ms", BEGIN, BEGIN + 3600, 360)
    assert found.values[[0, 1, 3]].tolist() == [1, 2, 4]
    assert np.isnan(found.values[2])


def test_between_two_events_nothing_is_missing() -> None:
    assert "lateness_ms" in EVENTS
    samples = records(steady(9), [1, *[np.nan] * 7, 4], "lateness_ms")
    assert line(samples, "lateness_ms", BEGIN, BEGIN + 3600, 360).values.tolist() == [1, 4]


def test_a_gap_narrower_than_a_bucket_is_not_painted() -> None:
    times = [BEGIN, BEGIN + 20, BEGIN + 620, BEGIN + 640]
    month = line(records(times, [1, 2, 3, 4]), "ping_ms", BEGIN, BEGIN + 30 * 86_400, 360)
    assert not np.isnan(month.times).any()


@pytest.mark.parametrize("values", [[], [np.nan, np.nan]])
def test_nothing_measured_is_nothing_shown(values: list[float]) -> None:
    found = line(records(steady(len(values)), values), "ping_ms", BEGIN, BEGIN + 3600, 360)
    assert (found.times.size, found.last, found.low) == (0, None, None)


_STEPS = st.lists(st.sampled_from([12.0, 20.0, 31.0, 46.0, 400.0, 9_000.0]), min_size=1, max_size=300)


@given(steps=_STEPS, data=st.data(), buckets=st.integers(1, 50))
def test_every_painted_sample_was_measured_and_no_extreme_is_lost(
    steps: list[float], data: st.DataObject, buckets: int
) -> None:
    times = (BEGIN + np.cumsum(steps)).tolist()
    value = st.one_of(st.floats(0, 1e6, width=32), st.just(float("nan")))
    values = data.draw(st.lists(value, min_size=len(times), max_size=len(times)))
    end = times[-1]
    width = (end - BEGIN) / buckets
    found = line(records(times, values), "ping_ms", BEGIN, end, buckets)
    measured = {(at, float(np.float32(one))) for at, one in zip(times, values, strict=True) if not np.isnan(one)}
    shown = [(at, one) for at, one in zip(found.times.tolist(), found.values.tolist(), strict=True) if not np.isnan(at)]
    assert set(shown) <= measured
    assert [at for at, _ in shown] == sorted({at for at, _ in shown})
    for bucket in {int((at - BEGIN) // width) for at, _ in measured}:
        inside = [one for at, one in measured if int((at - BEGIN) // width) == bucket]
        painted = [one for at, one in shown if int((at - BEGIN) // width) == bucket]
        assert (min(painted), max(painted)) == (min(inside), max(inside))
    # No stroke leads over a gap that can be seen.
    known = found.times.tolist()
    for before, after in itertools.pairwise(known):
        if not (np.isnan(before) or np.isnan(after)):
            spanned = [at for at, _ in measured if before <= at <= after]
            assert all(b - a <= max(GAP_S, width) for a, b in itertools.pairwise(sorted(spanned)))
    pieces = int(np.isnan(found.times).sum()) + 1
    assert len(shown) <= 2 * (buckets + 1 + pieces) + 2 * pieces


def test_a_gap_says_whether_metronome_was_restarted() -> None:
    times = [BEGIN, BEGIN + 20, BEGIN + 320, BEGIN + 340, BEGIN + 1340]
    found = downs(records(times, [1] * 5, process=[1, 1, 1, 1, 900.0]), BEGIN, BEGIN + 3600)
    assert [(one.began.timestamp() - BEGIN, one.ended.timestamp() - BEGIN, one.restarted) for one in found] == [
        (20, 320, False),
        (340, 1340, True),
    ]
    assert downs(records(times, [1] * 5), BEGIN + 1340, BEGIN + 3600) == ()


def test_what_began_before_the_span_reaches_into_it() -> None:
    samples = records([BEGIN - 5000, BEGIN + 1000, BEGIN + 1020], [1, 2, 3], process=[1, 2, 2])
    found = course(samples, BEGIN, BEGIN + 3600, 360)
    assert len(found.downs) == 1
    assert found.lines["ping_ms"].values.tolist() == [2, 3]  # what lies before is no part of the plot
    assert found.watched_since is not None
    assert found.watched_since.timestamp() == BEGIN


def test_an_empty_course() -> None:
    found = course(records([], []), BEGIN, BEGIN + 3600, 360)
    assert (found.downs, found.watched_since) == ((), None)
    assert nearest(found.lines["ping_ms"], BEGIN) is None


def test_the_nearest_sample_is_read_across_a_gap() -> None:
    found = line(records([BEGIN, BEGIN + 20, BEGIN + 900], [1, 2, 3]), "ping_ms", BEGIN, BEGIN + 3600, 360)
    place = nearest(found, BEGIN + 800)
    assert place is not None
    assert found.values[place] == 3


def test_a_forecast_goes_on_at_its_pace_and_ends_at_zero() -> None:
    day = 86_400.0
    ahead = forecast(100.0, BEGIN, 10 * day, 5.0)
    assert ahead is not None
    assert (ahead[0].tolist(), ahead[1].tolist()) == ([BEGIN, BEGIN + 10 * day], [100.0, 50.0])
    full = forecast(100.0, BEGIN, 40 * day, 5.0)
    assert full is not None
    assert (full[0][1], full[1][1]) == (BEGIN + 20 * day, 0.0)
    emptying = forecast(100.0, BEGIN, day, -3.0)
    assert emptying is not None
    assert emptying[1].tolist() == [100.0, 103.0]
    assert forecast(100.0, BEGIN, day, None) is None
