"""Bars end by the server's clock, on the nights of its changes too."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.terminal.closing import closing_times
from app.terminal.server_time import EUROPE, NEW_YORK, ServerTimeRule
from app.terminal.timeframes import DAY, TIMEFRAMES, bar_starts

CHANGES = [
    (EUROPE, (2025, 3, 30, 1), -1),
    (EUROPE, (2025, 10, 26, 1), +1),
    (NEW_YORK, (2025, 3, 9, 7), -1),
    (NEW_YORK, (2025, 11, 2, 6), +1),
]


def at(*date: int) -> int:
    return int(datetime(*date, tzinfo=UTC).timestamp())


def openings(rule: ServerTimeRule, seconds: int, middle: int) -> tuple[list[int], list[int]]:
    """Openings as the program has them, and the true first and last instants of each bar, minute by minute."""
    minutes = np.arange(middle - 3 * DAY, middle + 3 * DAY, 60)
    stamps = bar_starts(rule.times_to_server(minutes), seconds)
    border = np.flatnonzero(np.diff(stamps) != 0) + 1
    firsts = stamps[border]
    return rule.times_to_utc(firsts).tolist()[:-1], minutes[border].tolist()[1:]


@pytest.mark.parametrize("frame", ["H2", "H3", "H4", "H6", "H8", "H12", "D1"])
@pytest.mark.parametrize(("name", "change", "longer"), CHANGES)
def test_a_bar_ends_when_the_next_one_begins(name: str, change: tuple[int, ...], longer: int, frame: str) -> None:
    rule, seconds = ServerTimeRule(name), TIMEFRAMES[frame].seconds
    opened, ended = openings(rule, seconds, at(*change))
    assert closing_times(np.array(opened), seconds, rule).tolist() == ended
    lengths = np.diff([opened[0], *ended])
    assert seconds + longer * 3600 in lengths.tolist() or frame in ("H2", "H3")


@pytest.mark.parametrize(("name", "change", "longer"), CHANGES)
def test_the_day_of_a_change_is_an_hour_longer_or_shorter(name: str, change: tuple[int, ...], longer: int) -> None:
    rule = ServerTimeRule(name)
    midnight = int(rule.to_server(datetime(*change, tzinfo=UTC))) // DAY * DAY
    opened = int(rule.to_utc(midnight).timestamp())
    assert closing_times(np.array([opened]), DAY, rule).tolist() == [opened + DAY + longer * 3600]
    week = int(rule.to_utc(midnight - 6 * DAY).timestamp()) if longer > 0 else opened
    assert closing_times(np.array([week]), 7 * DAY, rule)[0] in (week + 7 * DAY, week + 7 * DAY + longer * 3600)


def test_bars_of_up_to_an_hour_are_as_long_as_they_are_called() -> None:
    rule = ServerTimeRule(EUROPE)
    for frame in ("M1", "M15", "H1"):
        seconds = TIMEFRAMES[frame].seconds
        times = np.arange(at(2025, 10, 26), at(2025, 10, 26, 4), seconds)
        assert closing_times(times, seconds, rule).tolist() == (times + seconds).tolist()


def test_months_end_by_the_server_clock() -> None:
    rule = ServerTimeRule(NEW_YORK)  # March begins in winter time, April in summer time
    opened, ended = at(2025, 2, 28, 22), at(2025, 3, 31, 21)
    assert closing_times(np.array([opened]), TIMEFRAMES["MN1"].seconds, rule).tolist() == [ended]


def test_no_bars_have_no_closings() -> None:
    for frame in TIMEFRAMES.values():
        assert len(closing_times(np.zeros(0, np.int64), frame.seconds, ServerTimeRule(EUROPE))) == 0


@given(st.sampled_from(["UTC", "UTC+3", EUROPE, NEW_YORK]), st.sampled_from(["H4", "D1"]), st.integers(0, 20_000))
def test_closings_follow_their_openings(name: str, frame: str, day: int) -> None:
    rule, seconds = ServerTimeRule(name), TIMEFRAMES[frame].seconds
    stamps = day * DAY + np.arange(0, 7 * DAY, seconds)
    opened = rule.times_to_utc(stamps)
    closed = closing_times(opened, seconds, rule)
    assert (closed > opened).all()
    assert (closed[:-1] <= opened[1:] + 3600).all()
    assert (np.abs(closed - opened - seconds) <= 3600).all()


@pytest.mark.parametrize(
    ("timeframe", "opened", "closed"),
    [
        ("H4", at(2025, 6, 3, 8), at(2025, 6, 3, 12)),
        ("W1", at(2025, 6, 1), at(2025, 6, 8)),
        ("MN1", at(2025, 2, 1), at(2025, 3, 1)),
        ("MN1", at(2025, 1, 31, 21), at(2025, 2, 28, 21)),  # a server three hours ahead
        ("MN1", at(2024, 2, 1, 5), at(2024, 3, 1, 5)),  # five hours behind, leap year
        ("MN1", at(2024, 12, 1), at(2025, 1, 1)),
    ],
)
def test_without_a_clock_bars_are_as_long_as_they_are_called(timeframe: str, opened: int, closed: int) -> None:
    assert closing_times(np.array([opened]), TIMEFRAMES[timeframe].seconds).tolist() == [closed]
