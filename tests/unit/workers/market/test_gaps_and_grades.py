"""Missing bars told apart from closed sessions, on real bars; and the grade by its stated limits."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_terminal import make_rates
from hypothesis import given, settings
from hypothesis import strategies as st

from app.terminal.bars_csv import read_bars
from app.terminal.server_time import NEW_YORK, ServerTimeRule
from app.terminal.simulated.hours import ALWAYS, FOREX, Hours
from workers.market.gaps import Gap, find_gaps, trades_at
from workers.market.grade import GRADES, grade
from workers.market.sessions import may_be_holiday

RULE = ServerTimeRule(NEW_YORK)


@pytest.fixture(scope="module")
def year(shared: Path) -> Any:
    """EURUSD in bars of five minutes, 2025, in UTC."""
    rates = read_bars(shared / "data/bars/mt5/EURUSD_M5_2025_fullyear.csv").rates.copy()
    rates["time"] = RULE.times_to_utc(rates["time"].astype(np.int64))
    return rates


def test_a_real_year_has_closed_sessions_only(year: Any) -> None:
    gaps = find_gaps(year["time"], 300, RULE)
    assert len(gaps) == 53
    assert all(gap.closed for gap in gaps)
    found = grade(year, 0, gaps, 300, stale=False)
    assert (found.letter, found.missing, found.reasons) == ("A", 0, ())


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_what_is_taken_out_is_found_again(year: Any, data: Any) -> None:
    part = year[data.draw(st.integers(0, 60_000)) :][:3000]
    at = data.draw(st.integers(1, 2900))
    count = data.draw(st.integers(1, 40))
    times, out = part["time"], part["time"][at : at + count]
    inside = out[np.isin(out - 300, times) | (out == out[0])]
    gaps = find_gaps(np.delete(times, np.s_[at : at + count]), 300, RULE, FOREX)
    open_gaps = [gap for gap in gaps if not gap.closed]
    if len(inside) == count and (np.diff(times[at - 1 : at + count + 1]) == 300).all():
        holiday = any(
            may_be_holiday(datetime.fromtimestamp(RULE.to_server(m), UTC).date(), currency=True) for m in moments(out)
        )
        if not holiday:
            assert [(gap.first, gap.last, gap.missing) for gap in open_gaps] == [(out[0], out[-1], count)]


def moments(times: Any) -> list[datetime]:
    return [datetime.fromtimestamp(int(time), UTC) for time in times]


def test_a_daily_break_is_learned_and_a_weekend_market_has_no_weekend() -> None:
    start = int(datetime(2025, 6, 2, 21, 0, tzinfo=UTC).timestamp())  # Tuesday 0:00 on the server's clock
    stamps = start + np.arange(10 * 288) * 300
    hour = RULE.times_to_server(stamps) % 86_400 // 3600
    with_break = stamps[hour != 0]
    assert all(gap.closed for gap in find_gaps(with_break, 300, RULE))
    holed = with_break[(with_break < start + 40 * 3600) | (with_break >= start + 41 * 3600)]
    (gap,) = [gap for gap in find_gaps(holed, 300, RULE) if not gap.closed]
    assert (gap.first, gap.missing) == (start + 40 * 3600, 12)
    saturday = int(datetime(2025, 6, 7, 9, 0, tzinfo=UTC).timestamp())
    always = np.delete(stamps, np.flatnonzero((stamps >= saturday) & (stamps < saturday + 3600)))
    assert [gap.missing for gap in find_gaps(always, 300, RULE) if not gap.closed] == [12]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2025, 4, 18), True),
        (date(2024, 3, 29), True),
        (date(2025, 12, 25), True),
        (date(2026, 1, 1), True),
        (date(2025, 4, 21), False),
        (date(2025, 7, 4), False),
        (date(2025, 12, 24), True),
    ],
)
def test_holidays(day: date, expected: bool) -> None:
    assert may_be_holiday(day, currency=True) is expected


@pytest.mark.parametrize("day", [date(2025, 7, 3), date(2025, 7, 4), date(2025, 4, 21), date(2025, 11, 28)])
def test_days_on_which_only_exchanges_close(day: date) -> None:
    assert may_be_holiday(day, currency=False)
    assert not may_be_holiday(day, currency=True)


def utc(text: str) -> int:
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp())


HOLES = [
    ("2025-06-06 08:00", "2025-06-09 08:00", 288),
    ("2025-06-05 08:00", "2025-06-10 06:00", 840),
    ("2025-06-06 16:00", "2025-06-08 22:00", 72),
    ("2025-06-08 21:00", "2025-06-09 12:00", 180),
    ("2025-03-07 08:00", "2025-03-10 08:00", 300),  # America changes its clocks
    ("2025-10-24 12:00", "2025-10-27 12:00", 288),  # Europe does
]


@pytest.mark.parametrize("hours", [FOREX, None], ids=["currencies", "of no known kind"])
@pytest.mark.parametrize("clock", [NEW_YORK, "UTC", "UTC+9", "GMT+2/+3 Europe"])
@pytest.mark.parametrize(("first", "end", "missing"), HOLES)
def test_the_open_part_of_a_pause_with_a_weekend_is_a_gap(
    year: Any, first: str, end: str, missing: int, clock: str, hours: Hours | None
) -> None:
    """Only the hours of the weekend itself count as closed, whatever the server's clock."""
    times = year["time"]
    held = times[(times < utc(first)) | (times >= utc(end))]
    at = int(np.searchsorted(held, utc(end)))
    window = held[at - 1500 : at + 500]
    (gap,) = [gap for gap in find_gaps(window, 300, ServerTimeRule(clock), hours) if not gap.closed]
    assert (gap.missing, len(times) - len(held)) == (missing, missing)
    assert gap.first == times[np.searchsorted(times, utc(first))]
    assert gap.last == times[np.searchsorted(times, utc(end)) - 1]


