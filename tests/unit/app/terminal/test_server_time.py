from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.errors import UserAction
from app.terminal.server_time import ServerClock, ServerTimeRule, fresh_offset, moved_offset, rule_for_offset


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("rule", "moment", "hours"),
    [
        ("auto", at(2025, 3, 9, 6, 59), 2),
        ("auto", at(2025, 3, 9, 7, 0), 3),
        ("auto", at(2025, 11, 2, 5, 59), 3),
        ("auto", at(2025, 11, 2, 6, 0), 2),
        ("GMT+2/+3 New York", at(2006, 3, 20, 0, 0), 2),  # before 2007 New York changed in April
        ("GMT+2/+3 Europe", at(2025, 3, 30, 0, 59), 2),
        ("GMT+2/+3 Europe", at(2025, 3, 30, 1, 0), 3),
        ("Europe/Athens", at(2025, 3, 30, 1, 0), 3),
        ("Europe/Athens", at(2025, 10, 26, 1, 0), 2),
        ("EST", at(2025, 7, 1, 0, 0), -5),
        ("UTC", at(2025, 7, 1, 0, 0), 0),
        ("UTC-5:30", at(2025, 7, 1, 0, 0), -5.5),
    ],
)
def test_rules_change_on_their_dates(rule: str, moment: datetime, hours: float) -> None:
    assert ServerTimeRule(rule).offset_s(moment) == hours * 3600


@pytest.mark.parametrize("rule", ["auto", "GMT+2/+3 Europe", "Europe/Athens", "UTC+3"])
def test_there_and_back_again_through_a_year(rule: str) -> None:
    clock = ServerTimeRule(rule)
    utc = np.arange(int(at(2024, 12, 20).timestamp()), int(at(2026, 1, 10).timestamp()), 1800, dtype=np.int64)
    back = clock.times_to_utc(clock.times_to_server(utc))
    # Only the hour that the server's clock shows twice cannot be told apart.
    assert np.count_nonzero(back != utc) <= 2
    for moment in utc[::997]:
        stamp = clock.to_server(datetime.fromtimestamp(int(moment), UTC))
        assert clock.times_to_server(np.array([moment]))[0] == stamp
        assert clock.to_utc(stamp).timestamp() == clock.times_to_utc(np.array([int(stamp)]))[0]


def test_an_unknown_rule_is_told_with_the_choices() -> None:
    with pytest.raises(UserAction, match="Europe/Athens"):
        ServerTimeRule("Mars/Olympus")


def test_a_quote_of_the_weekend_says_nothing() -> None:
    saturday = at(2025, 6, 7, 12, 0)
    assert fresh_offset(saturday.timestamp() + 3 * 3600, saturday) is None


def test_two_fresh_quotes_replace_a_wrong_rule_but_one_does_not() -> None:
    clock, now = ServerClock("auto"), at(2025, 6, 3, 12, 0)
    assert not clock.observe(now.timestamp(), now)  # this server runs on UTC
    assert not clock.observe(now.timestamp(), now + timedelta(seconds=1))
    assert clock.rule.offset_s(now) == 3 * 3600
    assert clock.observe(now.timestamp() + 2, now + timedelta(seconds=2))
    assert (clock.rule.offset_s(now), clock.confirmed) == (0, True)


def test_a_named_rule_is_never_overruled() -> None:
    clock, now = ServerClock("UTC+3"), at(2025, 6, 3, 12, 0)
    for second in range(5):
        clock.observe(now.timestamp() + second, now + timedelta(seconds=second))
    assert clock.rule.offset_s(now) == 3 * 3600


@pytest.mark.parametrize("rule", ["UTC", "GMT+2/+3 Europe", "UTC+5:30", "GMT-5/-4 New York"])
@pytest.mark.parametrize("pause_s", [1, 300, 900])
def test_a_quote_that_moves_between_two_looks_tells_the_offset_at_any_time(rule: str, pause_s: int) -> None:
    server = ServerTimeRule(rule)
    for before in (at(2025, 6, 3, 12, 0), at(2025, 6, 7, 3, 17)):  # a weekend too: who moves is quoted
        now = before + timedelta(seconds=pause_s)
        for made in (before, before + (now - before) / 2, now):
            assert moved_offset(server.to_server(made), before, now) == server.offset_s(now)


def test_what_does_not_move_or_lags_by_a_quarter_tells_nothing() -> None:
    before, now = at(2025, 6, 3, 12, 0), at(2025, 6, 3, 12, 5)
    assert moved_offset(now.timestamp() - 900, before, now) is None
    assert moved_offset(now.timestamp(), before, before + timedelta(hours=1)) is None  # too long to tell half hours
    assert moved_offset(now.timestamp(), now, before) is None  # somebody set the clock back


def test_the_last_quotes_of_sessions_that_ended_at_a_whole_hour_are_no_other_clock() -> None:
    """Two symbols whose day ended at 21:00 UTC, looked at on the stroke of 22:00, look like UTC+2 on UTC+3."""
    clock, now = ServerClock("auto"), at(2025, 6, 3, 22, 0)
    for symbol, second in (("XAUUSD", 1), ("US30", 2), ("XAUUSD", 1)):
        assert not clock.observe(at(2025, 6, 3, 23, 59).timestamp() + 60 - second, now, symbol)
    assert not clock.known


def test_a_learned_rule_is_disputed_not_replaced() -> None:
    clock, now = ServerClock("auto"), at(2025, 6, 3, 12, 0)
    clock.adopt("GMT+2/+3 Europe")
    assert (clock.known, clock.confirmed) == (True, False)
    for minute in range(3):
        look = now + timedelta(minutes=minute)
        assert not clock.observe(look.timestamp(), look, "XAUUSD")
    assert (clock.rule.name, clock.disputed, clock.confirmed) == ("GMT+2/+3 Europe", 0, False)
    clock.adopt("UTC")
    assert (clock.rule.name, clock.disputed) == ("UTC", None)
    clock.meet("auto")  # another server
    assert (clock.rule.name, clock.known) == ("GMT+2/+3 New York", False)


@pytest.mark.parametrize(("offset_s", "name"), [(0, "UTC"), (-14_400, "UTC-4"), (19_800, "UTC+5:30")])
def test_names_of_fixed_rules(offset_s: int, name: str) -> None:
    assert rule_for_offset(offset_s, at(2025, 6, 3)).name == name