@pytest.mark.parametrize("hours", [FOREX, None], ids=["currencies", "of no known kind"])
@pytest.mark.parametrize("clock", [NEW_YORK, "UTC"])
@pytest.mark.parametrize("length", [300, 1000, 2000])
def test_no_part_of_a_real_year_has_gaps(year: Any, length: int, clock: str, hours: Hours | None) -> None:
    rule = ServerTimeRule(clock)
    for start in range(0, len(year) - length, 1700):
        gaps = find_gaps(year["time"][start : start + length], 300, rule, hours)
        assert [str(gap) for gap in gaps if not gap.closed] == []


def test_of_a_day_that_may_be_a_holiday_only_the_terminal_knows(year: Any) -> None:
    times = year["time"]
    held = times[(times < utc("2025-04-18 08:00")) | (times >= utc("2025-04-18 12:00"))]
    (gap,) = [gap for gap in find_gaps(held, 300, RULE, FOREX) if gap.doubtful and gap.missing < 288]
    assert (gap.first, gap.last, gap.missing, gap.closed) == (
        utc("2025-04-18 08:00"),
        utc("2025-04-18 11:55"),
        48,
        True,
    )


REAL = [
    ("mt5/EURUSD_H1_2025.csv", 3600, FOREX),
    ("ejtrader/USDJPYh4.csv", 14_400, FOREX),
    ("pypi_backtesting/EURUSD.csv", 3600, FOREX),
]


@pytest.mark.parametrize(("name", "seconds", "hours"), REAL)
def test_real_files_of_other_brokers_have_no_gap(shared: Path, name: str, seconds: int, hours: Hours) -> None:
    lines = (shared / "data/bars" / name).read_text(encoding="utf-8").splitlines()
    found = [re.search(r"(\d{4})[-.](\d\d)[-.](\d\d)[ T\t](\d\d):(\d\d)", line) for line in lines]
    times = np.unique([utc("{}-{}-{} {}:{}".format(*at.groups())) for at in found if at])
    assert len(times) > 4000
    for kind in (hours, None):
        assert [gap for gap in find_gaps(times, seconds, ServerTimeRule("UTC"), kind) if not gap.closed] == []


def bars(count: int = 1000) -> Any:
    closes = 1.1 + 0.001 * np.sin(np.arange(count) / 9)
    return make_rates(closes, datetime(2025, 6, 2, 0, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("missing", "letter"), [(0, "A"), (5, "A"), (10, "B"), (40, "C"), (100, "D"), (300, "E"), (500, "F")]
)
def test_missing_bars(missing: int, letter: str) -> None:
    gaps = [Gap(0, 0, missing, closed=False), Gap(0, 0, 10_000, closed=True)] if missing else []
    found = grade(bars(), 0, gaps, 300, stale=False)
    assert (found.letter, found.missing) == (letter, missing)
    assert bool(found.reasons) is (letter != "A")


@pytest.mark.parametrize(("count", "letter"), [(1, "C"), (5, "D"), (30, "E"), (100, "F")])
def test_repeated_broken_and_unreadable(count: int, letter: str) -> None:
    repeated = np.concatenate((bars(), bars()[-count:]))
    assert grade(repeated, 0, [], 300, stale=False).repeated >= 1
    broken = bars()
    broken["high"][:count] = 0.5
    found = grade(broken, 0, [], 300, stale=False)
    assert (found.letter, found.broken) == (letter, count)
    assert grade(bars(), count, [], 300, stale=False).letter == letter


def test_outliers_stale_and_few() -> None:
    wild = bars()
    wild["high"][500] += 1.0
    found = grade(wild, 0, [], 300, stale=False)
    assert (found.letter, found.outliers) == ("B", 1)
    jump = bars()
    jump["time"][500:] += 86_400  # after a pause a price may jump
    for name in ("open", "high", "low", "close"):
        jump[name][500:] += 0.5
    assert grade(jump, 0, [], 300, stale=False).outliers == 0
    assert grade(bars(), 0, [], 300, stale=True).letter == "C"
    assert grade(bars(40), 0, [], 300, stale=False).reasons == ("40 bars only",)
    assert grade(bars(0), 0, [], 300, stale=False).letter == "C"


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2000), st.integers(0, 300), st.booleans())
def test_more_trouble_never_gives_a_better_grade(missing: int, unreadable: int, stale: bool) -> None:
    def letter(more: int) -> str:
        gaps = [Gap(0, 0, missing + more, closed=False)]
        return grade(bars(300), unreadable + more, gaps, 300, stale=stale).letter

    assert GRADES.index(letter(50)) >= GRADES.index(letter(0))


def test_months_and_single_bars_have_no_gaps() -> None:
    assert find_gaps(np.array([0, 90 * 86_400]), 30 * 86_400, RULE) == []
    assert find_gaps(np.array([5]), 300, RULE) == []


def test_a_hole_of_days_in_a_market_that_never_closes() -> None:
    times = utc("2025-06-02 00:00") + np.arange(3000) * 300
    held = times[(times < utc("2025-06-05 00:00")) | (times >= utc("2025-06-09 00:00"))]
    (gap,) = find_gaps(held, 300, RULE, ALWAYS)
    assert (gap.missing, gap.closed) == (4 * 288, False)


def test_missing_days_and_weeks_are_gaps() -> None:
    midnights = utc("2025-01-01 00:00") + np.arange(300) * 86_400
    days = RULE.times_to_utc(midnights[(midnights // 86_400 + 3) % 7 < 5])
    assert [gap for gap in find_gaps(days, 86_400, RULE, FOREX) if not gap.closed] == []
    friday = int(np.searchsorted(days, utc("2025-07-03 21:00")))
    gaps = find_gaps(np.delete(days, [friday, friday + 1]), 86_400, RULE, FOREX)
    assert [gap.missing for gap in gaps if not gap.closed] == [2]
    weeks = RULE.times_to_utc(utc("2025-01-05 00:00") + np.arange(40) * 7 * 86_400)
    assert find_gaps(weeks, 7 * 86_400, RULE, FOREX) == []
    assert [gap.missing for gap in find_gaps(np.delete(weeks, 20), 7 * 86_400, RULE, FOREX)] == [1]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2025-06-06 20:00", True),  # the last hours of a week
        ("2025-06-06 21:30", False),
        ("2025-06-08 20:30", False),
        ("2025-06-08 21:30", True),
        ("2025-12-26 12:00", True),  # some brokers are closed then
        ("2025-12-25 12:00", False),
    ],
)
@pytest.mark.parametrize("hours", [FOREX, None], ids=["currencies", "of no known kind"])
def test_whether_it_trades_now(year: Any, moment: str, expected: bool, hours: Hours | None) -> None:
    """With a window of one weekend at most, so that there is none to learn from."""
    before = year["time"][year["time"] < utc(moment)][-1400:]
    now = datetime.fromtimestamp(utc(moment), UTC)
    if hours is None and not expected and "2025-06" in moment:
        return  # of an unknown kind nothing is claimed so near to the ends of a week
    assert trades_at(before, 300, RULE, now, hours) is expected


SPRING, AUTUMN = datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2025, 11, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [60, 300, 900, 3600])
@pytest.mark.parametrize("turn", [SPRING, AUTUMN])
def test_no_pause_where_only_the_clock_changes(turn: datetime, seconds: int) -> None:
    times = int(turn.timestamp()) + np.arange(-200, 200) * seconds
    assert find_gaps(times, seconds, RULE, ALWAYS) == []


@pytest.mark.parametrize("seconds", [4 * 3600, 86_400])
@pytest.mark.parametrize("turn", [SPRING, AUTUMN])
def test_longer_bars_follow_the_clock_of_the_server(turn: datetime, seconds: int) -> None:
    stamps = int(turn.timestamp()) // 86_400 * 86_400 + np.arange(-60, 60) * seconds
    assert find_gaps(RULE.times_to_utc(stamps), seconds, RULE, ALWAYS) == []


def test_the_hour_that_the_clock_repeats_is_missed_when_it_is_there_once() -> None:
    times = int(AUTUMN.timestamp()) + np.arange(-200, 200) * 300
    first = int(AUTUMN.timestamp())
    once = times[(times < first) | (times >= first + 3600)]
    assert find_gaps(once, 300, RULE, ALWAYS) == [Gap(first, first + 3300, 12, closed=False)]
    assert trades_at(once, 300, RULE, AUTUMN + timedelta(minutes=30), ALWAYS)
